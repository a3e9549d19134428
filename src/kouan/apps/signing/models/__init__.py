"""The tables of this app, part by part."""

from __future__ import annotations

from kouan.apps.signing.models.lists import (
    ListDraft,
    ListEdition,
    ListEvent,
    ListKey,
    ListTold,
    RefusedEdition,
)
from kouan.apps.signing.models.making import (
    ArchivedDocument,
    OfficeSignature,
    SigningAccess,
    SigningOrder,
)
from kouan.apps.signing.models.reports import ReportPage, RevocationData, SignatureReport, ValidationAccess

__all__ = [
    "ArchivedDocument",
    "ListDraft",
    "ListEdition",
    "ListEvent",
    "ListKey",
    "ListTold",
    "OfficeSignature",
    "RefusedEdition",
    "ReportPage",
    "RevocationData",
    "SignatureReport",
    "SigningAccess",
    "SigningOrder",
    "ValidationAccess",
]
