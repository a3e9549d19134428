"""Cases as decisions keep them: written down as JSON, and read again.

Of the many cases of one contract nearly all is the same: that is put into words once.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kouan.apps.dataflow.domain import BOUND, Case, ConsentFacts, ContractFacts, Filing, State, Terms
from kouan.core.database.values import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def as_json(case: Case) -> dict[str, Any]:
    """Return a case as it is written down; nothing in it says who the person is.

    Terms that are kept for good are named by their digest alone.
    """
    value: dict[str, Any] = json.loads(as_text(case))
    return value


def as_text(case: Case) -> Written:
    """Return the same as the JSON that a row keeps."""
    matter = _matter(
        case.day, case.sender, case.receiver, case.elements, case.purpose, case.named, case.contract
    )
    return Written(
        f'{{"at": "{case.at.isoformat()}", {matter}, "subject": {json.dumps(case.subject)}, '
        f'"consent": {_consent(case.consent)}}}'
    )


@lru_cache(1024)
def _matter(  # noqa: PLR0913, PLR0917 - all of a case in which the one person plays no part
    day: date,
    sender: str,
    receiver: str,
    elements: frozenset[str],
    purpose: str,
    named: bytes | None,
    contract: ContractFacts | None,
) -> str:
    """Return the members of a case that many have in common, without the brackets."""
    written = json.dumps(
        {
            "day": day.isoformat(),
            "sender": sender,
            "receiver": receiver,
            "elements": sorted(elements),
            "purpose": purpose,
            "named": named.hex() if named else None,
            "contract": contract and _written(contract),
        }
    )
    return written[1:-1]


@lru_cache(1024)
def _consent(consent: ConsentFacts | None) -> str:
    return json.dumps(
        consent
        and {
            "contract": consent.contract,
            "subject": consent.subject,
            "elements": sorted(consent.elements),
            "separate": sorted(consent.separate),
            "purposes": sorted(consent.purposes),
            "level": consent.level,
            "given_at": consent.given_at.isoformat(),
            "expires_at": consent.expires_at.isoformat(),
            "withdrawn_at": consent.withdrawn_at and consent.withdrawn_at.isoformat(),
            **({"notice": True} if consent.notice else {}),
            **({} if consent.retention_days is None else {"retention_days": consent.retention_days}),
            **({} if consent.onward is None else {"onward": sorted(map(list, consent.onward))}),
        }
    )


def _written(contract: ContractFacts) -> dict[str, Any]:
    kept = contract.state in BOUND and contract.text
    return {
        "terms": None if kept else contract.terms.model_dump(by_alias=True),
        "digest": contract.digest.hex(),
        "state": contract.state.value,
        "ended_on": contract.ended_on and contract.ended_on.isoformat(),
        "signed_by": sorted(contract.signed_by),
        "filings": [
            [each.side, each.due_on.isoformat(), each.filed_on and each.filed_on.isoformat()]
            for each in contract.filings
        ],
    }


def from_json(value: Mapping[str, Any], *, terms: Callable[[bytes], Terms] | None = None) -> Case:
    """Return the case that ``as_json`` wrote; ``terms`` finds those that it names by their digest."""
    contract, consent = value["contract"], value["consent"]

    def said(written: Mapping[str, Any]) -> Terms:
        if written["terms"] is None and terms is not None:
            return terms(bytes.fromhex(written["digest"]))
        return Terms.model_validate(written["terms"])

    return Case(
        at=datetime.fromisoformat(value["at"]),
        day=date.fromisoformat(value["day"]),
        sender=value["sender"],
        receiver=value["receiver"],
        elements=frozenset(value["elements"]),
        purpose=value["purpose"],
        subject=value["subject"],
        named=bytes.fromhex(value["named"]) if value["named"] else None,
        contract=contract
        and ContractFacts(
            terms=said(contract),
            digest=bytes.fromhex(contract["digest"]),
            state=State(contract["state"]),
            ended_on=_day(contract["ended_on"]),
            signed_by=frozenset(contract["signed_by"]),
            filings=tuple(
                Filing(side, date.fromisoformat(due), _day(filed)) for side, due, filed in contract["filings"]
            ),
        ),
        consent=consent
        and ConsentFacts(
            contract=consent["contract"],
            subject=consent["subject"],
            elements=frozenset(consent["elements"]),
            separate=frozenset(consent["separate"]),
            purposes=frozenset(consent["purposes"]),
            level=consent["level"],
            given_at=datetime.fromisoformat(consent["given_at"]),
            expires_at=datetime.fromisoformat(consent["expires_at"]),
            withdrawn_at=consent["withdrawn_at"] and datetime.fromisoformat(consent["withdrawn_at"]),
            notice=consent.get("notice", False),
            retention_days=consent.get("retention_days"),
            onward=frozenset((name, place) for name, place in consent["onward"])
            if "onward" in consent
            else None,
        ),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
