from __future__ import annotations

import json
import stat
from datetime import timedelta

import pytest

from kouan.core.errors import KouanError
from kouan.core.trust.errors import (
    KeyStoreDamaged,
    KeyStoreExists,
    NoUsableKey,
    UnknownKey,
    UnknownSuite,
    UnsafeKeyFile,
)
from kouan.core.trust.keys import SECOND_USES, KeyUse, kind_of
from kouan.core.trust.rotation import rotate
from kouan.core.trust.store import LIST_NAME, OVERLAP, KeyStore
from kouan.core.trust.suites import EDDSA, ES256


def one(store, use):
    return next(key for key in store.keys if key.use is use)


def edit(store, change):
    path = store.directory / LIST_NAME
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


def test_each_use_has_a_key_of_its_own_and_its_kind(stores):
    kinds = {key.use: kind_of(key.private) for key in stores["hk"].keys}
    assert kinds == {
        KeyUse.ANCHOR: "P-256",
        KeyUse.SIGN: "P-256",
        KeyUse.DECRYPT: "X25519",
        KeyUse.LOG: "Ed25519",
        KeyUse.WITNESS: "Ed25519",
        KeyUse.TLS_CA: "P-256",
        KeyUse.TLS: "P-256",
    }
    assert len({key.kid for key in stores["hk"].keys}) == len(kinds)
    assert kind_of(one(stores["mo"], KeyUse.SIGN).private) == "Ed25519"


def test_everything_is_private_to_its_user(stores):
    directory = stores["hk"].directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    # Seven keys, two certificates, the list.
    assert len(list(directory.iterdir())) == 10


def test_nothing_secret_is_shown(stores):
    store = stores["hk"]
    assert "PrivateKey" not in repr(store.keys)


def test_signatures_are_of_the_suite(stores, now):
    assert stores["hk"].signer(KeyUse.SIGN, now).cose_alg == ES256
    assert stores["mo"].signer(KeyUse.SIGN, now).cose_alg == EDDSA
    assert stores["mo"].signer(KeyUse.ANCHOR, now).cose_alg == ES256


def test_keys_are_never_overwritten(stores, tmp_path):
    with pytest.raises(KeyStoreExists, match="move the old folder away"):
        KeyStore.create(stores["hk"].directory, "hk")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KeyStoreExists):
        KeyStore.create(tmp_path / "file", "hk")
    (tmp_path / "empty").mkdir()
    assert KeyStore.create(tmp_path / "empty", "hk").side == "hk"


def test_a_store_that_cannot_be_made_leaves_nothing(tmp_path):
    with pytest.raises(UnknownSuite):
        KeyStore.create(tmp_path / "keys", "hk", suite_id=5)
    with pytest.raises(ValueError, match="A-label"):
        KeyStore.create(tmp_path / "keys", "hk", hosts=("門口",))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("use", [use for use in KeyUse if use not in SECOND_USES])
def test_a_missing_key_or_one_that_others_may_read_stops_opening(store_of, use):
    store = store_of("hk")
    path = store.path_of(one(store, use))
    path.chmod(0o644)
    with pytest.raises(UnsafeKeyFile, match=f"chmod 600 {path}"):
        KeyStore.open(store.directory)
    path.unlink()
    with pytest.raises(KeyStoreDamaged, match=str(path)):
        KeyStore.open(store.directory)


def test_a_folder_that_others_may_read_stops_opening(store_of):
    store = store_of("hk")
    store.directory.chmod(0o755)
    with pytest.raises(UnsafeKeyFile, match="chmod 700"):
        KeyStore.open(store.directory)


def test_a_key_of_the_wrong_kind_or_another_key_stops_opening(store_of):
    store = store_of("hk")
    sign, log, tls = (store.path_of(one(store, use)) for use in (KeyUse.SIGN, KeyUse.LOG, KeyUse.TLS))
    original = sign.read_bytes()
    for content, detail in (
        (tls.read_bytes(), "another key than the one listed"),
        (b"-----BEGIN PRIVATE KEY-----\n", "not a PKCS#8 key"),
        (b"", "not a PKCS#8 key"),
    ):
        sign.write_bytes(content)
        with pytest.raises(KeyStoreDamaged, match=detail):
            KeyStore.open(store.directory)
    sign.write_bytes(original)
    log.write_bytes(original)
    with pytest.raises(KeyStoreDamaged, match="not the kind of key that `log` takes"):
        KeyStore.open(store.directory)


def test_a_certificate_of_another_key_stops_opening(store_of):
    store = store_of("hk")
    ca, tls = (store.certificate_path(one(store, use)) for use in (KeyUse.TLS_CA, KeyUse.TLS))
    tls.write_bytes(ca.read_bytes())
    with pytest.raises(KeyStoreDamaged, match="not the certificate"):
        KeyStore.open(store.directory)
    tls.write_bytes(b"nothing")
    with pytest.raises(KeyStoreDamaged, match="not a certificate"):
        KeyStore.open(store.directory)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.update(format="kouan-keys/2"),
        lambda raw: raw.update(more=1),
        lambda raw: raw.update(suite=3),
        lambda raw: raw.update(suite=5),
        lambda raw: raw.update(suite=[]),
        lambda raw: raw.update(side=7),
        lambda raw: raw.update(keys=7),
        lambda raw: raw.update(keys=[]),
        lambda raw: raw["keys"].pop(),
        lambda raw: raw["keys"][0].pop("kid"),
        lambda raw: raw["keys"][0].update(kid="zz"),
        lambda raw: raw["keys"][0].update(use="other"),
        lambda raw: raw["keys"][0].update(file="../anchor.pem"),
        lambda raw: raw["keys"][0].update(file=None),
        lambda raw: raw["keys"][0].update(until="2020-01-01T00:00:00"),
        lambda raw: raw["keys"][0].update(until="2020-01-01T00:00:00+00:00"),
        lambda raw: raw["keys"].append(7),
    ],
)
def test_a_damaged_list_stops_opening(store_of, change):
    store = store_of("hk")
    edit(store, change)
    with pytest.raises(KeyStoreDamaged, match=r"keys\.json"):
        KeyStore.open(store.directory)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, "7"])
def test_a_list_that_is_no_list_stops_opening(store_of, text):
    store = store_of("hk")
    (store.directory / LIST_NAME).write_text(text)
    with pytest.raises(KouanError):
        KeyStore.open(store.directory)


def test_a_rotated_key_goes_on_for_the_overlap_and_then_its_successor_signs(store_of, now):
    store = store_of("hk")
    old = one(store, KeyUse.SIGN)
    rotated = rotate(store, KeyUse.SIGN, now=now)
    assert [key.kid for key in KeyStore.open(store.directory).keys] == [key.kid for key in rotated.keys]
    (new,) = {key.kid for key in rotated.keys} - {key.kid for key in store.keys}
    assert rotated.signer(KeyUse.SIGN, now + OVERLAP - timedelta(seconds=1)).kid == old.kid
    assert rotated.signer(KeyUse.SIGN, now + OVERLAP).kid == new
    with pytest.raises(NoUsableKey, match="sign"):
        rotated.signer(KeyUse.SIGN, now + timedelta(days=800))


def test_an_exposed_key_ends_at_once(store_of, now):
    store = store_of("hk")
    rotated = rotate(store, KeyUse.SIGN, now=now, overlap=timedelta(0))
    assert rotated.signer(KeyUse.SIGN, now).kid != one(store, KeyUse.SIGN).kid
    again = rotate(rotated, KeyUse.SIGN, now=now, overlap=timedelta(0))
    assert KeyStore.open(store.directory).signer(KeyUse.SIGN, now).kid == again.keys[-1].kid


def test_old_decryption_keys_still_open(store_of, now):
    store = store_of("hk")
    old = one(store, KeyUse.DECRYPT)
    rotated = rotate(store, KeyUse.DECRYPT, now=now, overlap=timedelta(0))
    assert kind_of(rotated.decryption_key(old.kid)) == "X25519"
    with pytest.raises(UnknownKey):
        rotated.decryption_key(bytes(16))


def test_a_new_tls_key_is_used_at_once(store_of, now):
    store = store_of("hk")
    rotated = rotate(store, KeyUse.TLS, now=now, hosts=("door.example",))
    current = rotated.current(KeyUse.TLS, now)
    assert current.kid != one(store, KeyUse.TLS).kid
    assert rotated.certificate_path(current).exists()
