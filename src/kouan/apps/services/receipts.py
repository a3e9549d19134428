"""Receipts of applicants' consents, as the home side signed them.

They name the application, the version of the service, who receives it and which kinds of data, and never what
these are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from kouan.core.policy.elements import elements_of
from kouan.core.trust import receipts
from kouan.core.trust.receipts import BadReceipt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kouan.apps.services.definition.model import Definition
    from kouan.apps.services.models import Application

SCHEMA: Final = "urn:kouan:application-consent-receipt:1"
_KIND: Final = receipts.Receipts(SCHEMA)


def sign(application: Application, definition: Definition, *, kinds: frozenset[str]) -> bytes:
    """Return the signed receipt of a consent that is given now: to these kinds of data, for this service."""
    return _KIND.sign(_content(application, definition, kinds))


def read(data: bytes, *, side: str, at: datetime) -> Mapping[str, Any]:
    """Return what a receipt of a side says; raises ``BadReceipt`` for anything that it did not sign."""
    value = _KIND.read(data, side=side, at=at)
    kinds = value.get("kinds")
    if not isinstance(kinds, list) or not all(isinstance(each, str) for each in kinds):
        raise BadReceipt("no kinds of data")
    return value


def content(data: bytes) -> dict[str, Any]:
    """Return what a receipt says that is kept here, without checking it."""
    return _KIND.content(data)


def _content(application: Application, definition: Definition, kinds: frozenset[str]) -> dict[str, Any]:
    origin, language = settings.NODE.portal_origin, application.language
    department = f"urn:kouan:department:{definition.side}:{definition.department.code}"
    said = receipts.consent(
        schema=SCHEMA,
        record=application.key,
        principal=application.subject,
        language=language,
        processing={
            "purposes": [
                {
                    "purpose_type": "dpv:ServiceProvision",
                    "lawful_basis": "dpv:Consent",
                    "pii_information": [
                        {"pii_attribute_id": each.id, "pii_type": each.term}
                        for each in elements_of(sorted(kinds))
                    ],
                    "recipient_third_parties": [department],
                    "jurisdictions": sorted({settings.NODE.side, definition.side}),
                    "withdrawal_method": origin + reverse("services:act", args=[application.key, "withdraw"]),
                }
            ]
        },
        parties=[
            receipts.keeper(),
            {
                "party_id": department,
                "party_role": "recipient",
                "party_name": definition.department.name.text.in_language(language),
            },
        ],
        event=receipts.given(application.consented_at or timezone.now(), assurance_level=application.level),
    )
    return {
        **said,
        "application": str(application.key),
        "service": definition.service,
        "version": definition.version,
        "digest": definition.digest().hex(),
        "subject": application.subject,
        "kinds": sorted(kinds),
    }
