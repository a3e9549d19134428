from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.identity.nodes.conftest import CLINIC
from kouan.apps.identity.domain import Level
from kouan.apps.identity.nodes import details
from kouan.apps.identity.provider.requests import Request

LINK = {
    "type": details.LINK,
    "link": "0b7e3f3a-8a0c-4f7e-9f0b-6d1f2a3b4c5d",
    "subject": "s",
    "document": "hkid",
}
SERVICE = {"type": details.SERVICE, **CLINIC.to_json()}


def request(**link):
    return Request(
        client_id="x", redirect_uri="", scopes=(), claims=(), level=Level.LOW, service=CLINIC,
        code_challenge="", **link,
    )  # fmt: skip


def test_what_is_written_is_read():
    read = details.read(details.written(request()), peer="gd")
    assert (read.service, read.link) == (CLINIC, "")
    link = {"link": LINK["link"], "link_subject": "s", "link_document": "hkid"}
    read = details.read(details.written(request(**link)), peer="gd")
    assert (read.link, read.link_subject, read.link_document) == (LINK["link"], "s", "hkid")


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        [SERVICE, SERVICE],
        [LINK],
        [SERVICE, LINK, LINK],
        [SERVICE, {"type": "urn:kouan:other"}],
        [SERVICE, "x"],
        [{**SERVICE, "more": 1}],
        [{**SERVICE, "side": "mo"}],
        [{**SERVICE, "id": "x" * 65}],
        [{**SERVICE, "id": ""}],
        [{**SERVICE, "id": "x\0"}],
        [{**SERVICE, "department": "\ud800"}],
        [SERVICE, {**LINK, "subject": "\0"}],
        [{**SERVICE, "name": {"en": "only"}}],
        [SERVICE, {**LINK, "link": "x"}],
        [SERVICE, {**LINK, "link": 1}],
        [SERVICE, {**LINK, "subject": ""}],
        [SERVICE, {**LINK, "subject": "s" * 65}],
        [SERVICE, {**LINK, "document": "passport"}],
        [SERVICE, {**LINK, "more": 1}],
    ],
)
def test_what_is_not_taken(value):
    with pytest.raises(ValueError, match="authorization_details"):
        details.read(json.dumps(value), peer="gd")


@pytest.mark.parametrize("text", ["", "{", "[" * 8000, "x" * (details.MAX_DETAILS + 1), "null", "1"])
def test_what_is_no_json_or_too_long(text):
    with pytest.raises(ValueError, match="authorization_details"):
        details.read(text, peer="gd")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["type", "id", "side", "link", "subject", "document", "name"]), x
            )
        ),
    )
)
def test_nothing_else_leaks_out(value):
    with pytest.raises(ValueError, match="authorization_details"):
        details.read(json.dumps(value), peer="gd")
