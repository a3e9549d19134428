"""Bytes that no client sends."""

from __future__ import annotations

import pytest

from apps.identity.provider.software import (
    b64,
    error_of,
)
from kouan.apps.identity.models import (
    AccessToken,
    SignIn,
    SpentToken,
)


@pytest.mark.parametrize(
    "body",
    [
        b"client_id=a&client_id=b",
        b"grant_type=authorization_code&code=%00",
        b"grant_type=authorization_code&code=a%0d%0ab",
        b"grant_type=authorization_code&code=%C2%85",
        b"grant_type=authorization_code&code=%ff%fe",
        b"\xff\xfe",
        b"code=" + b"A" * 3000,
        b"client_assertion=" + b"A" * 9000,
        b"x=" + b"A" * 60_000,
        b"&".join(b"p%d=1" % number for number in range(60)),
        b"client_id=" + b"a" * 65,
    ],
)
def test_a_form_out_of_shape_is_refused_before_it_is_read(body, software):
    client = software("public")
    for path in ("/oidc/token", "/oidc/par"):
        assert error_of(client.post(path, body, {})) == "invalid_request"


@pytest.mark.parametrize(
    "query", ["client_id=a&client_id=b", "state=" + "s" * 1025, "client_id=%00", "x=%ff"]
)
def test_a_query_out_of_shape_gets_a_page(query, software, client):
    answer = client.get(f"/oidc/authorize?{query}")
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_other_kinds_of_bodies_are_refused(software, client):
    for path in ("/oidc/token", "/oidc/par"):
        assert client.post(path, "{}", content_type="application/json").json()["error"] == "invalid_request"
        assert client.get(path).status_code == 405


BROKEN = [
    "x",
    ".",
    "..",
    "a.b.c",
    "e30.e30.",
    "W10.W10.W10",
    "A" * 8000,
    "e30.e30.é",
    "eyJhbGciOiJFUzI1NiJ9.bnVsbA.AAAA",  # null for claims
    "eyJhbGciOiJFUzI1NiJ9.TmFO.AAAA",  # NaN for claims
    "eyJhbGciOltdfQ.e30.AAAA",  # a list for an algorithm
    "eyJhbGciOiJFUzI1NiIsImNyaXQiOlsieCJdfQ.e30.AAAA",  # an extension that is critical
    "eyJhbGciOiJFUzI1NiIsImI2NCI6ZmFsc2V9.e30.AAAA",  # a payload that is not encoded
    f"{b64(b'[' * 2000)}.e30.AAAA",
    f"e30.{b64(b'[' * 3000)}.AAAA",
]


@pytest.mark.parametrize("token", BROKEN)
def test_no_token_however_broken_gets_past_the_parser(token, software):
    client = software()
    assert error_of(client.push(assertion=token), 401) == "invalid_client"
    assert error_of(client.push(proof=token)) == "invalid_dpop_proof"


def test_refusals_say_nothing_of_what_was_sent_and_speak_the_readers_language(software):
    client = software()
    client.verifier = "s3cr3t" * 8
    answer = client.redeem("c0de" * 10, code_verifier="s3cr3t" * 8)
    said = answer.json()
    assert said["error_description"].isascii()
    assert "s3cr3t" not in answer.body.decode()
    assert "c0de" not in answer.body.decode()
    answer = client.post("/oidc/token", {}, {"Accept-Language": "zh-HK"})
    assert answer.json()["error_description"].isascii()


def test_nothing_secret_is_kept_as_it_is(code):
    client, given = code()
    answer = client.redeem(given).json()
    for row in [*AccessToken.objects.values(), *SignIn.objects.values(), *SpentToken.objects.values()]:
        assert given not in str(row)
        assert answer["access_token"] not in str(row)
        assert "LEE Ka" not in str(row)
