"""What the pages, the files and the API show of plans: versions, signatures, the board, the annual review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import Q

from kouan.apps.programme.models import JointMeeting, Report, Subject, Version
from kouan.apps.programme.plan import errors, progress
from kouan.apps.programme.plan.domain import Plan
from kouan.apps.programme.plan.negotiating import SIGNATURE, in_effect, text_of
from kouan.apps.programme.plan.negotiation import State
from kouan.apps.programme.plan.progress import Figure, Said, Standing
from kouan.apps.programme.plan.reporting import said_of, today
from kouan.core.exchange import statements
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.trust.errors import BadSignature

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from kouan.apps.programme.plan.domain import Agreed, Area, Item, Milestone

SOON: Final = timedelta(days=30)
SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed for a side, and whether the signature holds."""

    side: str
    officer: str
    at: datetime | None
    holds: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A version as officers read it."""

    row: Version
    text: Agreed
    standing: bool
    """Whether it is the one that may be accepted, or waits to be."""

    @property
    def key(self) -> str:
        """What its address calls it."""
        return bytes(self.row.digest).hex()

    @property
    def ours(self) -> bool:
        """Whether this side proposes it."""
        return self.row.author == settings.NODE.side

    @property
    def waits_for_us(self) -> bool:
        """Whether this side has to answer it."""
        return self.standing and not self.ours

    @property
    def name(self) -> str:
        """What it is called: the plan's year, or the meeting's title."""
        return self.text.name if isinstance(self.text, Plan) else str(self.text.title)


def shown(row: Version) -> Shown:
    """Return a version as officers read it."""
    rows = row.subject.versions.filter(state=State.PROPOSED).values_list("digest", flat=True)
    first = min((bytes(each) for each in rows), default=b"")
    return Shown(row, text_of(row), standing=first == bytes(row.digest))


def by_key(key: str) -> Version:
    """Return the version with this digest in hexadecimal; raises ``UnknownVersion``."""
    try:
        digest = bytes.fromhex(key)
    except ValueError:
        raise errors.UnknownVersion from None
    found = Version.objects.select_related("subject").filter(digest=digest).first()
    if found is None:
        raise errors.UnknownVersion
    return found


def signatures(row: Version) -> list[Signature]:
    """Return who has signed a version, its author first."""
    other = row.subject.peer if row.author == settings.NODE.side else settings.NODE.side
    found = []
    for side, data in ((row.author, row.signed_by_author), (other, row.signed_by_other)):
        if data is None:
            continue
        try:
            said = statements.read(bytes(data), side=side, digest=bytes(row.digest), content_type=SIGNATURE)
            found.append(Signature(side, said.officer, said.at, holds=True))
        except BadSignature:
            found.append(Signature(side, "", None, holds=False))
    return found


def versions(subject: Subject) -> list[Version]:
    """Return all versions of a plan or of minutes, the newest first."""
    return list(subject.versions.defer("text").order_by("-created_at", "-pk"))


def before(row: Version) -> Version | None:
    """Return the version that one is best compared with: what it answers, or would take the place of."""
    for digest in (row.answers, row.replaces):
        if digest is not None:
            found = Version.objects.select_related("subject").filter(digest=bytes(digest)).first()
            if found is not None:
                return found
    return None


def waiting() -> list[Shown]:
    """Return what waits for this side's officers."""
    rows = Version.objects.filter(state=State.PROPOSED).exclude(author=settings.NODE.side)
    found = [shown(row) for row in rows.select_related("subject").order_by("created_at")[:SHOWN]]
    return [each for each in found if each.waits_for_us]


# The board and the review


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a report crossed: the message, and its place in both ledgers."""

    message: uuid.UUID
    sent: bool
    """Whether this side sent it."""
    index: int | None
    peer_index: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """A milestone, and the report by which it is done."""

    milestone: Milestone
    due: date
    done: Said | None
    late: bool
    """Whether its day has gone by without it."""


@dataclass(frozen=True, slots=True)
class Card:
    """An item as the board shows it."""

    area: Area
    item: Item
    standing: Standing
    said: dict[str, Standing | None]
    """How each side says that it stands."""
    figures: tuple[Figure, ...]
    steps: tuple[Step, ...]

    @property
    def next_step(self) -> Step | None:
        """The first milestone that is not done."""
        return min(
            (each for each in self.steps if each.done is None), key=lambda each: each.due, default=None
        )

    @property
    def share(self) -> int | None:
        """How far its measures are on their way, in per cent: the mean of those that are known."""
        known = [each.share for each in self.figures if each.value is not None]
        return round(sum(known) / len(known)) if known else None


@dataclass(frozen=True, slots=True)
class Board:
    """A plan in effect with all that was reported."""

    subject: Subject
    row: Version
    plan: Plan
    cards: tuple[Card, ...]
    until: date
    reports: tuple[Report, ...]
    traces: dict[uuid.UUID, Trace]

    @property
    def columns(self) -> list[tuple[Standing, list[Card]]]:
        """The cards by how they stand, every column also when it is empty."""
        return [(each, [card for card in self.cards if card.standing is each]) for each in Standing]

    @property
    def milestones_done(self) -> int:
        """How many milestones are done."""
        return sum(step.done is not None for card in self.cards for step in card.steps)

    @property
    def milestones(self) -> int:
        """How many milestones there are."""
        return sum(len(card.steps) for card in self.cards)

    @property
    def reached(self) -> int:
        """How many measures are at their target."""
        return sum(figure.reached for card in self.cards for figure in card.figures)

    @property
    def measures(self) -> int:
        """How many measures there are."""
        return sum(len(card.figures) for card in self.cards)

    def card(self, item: str) -> Card | None:
        """Return the card of an item."""
        return next((card for card in self.cards if card.item.id == item), None)

    def of_item(self, item: str) -> list[Report]:
        """Return an item's reports, the newest first."""
        return [each for each in reversed(self.reports) if each.item == item]


def plans() -> list[Subject]:
    """Return the plans of which a version is in effect, the latest year first."""
    rows = Subject.objects.filter(kind=Plan.kind, versions__state=State.SIGNED).distinct()
    return list(rows.order_by("-year", "peer"))


def plan_subject(peer: str, year: int) -> Subject:
    """Return the plan with a side for a year; raises ``UnknownSubject``."""
    found = Subject.objects.filter(kind=Plan.kind, peer=peer, year=year).first()
    if found is None:
        raise errors.UnknownSubject
    return found


def board(subject: Subject, *, until: date | None = None) -> Board:
    """Return a plan as it stands, or stood on a day; raises ``NothingInEffect``."""
    row = in_effect(subject)
    plan = None if row is None else text_of(row)
    if row is None or not isinstance(plan, Plan):
        raise errors.NothingInEffect
    day = until or today()
    said = said_of(subject, until=day)
    reports = tuple(subject.reports.filter(day__lte=day).order_by("at", "pk"))
    return Board(
        subject=subject,
        row=row,
        plan=plan,
        cards=tuple(_card(area, item, said, day) for area, item in plan.each_item()),
        until=day,
        reports=reports,
        traces=traces(subject, reports),
    )


def _card(area: Area, item: Item, said: Sequence[Said], day: date) -> Card:
    told = {}
    for owner in item.owners:
        one = progress.latest(
            each for each in said if (each.item, each.about, each.side) == (item.id, "state", owner.side)
        )
        told[owner.side] = None if one is None else Standing(one.value)
    steps = []
    for milestone in item.milestones:
        due, done = date.fromisoformat(milestone.due), progress.done(milestone, item.id, said)
        steps.append(Step(milestone, due, done, late=done is None and due < day))
    return Card(
        area=area,
        item=item,
        standing=progress.standing(item, said),
        said=told,
        figures=tuple(progress.figure(measure, item.id, said) for measure in item.measures),
        steps=tuple(steps),
    )


def traces(subject: Subject, reports: Iterable[Report]) -> dict[uuid.UUID, Trace]:
    """Return where each report crossed, by the report's key."""
    reports = list(reports)
    ids = [each.message_id for each in reports]
    places = ("message_id", "ledger_index")
    sent = {
        row[0]: row[1:]
        for row in OutboxMessage.objects.filter(message_id__in=ids).values_list(*places, "peer_ledger_index")
    }
    came = dict(InboxMessage.objects.filter(message_id__in=ids, peer=subject.peer).values_list(*places))
    found = {}
    for each in reports:
        if each.side == settings.NODE.side:
            index, there = sent.get(each.message_id, (None, None))
            found[each.key] = Trace(each.message_id, sent=True, index=index, peer_index=there)
        else:
            index = came.get(each.message_id)
            found[each.key] = Trace(each.message_id, sent=False, index=index, peer_index=None)
    return found


# Meetings


def meetings(*, past: bool = True) -> list[JointMeeting]:
    """Return the meetings, the latest first."""
    rows = JointMeeting.objects.order_by("-starts_at")
    return list(rows[:SHOWN] if past else rows.filter(Q(state="planned"))[:SHOWN])


def minutes_of(meeting: JointMeeting) -> Subject | None:
    """Return the minutes of a meeting, if anybody has begun them."""
    return Subject.objects.filter(key=meeting.key, kind="minutes").first()
