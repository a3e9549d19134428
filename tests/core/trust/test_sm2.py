"""SM2 keys and signatures, held against the standard's own example and the ``openssl`` program."""

from __future__ import annotations

import base64
import gc
import pickle
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.trust import libcrypto, sm2
from kouan.core.trust.errors import Sm2Unavailable

if TYPE_CHECKING:
    from pathlib import Path

_POINT = bytes.fromhex(
    "04"
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
_SECRET = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
_SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
"""GB/T 32918.5 annex A.2: the key pair, and the signature over "message digest" with the default identity."""
_SPKI_HEAD = bytes.fromhex("3059301306072A8648CE3D020106082A811CCF5501822D034200")
_RFC5915_HEAD = bytes.fromhex("30310201010420")
_RFC5915_TAIL = bytes.fromhex("A00A06082A811CCF5501822D")

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl program here")


def _openssl(*arguments: object) -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_standards_signature_verifies() -> None:
    key = sm2.PublicKey.from_spki(_SPKI_HEAD + _POINT)
    key.verify(sm2.der_of(_SIGNATURE), b"message digest")
    assert key.spki == _SPKI_HEAD + _POINT


def test_the_standards_private_key_has_the_standards_public_half() -> None:
    key = sm2.PrivateKey.from_der(_RFC5915_HEAD + _SECRET + _RFC5915_TAIL)
    assert key.public_key().spki.endswith(_POINT)
    sm2.PublicKey.from_spki(_SPKI_HEAD + _POINT).verify(key.sign(b"message digest"), b"message digest")


@pytest.mark.parametrize(
    ("change", "data", "identity"),
    [
        (0, b"message digest", b"ALICE123@YAHOO.COM"),
        (0, b"message digesT", sm2.DEFAULT_IDENTITY),
        (1, b"message digest", sm2.DEFAULT_IDENTITY),
    ],
)
def test_another_identity_message_or_signature_does_not_verify(
    change: int, data: bytes, identity: bytes
) -> None:
    key = sm2.PublicKey.from_spki(_SPKI_HEAD + _POINT)
    wrong = _SIGNATURE[:-1] + bytes([_SIGNATURE[-1] ^ change])
    with pytest.raises(InvalidSignature):
        key.verify(sm2.der_of(wrong), data, identity=identity)


def test_a_key_signs_under_an_identity_of_its_own() -> None:
    key = sm2.PrivateKey.generate()
    signature = key.sign(b"data", identity=b"somebody")
    key.public_key().verify(signature, b"data", identity=b"somebody")
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, b"data")


def test_an_identity_that_the_standard_cannot_count_is_refused() -> None:
    key = sm2.PrivateKey.generate()
    with pytest.raises(ValueError, match="8190"):
        key.sign(b"", identity=bytes(8191))
    signature = key.sign(b"", identity=bytes(8190))
    key.public_key().verify(signature, b"", identity=bytes(8190))


def test_a_key_comes_back_from_its_pem_and_der() -> None:
    key = sm2.PrivateKey.generate()
    for again in (sm2.PrivateKey.from_pem(key.pem), sm2.PrivateKey.from_der(key.pkcs8)):
        assert again.public_key() == key.public_key()
        assert hash(again.public_key()) == hash(key.public_key())
        key.public_key().verify(again.sign(b"x"), b"x")
    assert sm2.PrivateKey.generate().public_key() != key.public_key()


def test_a_private_key_whose_halves_are_not_of_one_pair_is_refused() -> None:
    key, other = sm2.PrivateKey.generate(), sm2.PrivateKey.generate()
    point, stranger = (each.public_key().spki[-64:] for each in (key, other))
    assert point in key.pkcs8
    with pytest.raises(ValueError, match="pair"):
        sm2.PrivateKey.from_der(key.pkcs8.replace(point, stranger))


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30\x00",
        _SPKI_HEAD + _POINT + b"\x00",
        _SPKI_HEAD + _POINT[:-1] + b"\x14",
        _SPKI_HEAD + bytes(65),
        bytes(5000),
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["nothing", "empty", "longer", "off the curve", "no point", "too long", "P-256"],
)
def test_what_is_no_sm2_key_is_a_value_error(der: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        sm2.PublicKey.from_spki(der)
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        sm2.PrivateKey.from_der(der)


def test_pem_of_something_else_is_a_value_error() -> None:
    for pem in (b"", b"-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----", b"\xff" * 40):
        with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
            sm2.PrivateKey.from_pem(pem)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_no_bytes_pass_for_a_signature_and_none_raise_anything_else(signature: bytes, data: bytes) -> None:
    with pytest.raises(InvalidSignature):
        sm2.PublicKey.from_spki(_SPKI_HEAD + _POINT).verify(signature, data)


@given(st.integers(0, len(_SPKI_HEAD + _POINT) - 1), st.integers(1, 255))
def test_a_changed_key_is_another_key_or_none(place: int, change: int) -> None:
    changed = bytearray(_SPKI_HEAD + _POINT)
    changed[place] ^= change
    try:
        key = sm2.PublicKey.from_spki(bytes(changed))
    except ValueError:
        return
    with pytest.raises(InvalidSignature):
        key.verify(sm2.der_of(_SIGNATURE), b"message digest")


def test_both_forms_of_a_signature_turn_into_each_other() -> None:
    assert sm2.raw_of(sm2.der_of(_SIGNATURE)) == _SIGNATURE
    assert sm2.raw_of(sm2.der_of(bytes(63) + b"\x01")) == bytes(63) + b"\x01"
    for wrong in (_SIGNATURE[:-1], b""):
        with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
            sm2.der_of(wrong)
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        sm2.raw_of(b"\x30\x03\x02\x01\x01")


def test_many_threads_sign_and_verify_with_one_key() -> None:
    key = sm2.PrivateKey.generate()
    public, wrong = key.public_key(), []

    def work(number: int) -> None:
        for turn in range(20):
            data = b"%d %d" % (number, turn)
            try:
                public.verify(key.sign(data), data)
            except InvalidSignature:
                wrong.append(data)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_dropped_key_is_freed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    call = libcrypto.load().call
    freed: list[int] = []
    real = call.EVP_PKEY_free
    monkeypatch.setattr(call, "EVP_PKEY_free", lambda handle: (freed.append(handle), real(handle)))
    key = sm2.PrivateKey.generate()
    public = key.public_key()
    del key
    gc.collect()
    assert len(freed) == 1
    public.verify  # noqa: B018 - still there
    del public
    gc.collect()
    assert len(freed) == len(set(freed)) == 2


def test_a_key_does_not_leave_its_process() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(sm2.PrivateKey.generate())


def test_a_machine_without_the_library_says_what_to_do() -> None:
    with pytest.raises(Sm2Unavailable, match=r"Install it") as refused:
        libcrypto.open_first(("libcrypto-that-is-nowhere.so", "libm.so.6"))
    assert "libcrypto-that-is-nowhere" in str(refused.value)
    assert "libm.so.6" in str(refused.value)


@needs_openssl
def test_openssl_verifies_what_is_signed_here(tmp_path: Path) -> None:
    key = sm2.PrivateKey.generate()
    data, signature, pem = tmp_path / "data", tmp_path / "signature", tmp_path / "key.pem"
    data.write_bytes(b"over the boundary")
    signature.write_bytes(key.sign(b"over the boundary"))
    pem.write_bytes(key.pem)
    told = _openssl(
        "pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-inkey", pem, "-in", data, "-sigfile", signature,
        "-pkeyopt", "distid:1234567812345678",
    )  # fmt: skip
    assert b"Verified Successfully" in told


@needs_openssl
def test_what_openssl_signs_verifies_here(tmp_path: Path) -> None:
    pem, data, signature = tmp_path / "key.pem", tmp_path / "data", tmp_path / "signature"
    _openssl("genpkey", "-algorithm", "SM2", "-out", pem)
    data.write_bytes(b"over the boundary")
    _openssl(
        "pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-inkey", pem, "-in", data, "-out", signature,
        "-pkeyopt", "distid:1234567812345678",
    )  # fmt: skip
    spki = base64.b64decode(b"".join(_openssl("pkey", "-in", pem, "-pubout").splitlines()[1:-1]))
    public = sm2.PublicKey.from_spki(spki)
    public.verify(signature.read_bytes(), b"over the boundary")
    assert sm2.PrivateKey.from_pem(pem.read_bytes()).public_key() == public
