from __future__ import annotations

import hashlib

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pycose.algorithms import EdDSA, Es256
from pycose.headers import KID, Algorithm
from pycose.keys import EC2Key, OKPKey
from pycose.keys.curves import P256 as CURVE_P256
from pycose.keys.curves import Ed25519
from pycose.messages import Sign1Message

from kouan.core.errors import KouanError
from kouan.core.trust import cose
from kouan.core.trust.errors import BadSignature, MalformedSignature, UnknownKey
from kouan.core.trust.keys import LocalSigner

TYPE = "application/kouan-test+cose"
P256 = ec.derive_private_key(0x1234567, ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE = pytest.mark.parametrize("private", [P256, ED25519], ids=["ES256", "EdDSA"])


def verify(data, private, *, content_type=TYPE, max_bytes=4096, external_aad=b""):
    def find(kid):
        if kid != LocalSigner(private).kid:
            raise UnknownKey(kid=kid.hex(), side="hk")
        return private.public_key()

    return cose.verify1(data, find, content_type=content_type, max_bytes=max_bytes, external_aad=external_aad)


@PRIVATE
def test_what_is_signed_verifies(private):
    signer = LocalSigner(private)
    data = cose.sign1(b"payload", signer, content_type=TYPE, external_aad=b"place")
    verified = verify(data, private, external_aad=b"place")
    assert (verified.payload, verified.kid, verified.alg) == (b"payload", signer.kid, signer.cose_alg)
    assert len(data) <= len(b"payload") + cose.OVERHEAD
    with pytest.raises(BadSignature):
        verify(data, private, external_aad=b"elsewhere")
    with pytest.raises(MalformedSignature):
        verify(data, private, content_type="application/other+cose")
    with pytest.raises(MalformedSignature):
        verify(data, private, max_bytes=len(data) - 1)


@PRIVATE
def test_every_flipped_bit_is_refused(private):
    data = cose.sign1(b"payload", LocalSigner(private), content_type=TYPE)
    for position in range(len(data) * 8):
        changed = bytearray(data)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(KouanError):
            verify(bytes(changed), private)


@PRIVATE
def test_every_truncation_is_refused(private):
    data = cose.sign1(b"payload", LocalSigner(private), content_type=TYPE)
    for length in range(len(data)):
        with pytest.raises(MalformedSignature):
            verify(data[:length], private)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_our_error(data):
    with pytest.raises(MalformedSignature):
        verify(data, P256)


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-300, 300) | st.binary(max_size=70) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 20), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.lists(_values, max_size=5), st.dictionaries(st.sampled_from([1, 3, 4, 16, 33]), _values, max_size=4)
)
def test_any_structure_is_refused_with_our_error(parts, header):
    for value in (parts, [cbor2.dumps(header, canonical=True), {}, b"payload", bytes(64)]):
        with pytest.raises(KouanError):
            verify(cbor2.dumps(value, canonical=True), P256)


def test_a_signature_made_with_another_algorithm_than_it_names_is_refused():
    class Liar(LocalSigner):
        pass

    liar = Liar(P256)
    liar.cose_alg = -8
    with pytest.raises(BadSignature):
        verify(cose.sign1(b"payload", liar, content_type=TYPE), P256)


@pytest.mark.parametrize(
    "change",
    [
        lambda parts, header: [cbor2.dumps(header | {5: b"iv"}, canonical=True), *parts[1:]],
        lambda parts, header: [cbor2.dumps({k: header[k] for k in (1, 4)}, canonical=True), *parts[1:]],
        lambda parts, header: [cbor2.dumps({k: header[k] for k in (16, 4, 1)}), *parts[1:]],
        lambda parts, header: [cbor2.dumps(header | {1: -35}, canonical=True), *parts[1:]],
        lambda parts, header: [cbor2.dumps(header | {1: True}, canonical=True), *parts[1:]],
        lambda parts, header: [cbor2.dumps(header | {4: b"short"}, canonical=True), *parts[1:]],
        lambda parts, _: [parts[0], {4: b"kid"}, *parts[2:]],
        lambda parts, _: [parts[0], {}, None, parts[3]],
        lambda parts, _: [*parts[:3], parts[3] + b"\0"],
        lambda parts, _: [*parts, b""],
        lambda parts, _: cbor2.CBORTag(18, parts),
    ],
)
def test_what_the_standard_allows_but_we_do_not_is_refused(change):
    parts = cbor2.loads(cose.sign1(b"payload", LocalSigner(P256), content_type=TYPE))
    changed = cbor2.dumps(change(parts, cbor2.loads(parts[0])))
    with pytest.raises(MalformedSignature):
        verify(changed, P256)


def test_an_unknown_key_is_named():
    data = cose.sign1(b"payload", LocalSigner(ED25519), content_type=TYPE)
    with pytest.raises(UnknownKey, match=LocalSigner(ED25519).kid.hex()):
        verify(data, P256)


# github.com/cose-wg/Examples: sign1-tests/sign-pass-02 and sign-fail-02, eddsa-examples/eddsa-sig-01.
# Their headers are wider than what we accept, so they hold for what is signed and for the signature.
PASS_02 = (
    ec.EllipticCurvePublicNumbers(
        0xBAC5B11CAD8F99F9C72B05CF4B9E26D244DC189F745228255A219A86D6A09EFF,
        0x20138BF82DC1B6D562BE0FA54AB7804A3A64B6D72CCFED6B6FB6ED28BBFC117E,
        ec.SECP256R1(),
    ).public_key(),
    -7,
    "11AA22BB33CC44DD55006699",
    (
        "D28443A10126A10442313154546869732069732074686520636F6E74656E742E584010729CD711CB3813D8D8E944A8DA7111E7B2"
        "58C9BDCA6135F7AE1ADBEE9509891267837E1E33BD36C150326AE62755C6BD8E540C3E8F92D7D225E8DB72B8820B"
    ),
    "846A5369676E61747572653143A101264C11AA22BB33CC44DD5500669954546869732069732074686520636F6E74656E742E",
)
EDDSA_01 = (
    ed25519.Ed25519PublicKey.from_public_bytes(
        bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    ),
    -8,
    "",
    (
        "D28445A201270300A10442313154546869732069732074686520636F6E74656E742E58407142FD2FF96D56DB85BEE905A76BA1D0"
        "B7321A95C8C4D3607C5781932B7AFB8711497DFA751BF40B58B3BCC32300B1487F3DB34085EEF013BF08F4A44D6FEF0D"
    ),
    "846A5369676E61747572653145A2012703004054546869732069732074686520636F6E74656E742E",
)


@pytest.mark.parametrize(("key", "alg", "external", "message", "tbs"), [PASS_02, EDDSA_01])
def test_published_vectors_hold(key, alg, external, message, tbs):
    protected, _, payload, signature = cbor2.loads(bytes.fromhex(message)).value
    signed = cose.to_be_signed(protected, bytes.fromhex(external), payload)
    assert signed == bytes.fromhex(tbs)
    cose.verify_raw(key, alg, signed, signature)
    with pytest.raises(BadSignature):
        cose.verify_raw(key, alg, signed + b"?", signature)
    with pytest.raises(BadSignature):
        cose.verify_raw(key, -15 - alg, signed, signature)


def pycose_key(private):
    if isinstance(private, ec.EllipticCurvePrivateKey):
        numbers = private.private_numbers()
        x, y = (value.to_bytes(32) for value in (numbers.public_numbers.x, numbers.public_numbers.y))
        return EC2Key(crv=CURVE_P256, x=x, y=y, d=numbers.private_value.to_bytes(32))
    return OKPKey(crv=Ed25519, x=private.public_key().public_bytes_raw(), d=private.private_bytes_raw())


@PRIVATE
def test_pycose_verifies_what_we_sign(private):
    data = cose.sign1(b"payload", LocalSigner(private), content_type=TYPE, external_aad=b"place")
    message = Sign1Message.from_cose_obj(cbor2.loads(data), allow_unknown_attributes=True)
    message.external_aad = b"place"
    message.key = pycose_key(private)
    assert message.verify_signature()
    message.external_aad = b"elsewhere"
    assert not message.verify_signature()


@PRIVATE
def test_we_verify_what_pycose_signs(private):
    alg = Es256 if private is P256 else EdDSA
    message = Sign1Message(
        phdr={Algorithm: alg, KID: LocalSigner(private).kid, 16: TYPE}, uhdr={}, payload=b"payload"
    )
    message.key = pycose_key(private)
    assert verify(message.encode(tag=False), private).payload == b"payload"


def test_the_key_id_is_the_start_of_the_digest_of_the_public_key():
    spki = P256.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert LocalSigner(P256).kid == hashlib.sha256(spki).digest()[:16]
