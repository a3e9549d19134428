from __future__ import annotations

import hashlib
from datetime import timedelta

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kouan.core.errors import KouanError
from kouan.core.trust import certificates, cose, document
from kouan.core.trust.errors import BadSignature, MalformedDocument, MalformedSignature
from kouan.core.trust.keys import SECOND_USES, KeyUse, LocalSigner, generate, kid_of

DOOR = "https://door.hk.example:8443"


@pytest.fixture(scope="session")
def data(stores):
    store = stores["hk"]
    moment = store.keys[0].since + timedelta(days=1)
    anchor = store.signer(KeyUse.ANCHOR, moment)
    return document.build(store.content(DOOR), serial=7, issued=moment, anchor=anchor)


@pytest.fixture
def signed_again(stores, data, now):
    """Build the document with its payload changed, under the right anchor's signature."""

    def build(change):
        payload = cbor2.loads(cbor2.loads(data)[2])
        changed = change(payload)
        return cose.sign1(
            cbor2.dumps(changed if isinstance(changed, list) else payload, canonical=True),
            stores["hk"].signer(KeyUse.ANCHOR, now),
            content_type=document.CONTENT_TYPE,
        )

    return build


def test_a_document_says_what_was_put_into_it(stores, data, now):
    trust = document.parse(data)
    assert trust.content == stores["hk"].content(DOOR)
    assert (trust.side, trust.serial, trust.issued) == ("hk", 7, now)
    assert trust.digest == hashlib.sha256(data).hexdigest()
    assert [key.use for key in trust.content.keys] == [
        use for use in document.LISTED_USES if use not in SECOND_USES
    ]
    assert [key.alg for key in trust.content.keys] == [
        "ES256",
        "HPKE-X25519-SHA256-A256GCM",
        "EdDSA",
        "EdDSA",
    ]
    assert trust.content.log_origin == "hk.kouan/ledger"


def test_the_fingerprint_is_the_anchors_and_is_read_as_people_write_it(data):
    trust = document.parse(data)
    digits = document.fingerprint(trust)
    assert digits == hashlib.sha256(trust.content.anchor_spki).hexdigest()
    shown = document.grouped(digits)
    assert shown.count(" ") == 15
    assert document.normalised_fingerprint(f" {shown.upper()}\n") == digits
    assert document.normalised_fingerprint(shown.replace(" ", ":")) == digits


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(position=st.integers(0))
def test_any_flipped_bit_is_refused(data, position):
    changed = bytearray(data)
    changed[position // 8 % len(data)] ^= 1 << position % 8
    with pytest.raises(KouanError):
        document.parse(bytes(changed))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data):
    with pytest.raises(MalformedSignature):
        document.parse(data)


def test_a_document_that_is_too_long_is_refused_unread(data):
    with pytest.raises(MalformedSignature):
        document.parse(data + bytes(document.MAX_DOCUMENT_BYTES))


def test_a_document_by_another_anchor_than_the_one_inside_is_refused(stores, data, now):
    payload = cbor2.loads(data)[2]
    other = stores["gd"].signer(KeyUse.ANCHOR, now)
    with pytest.raises(MalformedDocument, match="anchor"):
        document.parse(cose.sign1(payload, other, content_type=document.CONTENT_TYPE))

    class Impostor:
        kid, cose_alg = stores["hk"].signer(KeyUse.ANCHOR, now).kid, other.cose_alg
        sign = other.sign

    with pytest.raises(BadSignature):
        document.parse(cose.sign1(payload, Impostor(), content_type=document.CONTENT_TYPE))


def spki(key):
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_entry(use, key, alg):
    return {"use": use, "alg": alg, "kid": kid_of(spki(key)), "spki": spki(key), "from": 0, "until": 10}


P384 = ec.generate_private_key(ec.SECP384R1()).public_key()
RSA = rsa.generate_private_key(65537, 2048).public_key()
X25519 = generate("X25519").public_key()
ED25519 = generate("Ed25519").public_key()


def report(**other):
    return {"use": "sign", "kid": bytes(16), "since": 1, "at": 2, "reason": "lost"} | other


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda _: [], "keys of the document"),
        (lambda d: d.update(more=1), "keys of the document"),
        (lambda d: d.update(format="kouan-trust/2"), "format"),
        (lambda d: d.update(side="HK"), "side"),
        (lambda d: d.update(side="h" * 17), "side"),
        (lambda d: d.update(side="gd"), "log"),
        (lambda d: d.update(serial=0), "serial"),
        (lambda d: d.update(serial=True), "serial"),
        (lambda d: d.update(serial=1 << 53), "serial"),
        (lambda d: d.update(issued=-1), "issued"),
        (lambda d: d.update(issued=1 << 60), "issued"),
        (lambda d: d.update(door="http://door.hk.example"), "door"),
        (lambda d: d.update(door="https://door.hk.example/path"), "door"),
        (lambda d: d.update(door="https://user@door.hk.example"), "door"),
        (lambda d: d.update(door="https://door.hk.example:0"), "door"),
        (lambda d: d.update(door="https://door.hk.example:99999"), "door"),
        (lambda d: d.update(door="https://[::1"), "door"),
        (lambda d: d.update(door="https://"), "door"),
        (lambda d: d.update(door="https://門口.example"), "door"),
        (lambda d: d.update(door="https://door.example\n"), "door"),
        (lambda d: d.update(door="https://" + "d" * 300), "door"),
        (lambda d: d.update(log="gd.kouan/ledger"), "log"),
        (lambda d: d.update(anchor=b"anchor"), "anchor"),
        (lambda d: d.update(anchor=spki(ED25519)), "anchor"),
        (lambda d: d.update(suites=[]), "suites"),
        (lambda d: d.update(suites=[2, 1]), "suites"),
        (lambda d: d.update(suites=[1, 1]), "suites"),
        (lambda d: d.update(suites=["1"]), "suites"),
        (lambda d: d.update(suites=[2]), "wrong kind"),
        (lambda d: d.update(keys=[]), "number of keys"),
        (lambda d: d.update(keys=d["keys"] * 17), "number of keys"),
        (lambda d: d.update(keys=[1]), "keys of keys"),
        (lambda d: d["keys"].pop(0), "a key to sign"),
        (lambda d: d["keys"].pop(1), "a key to decrypt"),
        (lambda d: d["keys"].pop(2), "one log key"),
        (lambda d: d["keys"].pop(3), "one witness key"),
        (lambda d: d["keys"].append(d["keys"][0]), "listed twice"),
        (lambda d: d["keys"].append(key_entry("anchor", ED25519, "EdDSA")), "use"),
        (lambda d: d["keys"].append(key_entry("decrypt", ED25519, "EdDSA")), "wrong kind"),
        (lambda d: d["keys"].append(key_entry("sign", X25519, "HPKE-X25519-SHA256-A256GCM")), "wrong kind"),
        (lambda d: d["keys"].append(key_entry("sign", ED25519, "ES256")), "algorithm"),
        (lambda d: d["keys"].append(key_entry("sign", P384, "ES256")), "a key: a kind"),
        (lambda d: d["keys"].append(key_entry("sign", RSA, "ES256")), "a key: a kind"),
        (lambda d: d["keys"][0].update(kid=bytes(16)), "id"),
        (lambda d: d["keys"][0].update({"from": d["keys"][0]["until"]}), "time"),
        (lambda d: d["keys"][0].update(until=-1), "time"),
        (lambda d: d["keys"][0].update(until=1 << 40), "time"),
        (lambda d: d["keys"][0].update(spki=b""), "a key"),
        (lambda d: d.update(tls_ca=b"certificate"), "tls_ca"),
        (lambda d: d.update(tls_ca=bytes(9000)), "tls_ca: too long"),
        (lambda d: d.update(tls_before=[d["tls_ca"]]), "tls_before"),
        (lambda d: d.update(tls_before=["text"]), "tls_before"),
        (lambda d: d.update(tls_before=[b"certificate"]), "tls_before"),
        (lambda d: d.update(tls_before=[b""] * 5), "number of former TLS CAs"),
        (lambda d: d.update(revoked=[1]), "keys of revoked"),
        (lambda d: d.update(revoked=[report(use="other")]), "a revoked key's use"),
        (lambda d: d.update(revoked=[report(kid=b"short")]), "a revoked key's id"),
        (lambda d: d.update(revoked=[report(since=-1)]), "a revoked key's time"),
        (lambda d: d.update(revoked=[report(reason="x" * 201)]), "a revoked key's reason"),
        (lambda d: d.update(revoked=[report(reason="two\nlines")]), "a revoked key's reason"),
        (lambda d: d.update(revoked=[report(), report()]), "a key revoked twice"),
        (lambda d: d.update(revoked=[report(kid=kid_of(d["anchor"]))]), "its own anchor is revoked"),
    ],
)
def test_a_signed_document_of_another_shape_is_refused(signed_again, change, detail):
    with pytest.raises(MalformedDocument, match=detail):
        document.parse(signed_again(change))


def test_the_payload_must_be_deterministic(stores, data, now):
    payload = cbor2.loads(cbor2.loads(data)[2])
    scrambled = cbor2.dumps(dict(reversed(payload.items())))
    anchor = stores["hk"].signer(KeyUse.ANCHOR, now)
    with pytest.raises(MalformedDocument, match="encoding"):
        document.parse(cose.sign1(scrambled, anchor, content_type=document.CONTENT_TYPE))


def test_a_key_in_another_encoding_is_refused(signed_again):
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    # SubjectPublicKeyInfo of id-ecPublicKey on prime256v1 with a compressed point (RFC 5480 section 2.2).
    compressed = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point

    def change(payload):
        payload["keys"][0].update(spki=compressed, kid=kid_of(compressed))

    with pytest.raises(MalformedDocument, match="another encoding"):
        document.parse(signed_again(change))


def test_a_certificate_that_is_no_ca_for_leaves_is_refused(stores, signed_again, now):
    store = stores["hk"]
    leaf = next(key for key in store.keys if key.use is KeyUse.TLS)
    pem = store.certificate_path(leaf).read_bytes()
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    with pytest.raises(MalformedDocument, match="tls_ca"):
        document.parse(signed_again(lambda payload: payload.update(tls_ca=der)))
    foreign = certificates.make_ca(generate("P-256"), "hk", now).public_bytes(Encoding.DER)
    assert document.parse(signed_again(lambda payload: payload.update(tls_ca=foreign))).serial == 7


def test_what_others_would_refuse_is_not_built(stores, now):
    anchor = stores["hk"].signer(KeyUse.ANCHOR, now)
    with pytest.raises(MalformedDocument, match="door"):
        document.build(stores["hk"].content("http://door"), serial=1, issued=now, anchor=anchor)
    with pytest.raises(MalformedDocument, match="anchor"):
        document.build(
            stores["hk"].content(DOOR), serial=1, issued=now, anchor=LocalSigner(generate("P-256"))
        )
