from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from apps.services.catalogue.conftest import starter
from kouan.apps.identity.models import PeerProvider
from kouan.apps.services.catalogue import keeping
from kouan.apps.services.models import ServiceVersion

SHOWN = (
    "gd/student-fast-lane",
    "gd/social-security-certificate",
    "gd/driving-licence-exchange",
    "hk/library-card",
)


@pytest.fixture
def shown(node, kept):
    kept(*(starter(name) for name in SHOWN))


@pytest.fixture
def client():
    return Client()


def text_of(client, path, language="en"):
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == 200, response.content
    return response.content.decode()


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "What do you want to do in Guangdong?"),
        ("zh-HK", "你想在廣東辦理甚麼事項？"),
        ("zh-CN", "您想在广东办理什么事项？"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/services/"])
def test_the_home_page_opens_with_the_question_in_each_script(client, shown, path, language, question):
    text = text_of(client, path, language)
    assert text.count("<h1") == 1
    assert question in text
    assert "?category=welfare-and-education" in text
    assert "?category=tax" not in text


def test_a_search_finds_across_scripts_and_keeps_what_was_asked(client, shown):
    for asked in ("羅湖", "罗湖", "Lo Wu"):
        text = text_of(client, f"/services/?q={asked}")
        assert "/services/gd/student-fast-lane/" in text
        assert f'value="{asked}"' in text
    assert "Nothing is found" in text_of(client, "/services/?q=zzzz")


def test_the_other_sides_services_are_shown_unless_another_side_is_asked_for(client, shown):
    assert "/services/hk/library-card/" not in text_of(client, "/services/?q=")
    assert "/services/hk/library-card/" in text_of(client, "/services/?side=hk")


def test_filters_that_are_none_do_not_count(client, shown):
    text = text_of(client, "/services/?category=<script>&event=x&audience=y&side=zz&page=abc")
    assert "3 services" in text
    assert "<script>" not in text.replace("<script type=", "")


def test_what_is_asked_is_shown_as_text(client, shown):
    text = text_of(client, "/services/?q=%3Cb%3E%22")
    assert "<b>" not in text


def test_a_service_is_shown_whole(client, shown):
    text = text_of(client, "/services/gd/driving-licence-exchange/")
    for part in ("¥10", "1 working day", "Pay the fee", "Demonstration", "Department of Public Security"):
        assert part in text
    assert "机动车驾驶证申领和使用规定" in text_of(client, "/services/gd/driving-licence-exchange/", "zh-CN")


def test_of_a_service_of_this_side_the_other_sides_node_is_named(client, shown):
    text = text_of(client, "/services/hk/library-card/")
    assert "Apply at the node of your own side" in text
    assert "https://gd.example" not in text
    from django.utils import timezone  # noqa: PLC0415 - of this test alone

    PeerProvider.objects.create(
        side="gd", issuer="https://gd.example", keys=[], serial=1, told_at=timezone.now(),
        message_id="0" * 32,
    )  # fmt: skip
    assert 'href="https://gd.example/services/hk/library-card/"' in text_of(
        client, "/services/hk/library-card/"
    )


def test_what_is_not_or_no_more_offered_is_said(client, node, kept):
    assert client.get("/services/gd/nothing/").status_code == 404
    (row,) = kept(starter("gd/reader-card"))
    keeping.end([row], state=ServiceVersion.State.WITHDRAWN, now=row.published_at)
    response = client.get("/services/gd/reader-card/")
    assert response.status_code == 410
    assert "no longer offers this service" in response.content.decode()


def test_before_the_other_side_has_told_of_anything_the_home_page_says_so(client, node):
    text = text_of(client, "/")
    assert "What do you want to do on the other side?" in text
    assert "not told this node of any service yet" in text


def test_the_catalogue_is_given_as_data_and_once_while_it_is_the_same(client, shown):
    for name in ("catalogue-jsonld", "catalogue-turtle"):
        response = client.get(reverse(f"services:{name}"))
        assert b"student-fast-lane" in response.content
        again = client.get(reverse(f"services:{name}"), headers={"if-none-match": response.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_the_api_lists_searches_and_shows(client, shown):
    response = client.get("/api/v1/services", {"q": "罗湖"})
    assert response.status_code == 200, response.content
    listed = response.json()
    assert [listed["services"][0][key] for key in ("side", "service")] == ["gd", "student-fast-lane"]
    assert listed["services"][0]["title"]["zh-hant"] == "跨境學童快捷通關"
    every = client.get("/api/v1/services").json()
    assert (every["count"], every["pages"]) == (len(SHOWN), 1)
    one = client.get("/api/v1/services/gd/student-fast-lane").json()
    assert one["definition"] == json.loads(starter("gd/student-fast-lane").canonical())
    assert one["digest"] == starter("gd/student-fast-lane").digest().hex()
    assert client.get("/api/v1/services", {"category": "magic"}).status_code == 422
    missing = client.get("/api/v1/services/gd/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown-service")


@pytest.mark.parametrize("path", ["gd/nothing%01", "gd/%E4%B8%80", "gd/" + "a" * 200])
def test_the_api_is_asked_for_codes_alone(client, shown, path):
    assert client.get(f"/api/v1/services/{path}").status_code == 422
