"""The tables of this app."""

from __future__ import annotations

from kouan.apps.evidence.models.access import DepartmentAccess
from kouan.apps.evidence.models.credentials import Credential, IssuerKey, Showing, StatusList
from kouan.apps.evidence.models.peers import Announced, PeerIssuer, PeerStatusList, StatusTold
from kouan.apps.evidence.models.records import EvidenceRecord, RecordChange

__all__ = [
    "Announced", "Credential", "DepartmentAccess", "EvidenceRecord", "IssuerKey", "PeerIssuer",
    "PeerStatusList", "RecordChange", "Showing", "StatusList", "StatusTold",
]  # fmt: skip
