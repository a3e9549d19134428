"""Electronic seals and what is sealed with them, in three editions.

=======  =============================================  ==============================================
edition  standard                                       what the seal's maker signs
=======  =============================================  ==============================================
1        GM/T 0031-2014                                 SEQUENCE of seal information, certificate, algorithm
4        GB/T 38540-2020                                the seal information
5        GM/T 0031-2025                                 the seal information; a time-stamp may follow
=======  =============================================  ==============================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd import certificate, der, limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_CERTIFICATES, _DIGESTS = 1, 2
FIRST: Final = 1
"""The edition in which the signature is a SEQUENCE of two, and the time may be a time-stamp."""
_FOURTH: Final = 4
_FIFTH: Final = 5
_STAMP_TAG: Final = 0xA0


@dataclass(frozen=True, slots=True)
class SealPicture:
    """What a seal looks like: bytes from outside, of a type that they only claim to have."""

    kind: str
    """As the seal names it, in small letters: ``png``, ``jpg``, ``gif``, ``bmp``, ``ofd`` …"""
    data: bytes
    width: int
    """Millimetres."""
    height: int


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal as its maker made it."""

    edition: int
    """1, 4 or 5."""
    raw: bytes
    identifier: str
    vendor: str
    kind: int
    """1: of a body, 2: of a person; producers use others."""
    name: str
    certificates: tuple[bytes, ...]
    """Of who may seal with it, in DER; empty where it names digests."""
    digests: tuple[tuple[str, bytes], ...]
    """Of those certificates: what the digest is called, and its value."""
    created: datetime
    since: datetime
    until: datetime
    picture: SealPicture
    maker: certificate.Certificate
    algorithm: str
    to_be_signed: bytes
    signature: bytes
    time_stamp: bytes | None
    """Edition 5: a time-stamp token over the maker's signature."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """What stands in ``SignedValue.dat`` of a sealed document (GB/T 38540 section 7.1)."""

    edition: int
    seal: Seal
    time: datetime | None
    """When the signer says that it was sealed."""
    data_hash: bytes
    """The digest of ``Signature.xml``."""
    property_info: str
    signer: certificate.Certificate
    algorithm: str
    to_be_signed: bytes
    signature: bytes
    time_stamp: bytes | None
    """A time-stamp token: over the signature value, or in edition 1 in the place of the time."""


def read_sealing(data: bytes) -> Sealing:
    """Return what was sealed; raises ``NotDer``."""
    fields = der.one(data).sequence(2, 5)
    if len(fields) == 2:  # noqa: PLR2004 - edition 1: what is signed, and its signature
        return _first(*fields)
    if len(fields) < 4:  # noqa: PLR2004 - editions 4 and 5
        raise der.NotDer("no signed seal")
    tbs, signer, algorithm, signature, *stamp = fields
    values = tbs.sequence(5, 6)
    seal = read_seal(values[1].raw)
    if seal.edition == FIRST:
        raise der.NotDer("a seal of another edition than the signature")
    return Sealing(
        edition=seal.edition,
        seal=seal,
        time=values[2].time(),
        data_hash=_hash(values[3]),
        property_info=values[4].string(),
        signer=certificate.read(signer.octets()),
        algorithm=algorithm.oid(),
        to_be_signed=tbs.raw,
        signature=signature.bits(),
        time_stamp=_stamp(stamp),
    )


def _first(tbs: der.Value, signature: der.Value) -> Sealing:
    _version, seal, time, data_hash, info, signer, algorithm = tbs.sequence(7, 7)
    moment, stamp = _first_time(time)
    return Sealing(
        edition=FIRST,
        seal=read_seal(seal.raw),
        time=moment,
        data_hash=_hash(data_hash),
        property_info=info.string(),
        signer=certificate.read(signer.octets()),
        algorithm=algorithm.oid(),
        to_be_signed=tbs.raw,
        signature=signature.bits(),
        time_stamp=stamp,
    )


def read_seal(data: bytes) -> Seal:
    """Return a seal; raises ``NotDer``."""
    info, *rest = der.one(data).sequence(2, 5)
    header, identifier, properties, picture, *_more = info.sequence(4, 5)
    mark, version, vendor = header.sequence(3, 3)
    if mark.string() != "ES":
        raise der.NotDer("no seal")
    signed = info.raw
    stamp: bytes | None = None
    if len(rest) == 1:
        edition = FIRST
        maker, algorithm, signature = rest[0].sequence(3, 3)
        signed = der.encode(der.SEQUENCE, info.raw, maker.raw, algorithm.raw)
    elif len(rest) >= 3:  # noqa: PLR2004 - certificate, algorithm, signature
        maker, algorithm, signature, *stamps = rest
        stamp = _stamp(stamps)
        edition = _FIFTH if version.integer() >= _FIFTH or stamp else _FOURTH
    else:
        raise der.NotDer("no seal")
    kind, name, certificates, digests, times = _properties(properties, edition)
    return Seal(
        edition=edition,
        raw=data,
        identifier=identifier.string(),
        vendor=vendor.string(),
        kind=kind,
        name=name,
        certificates=certificates,
        digests=digests,
        created=times[0],
        since=times[1],
        until=times[2],
        picture=_picture(picture),
        maker=certificate.read(maker.octets()),
        algorithm=algorithm.oid(),
        to_be_signed=signed,
        signature=signature.bits(),
        time_stamp=stamp,
    )


def _properties(
    value: der.Value, edition: int
) -> tuple[int, str, tuple[bytes, ...], tuple[tuple[str, bytes], ...], Sequence[datetime]]:
    fields = value.sequence(6, 7)
    kind, name = fields[0].integer(), fields[1].string()
    times = [field.time() for field in fields[-3:]]
    typed = edition != FIRST and len(fields) == 7  # noqa: PLR2004 - the list says of what it is
    listed = fields[2].integer() if typed else _CERTIFICATES
    entries = fields[-4].expect(der.SEQUENCE).children()
    if len(entries) > limits.MAX_SEAL_SIGNERS:
        raise der.NotDer("too many signers in a seal")
    if listed == _CERTIFICATES:
        # What is no certificate lists nobody.
        certificates = tuple(entry.content for entry in entries if entry.tag == der.OCTET_STRING)
        return kind, name, certificates, (), times
    if listed == _DIGESTS:
        pairs = [entry.sequence(2, 2) for entry in entries]
        return kind, name, (), tuple((pair[0].string(), pair[1].octets()) for pair in pairs), times
    raise der.NotDer("a list of signers of an unknown type")


def _picture(value: der.Value) -> SealPicture:
    kind, data, width, height = value.sequence(4, 4)
    return SealPicture(kind.string().strip().lower()[:16], data.octets(), width.integer(), height.integer())


def _hash(value: der.Value) -> bytes:
    """Return a digest, which some producers put into an OCTET STRING."""
    return value.octets() if value.tag == der.OCTET_STRING else value.bits()


def _stamp(values: Sequence[der.Value]) -> bytes | None:
    if not values:
        return None
    if len(values) > 1 or values[0].tag != _STAMP_TAG:
        raise der.NotDer("something else in the place of a time-stamp")
    return values[0].explicit(0).bits()


def _first_time(value: der.Value) -> tuple[datetime | None, bytes | None]:
    """Return edition 1's time: in a BIT STRING or by itself; or the time-stamp token in its place."""
    if value.tag in (der.UTC_TIME, der.GENERALIZED_TIME):
        return value.time(), None
    content = value.octets() if value.tag == der.OCTET_STRING else value.bits()
    try:
        inner = der.one(content)
        return (None, content) if inner.tag == der.SEQUENCE else (inner.time(), None)
    except der.NotDer:
        pass
    try:
        return der.time_of(re.sub(r"[-: ]", "", content.decode("ascii", "replace"))), None
    except der.NotDer:
        return None, None
