"""An X.509 certificate as far as a seal needs it, whatever else in it is malformed.

The path to a root, policies and revocation are judged elsewhere, on the same bytes (``Certificate.der``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd import der, limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_ATTRIBUTES: Final = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
}
_KEY_USAGE: Final = "2.5.29.15"
_DIGITAL_SIGNATURE, _NON_REPUDIATION = 0x80, 0x40


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a signer's or a seal maker's certificate says of itself; none of it is trusted here."""

    der: bytes
    serial: bytes
    """The contents of its INTEGER, to be compared byte by byte."""
    issuer: bytes
    """The name in DER, as it was written."""
    subject: bytes
    spki: bytes
    """The key in DER (RFC 5280 section 4.1.2.7)."""
    not_before: datetime
    not_after: datetime
    subject_name: str
    """For people: ``O=…, CN=…``, in the encoding that it turned out to be in."""
    issuer_name: str
    common_name: str
    signs: bool | None
    """Whether its key usage has it sign (RFC 5280 section 4.2.1.3); ``None`` if that cannot be read."""

    def valid_at(self, moment: datetime) -> bool:
        """Say whether the moment lies in its period of validity."""
        return self.not_before <= moment <= self.not_after


def read(data: bytes) -> Certificate:
    """Return a certificate's fields; raises ``NotDer``."""
    if len(data) > limits.MAX_CERTIFICATE:
        raise der.NotDer("longer than any certificate")
    tbs, _algorithm, _signature = der.one(data).sequence(3, 3)
    fields = tbs.expect(der.SEQUENCE).children()
    if fields and fields[0].tag == 0xA0:  # noqa: PLR2004 - [0] version
        fields = fields[1:]
    if len(fields) < 6:  # noqa: PLR2004 - serial, algorithm, issuer, validity, subject, key
        raise der.NotDer("a certificate without its fields")
    serial, _inner, issuer, validity, subject, spki, *rest = fields
    since, until = validity.sequence(2, 2)
    names = _names(subject)
    return Certificate(
        der=data,
        serial=serial.expect(der.INTEGER).content,
        issuer=issuer.expect(der.SEQUENCE).raw,
        subject=subject.expect(der.SEQUENCE).raw,
        spki=spki.expect(der.SEQUENCE).raw,
        not_before=since.time(),
        not_after=until.time(),
        subject_name=_joined(names),
        issuer_name=_joined(_names(issuer)),
        common_name=next((value for kind, value in names if kind == "CN"), ""),
        signs=_signs(rest),
    )


def _names(name: der.Value) -> list[tuple[str, str]]:
    """Return what a Name says, in order; what cannot be read of it is left out."""
    found: list[tuple[str, str]] = []
    for relative in name.expect(der.SEQUENCE).children():
        for pair in relative.expect(der.SET).children():
            try:
                kind, value = pair.sequence(2, 2)
                found.append((_ATTRIBUTES.get(kind.oid(), kind.oid()), value.string()))
            except der.NotDer:
                continue
    return found


def _joined(names: Sequence[tuple[str, str]]) -> str:
    text = ", ".join(f"{kind}={value}" for kind, value in names)
    return "".join(mark if mark.isprintable() else "\ufffd" for mark in text[:500])


def _signs(rest: Sequence[der.Value]) -> bool | None:
    """Return what the key usage says; extensions of the wrong shape say nothing."""
    try:
        for field in rest:
            if field.tag != 0xA3:  # noqa: PLR2004 - [3] extensions
                continue
            for extension in field.explicit(3).expect(der.SEQUENCE).children():
                kind, *_critical, value = extension.sequence(2, 3)
                if kind.oid() == _KEY_USAGE:
                    usage = der.one(value.octets()).expect(der.BIT_STRING).content
                    return bool(usage[1] & (_DIGITAL_SIGNATURE | _NON_REPUDIATION))
    except (der.NotDer, IndexError):
        return None
    return None
