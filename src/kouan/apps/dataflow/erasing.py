"""Erasing what crossed because the person whom it is about asks for it.

The person asks on their own side; an officer of the importer's side answers, by the reasons that the rules of
that side name and by no other. What is erased are the values: on the importer's side the record and the
message that brought it, on the exporter's what was kept of the message for sending. Both ledgers keep their
entries, which are fingerprints, so it stays provable that something crossed, when, and on what ground.
"""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from kouan.apps.dataflow import clearing, errors
from kouan.apps.dataflow.crossings import ERASURE_ANSWERED, ERASURE_ASKED
from kouan.apps.dataflow.erasure_receipts import read, sign
from kouan.apps.dataflow.filings import due_on
from kouan.apps.dataflow.models import DataConsent, ErasureRequest, Record
from kouan.apps.dataflow.payloads import ErasureAnswered, ErasureAsked
from kouan.apps.dataflow.rules import NoRules, rules_of
from kouan.core.exchange import outbox
from kouan.core.exchange.models import OutboxMessage
from kouan.core.policy.decide import term_day
from kouan.core.watch.deadlines import Deadline

if TYPE_CHECKING:
    from collections.abc import Collection

    from kouan.apps.dataflow.rules import ErasureRules
    from kouan.core.exchange import Received, Undelivered
    from kouan.core.exchange.crossing import SentAgain

_OVERDUE_MOST: Final = 50
"""So many are looked at together; each is an alarm of its own."""
_TOLD_MOST: Final = 50
ASKED, ERASED, REFUSED, FAILED = "asked", "erased", "refused", "failed"


def ask(*, key: uuid.UUID, persons: Collection[str]) -> ErasureRequest:
    """Ask the other side to erase what crossed under a consent or a notice of one of these persons.

    Raises ``UnknownConsent``, ``NothingToErase``, ``AlreadyAsked``, or what ``send`` may raise.
    """
    named = [each for each in persons if each]
    with transaction.atomic():
        consent = DataConsent.objects.select_for_update().filter(key=key, person__in=named).first()
        if consent is None:
            raise errors.UnknownConsent
        if not Record.objects.filter(consent=consent, outgoing=True, erased_at=None).exists():
            raise errors.NothingToErase
        before = ErasureRequest.objects.filter(consent=consent, state=ASKED).first()
        if before is not None:
            raise errors.AlreadyAsked(day=before.due_on.isoformat())
        now = timezone.now()
        request = ErasureRequest(consent=consent, asked_at=now, due_on=_due(consent.peer, now), state=ASKED)
        request.message_id = outbox.send(
            ERASURE_ASKED,
            to=consent.peer,
            payload=ErasureAsked(
                request=request.key.bytes, consent=consent.key.bytes, at=int(now.timestamp())
            ),
            conversation=consent.key,
        )
        request.save()
    return request


def asked_there(*, message: Received[ErasureAsked]) -> None:
    """Put a person's request before the officers; what came before it in its conversation is here already."""
    said = message.payload
    key = uuid.UUID(bytes=said.consent)
    consent = DataConsent.objects.select_for_update().filter(key=key, peer=message.sender, person="").first()
    if consent is None or message.conversation != key:
        raise errors.NoSuchConsent
    now = timezone.now()
    if rules_here(term_day(now)) is None:
        raise errors.NoRightToErasure
    request = uuid.UUID(bytes=said.request)
    open_ = ErasureRequest.objects.filter(consent=consent, state=ASKED).exclude(key=request).first()
    if open_ is not None:
        raise errors.AlreadyAsked(day=open_.due_on.isoformat())
    row, _made = ErasureRequest.objects.get_or_create(
        key=request,
        defaults={
            "consent": consent,
            "message_id": message.id,
            "asked_at": datetime.fromtimestamp(said.at, tz=UTC),
            "due_on": _due(settings.NODE.side, now),
            "state": ASKED,
        },
    )
    if row.consent_id != consent.pk:
        raise errors.NoSuchConsent


def not_delivered(message: Undelivered) -> None:
    """Note that the other side could not take a request, and why: the person may ask again.

    Only of the request that this message was: the person may have asked once more since.
    """
    # One from before requests kept their messages is found by the consent.
    this = Q(message_id=message.id) | Q(message_id=None, consent__key=message.conversation)
    ErasureRequest.objects.filter(this, consent__peer=message.receiver, state=ASKED).exclude(
        consent__person=""
    ).update(state=FAILED, reason=message.code[:64], answered_at=timezone.now())


def sent_again(message: SentAgain) -> None:
    """Have a request wait for its answer once more that an operator sends again; one at a time waits."""
    held = ErasureRequest.objects.select_for_update()
    request = held.filter(message_id=message.before, state=FAILED).first()
    if request is None:
        raise errors.UnknownErasure
    open_ = ErasureRequest.objects.filter(consent=request.consent_id, state=ASKED).first()
    if open_ is not None:
        raise errors.AlreadyAsked(day=open_.due_on.isoformat())
    request.message_id, request.state, request.reason, request.answered_at = message.id, ASKED, "", None
    request.due_on = _due(request.consent.peer, timezone.now())
    request.save()


def answer(*, key: uuid.UUID, reason: str = "", words: str = "") -> ErasureRequest:
    """Erase what a person asked to have erased, or refuse it for one of the reasons of this side's rules.

    One transaction erases, writes the answer and tells the other side. What is erased stays so where that
    side cannot be told, and is told later (``tell_answered``); a refusal is then no answer. Raises
    ``UnknownErasure``, ``RefusalNotProvided`` for a reason that the rules of today do not name, or, for a
    refusal, what ``send`` may raise.
    """
    with transaction.atomic():
        request = (
            ErasureRequest.objects.select_for_update()
            .select_related("consent")
            .filter(key=key, state=ASKED, consent__person="")
            .first()
        )
        if request is None:
            raise errors.UnknownErasure
        now = timezone.now()
        rules = rules_here(term_day(now))
        if reason and (rules is None or reason not in rules.refusals):
            raise errors.RefusalNotProvided
        consent = DataConsent.objects.select_for_update().get(pk=request.consent_id)
        gone: list[uuid.UUID] = []
        if not reason:
            gone = clearing.erase(consent=consent, because="asked")
        request.state = REFUSED if reason else ERASED
        request.reason, request.words, request.records, request.answered_at = reason, words, len(gone), now
        request.receipt = sign(request, rules, gone)
        request.save()
        (outbox.send if reason else outbox.send_if_it_can)(
            ERASURE_ANSWERED, to=consent.peer, payload=_answer(request), conversation=consent.key
        )
    return request


def tell_answered() -> bool:
    """Tell the other sides of erasures that they could not be told of with the answer; nothing is left over.

    Where a side still cannot be told, it waits for the next time.
    """
    told = OutboxMessage.objects.filter(
        type=ERASURE_ANSWERED.type,
        conversation=OuterRef("consent__key"),
        created_at__gte=OuterRef("answered_at"),
    )
    untold = ErasureRequest.objects.filter(~Exists(told), state=ERASED, consent__person="")
    for peer in untold.order_by("consent__peer").values_list("consent__peer", flat=True).distinct():
        with transaction.atomic():  # of two workers one holds them; told twice it would be harmless
            theirs = untold.filter(consent__peer=peer).select_related("consent").order_by("pk")
            for request in theirs.select_for_update(skip_locked=True, of=("self",))[:_TOLD_MOST]:
                outbox.send_if_it_can(
                    ERASURE_ANSWERED,
                    to=peer,
                    payload=_answer(request),
                    conversation=request.consent.key,
                )
    return False


def answered(*, message: Received[ErasureAnswered]) -> None:
    """Keep the other side's answer, if its receipt is that side's own and says the same.

    The first answer stands.
    """
    said = message.payload
    request = (
        ErasureRequest.objects.select_for_update()
        .select_related("consent")
        .filter(key=uuid.UUID(bytes=said.request), consent__peer=message.sender, state__in=[ASKED, FAILED])
        .exclude(consent__person="")
        .first()
    )
    if request is None:
        raise errors.UnknownErasure
    at = datetime.fromtimestamp(said.at, tz=UTC)
    told = read(said.receipt, side=message.sender, at=at)
    if (told.request, told.consent, told.outcome, told.reason, len(told.records)) != (
        request.key, request.consent.key, said.outcome, said.reason, said.records,
    ):  # fmt: skip
        raise errors.BadSignature
    request.state = said.outcome
    request.reason, request.words, request.records = said.reason, said.words, said.records
    request.answered_at, request.receipt = at, said.receipt
    request.save()


def erase_asked(*, contract: uuid.UUID, consent: uuid.UUID) -> int:
    """Erase what a consent had let cross here, and tell the other side; return how many records.

    For who asks the institution itself, with the number of their receipt. The consent itself stays:
    withdrawing it is for the person, on their own side. Raises ``NoSuchConsent``.
    """
    with transaction.atomic():
        held = (
            DataConsent.objects.select_for_update().filter(key=consent, contract=contract, person="").first()
        )
        if held is None:
            raise errors.NoSuchConsent
        return len(clearing.erase(consent=held, because="asked"))


def overdue(now: datetime) -> list[Deadline]:
    """Return the requests whose day has passed without an answer, for watching.

    Those that wait for our officers, and those of our own residents that wait for the other side's.
    """
    day = term_day(now)
    late = (
        ErasureRequest.objects.filter(state=ASKED, due_on__lt=day)
        .order_by("due_on", "pk")
        .values_list("key", "due_on", "consent__person", "consent__peer")[:_OVERDUE_MOST]
    )
    return [
        Deadline("erasure", f"{peer if person else settings.NODE.side} {key}", (due - day).days)
        for key, due, person, peer in late
    ]


def rules_here(day: date) -> ErasureRules | None:
    """Return what this side's law of a day says of such requests, if it knows them."""
    return _rules(settings.NODE.side, day)


def _rules(side: str, day: date) -> ErasureRules | None:
    try:
        return rules_of(side, day).erasure
    except NoRules:
        return None


def _due(side: str, now: datetime) -> date:
    day = term_day(now)
    rules = _rules(side, day)
    return day if rules is None else due_on(side, day, rules.working_days)


def _answer(request: ErasureRequest) -> ErasureAnswered:
    if request.answered_at is None or request.receipt is None:
        raise errors.UnknownErasure
    return ErasureAnswered(
        request=request.key.bytes,
        outcome="refused" if request.state == REFUSED else "erased",
        reason=request.reason,
        words=request.words,
        records=request.records,
        at=int(request.answered_at.timestamp()),
        receipt=bytes(request.receipt),
    )
