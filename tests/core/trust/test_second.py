"""A side that signs twice: its keys, its promise in the trust document, and what counts without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kouan.core import cbor
from kouan.core.trust import changes, cose, document, services
from kouan.core.trust.errors import (
    BadSignature,
    KeyCompromised,
    KeyNotValid,
    MalformedSignature,
    NoContinuity,
    NoUsableKey,
    SecondSignatureMissing,
    StillAskedFor,
    UnknownKey,
)
from kouan.core.trust.keys import SECOND_USES, DoubleSigner, KeyUse, LocalSigner, generate
from kouan.core.trust.member import MemberKeys
from kouan.core.trust.own import load
from kouan.core.trust.rotation import KEPT, MARGIN, compromise, end_second, finish, prune, rotate
from kouan.core.trust.store import OVERLAP, KeyStore
from kouan.core.trust.suites import EDDSA, SUITES, signed_once, signed_twice

DOOR = "https://hk.example:8443"
HOUR = timedelta(hours=1)
TYPE = "application/test+cose"


@pytest.fixture
def twice(store_of, now):
    """Hong Kong's keys, with those of the second signature since ``now``."""
    return load(store_of("hk").directory, side="hk", door_url=DOOR, twice=True, now=now)


def sign(keys, at, payload=b"payload"):
    return cose.sign1(payload, keys.signer(at), content_type=TYPE)


def verified(member, data, at, **options):
    unverified = cose.read1(data, content_type=TYPE, max_bytes=4096)
    return unverified.verify(member.verification_key(unverified.kid, at, **options)).payload


def once(data):
    """Take the second signature away, as anybody on the way could."""
    protected, _unprotected, payload, signature = cbor.decode(data, max_bytes=4096)
    return cbor.encode([protected, {}, payload, signature])


def test_what_is_signed_twice_verifies_by_both_keys(twice, now):
    data = sign(twice, now + HOUR)
    unverified = cose.read1(data, content_type=TYPE, max_bytes=4096)
    assert unverified.second is not None
    assert unverified.kids == {unverified.kid, unverified.second.kid}
    assert len(data) <= len(once(data)) + 128
    assert verified(twice.public, data, now + HOUR) == b"payload"


def test_a_second_signature_that_was_taken_away_is_missed(twice, now):
    with pytest.raises(SecondSignatureMissing, match="hk"):
        verified(twice.public, once(sign(twice, now + HOUR)), now + HOUR)


@pytest.mark.parametrize("part", ["first", "second", "payload", "header"])
def test_whatever_was_changed_neither_signature_covers_it(twice, now, part):
    protected, unprotected, payload, signature = cbor.decode(sign(twice, now + HOUR), max_bytes=4096)
    (beside, nothing, second) = unprotected[cose.COUNTERSIGNATURE]
    if part == "first":
        # Another signature by the same key over the same bytes: sound by itself, not the one that is covered.
        again = cbor.decode(sign(twice, now + HOUR), max_bytes=4096)[3]
        assert again != signature
        signature = again
    elif part == "second":
        second = bytes([second[0] ^ 1]) + second[1:]
    elif part == "payload":
        payload += b"!"
    else:
        protected = cbor.encode(cbor.decode(protected, max_bytes=256) | {cose.TYP: TYPE})
        beside = cbor.encode({cose.ALG: cose.SM2, cose.KID: bytes(16)})
    changed = cbor.encode([protected, {cose.COUNTERSIGNATURE: [beside, nothing, second]}, payload, signature])
    with pytest.raises(UnknownKey if part == "header" else BadSignature):
        verified(twice.public, changed, now + HOUR)


def test_another_key_does_not_sign_beside_the_first(twice, now):
    stranger = DoubleSigner(twice.signer(now), LocalSigner(generate("SM2")))
    with pytest.raises(UnknownKey):
        verified(twice.public, cose.sign1(b"x", stranger, content_type=TYPE), now + HOUR)
    thief = DoubleSigner(LocalSigner(generate("P-256")), twice.signer(now).second)
    unverified = cose.read1(cose.sign1(b"x", thief, content_type=TYPE), content_type=TYPE, max_bytes=4096)
    with pytest.raises(UnknownKey):
        twice.public.verification_key(unverified.kid, now + HOUR)


def test_an_sm2_key_alone_signs_nothing(twice, now):
    second = twice.signer(now).second
    data = cose.sign1(b"x", second, content_type=TYPE)
    unverified = cose.read1(data, content_type=TYPE, max_bytes=4096)
    with pytest.raises(UnknownKey):
        twice.public.verification_key(unverified.kid, now + HOUR)


@pytest.mark.parametrize(
    "unprotected",
    [
        {1: -7},
        {11: []},
        {11: [b"", {}, bytes(64)]},
        {11: [cbor.encode({1: -7, 4: bytes(16)}), {}, bytes(64)]},
        {11: [cbor.encode({1: cose.SM2, 4: bytes(15)}), {}, bytes(64)]},
        {11: [cbor.encode({1: cose.SM2, 4: bytes(16), 16: "x"}), {}, bytes(64)]},
        {11: [cbor.encode({1: cose.SM2, 4: bytes(16)}), {1: 1}, bytes(64)]},
        {11: [cbor.encode({1: cose.SM2, 4: bytes(16)}), {}, bytes(63)]},
        {11: [[cbor.encode({1: cose.SM2, 4: bytes(16)}), {}, bytes(64)]]},
        {11: [cbor.encode({1: cose.SM2, 4: bytes(16)}), {}, bytes(64)], 12: bytes(64)},
    ],
)
def test_any_other_form_of_a_second_signature_is_malformed(twice, now, unprotected):
    protected, _second, payload, signature = cbor.decode(sign(twice, now), max_bytes=4096)
    with pytest.raises(MalformedSignature):
        cose.read1(
            cbor.encode([protected, unprotected, payload, signature]), content_type=TYPE, max_bytes=4096
        )


def test_a_side_that_never_promised_it_is_not_asked_for_it(keys_of, twice, now):
    plain = keys_of("gd")
    assert verified(plain.public, sign(plain, now), now) == b"payload"
    # Whoever has an older document of the side passes over the second signature.
    before = load(plain._store.directory, side="gd", door_url=DOOR, now=now).public
    assert not before.signs_twice(KeyUse.SIGN_SM2, now + HOUR)


def test_it_signs_at_once_and_is_asked_for_after_a_margin(twice, now):
    assert isinstance(twice.signer(now), DoubleSigner)
    assert twice.suite_at(now).twice
    early = once(sign(twice, now))
    assert verified(twice.public, early, now) == b"payload"
    assert verified(twice.public, early, now + MARGIN - timedelta(seconds=1)) == b"payload"
    with pytest.raises(SecondSignatureMissing):
        verified(twice.public, early, now + MARGIN)


def test_keys_are_made_once_and_the_document_changes_once(store_of, now):
    store = store_of("hk")
    first = load(store.directory, side="hk", door_url=DOOR, now=now)
    second = load(store.directory, side="hk", door_url=DOOR, twice=True, now=now)
    third = load(store.directory, side="hk", door_url=DOOR, twice=True, now=now + HOUR)
    fourth = load(store.directory, side="hk", door_url=DOOR, now=now + HOUR)
    assert second.public.serial == first.public.serial + 1
    assert third.document == second.document == fourth.document
    assert [len(KeyStore.open(store.directory).of_use(use)) for use in SECOND_USES] == [1, 1]
    # Taking the line out of the settings ends nothing.
    assert isinstance(fourth.signer(now + HOUR), DoubleSigner)


def test_a_side_can_sign_twice_from_its_first_day(tmp_path, now):
    store = KeyStore.create(tmp_path / "hk", "hk", suite_id=3, now=now)
    keys = load(store.directory, side="hk", door_url=DOOR, now=now)
    assert keys.suite_at(now) == SUITES[3]
    assert keys.public.signs_twice(KeyUse.SIGN_SM2, now)
    assert verified(keys.public, sign(keys, now), now) == b"payload"


def test_it_ends_by_the_document_alone(twice, now):
    later = now + HOUR
    end_second(KeyStore.open(twice._store.directory), now=later)
    keys = load(twice._store.directory, side="hk", door_url=DOOR, now=later)
    assert not isinstance(keys.signer(later), DoubleSigner)
    assert verified(keys.public, sign(keys, later), later) == b"payload"
    # What was signed before still needs both, by the new document too.
    old = sign(twice, later - timedelta(minutes=1))
    assert verified(keys.public, old, later - timedelta(minutes=1)) == b"payload"
    with pytest.raises(SecondSignatureMissing):
        verified(keys.public, once(old), later - timedelta(minutes=1))


def test_ending_it_while_the_settings_ask_for_it_is_refused(node, settings):
    settings.NODE = replace(node, second_signature="sm2")
    with pytest.raises(StillAskedFor):
        services.end_second_signature()


@pytest.mark.parametrize("use", SECOND_USES)
def test_its_keys_get_successors(twice, use, now):
    store = KeyStore.open(twice._store.directory)
    at = now + HOUR
    old = store.second(use, at).kid
    rotated = rotate(store, use, now=at)
    assert rotated.second(use, at).kid == old
    assert rotated.second(use, at + OVERLAP).kid != old
    done = finish(rotate(rotated, use, soon=True, now=at), now=at + HOUR)
    assert [key.valid_at(at + HOUR) for key in done.of_use(use)] == [False, False, True]


@pytest.mark.parametrize("use", SECOND_USES)
def test_a_side_that_signs_once_has_nothing_to_rotate(store_of, use, now):
    with pytest.raises(NoUsableKey):
        rotate(store_of("hk"), use, now=now)


def test_a_new_second_key_needs_the_word_of_the_one_before(twice, now):
    known = twice.public.trust
    store = rotate(KeyStore.open(twice._store.directory), KeyUse.SIGN_SM2, now=now + HOUR)
    keys = load(store.directory, side="hk", door_url=DOOR, now=now + HOUR)
    new = document.parse(keys.document)
    change = changes.Change("hk", new.serial, bytes.fromhex(new.digest), 1)
    everybody = [(key, signer) for key, signer in keys.vouching()]
    changes.check_change(
        keys.document, new, known, changes.sign_change(change, [each for _, each in everybody])
    )
    old = store.of_use(KeyUse.SIGN_SM2)[0].kid
    others = [signer for key, signer in everybody if key.kid != old]
    with pytest.raises(NoContinuity):
        changes.check_change(keys.document, new, known, changes.sign_change(change, others))


def test_the_first_second_key_is_vouched_for_by_the_anchor(store_of, now):
    folder = store_of("hk").directory
    known = load(folder, side="hk", door_url=DOOR, now=now).public.trust
    twice = load(folder, side="hk", door_url=DOOR, twice=True, now=now)
    new = twice.public.trust
    change = changes.Change("hk", new.serial, bytes.fromhex(new.digest), 1)
    signed = changes.sign_change(change, [signer for _, signer in twice.vouching()])
    assert changes.check_change(twice.document, new, known, signed).by_anchor


def test_a_reported_second_key_makes_all_that_it_signed_worthless(twice, now):
    at = now + HOUR
    data = sign(twice, at)
    stolen = twice.signer(at).second.kid
    compromise(
        KeyStore.open(twice._store.directory), KeyUse.SIGN_SM2, stolen.hex(), since=at, reason="lost", now=at
    )
    keys = load(twice._store.directory, side="hk", door_url=DOOR, now=at)
    with pytest.raises(KeyCompromised):
        verified(keys.public, data, at)
    with pytest.raises(SecondSignatureMissing):
        verified(keys.public, once(data), at)
    assert verified(keys.public, data, at, despite_reports=True) == b"payload"
    fresh = sign(keys, at)
    assert stolen not in cose.read1(fresh, content_type=TYPE, max_bytes=4096).kids
    assert verified(keys.public, fresh, at) == b"payload"


def test_a_second_key_does_not_sign_outside_its_time(twice, now):
    ended = end_second(KeyStore.open(twice._store.directory), now=now + HOUR)
    again = load(ended.directory, side="hk", door_url=DOOR, twice=True, now=now + 2 * HOUR)
    late = now + 3 * HOUR
    old = DoubleSigner(again.signer(late), twice.signer(now).second)
    with pytest.raises(KeyNotValid):
        verified(again.public, cose.sign1(b"x", old, content_type=TYPE), late)


def test_long_ended_second_keys_lose_their_private_halves_and_stay_listed(twice, now):
    store = end_second(KeyStore.open(twice._store.directory), now=now + HOUR)
    assert prune(store, now=now + HOUR + KEPT - timedelta(seconds=1)) == []
    gone = prune(store, now=now + HOUR + KEPT)
    assert {key.use for key in gone} == set(SECOND_USES)
    later = load(store.directory, side="hk", door_url=DOOR, now=now + HOUR + KEPT)
    assert {key.use for key in later.public.trust.content.keys} >= set(SECOND_USES)
    assert verified(later.public, sign(twice, now + HOUR / 2), now + HOUR / 2) == b"payload"


def test_a_document_with_second_keys_comes_back(twice):
    again = MemberKeys.from_bytes(twice.document)
    listed = {key.use: key.alg for key in again.trust.content.keys}
    assert listed[KeyUse.SIGN_SM2] == listed[KeyUse.LOG_SM2] == "SM2-SM3"


def test_each_suite_has_its_double():
    assert {signed_twice(SUITES[1]).id, signed_twice(SUITES[2]).id} == {3, 4}
    assert all(signed_twice(signed_once(suite)).twice for suite in SUITES.values())
    assert signed_once(SUITES[4]).cose_alg == EDDSA
