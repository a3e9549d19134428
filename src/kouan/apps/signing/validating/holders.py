"""For whom a certificate was issued, by what it says itself: of which types of a trust list it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyhanko.sign.ades.qualified_asn1 import get_qc_statements

from kouan.apps.signing.lists.domain import CertificateType, Types

if TYPE_CHECKING:
    from asn1crypto import x509

_ALL: Final = frozenset(CertificateType)
_NONE: Final[frozenset[CertificateType]] = frozenset()
_STATED: Final = {
    "qct_esign": frozenset({CertificateType.PERSONAL, CertificateType.ORGANISATION}),
    "qct_eseal": frozenset({CertificateType.SEAL}),
    "qct_web": _NONE,
}
"""What ``QcType`` (ETSI EN 319 412-5 section 4.2.3) says: a person signs, for themselves or for another."""
_MACHINES: Final = {"server_auth", "code_signing", "time_stamping", "ocsp_signing"}
_DOCUMENTS: Final = {
    "any_extended_key_usage", "email_protection", "microsoft_document_signing",
    "adobe_authentic_documents_trust", "1.3.6.1.5.5.7.3.36",
}  # fmt: skip
"""Extended key usages of who signs documents; the last is RFC 9336's."""
_PERSONS_NAMES: Final = {"given_name", "surname", "pseudonym"}
_ORGANISATIONS_NAMES: Final = {"organization_name", "organization_identifier"}


def types_of(certificate: x509.Certificate) -> Types:
    """Return of which types a certificate may be; of none for that of a CA or a machine.

    What it states outright comes first: basic constraints, extended key usage, ``QcType``. Else the holder's
    names tell (EN 319 412-2 section 4.2.4 and 412-3 section 4.2.1): whoever is named with an organisation
    acts for it or is it. An organisation that is the CA itself tells nothing: some put the product's name
    there.
    """
    stated = _stated(certificate)
    if stated is not None:
        return Types(stated)
    try:
        names = certificate.subject.native
        issuer = str(certificate.issuer.native.get("organization_name") or "")
    except Exception:  # noqa: BLE001 - the library's errors on foreign bytes are many; unread names tell nothing
        return Types(_ALL, declared=False)
    given = set(names)
    if not given & _ORGANISATIONS_NAMES:
        found = frozenset({CertificateType.PERSONAL})
    elif issuer and str(names.get("organization_name") or "").startswith(issuer):
        found = _ALL
    elif given & _PERSONS_NAMES:
        found = frozenset({CertificateType.ORGANISATION})
    else:
        found = frozenset({CertificateType.ORGANISATION, CertificateType.SEAL})
    return Types(found, declared=False)


def _stated(certificate: x509.Certificate) -> frozenset[CertificateType] | None:
    try:
        if certificate.ca:
            return _NONE
        purposes = certificate.extended_key_usage_value
        usage = set() if purposes is None else set(purposes.native)
        if usage & _MACHINES and not usage & _DOCUMENTS:
            return _NONE
        stated = {
            str(kind)
            for each in get_qc_statements(certificate)
            if each["statement_id"].native == "qc_type"
            for kind in each["statement_info"].native
        }
    except Exception:  # noqa: BLE001 - as above
        return None
    known = [_STATED[each] for each in sorted(stated) if each in _STATED]
    return frozenset().union(*known) if known else None
