"""Contracts and their filings, consents, what crossed under them, what was decided, and who may ask."""

from kouan.apps.dataflow.models.access import InstitutionAccess, SentOnce
from kouan.apps.dataflow.models.consents import ConsentRequest, DataConsent
from kouan.apps.dataflow.models.contracts import Contract, Filing, SignedPaper
from kouan.apps.dataflow.models.decisions import Decision
from kouan.apps.dataflow.models.erasures import ErasureRequest
from kouan.apps.dataflow.models.records import Record, Use

__all__ = [
    "ConsentRequest",
    "Contract",
    "DataConsent",
    "Decision",
    "ErasureRequest",
    "Filing",
    "InstitutionAccess",
    "Record",
    "SentOnce",
    "SignedPaper",
    "Use",
]
