"""The words for this app's codes, as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from kouan.apps.validation.domain import (
    Algorithm,
    DocumentState,
    DocumentType,
    JobKind,
    JobState,
    Outcome,
    RevocationReason,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

ALGORITHMS: Final[Mapping[str, str]] = {
    Algorithm.SHA_256: "SHA-256",
    Algorithm.SM3: "SM3 (GB/T 32905)",
}
"""Names of their own, the same in every language."""

DOCUMENT_TYPES: Final[Mapping[str, _StrPromise]] = {
    DocumentType.ACADEMIC: _("Academic qualification"),
    DocumentType.BANK_STATEMENT: _("Bank statement"),
    DocumentType.CORPORATE_CREDIT: _("Corporate credit report"),
    DocumentType.KYC: _("Know-your-customer (KYC) report"),
    DocumentType.OWNER_CREDIT: _("Business owner's credit record"),
    DocumentType.OTHER: _("Other document"),
}

REVOCATION_REASONS: Final[Mapping[str, _StrPromise]] = {
    RevocationReason.ISSUED_IN_ERROR: _("Issued in error"),
    RevocationReason.SUPERSEDED: _("Replaced by a newer document"),
    RevocationReason.CONTENT_WRONG: _("Its content is wrong"),
    RevocationReason.WITHDRAWN: _("Withdrawn at the owner's request"),
    RevocationReason.FRAUD: _("Obtained by fraud"),
    RevocationReason.OTHER: _("Another reason"),
}

DOCUMENT_STATES: Final[Mapping[str, _StrPromise]] = {
    DocumentState.VALID: _("Valid"),
    DocumentState.EXPIRED: _("Expired"),
    DocumentState.REVOKED: _("Revoked"),
}

JOB_KINDS: Final[Mapping[str, _StrPromise]] = {
    JobKind.REGISTER: _("Register documents"),
    JobKind.REVOKE: _("Revoke documents, or let them expire"),
}

JOB_STATES: Final[Mapping[str, _StrPromise]] = {
    JobState.CHECKING: _("Checking the rows"),
    JobState.TAKING: _("Taking the rows"),
    JobState.CLEARING: _("Putting everything back"),
    JobState.DONE: _("Done"),
    JobState.REFUSED: _("Refused: nothing has changed"),
    JobState.FAILED: _("Failed: not all of it was done"),
}

OUTCOMES: Final[Mapping[str, _StrPromise]] = {
    Outcome.MATCH: _("The document is genuine and valid"),
    Outcome.MISMATCH: _("The file is not what was issued"),
    Outcome.UNKNOWN: _("No such document is registered"),
    Outcome.EXPIRED: _("The document is genuine, but has expired"),
    Outcome.REVOKED: _("The document was revoked by its issuer"),
}

OUTCOME_MEANINGS: Final[Mapping[str, _StrPromise]] = {
    Outcome.MATCH: _(
        "The institution issued exactly this document, unchanged, and it is neither expired nor revoked."
    ),
    Outcome.MISMATCH: _(
        "The reference exists, but this file differs from the one that the institution issued. It was "
        "changed, signed, or saved again by another program. Ask the owner for the file exactly as the "
        "institution gave it."
    ),
    Outcome.UNKNOWN: _(
        "The issuing side has no document with this reference. Do not rely on the file; ask the institution "
        "that it claims to come from."
    ),
    Outcome.EXPIRED: _(
        "The institution issued exactly this document, but it was valid only until the date below. Ask the "
        "owner for a newer one."
    ),
    Outcome.REVOKED: _(
        "The institution issued exactly this document and has since taken it back. Do not rely on it; ask "
        "the institution if you need to know more."
    ),
}
