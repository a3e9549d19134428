from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.templatetags.static import static

from kouan.core.sides import all_sides
from kouan.web import sidecolours

if TYPE_CHECKING:
    from django.http import HttpResponse

pytestmark = pytest.mark.django_db  # the end of a request tidies connections up, and so touches them


def _get(client, address: str) -> tuple[HttpResponse, bytes]:
    response = client.get(address)
    content = b"".join(response.streaming_content)
    response.close()
    return response, content


def test_a_versioned_address_is_kept_for_ever_and_a_plain_one_is_not(client):
    address = static("kouan/frame.css")
    assert re.fullmatch(r"/static/~[0-9a-f]{16}/kouan/frame\.css", address)
    versioned, content = _get(client, address)
    assert versioned.status_code == 200
    assert versioned.headers["Content-Type"].startswith("text/css")
    assert "immutable" in versioned.headers["Cache-Control"]
    plain, same = _get(client, "/static/kouan/frame.css")
    assert "immutable" not in plain.headers["Cache-Control"]
    assert content == same


def test_a_module_finds_its_neighbour_under_the_same_version(client):
    assert _get(client, static("vendor/govuk-frontend.js"))[0].status_code == 200
    assert b'from "../vendor/govuk-frontend.js"' in _get(client, static("kouan/start.js"))[1]


def test_a_file_that_does_not_exist_is_an_error_where_it_is_named():
    with pytest.raises(ValueError, match="make setup"):
        static("vendor/nothing.css")


def test_a_wrong_version_is_not_served(client):
    assert client.get("/static/~0000000000000000/kouan/frame.css").status_code == 404


def test_the_served_style_sheet_holds_no_licensed_font_and_no_crest(client):
    content = _get(client, static("vendor/govuk-frontend.css"))[1]
    for foreign in (b"GDS Transport", b"@font-face", b"url("):
        assert foreign not in content


def test_every_side_brings_its_colours(client):
    response = client.get(f"/sides.css?v={sidecolours.stylesheet_version()}")
    for side in all_sides():
        assert f'[data-side="{side.code}"]' in response.content.decode()
        assert side.accent.colour in response.content.decode()
    assert "immutable" in response.headers["Cache-Control"]
    again = client.get("/sides.css", headers={"if-none-match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_page_names_its_side_and_loads_its_colours(client):
    text = client.get("/").content.decode()
    assert f'data-side="{settings.NODE.side}"' in text
    assert f"/sides.css?v={sidecolours.stylesheet_version()}" in text
