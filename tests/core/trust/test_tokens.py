"""Keys in a PKCS#11 token, against SoftHSM2 itself."""

from __future__ import annotations

import pickle
from datetime import timedelta
from pathlib import Path

import pytest

import softhsm
from kouan.core.trust import cose
from kouan.core.trust.errors import TokenUnusable
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.own import load
from kouan.core.trust.rotation import KEPT, compromise, prune, rotate
from kouan.core.trust.store import KeyStore
from kouan.core.trust.tokens import Token, configured
from kouan.sections import TokenSettings
from softhsm import MODULE, PIN

DOOR = "https://hk.example:8443"
TYPE = "application/test"

pytestmark = softhsm.marks


@pytest.fixture(scope="module")
def slot():
    """Settings of a token of SoftHSM2's."""
    softhsm.home()
    return TokenSettings(MODULE, "kouan", "KOUAN_TOKEN_PIN", ("anchor", "sign", "log", "witness"))


@pytest.fixture
def token(slot):
    return Token(slot, PIN)


@pytest.fixture
def in_token(store_of, token, now):
    """A store whose signing keys have successors in the token, and no others."""
    store = KeyStore.open(store_of("hk").directory, token=token)
    for use in (KeyUse.ANCHOR, KeyUse.SIGN, KeyUse.LOG, KeyUse.WITNESS):
        rotate(KeyStore.open(store.directory, token=token), use, overlap=timedelta(0), now=now)
    return KeyStore.open(store.directory, token=token)


def test_every_signing_use_signs_in_the_token(in_token, now):
    later = now + timedelta(days=2)
    for use in (KeyUse.ANCHOR, KeyUse.SIGN, KeyUse.LOG, KeyUse.WITNESS):
        key = in_token.current(use, later)
        assert key.in_token
        assert key.private is None
        signed = cose.sign1(b"text", in_token.signer_of(key), content_type=TYPE)
        verified = cose.verify1(signed, lambda _, key=key: key.public, content_type=TYPE, max_bytes=500)
        assert (verified.payload, verified.kid) == (b"text", key.kid)
    assert not [path for path in in_token.directory.iterdir() if key.kid.hex()[:8] in path.name]


def test_a_node_works_with_its_keys_in_a_token(in_token, token, now):
    later = now + timedelta(days=2)
    keys = load(in_token.directory, side="hk", door_url=DOOR, token=token, now=later)
    assert keys.fingerprint == in_token.current(KeyUse.ANCHOR, later).kid.hex() + keys.fingerprint[32:]
    keys.log_key.public_key().verify(keys.log_key.sign(b"checkpoint"), b"checkpoint")
    assert keys.public.verification_key(keys.signer(later).kid, later)


def test_the_private_half_cannot_be_taken_out(in_token, token, slot, now):
    import pkcs11  # noqa: PLC0415 - only where the token is

    key = in_token.current(KeyUse.SIGN, now + timedelta(days=2))
    with pkcs11.lib(str(slot.module)).get_token(token_label=slot.label).open() as session:
        private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=key.kid)
        assert private[pkcs11.Attribute.SENSITIVE]
        assert not private[pkcs11.Attribute.EXTRACTABLE]
        with pytest.raises(pkcs11.exceptions.PKCS11Error):
            private[pkcs11.Attribute.VALUE]
    assert PIN not in repr(token) + repr(in_token.signer_of(key))
    for thing in (token, in_token.signer_of(key)):
        with pytest.raises(TypeError):
            pickle.dumps(thing)


def test_compromise_and_prune_reach_the_token(in_token, token, now):
    later = now + timedelta(days=2)
    key = in_token.current(KeyUse.SIGN, later)
    fresh = compromise(in_token, KeyUse.SIGN, key.kid.hex(), since=now, reason="lost", now=later)
    assert fresh.current(KeyUse.SIGN, later).kid != key.kid
    end = later + timedelta(days=731) + KEPT
    rotate(fresh, KeyUse.SIGN, overlap=timedelta(0), now=end)
    gone = prune(KeyStore.open(in_token.directory, token=token), now=end + KEPT)
    assert key.kid in {each.kid for each in gone}
    with pytest.raises(TokenUnusable, match="NoSuchKey"):
        token.sign(key.kid, b"text", ed25519_key=False)


def test_a_key_that_is_not_there_costs_no_session(token):
    """A token has few of them."""
    for _ in range(3):
        with pytest.raises(TokenUnusable, match="NoSuchKey"):
            token.sign(b"k" * 16, b"text", ed25519_key=False)
    _pid, session = token._opened
    handle = session.handle
    with pytest.raises(TokenUnusable, match="NoSuchKey"):
        token.sign_document("no such key", b"text")
    assert token._opened[1].handle == handle


def test_a_session_that_is_lost_is_given_back_and_another_opened(in_token, token, slot, now):
    import pkcs11  # noqa: PLC0415 - only where the token is

    kid = in_token.current(KeyUse.SIGN, now + timedelta(days=2)).kid
    second = Token(slot, PIN)  # whose session is not the one that logged in
    assert second.sign(kid, b"text", ed25519_key=False)
    lost = second._opened[1]
    lost.close()
    with pytest.raises(TokenUnusable, match="SessionHandleInvalid"):
        second.sign(kid, b"text", ed25519_key=False)
    assert second.sign(kid, b"text", ed25519_key=False)
    assert second._opened[1] is not lost
    assert lost.user_type == pkcs11.constants.UserType.NOBODY


def test_what_is_wrong_with_a_token_is_said(slot, in_token, now):
    wrong_pin = Token(TokenSettings(MODULE, "locked", "X", ("sign",)), "9999")
    with pytest.raises(TokenUnusable, match="PinIncorrect"):
        wrong_pin.generate("P-256")
    elsewhere = Token(TokenSettings(MODULE, "nobody's", "X", ("sign",)), PIN)
    with pytest.raises(TokenUnusable, match="NoSuchToken"):
        elsewhere.generate("P-256")
    with pytest.raises(TokenUnusable, match="no-such-module"):
        Token(TokenSettings(Path("/no-such-module.so"), "kouan", "X", ("sign",)), PIN).generate("P-256")
    with pytest.raises(TokenUnusable, match="kept in files"):
        Token(slot, PIN).generate("X25519")
    with pytest.raises(TokenUnusable, match="KOUAN_TOKEN_PIN"):
        configured(slot, {})
    assert configured(None) is None
    later = now + timedelta(days=2)
    without = KeyStore.open(in_token.directory)
    with pytest.raises(TokenUnusable, match="settings name none"):
        without.signer(KeyUse.SIGN, later)
