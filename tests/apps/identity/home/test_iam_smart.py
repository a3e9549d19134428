"""iAM Smart's shape: what is asked, what is refused, and that a content key may end at any time."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from apps.identity.home.conftest import home_settings
from kouan.apps.identity.domain import Level
from kouan.apps.identity.home import iam_smart
from kouan.apps.identity.home.adapter import Asked
from kouan.apps.identity.home.errors import HomeAnswerRefused, HomeRefused, UnknownLevel, UnusableAttributes
from peers.iam_smart import CLIENT, SECRET, IamSmart

KEY = rsa.generate_private_key(65537, 2048)
LEVELS = {"iam-smart": 3, "iam-smart-plus": 4}


@pytest.fixture
def server():
    iam_smart._keys.clear()
    one = IamSmart(KEY.public_key())
    yield one
    one.close()
    iam_smart._keys.clear()


@pytest.fixture
def adapter(server, tmp_path):
    file = tmp_path / "service.pem"
    file.write_bytes(
        KEY.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    given = {"kind": "iam-smart", "client_id": CLIENT, "secret": SECRET, "key_file": file, "levels": LEVELS}
    return lambda **changes: iam_smart.IamSmart(home_settings(server.address, **given | changes))


def sign_in(adapter, server, **scan):
    begun = adapter.begin(Asked(Level.LOW))
    return adapter.finish(begun.kept, server.scan(begun.url, **scan))


def test_a_resident_signs_in(adapter, server):
    said = sign_in(adapter(), server)

    assert said.subject == "tokenised-1"
    assert said.level is Level.HIGH
    assert abs(said.authenticated_at - timezone.now()) < timedelta(minutes=1)
    assert said.claims == {
        "name": "LEE Ka Yan",
        "name#zh-Hant": "李嘉欣",
        "gender": "female",
        "birthdate": "1994-08-23",
        "document_type": "hkid",
        "document_number": "B1234566",
    }
    assert server.refusals == []


def test_the_page_is_asked_for_in_the_persons_language(adapter):
    begun = adapter().begin(Asked(Level.LOW, language="zh-hant"))

    assert "lang=zh-HK" in begun.url
    assert begun.state in begun.url


def test_a_content_key_is_asked_for_once_while_it_counts(adapter, server):
    sign_in(adapter(), server)
    sign_in(adapter(), server)

    assert server.keys_given == 1


def test_a_content_key_that_has_ended_is_renewed(adapter, server):
    server.key_life = 0
    sign_in(adapter(), server)

    assert server.keys_given == 2
    assert server.refusals == []


def test_a_content_key_that_the_server_no_longer_knows_is_renewed(adapter, server):
    sign_in(adapter(), server)
    server.forget_key()

    assert sign_in(adapter(), server).subject == "tokenised-1"
    assert server.refusals == ["D30001"]


@pytest.mark.parametrize("code", ["D40000", "D40001", "D40003"])
def test_a_person_who_does_not_want_to_is_not_signed_in(adapter, server, code):
    with pytest.raises(HomeRefused):
        sign_in(adapter(), server, error=code)


def test_an_error_that_nobody_knows_is_no_sign_in(adapter, server):
    with pytest.raises(HomeAnswerRefused):
        sign_in(adapter(), server, error="D99999")


def test_a_wrong_secret_signs_nothing(adapter, server):
    with pytest.raises(HomeAnswerRefused):
        sign_in(adapter(secret="another secret altogether"), server)  # noqa: S106 - it guards nothing
    assert server.refusals == ["D20001"]


def test_a_request_of_another_time_is_refused(adapter, server):
    server.ahead = 3600
    with pytest.raises(HomeAnswerRefused):
        sign_in(adapter(), server)
    assert server.refusals == ["D20002"]


def test_the_same_code_counts_once(adapter, server):
    one = adapter()
    begun = one.begin(Asked(Level.LOW))
    query = server.scan(begun.url)
    one.finish(begun.kept, query)

    with pytest.raises(HomeAnswerRefused) as refused:
        one.finish(begun.kept, query)
    assert refused.value.params == {"detail": "getToken"}


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("code=1&state=another", "state"),
        ("code=1", "state"),
        ("state={}", "code"),
        ("state={}&state={}&code=1", "query"),
        ("state={}&code=%ff", "query"),
    ],
)
def test_an_answer_that_is_not_to_this_attempt_is_refused(adapter, query, detail):
    one = adapter()
    begun = one.begin(Asked(Level.LOW))
    with pytest.raises(HomeAnswerRefused) as refused:
        one.finish(begun.kept, query.format(begun.state, begun.state))
    assert refused.value.params == {"detail": detail}


@pytest.mark.parametrize(
    ("path", "answer", "detail"),
    [
        ("/api/v1/security/getKey", {"code": "D00000", "content": {}}, "secretKey"),
        ("/api/v1/security/getKey", {"code": "D00000", "content": {"secretKey": "not base64"}}, "secretKey"),
        ("/api/v1/security/getKey", {"code": "D50000"}, "getKey"),
        ("/api/v1/auth/getToken", {"code": "D00000", "content": "AAAA"}, "content"),
        ("/api/v1/auth/getToken", {"code": "D00000"}, "content"),
        ("/api/v1/account/auth/getProfile", {"code": "D40200"}, "getProfile"),
    ],
)
def test_answers_that_cannot_be_used_are_refused(adapter, server, path, answer, detail):
    server.other[path] = answer
    with pytest.raises(HomeAnswerRefused) as refused:
        sign_in(adapter(), server)
    assert refused.value.params["detail"] == detail


def test_a_token_of_another_time_is_refused(adapter, server):
    server.issue_at = int((time.time() - 3600) * 1000)
    with pytest.raises(HomeAnswerRefused):
        sign_in(adapter(), server)


def test_a_level_that_is_not_known_is_refused(adapter, server):
    server.user_type = "gold"
    with pytest.raises(UnknownLevel):
        sign_in(adapter(), server)


def test_a_number_that_cannot_be_right_is_refused_and_not_repeated(adapter, server):
    server.profile["idNo"] = {"Identification": "B123456", "CheckDigit": "7"}
    with pytest.raises(UnusableAttributes) as refused:
        sign_in(adapter(), server)
    assert refused.value.params == {"claim": "document_number"}


def test_a_birthday_of_which_only_the_year_is_known(adapter, server):
    server.profile["birthDate"] = "19400000"
    assert sign_in(adapter(), server).claims["birthdate"] == "1940"


@pytest.mark.parametrize("changes", [{"secret": ""}, {"key_file": None}])
def test_settings_that_are_not_enough_are_named(adapter, changes):
    with pytest.raises(ValueError, match=r"home\.secret_env.*home\.key_file"):
        adapter(**changes)


def test_a_key_that_is_not_rsa_is_named(adapter, tmp_path):
    file = tmp_path / "wrong.pem"
    file.write_bytes(b"not a key")
    with pytest.raises(ValueError, match="private RSA key"):
        adapter(key_file=file)
