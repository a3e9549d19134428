from __future__ import annotations

from datetime import timedelta

import pytest

from kouan.core.trust import cose
from kouan.core.trust.errors import KeyNotValid, NoUsableKey, UnknownKey
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.own import OwnKeysCache, current_document, load
from kouan.core.trust.rotation import rotate
from kouan.core.trust.store import KeyStore

TYPE = "application/kouan-test+cose"
DOOR = "https://hk.example:8443"


@pytest.mark.parametrize("side", ["hk", "mo"])
def test_a_side_verifies_with_its_document_what_it_signs(keys_of, side, now):
    keys = keys_of(side)
    data = cose.sign1(b"payload", keys.signer(now), content_type=TYPE)
    found = cose.verify1(data, keys.public.key_finder(now), content_type=TYPE, max_bytes=500)
    assert found.payload == b"payload"
    assert keys.suite.cose_alg == found.alg


def test_a_key_counts_only_in_its_time(keys_of, now):
    keys = keys_of("hk")
    kid = keys.signer(now).kid
    (listed,) = [key for key in keys.public.trust.content.keys if key.use is KeyUse.SIGN]
    for moment in (listed.since, listed.until - timedelta(microseconds=1)):
        keys.public.verification_key(kid, moment)
    for moment in (listed.since - timedelta(microseconds=1), listed.until):
        with pytest.raises(KeyNotValid, match=kid.hex()):
            keys.public.verification_key(kid, moment)


def test_only_keys_listed_for_signing_verify(keys_of, now):
    public = keys_of("hk").public
    others = [key.kid for key in public.trust.content.keys if key.use is not KeyUse.SIGN]
    for kid in (*others, bytes(16)):
        with pytest.raises(UnknownKey, match="hk"):
            public.verification_key(kid, now)


def test_an_old_key_verifies_what_was_signed_in_its_time_and_nothing_later(store_of, now):
    store = store_of("hk")
    old = store.signer(KeyUse.SIGN, now).kid
    later = now + timedelta(days=100)
    rotate(store, KeyUse.SIGN, now=later, overlap=timedelta(days=1))
    public = load(store.directory, side="hk", door_url=DOOR, now=later).public
    public.verification_key(old, now)
    public.verification_key(old, later + timedelta(hours=23))
    with pytest.raises(KeyNotValid):
        public.verification_key(old, later + timedelta(days=1))


def test_others_seal_to_the_newest_key_and_we_open_both(store_of, now):
    store = store_of("hk")
    before = load(store.directory, side="hk", door_url=DOOR, now=now)
    rotate(store, KeyUse.DECRYPT, now=now + timedelta(days=30))
    after = load(store.directory, side="hk", door_url=DOOR, now=now + timedelta(days=30))
    moment = now + timedelta(days=31)
    old, new = before.public.sealing_key(moment)[0], after.public.sealing_key(moment)[0]
    assert old != new
    for kid, public in (before.public.sealing_key(moment), after.public.sealing_key(moment)):
        assert after.decryption_key(kid).public_key() == public
    with pytest.raises(NoUsableKey, match="decrypt"):
        after.public.sealing_key(now + timedelta(days=900))


def test_log_and_witness_keys_are_those_of_the_store(keys_of):
    keys = keys_of("gd")
    assert keys.public.log_key == keys.log_key.public_key()
    assert keys.public.witness_key == keys.witness_key.public_key()
    assert keys.public.log_key != keys.public.witness_key
    assert (keys.public.log_origin, keys.public.witness_name) == ("gd.kouan/ledger", "gd.kouan/witness")


def test_the_document_is_the_same_bytes_until_something_changes(store_of, now):
    store = store_of("hk")
    first = current_document(store, door_url=DOOR, now=now)
    assert current_document(store, door_url=DOOR, now=now + timedelta(days=9)) == first
    moved = load(store.directory, side="hk", door_url="https://elsewhere.example", now=now)
    assert moved.document != first
    assert (moved.public.serial, moved.public.door_url) == (2, "https://elsewhere.example")
    rotate(store, KeyUse.TLS, now=now)
    assert load(store.directory, side="hk", door_url="https://elsewhere.example", now=now).public.serial == 2
    rotate(store, KeyUse.SIGN, now=now)
    rotated = load(store.directory, side="hk", door_url="https://elsewhere.example", now=now)
    assert rotated.public.serial == 3
    assert rotated.fingerprint == moved.fingerprint


def test_own_keys_are_loaded_once_and_again_after_a_rotation(store_of):
    store, cache = store_of("hk"), OwnKeysCache()

    def get():
        return cache.get(store.directory, side="hk", door_url=DOOR)

    get()  # the first makes the document
    held = get()
    assert get() is held
    rotate(KeyStore.open(store.directory), KeyUse.SIGN)
    assert get().public.serial == held.public.serial + 1


def test_an_ended_certificate_does_not_stop_what_needs_no_connection(store_of, now):
    store = store_of("hk")
    keys = load(store.directory, side="hk", door_url=DOOR, now=now + timedelta(days=500))
    assert keys.tls_certificate.exists()
