"""Receipts of consents to a flow of data: what a person agreed to, as the side where they did signed it.

They say who the person is towards the importer, who gives what to whom, for what, from when until when, and
how it is withdrawn.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from kouan.apps.dataflow import errors
from kouan.apps.dataflow.judging import rules_for
from kouan.core.errors import KouanError
from kouan.core.policy.decide import term_day
from kouan.core.policy.elements import elements_of
from kouan.core.trust import receipts
from kouan.core.trust.receipts import BadReceipt, written

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from kouan.apps.dataflow.domain import Terms
    from kouan.apps.dataflow.models import DataConsent

SCHEMA: Final = "urn:kouan:data-consent-receipt:1"
_KIND: Final = receipts.Receipts(SCHEMA)
_DAYS: Final = re.compile(r"P([0-9]{1,5})D")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def sign(consent: DataConsent, terms: Terms, *, language: str) -> bytes:
    """Return the signed receipt of a consent that is given now."""
    return _KIND.sign(_content(consent, terms, language))


def read(data: bytes, *, side: str, at: datetime) -> Mapping[str, Any]:
    """Return what a receipt of a side says; raises ``BadReceipt`` for anything that it did not sign."""
    return _KIND.read(data, side=side, at=at)


def matches(  # noqa: PLR0913 - all that a receipt has to say, by name
    data: bytes,
    *,
    side: str,
    at: datetime,
    record: uuid.UUID,
    subject: str,
    contract: uuid.UUID,
    elements: Collection[str],
    separate: Collection[str],
    purposes: Collection[str],
    level: int,
    until: datetime,
    basis: str = "dpv:Consent",
) -> None:
    """Raise ``BadSignature`` unless a receipt is the side's own, and says just this."""
    try:
        receipt = read(data, side=side, at=at)
        processing = receipt["pii_processing"]
        information, given = processing["purposes"][0]["pii_information"], receipt["events"][0]
        named = {each["pii_attribute_id"] for each in information}
        apart = {each["pii_attribute_id"] for each in information if each["sensitive"]}
        same = (
            receipt["record_id"] == str(record)
            and receipt["pii_principal_id"] == subject
            and processing["contract"] == str(contract)
            and named == set(elements)
            and apart == set(separate)
            and {each["purpose_type"] for each in processing["purposes"]} == set(purposes)
            and {each.get("lawful_basis", "dpv:Consent") for each in processing["purposes"]} == {basis}
            and given["assurance_level"] == level
            and given["valid_until"] == written(until)
        )
    except (AttributeError, IndexError, KeyError, TypeError, BadReceipt):
        same = False
    if not same:
        raise errors.BadSignature


def content(data: bytes) -> dict[str, Any]:
    """Return what a receipt says that is kept here, without checking it."""
    return _KIND.content(data)


@lru_cache(1024)
def told(data: bytes) -> tuple[bytes | None, int | None]:
    """Return which terms a receipt that is kept here was given under, by their digest, and their retention.

    The retention is in days. Each is ``None`` where the receipt does not say it: the first ones named no
    terms, and another side's may name neither.
    """
    try:
        processing = content(data)["pii_processing"]
        terms = _DIGEST.fullmatch(processing.get("terms", ""))
        days = _DAYS.fullmatch(processing["purposes"][0].get("storage_period", ""))
    except (AttributeError, IndexError, KeyError, KouanError, RecursionError, TypeError, ValueError):
        return None, None
    return bytes.fromhex(terms[0]) if terms else None, int(days[1]) if days else None


def _content(consent: DataConsent, terms: Terms, language: str) -> dict[str, Any]:
    origin = settings.NODE.portal_origin
    return receipts.consent(
        schema=SCHEMA,
        record=consent.key,
        principal=consent.subject,
        language=language,
        processing={
            "contract": terms.contract,
            "terms": terms.digest().hex(),
            "purposes": [
                {
                    "purpose_type": purpose,
                    "lawful_basis": _basis(consent, terms),
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
                    **(
                        {}
                        if consent.notice
                        else {"withdrawal_method": f"{origin}/my-data/consents/{consent.key}/withdraw"}
                    ),
                }
                for purpose in consent.purposes
            ],
        },
        parties=[
            receipts.keeper(),
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
        event=receipts.given(
            consent.given_at,
            kind="notice" if consent.notice else "explicit",
            valid_until=written(consent.expires_at),
            assurance_level=consent.level,
        ),
    )


def _basis(consent: DataConsent, terms: Terms) -> str:
    if not consent.notice:
        return "dpv:Consent"
    day = term_day(consent.given_at)
    return rules_for(terms, settings.NODE.side, day)[1].term


def _urn(side: str, code: str) -> str:
    return f"urn:kouan:institution:{side}:{code}"
