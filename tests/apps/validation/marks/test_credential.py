from __future__ import annotations

import base64
import hashlib
import io
import json

import pytest

from kouan.apps.validation import services
from kouan.apps.validation.domain import Algorithm, Reference
from kouan.apps.validation.errors import AlreadyRegistered, DifferentReference, NoMark
from kouan.apps.validation.marks import CarriedAs, examine
from kouan.apps.validation.marks.errors import (
    CredentialOfAnother,
    CredentialWithoutReference,
    UnsignedCredential,
)
from kouan.apps.validation.marks.fingerprint import fingerprint


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def credential(
    claim: object = None, *, alg: str = "ES256", signature: bytes = bytes(range(64)), tail: str = ""
) -> bytes:
    claims = {
        "iss": "https://university.example",
        "vct": "degree",
        **({} if claim is None else {"kouan": claim}),
    }
    signed = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    return f"{part({'alg': alg, 'typ': 'dc+sd-jwt'})}.{part(claims)}.{signed}{tail}".encode()


def claim(reference: Reference, issuer: str = "harbour-university", **more: str) -> dict[str, str]:
    return {"reference": str(reference), "issuer": issuer, "side": reference.side, **more}


def validate(data: bytes, typed: str = ""):
    return services.validate_file(source=io.BytesIO(data), typed=typed)


@pytest.mark.django_db
@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_credential_is_known_by_what_its_issuer_signed(issue, algorithm):
    reference = Reference.new("hk")
    signed = credential(claim(reference, **({"algorithm": "sm3"} if algorithm == "sm3" else {})))
    document, carried = issue(signed + b"~WyJhIl0~WyJiIl0~")
    assert carried == signed + b"~WyJhIl0~WyJiIl0~"
    assert (document.reference, document.carried_as, document.algorithm) == (str(reference), "jwt", algorithm)
    assert bytes(document.digest) == fingerprint([signed], algorithm)
    for shown in (signed, signed + b"~WyJiIl0~", signed + b"~WyJhIl0~eyJhbGciOiJFUzI1NiJ9.e30.AA\n"):
        assert validate(shown).outcome == "match"
    other = credential(
        claim(reference, **({"algorithm": "sm3"} if algorithm == "sm3" else {})), signature=b"x" * 64
    )
    assert validate(other).outcome == "mismatch"
    with pytest.raises(AlreadyRegistered):
        issue(signed)


@pytest.mark.django_db
def test_without_a_claim_the_reference_is_typed(issue):
    data = credential(tail="~")
    document, _ = issue(data)
    assert bytes(document.digest) == hashlib.sha256(data[:-1]).digest()
    assert validate(data, document.reference).outcome == "match"
    with pytest.raises(NoMark) as caught:
        validate(data)
    assert caught.value.code == "unnamed-credential"
    with pytest.raises(CredentialWithoutReference):
        issue(data, algorithm=Algorithm.SM3)


@pytest.mark.django_db
def test_a_credential_of_another_institution_or_side_is_refused(issue):
    for of in (claim(Reference.new("hk"), "bank"), claim(Reference.new("gd"))):
        with pytest.raises(CredentialOfAnother):
            issue(credential(of))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "data",
    [
        credential(alg="none", signature=b""),
        credential(alg="None"),
        credential(alg="HS256"),
        credential(alg="hs512"),
        credential(signature=b"short"),
    ],
)
def test_what_no_key_pair_signed_is_refused(issue, data):
    with pytest.raises(UnsignedCredential):
        issue(data)
    document, _ = issue(data, as_package=True)
    assert document.carried_as == CarriedAs.PACKAGE


@pytest.mark.django_db
def test_a_typed_reference_must_be_that_of_the_claim(issue):
    data = credential(claim(Reference.new("hk")))
    issue(data)
    with pytest.raises(DifferentReference):
        validate(data, str(Reference.new("hk")))


@pytest.mark.parametrize(
    "data",
    [
        b"eyJhbGciOiJFUzI1NiJ9.e30",
        b"eyJ.e30.AA",
        b"eyJhbGciOiJFUzI1NiJ9.W10.AA",
        b"eyJhbGciOiJFUzI1NiJ9.e30.AA and more",
        b"eyJhbGciOjF9.e30.AA",
        "eyJhbGciOiJFUzI1NiJ9.e30.AA~é".encode(),
        credential() + b"~" + b"a" * (1 << 20),
    ],
)
def test_what_only_begins_like_a_credential_is_any_file(data):
    found = examine(io.BytesIO(data))
    assert (found.credential, found.mark, found.reference) == (None, None, None)
    assert found.digest == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    "wrong",
    [
        "text",
        {"reference": "HK-1", "issuer": "bank", "side": "hk"},
        {"reference": str(Reference.new("hk")), "issuer": "bank"},
        {"reference": str(Reference.new("hk")), "issuer": "bank", "side": "gd"},
        {"reference": str(Reference.new("hk")), "issuer": "bank", "side": "hk", "algorithm": "md5"},
        {"reference": 5},
    ],
)
def test_a_claim_that_says_nothing_usable_is_none(wrong):
    assert examine(io.BytesIO(credential(wrong))).reference is None
