"""Comparing with the other side what each has sent and received: what crosses for it.

A log proves what is in it, not that nothing was left out. So for each closed day the two sides compare,
for each stream, the count and a digest over (number, id, digest of the sealed body, outcome) of its
messages. Where they differ they halve and halve again, sixteen parts at a time, down to the messages.
Nothing of a message's content crosses. ``reconciling`` does the work; here a step is only taken in.
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Annotated, Final, Literal

from annotated_types import Ge, Le, Len, MaxLen
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange.crossing import Consent, Crossing, Payload, Received, Undelivered
from kouan.core.exchange.models import Reconciliation, ReconciliationStep

PARTS: Final = 16
"""Into so many parts a range that differs is cut, and so many such ranges are followed at a time."""
LISTED: Final = 256
"""A range of at most so many numbers is not cut any more: its messages are listed."""
LISTINGS: Final = 8
MOST_ITEMS: Final = 2 * LISTED
MOST_FOUND: Final = 1000
MOST_STEPS: Final = 64
"""So many steps of one peer may wait."""

Number = Annotated[int, Ge(0), Le((1 << 53) - 1)]
Digest = Annotated[bytes, Len(32, 32)]
Id = Annotated[bytes, Len(16, 16)]
Side = Annotated[str, Len(2, 16)]
Code = Annotated[str, MaxLen(64)]


class Span(Payload):
    """What one side holds of a stream from ``first`` to ``last``; empty when ``last`` is before ``first``."""

    stream: Side
    first: Number
    last: Number
    count: Number
    digest: Digest


class Item(Payload):
    """One message as one side holds it; ``outcome`` is the code of its refusal, if it was refused."""

    number: Number
    id: Id
    sealed: Digest
    outcome: Code | None


class Listing(Payload):
    """Every message that one side holds from ``first`` to ``last``."""

    stream: Side
    first: Number
    last: Number
    items: Annotated[list[Item], MaxLen(MOST_ITEMS)]


class Settled(Payload):
    """A range about which nothing is left to say; ``unnamed`` if it differs and was not narrowed down."""

    stream: Side
    first: Number
    last: Number
    unnamed: bool


class Found(Payload):
    """A message on which the records differ."""

    stream: Side
    number: Number
    id: Id
    what: Literal["not-received", "not-sent", "other-content", "other-outcome"]


class Comparison(Payload):
    """One step of a comparison."""

    run: Id
    day: Annotated[str, Len(10, 10)]
    spans: Annotated[list[Span], MaxLen(PARTS * PARTS + 1)]
    listings: Annotated[list[Listing], MaxLen(LISTINGS)]
    settled: Annotated[list[Settled], MaxLen(PARTS * PARTS + LISTINGS + 1)]
    found: Annotated[list[Found], MaxLen(MOST_FOUND)]


RECONCILIATION = Crossing(
    type="exchange.reconciliation",
    version=1,
    payload=Comparison,
    title=_("Comparison of what was sent and received"),
    purpose=_("To see that no message is missing on either side, and none is there that was never sent."),
    purpose_code="dpv:RecordManagement",
    legal_basis="channel-operation",
    fields={
        "run": _("Which comparison this is a step of."),
        "day": _("The day that is compared, in UTC+8."),
        "spans": _("For ranges of numbers: how many messages the sender of this holds, and their digest."),
        "listings": _("For ranges that differ: numbers, ids, digests and outcomes of the messages held."),
        "settled": _("Ranges about which nothing is left to ask."),
        "found": _("Messages on which the two sides' records differ, and how."),
    },
    elements={
        "run": "technical.number",
        "day": "technical.time",
        "spans": "technical.digest",
        "listings": "technical.number technical.digest technical.outcome",
        "settled": "technical.number",
        "found": "technical.number technical.outcome",
    },
    consent=Consent.NOT_NEEDED,
    consent_reason=_("It holds numbers, ids and digests, and nothing about anybody."),
    max_bytes=512 * 1024,
    expires_after=timedelta(days=1),
)


class ComparisonRefused(KouanError):
    """A step of a comparison that this node does not take part in."""

    code = "comparison-refused"
    status = 422
    message = _("The comparison cannot go on: %(detail)s.")


@RECONCILIATION.handler
def _take(received: Received[Comparison]) -> None:
    """Put a step by for the worker: comparing may take a while, and handlers hold the channel up."""
    payload = received.payload
    run = uuid.UUID(bytes=payload.run)
    known = Reconciliation.objects.filter(run=run).first()
    if known is not None and (known.peer != received.sender or known.day.isoformat() != payload.day):
        raise ComparisonRefused(detail=str(_("it is another one")))
    if ReconciliationStep.objects.filter(reconciliation__peer=received.sender).count() >= MOST_STEPS:
        raise ComparisonRefused(detail=str(_("too many are under way")))
    row = known or Reconciliation.objects.create(
        run=run,
        peer=received.sender,
        day=_day(payload.day),
        started_by=received.sender,
        started_at=timezone.now(),
    )
    if row.state == Reconciliation.State.UNDER_WAY:
        ReconciliationStep.objects.create(
            reconciliation=row, payload=RECONCILIATION.encode(payload), opening=known is None
        )


@RECONCILIATION.undelivered
def _failed(undelivered: Undelivered) -> None:
    """Give up: a step of ours has not arrived, so the comparison cannot end."""
    Reconciliation.objects.filter(run=undelivered.conversation, state=Reconciliation.State.UNDER_WAY).update(
        state=Reconciliation.State.FAILED, code=undelivered.code[:64], finished_at=timezone.now()
    )


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ComparisonRefused(detail=str(_("its day is none"))) from None
    if day.isoformat() != text:
        raise ComparisonRefused(detail=str(_("its day is none")))
    return day
