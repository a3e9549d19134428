from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kouan.apps.staff import passkeys
from kouan.apps.staff.errors import LastFactor, NoPasskeysHere, PasskeyRefused, UsedBefore
from kouan.apps.staff.models import Passkey, SignIn, Spent
from software_passkey import PRESENT, VERIFIED, Authenticator

pytestmark = pytest.mark.django_db
ORIGIN = "https://portal.example"


@pytest.fixture(autouse=True)
def _named(configure):
    configure(portal_origin=ORIGIN)


@pytest.fixture
def session():
    return {}


@pytest.fixture
def device():
    return Authenticator(ORIGIN)


@pytest.fixture
def registered(officer, device, session):
    options = passkeys.ask_to_register(user=officer, session=session)
    return passkeys.register(user=officer, session=session, answer=device.create(options), name="laptop")


def test_what_the_browser_is_asked_to_make(officer, registered):
    options = passkeys.ask_to_register(user=officer, session={})
    assert options["rp"]["id"] == "portal.example"
    assert {each["alg"] for each in options["pubKeyCredParams"]} <= {-7, -8, -257}
    selection = options["authenticatorSelection"]
    assert (selection["residentKey"], selection["userVerification"]) == ("required", "required")
    assert len(options["excludeCredentials"]) == 1
    assert officer.username not in options["user"]["id"]
    json.dumps(options)


def test_a_passkey_signs_in(officer, device, registered, session):
    options = passkeys.ask_to_sign_in(session=session)
    assert "allowCredentials" not in options
    assert passkeys.sign_in(session=session, answer=device.get(options)) == officer
    assert Passkey.objects.get().sign_count == device.count


WRONG = {
    "origin": {"origin": "https://portal.example.attacker.example"},
    "origin's scheme": {"origin": "http://portal.example"},
    "rp": {"rp": "attacker.example"},
    "challenge": {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    "type": {"type": "payment.get"},
    "not verified": {"flags": PRESENT},
    "not present": {"flags": VERIFIED},
}


@pytest.mark.parametrize("what", WRONG)
def test_an_answer_that_is_wrong(officer, device, registered, session, what):
    options = passkeys.ask_to_sign_in(session=session)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in(session=session, answer=device.get(options, **WRONG[what]))


@pytest.mark.parametrize("what", WRONG)
def test_a_registration_that_is_wrong(officer, device, session, what):
    options = passkeys.ask_to_register(user=officer, session=session)
    with pytest.raises(PasskeyRefused):
        passkeys.register(
            user=officer, session=session, answer=device.create(options, **WRONG[what]), name="x"
        )
    assert not Passkey.objects.exists()


@pytest.mark.parametrize(
    "changes", [{"signature": b"\x30\x06\x02\x01\x01\x02\x01\x01"}, {"handle": b"other"}]
)
def test_a_signature_or_a_handle_of_somebody_else(officer, device, registered, session, changes):
    options = passkeys.ask_to_sign_in(session=session)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in(session=session, answer=device.get(options, **changes))


@pytest.mark.parametrize("count", [0, 1])
def test_a_counter_that_does_not_go_on(device, registered, session, count, caplog):
    options = passkeys.ask_to_sign_in(session=session)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in(session=session, answer=device.get(options, count=count))
    assert "counter went back" in caplog.text


def test_a_device_that_does_not_count(officer, device, session):
    options = passkeys.ask_to_register(user=officer, session=session)
    passkeys.register(user=officer, session=session, answer=device.create(options, count=0), name="phone")
    for _time in range(2):
        options = passkeys.ask_to_sign_in(session=session)
        assert passkeys.sign_in(session=session, answer=device.get(options, count=0)) == officer


def test_a_challenge_is_good_for_one_answer(officer, device, registered, session):
    options = passkeys.ask_to_sign_in(session=session)
    kept = dict(session)
    answer = device.get(options)
    passkeys.sign_in(session=session, answer=answer)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in(session=session, answer=answer)
    with pytest.raises(UsedBefore):  # as a request at the same moment would find it
        passkeys.sign_in(session=kept, answer=device.get(options))
    assert Spent.objects.count() == 2


def test_a_challenge_does_not_last(officer, device, registered, session):
    options = passkeys.ask_to_sign_in(session=session)
    session["staff_challenge"]["at"] -= 301
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in(session=session, answer=device.get(options))


def test_a_challenge_is_for_what_it_was_asked_for(officer, device, registered, session):
    other = User.objects.create_user("other")
    options = passkeys.ask_to_register(user=officer, session=session)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in(session=session, answer=device.get({**options, "rpId": "portal.example"}))
    options = passkeys.ask_to_sign_in(session=session, user=other)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in(session=session, answer=device.get(options))
    options = passkeys.ask_to_sign_in(session=session, user=other)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in(session=session, user=other, answer=device.get(options))


def test_a_passkey_of_a_closed_account(officer, device, registered, session):
    User.objects.update(is_active=False)
    options = passkeys.ask_to_sign_in(session=session)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in(session=session, answer=device.get(options))


def test_a_credential_belongs_to_one_account(officer, device, registered, session):
    other = User.objects.create_user("other")
    options = passkeys.ask_to_register(user=other, session=session)
    with pytest.raises(PasskeyRefused):
        passkeys.register(user=other, session=session, answer=device.create(options), name="x")
    assert Passkey.objects.get().user == officer


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60
)
@given(
    answer=st.text(max_size=100)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "rawId", "response", "type", "clientDataJSON", "authenticatorData", "signature",
                 "attestationObject", "userHandle", "clientExtensionResults", "challenge", "origin"]
            ),
            inner,
            max_size=6,
        ),
        max_leaves=12,
    ).map(json.dumps)
)  # fmt: skip
def test_any_answer_is_refused_in_our_own_words(officer, answer):
    session = {}
    passkeys.ask_to_sign_in(session=session)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in(session=session, answer=answer)
    passkeys.ask_to_register(user=officer, session=session)
    with pytest.raises(PasskeyRefused):
        passkeys.register(user=officer, session=session, answer=answer, name="x")


@pytest.mark.parametrize(
    ("origin", "possible"),
    [
        ("https://portal.example", True),
        ("http://localhost:8100", True),
        ("http://portal.example", False),
        ("http://127.0.0.1:8100", False),
        ("https://127.0.0.1:8100", False),
        ("https://[::1]:8100", False),
    ],
)
def test_where_browsers_let_passkeys_be_used(configure, officer, origin, possible):
    configure(portal_origin=origin)
    assert passkeys.are_possible() is possible
    if not possible:
        with pytest.raises(NoPasskeysHere):
            passkeys.ask_to_sign_in(session={})


def test_the_last_factor_stays_where_one_is_compulsory(officer, registered, configure):
    configure(require_second_factor=True)
    with pytest.raises(LastFactor):
        passkeys.remove(user=officer, key=registered.pk)
    configure(require_second_factor=False)
    passkeys.remove(user=officer, key=registered.pk)
    assert not Passkey.objects.exists()


# On the pages


def test_a_passkey_from_making_to_removing(client, sign_in, officer, device):
    sign_in("officer")
    options = client.post("/account/passkey/make").json()
    made = {"name": "laptop", "credential": device.create(options)}
    assert client.post("/account/passkey", made).headers["Location"] == "/account/"
    assert client.post("/account/passkey", made).status_code == 422
    key = Passkey.objects.get()
    assert client.post(f"/account/passkey/{key.pk}", {"name": ""}).status_code == 422
    assert client.post(f"/account/passkey/{key.pk}", {"name": "blue key"}).status_code == 302
    assert "blue key" in client.get("/account/").content.decode()
    assert client.post(f"/account/passkey/{key.pk}", {"remove": "1"}).status_code == 302
    assert not Passkey.objects.exists()


def test_signing_in_with_it_leads_where_one_wanted(client, officer, device, registered):
    before = client.session.session_key
    options = client.post("/sign-in/passkey/ask").json()
    answer = client.post("/sign-in/passkey", {"credential": device.get(options), "next": "/accessibility"})
    assert answer.headers["Location"] == "/accessibility"
    assert SignIn.objects.get().way == "passkey"
    assert client.session.session_key != before


def test_next_leads_to_our_own_pages_alone(client, officer, device, registered):
    options = client.post("/sign-in/passkey/ask").json()
    answer = client.post("/sign-in/passkey", {"credential": device.get(options), "next": "//e.example"})
    assert answer.headers["Location"] == "/"


def test_as_the_second_step_it_must_be_the_same_account(client, sign_in, device, registered, session):
    other = User.objects.create_user("other", password="a long enough password 1")  # noqa: S106 - a test's account
    stranger = Authenticator(ORIGIN)
    options = passkeys.ask_to_register(user=other, session=session)
    passkeys.register(user=other, session=session, answer=stranger.create(options), name="x")
    assert sign_in("officer").headers["Location"] == "/sign-in/second-step"
    options = client.post("/sign-in/passkey/ask").json()
    assert len(options["allowCredentials"]) == 1
    assert client.post("/sign-in/passkey", {"credential": stranger.get(options)}).status_code == 422
    options = client.post("/sign-in/passkey/ask").json()
    assert client.post("/sign-in/passkey", {"credential": device.get(options)}).status_code == 302
    assert SignIn.objects.get().way == "password-passkey"


def test_another_accounts_passkey_cannot_be_touched(client, sign_in, registered):
    User.objects.create_user("other", password="a long enough password 1")  # noqa: S106 - a test's account
    sign_in("other")
    for data in ({"remove": "1"}, {"name": "mine"}):
        assert client.post(f"/account/passkey/{registered.pk}", data).status_code == 404
    assert Passkey.objects.get().name == "laptop"


@pytest.mark.parametrize("path", ["/account/", "/account/passkey", "/account/passkey/make", "/account/app",
                                  "/account/codes", "/sign-in/passkey", "/sign-in/passkey/ask",
                                  "/sign-in/second-step", "/staff/", "/sign-out"])  # fmt: skip
def test_every_form_needs_its_token(officer, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(officer)
    assert client.post(path).status_code == 403


def test_asking_is_limited(client):
    answers = [client.post("/sign-in/passkey/ask").status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
