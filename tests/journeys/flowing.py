"""What the journeys of the flow of data do inside a node (see ``station.py``)."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from kouan.apps.dataflow import (
    access,
    auditing,
    consents,
    contracts,
    decisions,
    erasing,
    filings,
    statements,
)
from kouan.apps.dataflow.domain import State, Terms
from kouan.apps.dataflow.models import (
    ConsentRequest,
    Contract,
    DataConsent,
    Decision,
    ErasureRequest,
    Record,
    Use,
)
from kouan.apps.identity.models import Resident
from kouan.core.errors import KouanError
from kouan.core.exchange.audit import audit
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.models import InboxBody, InboxMessage, OutboxBody, OutboxMessage
from kouan.core.ledger.models import Entry
from kouan.web.persons import Person, identities

PURPOSE = "dpv:CreditChecking"
VALUES = {"person.credit": "AA", "person.name": "CHAN Siu Ming"}
PLACES = {"hk": "hk", "gd": "gd:shenzhen"}


def draft(exporter: tuple[str, str], importer: tuple[str, str]) -> str:
    """Draft a contract between two institutions, each a side and a code, and sign it for this side."""
    today = contracts.today()
    parties = {
        role: {
            "code": code, "name": dict.fromkeys(("en", "zh_hant", "zh_hans"), code), "registration": "",
            "place": PLACES[side],
        }
        for role, (side, code) in (("exporter", exporter), ("importer", importer))
    }  # fmt: skip
    terms = Terms.model_validate(
        {
            "schema": "kouan-contract/1", "contract": str(uuid.uuid4()), "version": 1, "replaces": None,
            "basis": "gba-standard-contract", "purposes": [PURPOSE], "elements": sorted(VALUES),
            "persons": 10, "retention_days": 30, "onward": [],
            "assessment": {"digest": "0" * 64, "made_on": today.isoformat()},
            "effective": today.isoformat(), "expires": (today + timedelta(days=364)).isoformat(), **parties,
        }
    )  # fmt: skip
    contracts.draft(terms)
    contracts.propose(digest=terms.digest(), officer=f"{settings.NODE.side}, officer")
    return terms.contract


def sign(number: str) -> None:
    """Sign what the other side proposed."""
    contracts.sign(digest=bytes(Contract.objects.get(contract=number).digest), officer="officer")


def state_of(number: str) -> str:
    """Return how far a contract is here."""
    row = Contract.objects.filter(contract=number).first()
    return row.state if row else ""


def file(number: str) -> None:
    """File a contract with this side's authority."""
    row = Contract.objects.get(contract=number)
    filings.filed(digest=bytes(row.digest), filed_on=contracts.today(), reference=settings.NODE.side)


def filed(number: str) -> dict[str, str]:
    """Return the references under which a contract was filed, by side."""
    rows = Contract.objects.get(contract=number).filings.exclude(filed_on=None)
    return {row.side: row.reference for row in rows}


def token(code: str) -> str:
    """Return a token of an institution."""
    return access.issue(institution=code, name="journey")


def new_person(number: str) -> Person:
    """Have somebody with this number on their document sign in here."""
    resident = Resident.objects.create(created_at=timezone.now())
    return Person(key=str(resident.key), level=4, name="", document_number=number)


def agree(request: str, person: Person) -> str:
    """Agree to all that a request asks, and return the consent."""
    row = ConsentRequest.objects.get(key=request)
    terms = contracts.terms_of(Contract.objects.get(contract=row.contract, state=State.SIGNED))
    assert identities()
    given = consents.give(key=row.key, person=person, ticked=row.elements, terms=terms, language="zh-hant")
    assert given is not None
    return str(given.key)


def agree_at_once(request: str, person: Person, times: int) -> list[str]:
    """Have one person answer a request from so many screens at once; return what each is told."""
    begin, told = threading.Barrier(times), []

    def answer() -> None:
        begin.wait(30)
        try:
            told.append(agree(request, person))
        except KouanError as error:
            told.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=answer) for _ in range(times)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return told


def withdraw(consent: str, person: Person) -> None:
    """Take a consent back."""
    consents.withdraw(key=uuid.UUID(consent), person=person.key)


def ask_erasure(consent: str, person: Person) -> str:
    """Ask the other side to erase what crossed under a consent, and return the request."""
    return str(erasing.ask(key=uuid.UUID(consent), persons=[person.key]).key)


def erasures(consent: str) -> list[tuple[str, str, int, bool]]:
    """Return the requests to erase under a consent: key, state, how many records, and if it has a receipt."""
    rows = ErasureRequest.objects.filter(consent__key=consent).order_by("pk")
    return [(str(row.key), row.state, row.records, row.receipt is not None) for row in rows]


def answer_erasure(request: str, reason: str = "") -> None:
    """Answer as an officer would."""
    erasing.answer(key=uuid.UUID(request), reason=reason)


def bodies_of(messages: list[str]) -> int:
    """Return of how many messages the content is still here, sent or received."""
    sent_ = OutboxBody.objects.filter(message__message_id__in=messages).count()
    return sent_ + InboxBody.objects.filter(message__message_id__in=messages).count()


def all_proven() -> list[str]:
    """Prove every message with personal data; return what is missing."""
    rows, most = auditing.sample(None, records_only=False)
    assert most == len(rows)
    return [
        f"{row.message_id} {row.type}: {found.what}: {found.missing}"
        for row in rows
        for found in row.found
        if not found.holds
    ]


def withdrawn(consent: str) -> bool:
    """Return whether a consent counts no more here."""
    return DataConsent.objects.filter(key=consent, withdrawn_at__isnull=False).exists()


def sent(message: str) -> tuple[str, str, bool]:
    """Return a message's state and code, and whether it was ever numbered."""
    row = OutboxMessage.objects.get(message_id=message)
    return row.state, row.code, row.sequence is not None


def arrived(message: str) -> bool:
    """Return whether a message ever came."""
    return InboxMessage.objects.filter(message_id=message).exists()


def dead_letters() -> int:
    """Return how many dead letters this side's ledger holds."""
    return Entry.objects.filter(kind="dead-letter").count()


@dataclass(frozen=True, slots=True)
class Held:
    """A record as one side has it."""

    message: str
    content: bool
    erased: bool
    because: str
    uses: int
    digest: str


def held(consent: str) -> list[Held]:
    """Return the records under a consent, as this side has them."""
    return [
        Held(
            str(row.message_id), row.content is not None, row.erased_at is not None, row.erased_because,
            Use.objects.filter(record=row).count(), bytes(row.digest).hex(),
        )
        for row in Record.objects.filter(consent__key=consent).order_by("at", "pk")
    ]  # fmt: skip


def bundle_of(message: str, sender: str) -> bytes:
    """Return the evidence of a message."""
    return evidence_bundle([uuid.UUID(message)], sender=sender)


def sampled() -> dict[str, Any]:
    """Audit every record here: its decision, its rules, both signatures; and the whole node."""
    wrong = []
    rows = list(Record.objects.all())
    for row in rows:
        decision = Decision.objects.get(message_id=row.message_id, outgoing=row.outgoing)
        again = decisions.replay(decision)
        if not (decision.allowed and again.same and again.same_rules):
            wrong.append(f"{row.message_id}: {again}")
        contract = Contract.objects.get(digest=row.digest)
        for side, data in (
            (settings.NODE.side, contract.signed_here),
            (contract.peer, contract.signed_there),
        ):
            assert data is not None
            statements.read(bytes(data), side=side, digest=bytes(row.digest))
    problems = [f"{each.where}: {each.code}" for each in audit(signatures=True).problems]
    return {"records": len(rows), "wrong": wrong, "problems": problems}
