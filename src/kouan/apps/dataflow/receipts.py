"""Receipts of consents to a flow of data: what a person agreed to, as the side where they did signed it.

The content follows ISO/IEC TS 27560 (a consent record and its receipt) in the words of the W3C Data Privacy
Vocabulary: who the person is towards the importer, who gives what to whom, for what, from when until when,
and how it is withdrawn. It names kinds of data and never what they are.
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.policy.elements import elements_of
from kouan.core.trust import cose
from kouan.core.trust.queries import get_member, own

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kouan.apps.dataflow.domain import Terms
    from kouan.apps.dataflow.models import DataConsent

SCHEMA: Final = "urn:kouan:data-consent-receipt:1"
TYPE: Final = "application/consent-receipt+json"
MAX: Final = 16 * 1024


class BadReceipt(ValueError):
    """No receipt that the side's keys signed."""


def sign(consent: DataConsent, terms: Terms, *, language: str) -> bytes:
    """Return the signed receipt of a consent that is given now."""
    data = json.dumps(_content(consent, terms, language), ensure_ascii=False, separators=(",", ":")).encode()
    return cose.sign1(data, own().signer(timezone.now()), content_type=TYPE)


def read(data: bytes, *, side: str, at: datetime) -> Mapping[str, Any]:
    """Return what a receipt of a side says; raises ``BadReceipt`` for anything that it did not sign."""
    try:
        unverified = cose.read1(data, content_type=TYPE, max_bytes=MAX)
        keys = own().public if side == settings.NODE.side else get_member(side)
        unverified.verify(keys.verification_key(unverified.kid, at))
        value = json.loads(unverified.payload)
    except (KouanError, RecursionError, ValueError) as error:
        raise BadReceipt(type(error).__name__) from None
    if not isinstance(value, dict) or value.get("schema_version") != SCHEMA:
        raise BadReceipt("another structure")
    return value


def content(data: bytes) -> dict[str, Any]:
    """Return what a receipt says that is kept here, without checking it."""
    value: dict[str, Any] = json.loads(cose.read1(data, content_type=TYPE, max_bytes=MAX).payload)
    return value


def _content(consent: DataConsent, terms: Terms, language: str) -> dict[str, Any]:
    own_side, origin = settings.NODE.side, settings.NODE.portal_origin
    return {
        "schema_version": SCHEMA,
        "record_id": str(consent.key),
        "pii_principal_id": consent.subject,
        "language": language,
        "pii_processing": {
            "contract": terms.contract,
            "purposes": [
                {
                    "purpose_type": purpose,
                    "lawful_basis": "dpv:Consent",
                    "pii_information": [
                        {
                            "pii_attribute_id": each.id,
                            "pii_type": each.term,
                            "name": each.title.in_language(language),
                            "sensitive": each.id in consent.separate,
                        }
                        for each in elements_of(consent.elements)
                    ],
                    "pii_controllers": [_urn(terms.exporter.side, terms.exporter.code)],
                    "recipient_third_parties": [_urn(terms.importer.side, terms.importer.code)],
                    "storage_period": f"P{terms.retention_days}D",
                    "jurisdictions": sorted(terms.sides),
                    "withdrawal_method": f"{origin}/my-data/consents/{consent.key}/withdraw",
                }
                for purpose in consent.purposes
            ],
        },
        "party_identification": [
            {"party_id": f"urn:kouan:node:{own_side}", "party_role": "consent-keeper", "party_url": origin},
            *(
                {
                    "party_id": _urn(party.side, party.code),
                    "party_role": role,
                    "party_name": getattr(party.name, language.replace("-", "_"), party.name.en),
                    "party_place": party.place,
                }
                for role, party in (("pii-controller", terms.exporter), ("recipient", terms.importer))
            ),
        ],
        "events": [
            {
                "event_type": "explicit",
                "event_state": "given",
                "event_time": written(consent.given_at),
                "valid_until": written(consent.expires_at),
                "assurance_level": consent.level,
            }
        ],
    }


def _urn(side: str, code: str) -> str:
    return f"urn:kouan:institution:{side}:{code}"


def written(at: datetime) -> str:
    """Return a time as receipts say it: UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
