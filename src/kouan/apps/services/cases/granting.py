"""Granting: the signed paper, the credential, the register, and the message that hands all of it over.

The paper is made, signed and sealed for the other side before the transaction; a transaction would keep every
other writer out meanwhile. What counts is then written at once: the decision, the register of documents, the
credential and the message, or nothing.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from django.utils import timezone

from kouan.apps.services import payloads, sealing
from kouan.apps.services.cases import (
    clock,
    errors,
    issued,
    labels,
    proving,
    results,
    signing,
    telling,
    versions,
    working,
)
from kouan.apps.services.cases.access import works_on
from kouan.apps.services.domain import Action, Role, State, may
from kouan.apps.services.models import Case, CaseFee, CaseResult
from kouan.core import documents
from kouan.core.credentials import broker
from kouan.core.exchange import outbox
from kouan.core.exchange.blobs.attaching import attach

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.contrib.auth.models import User

    from kouan.apps.services.definition.model import Definition
    from kouan.core.exchange.blobs.reference import Blob


def grant(*, case: Case, officer: User, changed: int, given: Mapping[str, str], words: str = "") -> Case:
    """Grant what was applied for, and hand over the result.

    ``given`` are the lines that the officer fills in, by the name after ``officer.``. Raises
    ``ClaimMissing``, ``FeeNotPaid``, ``NotNow``, ``CaseChanged``, or what the door or an office's key raises;
    then nothing was granted.
    """
    from kouan.apps.services import crossings  # noqa: PLC0415 - it imports what handles applications

    words = words.replace("\r\n", "\n").strip()[: working.MAX_WORDS]
    definition = _grantable(case, officer, changed)
    if lost := proving.look_again(case):
        titles = {need.requirement: str(need.title.text) for need in definition.needs}
        raise errors.EvidenceChanged(evidence=", ".join(titles.get(each, each) for each in lost))
    now = timezone.now()
    found = results.lines(case, definition, given, now)
    register = documents.register()
    department = definition.department.code
    named = register.named(department)
    paper = results.paper(case, definition, found, words=words, at=now, credential=named["reference"])
    signed = signing.signed(
        paper,
        department=definition.department,
        reason=f"{definition.title.en}, {case.reference}",
        name=f"{case.reference}.pdf",
        by=officer.get_username(),
        at=now,
    )
    prepared = register.prepare(signed, department=department, name=f"{case.reference}.pdf")
    blob: Blob = attach(
        crossings.CASE_GRANTED, io.BytesIO(prepared.data), to=case.home, media_type="application/pdf"
    )
    with working.working_on(case, officer=officer, changed=changed) as held:
        working.moved(held, Action.GRANT)
        _fee_is_paid(held, definition)
        held.officer = held.officer or officer
        clock.finish(held, now)
        issued.take_back(held)  # of a decision that was appealed
        credential = _credential(held, definition, found, named, now)
        until = results.expiry(definition, now)
        expires_on = None if until is None else clock.today(until)
        issuer = definition.department.name.text
        register.enter(prepared, issuer=issuer, expires_on=expires_on)
        as_text = register.prepare(credential.encode(), department=department, name=f"{case.reference}.jwt")
        register.enter(as_text, issuer=issuer, expires_on=expires_on)
        CaseResult.objects.update_or_create(
            case=held,
            defaults={
                "pdf": sealing.seal(prepared.data, of=issued.of(held)),
                "credential": sealing.seal(credential.encode(), of=issued.of(held)),
                "made_at": now,
                "reference": prepared.reference,
                "credential_reference": as_text.reference,
                "revoked_at": None,
            },
        )
        held.seq += 1
        message_id = outbox.send(
            crossings.CASE_GRANTED,
            to=held.home,
            payload=payloads.CaseGranted(
                application=held.key.bytes,
                seq=held.seq,
                reference=held.reference,
                by=held.department,
                words=words,
                document=blob,
                credential=credential,
                at=int(now.timestamp()),
            ),
            conversation=held.key,
        )
        telling.note(
            held,
            Action.GRANT.value,
            role=Role.OFFICER,
            by=officer,
            told={"words": words, "given": dict(given)},
            seq=held.seq,
            message_id=message_id,
            at=now,
        )
    return held


def _grantable(case: Case, officer: User, changed: int) -> Definition:
    """Look whether it can be granted, before a paper is made for it; the transaction looks again."""
    if not works_on(officer, case):
        raise errors.UnknownCase
    with working.working_on(case, officer=officer, changed=changed) as held:
        definition = versions.of_case(held)
        if Action.GRANT not in may(definition.transitions, State(held.state), Role.OFFICER):
            raise errors.NotNow(state=labels.state_name(held.state))
        _fee_is_paid(held, definition)
    return definition


def _fee_is_paid(case: Case, definition: Definition) -> None:
    asks = any(row.action is Action.ASK_PAYMENT for row in definition.transitions)
    if definition.fee is None or not asks:
        return
    if not CaseFee.objects.filter(case=case, paid_at__isnull=False).exists():
        raise errors.FeeNotPaid


def _credential(
    case: Case, definition: Definition, found: list[results.Line], named: dict[str, str], now: datetime
) -> str:
    return broker().issue(
        type_=f"{definition.side}.{definition.result.kind}",
        title=definition.result.title.text,
        department=case.department,
        claims={line.name: line.value for line in found},
        titles={line.name: line.title for line in found},
        expires_at=results.expiry(definition, now),
        registered=named,
    )


def revoke(*, case: Case, officer: User, changed: int, words: str) -> Case:
    """Take a result back, as a paper and as a credential, and tell the applicant why.

    Raises ``NoResult`` or ``WordsNeeded``. The case stays granted: the audit trail says what became of it.
    """
    words = working.words_of(words)
    with working.working_on(case, officer=officer, changed=changed, erased=True) as held:
        if not issued.take_back(held):
            raise errors.NoResult
        held.changed += 1
        telling.note(held, "revoked", role=Role.OFFICER, by=officer, told={"words": words})
        telling.tell(held, "message", role=Role.OFFICER, by=officer, words=words)
    return held
