"""Every use gets a successor; what was reported is out of use; what ended long ago loses its private half."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kouan.core.trust import changes, document
from kouan.core.trust.errors import AlreadyReported, KeyCompromised, NoSuchOwnKey, UnsoundReport
from kouan.core.trust.keys import SECOND_USES, KeyUse
from kouan.core.trust.own import load
from kouan.core.trust.rotation import KEPT, compromise, finish, prune, rotate
from kouan.core.trust.store import LIFE, OVERLAP, KeyStore

HOSTS = ("127.0.0.1",)
DOOR = "https://hk.example:8443"
HOUR = timedelta(hours=1)
ALWAYS = [use for use in KeyUse if use not in SECOND_USES]


def current(store, use, at):
    return store.current(use, at).kid


@pytest.mark.parametrize("use", ALWAYS)
def test_every_use_gets_a_successor(store_of, use, now):
    store = store_of("hk")
    old = current(store, use, now)
    rotated = rotate(store, use, hosts=HOSTS, now=now)
    at_once = {KeyUse.TLS, KeyUse.ANCHOR, KeyUse.TLS_CA}
    assert (current(rotated, use, now + HOUR) == old) is (use not in at_once)
    assert current(rotated, use, now + OVERLAP) != old
    listed = document.parse(load(store.directory, side="hk", door_url=DOOR, now=now).document)
    assert len(listed.content.keys) == (5 if use in document.LISTED_USES else 4)


@pytest.mark.parametrize("use", [use for use in ALWAYS if use is not KeyUse.TLS])
def test_old_keys_wait_for_the_peers_and_then_end(store_of, use, now):
    store = rotate(store_of("hk"), use, hosts=HOSTS, soon=True, now=now)
    assert store.content_list.ending == (use,)
    new = store.of_use(use)[-1].kid
    done = finish(store, now=now + HOUR)
    assert done.content_list.ending == ()
    assert current(done, use, now + HOUR) == new
    assert [key.valid_at(now + HOUR) for key in done.of_use(use)] == [False, True]
    assert KeyStore.open(store.directory).keys == done.keys


def test_a_new_tls_ca_serves_when_peers_know_it(store_of, now):
    store = store_of("hk")
    shown = current(store, KeyUse.TLS, now)
    rotated = rotate(store, KeyUse.TLS_CA, hosts=HOSTS, now=now)
    content = rotated.content(DOOR, at=now)
    assert content.tls_before == (store.content(DOOR, at=now).tls_ca,)
    assert current(rotated, KeyUse.TLS, now + HOUR) == shown
    later = now + OVERLAP
    assert current(rotated, KeyUse.TLS, later) != shown
    assert rotated.content(DOOR, at=later).tls_before == ()
    member = load(store.directory, side="hk", door_url=DOOR, now=now).public
    assert member.tls_ca_pem.count(b"BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize("use", [KeyUse.SIGN, KeyUse.DECRYPT, KeyUse.LOG, KeyUse.WITNESS, KeyUse.ANCHOR])
def test_a_compromised_key_is_out_of_use_at_once(store_of, use, now):
    store = store_of("hk")
    stolen = current(store, use, now)
    fresh = compromise(store, use, stolen.hex()[:10], since=now - HOUR, reason="lost", now=now)
    assert current(fresh, use, now) != stolen
    public = load(store.directory, side="hk", door_url=DOOR, now=now).public
    report = public.revoked[stolen]
    assert (report.use, report.since, report.at, report.reason) == (use, now - HOUR, now, "lost")
    assert stolen not in {key.kid for key in public.of_use(use, at=now)}
    with pytest.raises(AlreadyReported):
        compromise(fresh, use, stolen.hex(), since=now, reason="again", now=now)


def test_a_reported_sign_key_is_refused_whatever_time_is_claimed(store_of, now):
    store = store_of("hk")
    stolen = current(store, KeyUse.SIGN, now)
    compromise(store, KeyUse.SIGN, stolen.hex(), since=now, reason="lost", now=now)
    member = load(store.directory, side="hk", door_url=DOOR, now=now).public
    for at in (now - timedelta(hours=20), now, now + HOUR):
        with pytest.raises(KeyCompromised):
            member.verification_key(stolen, at)
    assert member.verification_key(stolen, now - HOUR, despite_reports=True)


@pytest.mark.parametrize("use", [KeyUse.TLS, KeyUse.TLS_CA])
def test_a_compromised_tls_key_is_withdrawn_with_its_authority(store_of, use, now):
    store = store_of("hk")
    stolen, shown = current(store, use, now), current(store, KeyUse.TLS, now)
    fresh = compromise(store, use, stolen.hex(), since=now, reason="lost", hosts=HOSTS, now=now)
    assert current(fresh, KeyUse.TLS, now) == shown, "peers cannot know another yet"
    done = finish(fresh, now=now)
    assert current(done, KeyUse.TLS, now + HOUR) != shown
    assert done.content(DOOR, at=now + HOUR).tls_before == ()


def test_reports_that_cannot_be_carried_change_nothing(store_of, now):
    store = store_of("hk")
    kid = current(store, KeyUse.SIGN, now).hex()
    before = (store.directory / "keys.json").read_bytes()
    for kwargs in (
        {"since": now + HOUR, "reason": "x"},
        {"since": now, "reason": ""},
        {"since": now, "reason": "a\nb"},
    ):
        with pytest.raises(UnsoundReport):
            compromise(store, KeyUse.SIGN, kid, now=now, **kwargs)
    for wrong in ("", "zz", current(store, KeyUse.LOG, now).hex()):
        with pytest.raises(NoSuchOwnKey):
            compromise(store, KeyUse.SIGN, wrong, since=now, reason="x", now=now)
    assert (store.directory / "keys.json").read_bytes() == before


def test_only_what_ended_long_ago_is_deleted_and_its_public_half_stays(store_of, now):
    store = store_of("hk")
    first = {use: current(store, use, now) for use in ALWAYS}
    for use in ALWAYS:
        rotate(KeyStore.open(store.directory), use, hosts=HOSTS, overlap=timedelta(0), now=now)
    store = KeyStore.open(store.directory)
    assert prune(store, now=now + KEPT - HOUR) == []
    gone = prune(store, now=now + KEPT + HOUR)
    assert {key.kid for key in gone} >= set(first.values())
    for key in gone:
        assert not store.path_of(key).exists()
    left = KeyStore.open(store.directory)
    member = load(store.directory, side="hk", door_url=DOOR, now=now + KEPT + HOUR).public
    assert {key.kid for key in member.trust.content.keys} >= {
        first[use] for use in (KeyUse.SIGN, KeyUse.LOG, KeyUse.WITNESS)
    }
    assert first[KeyUse.DECRYPT] not in {key.kid for key in left.keys}
    assert member.verification_key(first[KeyUse.SIGN], now - HOUR)
    assert prune(left, now=now + KEPT + HOUR) == []


def test_the_last_key_of_a_use_is_never_deleted(store_of, now):
    store = store_of("hk")
    assert prune(store, now=now + max(LIFE.values()) + 2 * KEPT) == []


def test_private_keys_are_not_shown_and_do_not_leave_the_process(store_of, now):
    keys = load(store_of("hk").directory, side="hk", door_url=DOOR, now=now)
    secrets = [
        key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())[-32:].hex()
        for key in keys.keys
    ]
    shown = repr(keys) + repr(keys.keys) + str(keys.public) + repr(vars(keys._store))
    assert not [secret for secret in secrets if secret in shown]
    for thing in (keys, keys.signer(now), keys.log_key, keys.keys[0]):
        with pytest.raises(TypeError):
            pickle.dumps(thing)


def statements_of(keys, now, signers=None):
    change = changes.Change("hk", keys.public.serial, bytes.fromhex(keys.public.trust.digest), 1)
    chosen = [signer for key, signer in keys.vouching() if signers is None or key.use in signers]
    return changes.sign_change(change, chosen)


@pytest.mark.parametrize("use", [KeyUse.SIGN, KeyUse.LOG, KeyUse.WITNESS, KeyUse.TLS_CA])
def test_a_new_key_needs_the_word_of_the_old_one(store_of, use, now):
    store = store_of("hk")
    known = load(store.directory, side="hk", door_url=DOOR, now=now).public.trust
    rotate(store, use, hosts=HOSTS, now=now)
    keys = load(store.directory, side="hk", door_url=DOOR, now=now)
    vouched = changes.check_change(keys.document, keys.public.trust, known, statements_of(keys, now))
    assert vouched.by_anchor
    without = set(KeyUse) - {use}
    with pytest.raises(changes.NoContinuity, match=use.value):
        changes.check_change(keys.document, keys.public.trust, known, statements_of(keys, now, without))


def test_after_a_compromise_the_anchor_speaks_alone(store_of, now):
    store = store_of("hk")
    known = load(store.directory, side="hk", door_url=DOOR, now=now).public.trust
    compromise(store, KeyUse.SIGN, current(store, KeyUse.SIGN, now).hex(), since=now, reason="lost", now=now)
    keys = load(store.directory, side="hk", door_url=DOOR, now=now)
    statements = statements_of(keys, now, {KeyUse.ANCHOR})
    assert changes.check_change(keys.document, keys.public.trust, known, statements).by_anchor


def test_statements_that_are_unsound_are_refused(store_of, now):
    store = store_of("hk")
    known = load(store.directory, side="hk", door_url=DOOR, now=now).public.trust
    rotate(store, KeyUse.SIGN, now=now)
    keys = load(store.directory, side="hk", door_url=DOOR, now=now)
    new, good = keys.public.trust, statements_of(keys, now)
    no_anchor = statements_of(keys, now, {KeyUse.SIGN})
    other = changes.Change("hk", new.serial, bytes(32), 1)
    about_another = changes.sign_change(other, [signer for _, signer in keys.vouching()])
    for statements in ([], no_anchor, about_another, good * 30, [b"bytes"], [*good, b""]):
        with pytest.raises((changes.MalformedKeySet, changes.cose.MalformedSignature)):
            changes.check_change(keys.document, new, known, statements)
    broken = bytearray(good[0])
    broken[-1] ^= 1
    with pytest.raises(changes.cose.BadSignature):
        changes.check_change(keys.document, new, known, [bytes(broken), *good[1:]])


def test_a_tls_key_after_a_new_authority(store_of, now):
    store = finish(rotate(store_of("hk"), KeyUse.TLS_CA, hosts=HOSTS, soon=True, now=now), now=now)
    from_ca = current(store, KeyUse.TLS, now)
    again = rotate(store, KeyUse.TLS, hosts=HOSTS, soon=True, now=now + HOUR)
    assert current(again, KeyUse.TLS, now + HOUR) != from_ca
