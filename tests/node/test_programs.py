"""Programs of services at the portal: answered as Django's pages would answer them, and nothing else is."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import resolve

from kouan.apps.identity.provider import portal
from kouan.apps.identity.provider.parameters import MAX_FORM
from kouan.node import programs
from kouan.node.refusals import REFUSAL, PortalBusy

FORM = "application/x-www-form-urlencoded"


def environ(path="/oidc/token", method="POST", body=b"", **more):
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": FORM,
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_HOST": "127.0.0.1:18100",
        "wsgi.input": io.BytesIO(body),
        REFUSAL: None,
    } | more


def told(messages):
    start, body = messages
    assert (start["type"], body["type"]) == ("http.response.start", "http.response.body")
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert headers["content-length"] == str(len(body["body"]))
    return start["status"], headers, body["body"]


@pytest.mark.django_db(transaction=True)  # each request ends its session, which no outer transaction outlives
@pytest.mark.parametrize(
    ("path", "method", "form"),
    [
        ("/oidc/par", "POST", {"client_id": "nobody"}),
        ("/oidc/token", "POST", {"client_id": "nobody", "grant_type": "authorization_code"}),
        ("/oidc/token", "POST", {}),
        ("/oidc/userinfo", "GET", {}),
        ("/oidc/userinfo", "POST", {}),
    ],
)
def test_the_answer_is_that_of_the_page(path, method, form):
    body = urlencode(form).encode() if method == "POST" else b""
    status, headers, said = told(programs.answered(environ(path, method, body)))
    page = Client(headers={"host": "127.0.0.1:18100"}).generic(
        method, path, body, content_type=FORM, REMOTE_ADDR="192.0.2.7"
    )
    assert (status, said) == (page.status_code, page.content)
    wanted = {name.lower(): value for name, value in page.headers.items()}
    for name in (
        "cache-control", "content-type", "content-security-policy", "permissions-policy", "referrer-policy",
        "cross-origin-opener-policy", "x-content-type-options", "x-frame-options",
    ):  # fmt: skip
        assert headers[name] == wanted[name], name
    assert headers.get("www-authenticate") == wanted.get("www-authenticate")
    assert len(headers["kouan-request"]) == 16
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    "changes",
    [
        {"PATH_INFO": "/oidc/authorize"},
        {"PATH_INFO": "/oidc/token/"},
        {"PATH_INFO": "/"},
        {"REQUEST_METHOD": "GET"},
        {"REQUEST_METHOD": "OPTIONS"},
        {"HTTP_HOST": "attacker.example"},
        {"HTTP_HOST": ""},
        {"CONTENT_LENGTH": str(MAX_FORM + 1)},
        {REFUSAL: PortalBusy(seconds=1)},
    ],
    ids=str,
)
def test_whatever_is_not_as_it_should_be_goes_to_django(changes):
    assert programs.answered(environ(**changes)) is None


@pytest.mark.django_db(transaction=True)  # each request ends its session, which no outer transaction outlives
@pytest.mark.parametrize(
    ("accepted", "words"),
    [("zh-Hant", "用戶端"), ("zh-CN,en;q=0.5", "客户端"), ("", "client"), ("tlh", "client")],
)
def test_the_sentence_is_in_the_language_that_the_program_takes(accepted, words):
    asked = environ(body=urlencode({"client_id": "nobody"}).encode(), HTTP_ACCEPT_LANGUAGE=accepted)
    value = json.loads(told(programs.answered(asked))[2])
    assert words in value["detail"]
    assert "client" in value["error_description"]


@pytest.mark.django_db(transaction=True)  # each request ends its session, which no outer transaction outlives
def test_what_fails_is_logged_and_nothing_of_it_is_told(monkeypatch, caplog):
    def fails(_asked):
        raise RuntimeError("a secret")

    broken = replace(portal.PROGRAMS["/oidc/token"], endpoint=fails)
    monkeypatch.setattr(programs, "PROGRAMS", {"/oidc/token": broken})
    status, headers, body = told(programs.answered(environ()))
    assert (status, headers["cache-control"]) == (500, "no-store")
    assert json.loads(body)["error"] == "server_error"
    assert b"secret" not in body
    assert "identity:token failed" in caplog.text


@pytest.mark.parametrize("path", portal.PROGRAMS)
def test_a_program_is_counted_as_its_page(path):
    assert resolve(path).view_name == portal.PROGRAMS[path].name
