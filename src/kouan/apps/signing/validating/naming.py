"""Whom certificates name: subjects, issuers and policies, as a report says them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from kouan.apps.signing.validating import report
from kouan.apps.signing.validating.holders import types_of

if TYPE_CHECKING:
    from asn1crypto import x509


def party(name: x509.Name) -> report.Party:
    """Return a name as a certificate has it, its texts bounded."""
    parts: dict[str, str] = {}
    try:
        for rdn in name.chosen:
            for pair in rdn:
                parts.setdefault(pair["type"].native, _text(pair["value"]))
    except (TypeError, ValueError, UnicodeDecodeError):
        pass  # a name in an encoding of its own: what was read so far is shown
    shown = (
        parts.get("common_name")
        or parts.get("organization_name")
        or parts.get("organizational_unit_name", "")
    )
    return report.Party(
        name=shown[:300], organisation=parts.get("organization_name", "")[:300],
        country=parts.get("country_name", "")[:8],
    )  # fmt: skip


def _text(value: Any) -> str:
    try:
        return str(value.native)
    except (TypeError, ValueError):
        contents = (
            bytes(value.chosen.contents or b"") if hasattr(value, "chosen") else bytes(value.contents or b"")
        )
        return contents.decode("gb18030", "replace")


def described(certificate: x509.Certificate) -> report.Certificate:
    """Return what the report says of a certificate."""
    types = types_of(certificate)
    return report.Certificate(
        subject=party(certificate.subject),
        issuer=party(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
        fingerprint=hashlib.sha256(certificate.dump()).hexdigest(),
        not_before=certificate.not_valid_before,
        not_after=certificate.not_valid_after,
        policies=policies_of(certificate),
        types=tuple(sorted(types.may_be)),
        types_stated=types.declared,
    )


def policies_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the policies in a certificate, as dotted object identifiers."""
    try:
        found = certificate.certificate_policies_value or ()
        return tuple(each["policy_identifier"].dotted for each in found)[:50]
    except (TypeError, ValueError):
        return ()
