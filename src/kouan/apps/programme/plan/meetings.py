"""Meetings of the two sides: convened by one, with each side's delegation and papers; held, and minuted."""

from __future__ import annotations

import hashlib
import io
import mimetypes
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.programme.crossings import (
    CONVENED,
    DELEGATION,
    MAX_FILE,
    PAPER,
    AgendaPoint,
    Convened,
    Delegate,
    Delegation,
    Paper,
)
from kouan.apps.programme.models import Attendee, JointMeeting, MeetingPaper, PaperContent
from kouan.apps.programme.plan import errors
from kouan.apps.programme.plan.domain import Line
from kouan.core.exchange.blobs.attaching import attach
from kouan.core.exchange.blobs.errors import BlobDamaged
from kouan.core.exchange.blobs.reading import open_blob
from kouan.core.exchange.outbox import send
from kouan.core.sides import get_side
from kouan.core.sides.calendars import CalendarYearError, DayKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from kouan.core.exchange import Received

LONGEST: Final = timedelta(days=2)
_UNKNOWN_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Arranged:
    """What the host says of a meeting."""

    title: Line
    place: Line
    mode: str
    starts_at: datetime
    ends_at: datetime
    agenda: tuple[AgendaPoint, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of this side's delegation."""

    name: str
    office: Line
    email: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class DayOff:
    """That a side's offices do not work on a meeting's day, and why; or that nobody knows."""

    side: str
    day: date
    kind: str
    """``weekend``, ``holiday`` or ``unknown``."""
    name: str


def days_off(first: datetime, last: datetime, sides: Sequence[str]) -> list[DayOff]:
    """Return the days of a meeting on which a side does not work.

    Of a year without a calendar, that nobody knows.
    """
    found = []
    for code in sides:
        side = get_side(code)
        day, end = side.day_of(first), side.day_of(last)
        while day <= end:
            try:
                known = side.calendar.day(day)
            except CalendarYearError:
                found.append(DayOff(code, day, "unknown", ""))
            else:
                if known.kind in {DayKind.WEEKEND, DayKind.HOLIDAY}:
                    found.append(DayOff(code, day, known.kind.value, str(known.name or "")))
            day += timedelta(days=1)
    return found


def convene(*, peer: str, arranged: Arranged) -> JointMeeting:
    """Plan a meeting as its host, and tell the other side; raises ``MeetingOrder``, or as ``send``."""
    _in_order(arranged.starts_at, arranged.ends_at)
    with transaction.atomic():
        row = JointMeeting(key=uuid.uuid4(), peer=peer, host=settings.NODE.side, changed_at=timezone.now())
        _arrange(row, arranged)
        row.message_id = _tell(row)
        row.save()
    return row


def change(*, key: uuid.UUID, arranged: Arranged) -> JointMeeting:
    """Change a meeting that this side convenes: everybody is invited anew."""
    _in_order(arranged.starts_at, arranged.ends_at)
    with transaction.atomic():
        row = _ours(key)
        _arrange(row, arranged)
        _moved(row)
    return row


def close(*, key: uuid.UUID, state: str) -> JointMeeting:
    """Say of a meeting that this side convenes that it was held, or that it is cancelled."""
    with transaction.atomic():
        row = _ours(key)
        row.state = state
        _moved(row, invite=state == "cancelled")
    return row


def delegate(*, key: uuid.UUID, persons: Sequence[Person]) -> JointMeeting:
    """Say who takes part for this side: the other side is told names and offices, each person is invited."""
    with transaction.atomic():
        row = by_key(key, lock=True)
        if row.state == "cancelled":
            raise errors.MeetingOver
        invited = {
            each.email: each.invited
            for each in row.attendees.filter(side=settings.NODE.side).exclude(email="")
        }
        row.attendees.filter(side=settings.NODE.side).delete()
        now = timezone.now()
        for each in persons:
            known = invited.get(each.email, -1) if each.email else -1
            Attendee.objects.create(
                meeting=row,
                side=settings.NODE.side,
                name=each.name,
                office=each.office.model_dump(),
                email=each.email,
                language=each.language,
                invited=known,
                mail_due_at=now if _to_invite(row, each.email, known) else None,
            )
        said = Delegation(
            meeting=row.key.bytes,
            delegates=[Delegate(name=each.name, office=each.office) for each in persons],
        )
        send(DELEGATION, to=row.peer, payload=said, conversation=row.key)
    return row


def add_paper(*, key: uuid.UUID, title: Line, name: str, data: bytes) -> MeetingPaper:
    """Hand a paper to both sides; raises ``PaperTooLarge``, ``PaperThere``, or as ``attach``."""
    if not 0 < len(data) <= MAX_FILE:
        raise errors.PaperTooLarge(megabytes=MAX_FILE >> 20)
    row = by_key(key)
    digest = hashlib.sha256(data).digest()
    if row.papers.filter(sha256=digest).exists():
        raise errors.PaperThere
    guessed, encoding = mimetypes.guess_type(name)
    kind = guessed.lower() if guessed and not encoding else _UNKNOWN_TYPE
    blob = attach(PAPER, io.BytesIO(data), to=row.peer, media_type=kind)
    with transaction.atomic():
        row = by_key(key, lock=True)
        if row.papers.filter(sha256=digest).exists():
            raise errors.PaperThere
        number = uuid.uuid4()
        message = send(
            PAPER,
            to=row.peer,
            payload=Paper(
                meeting=row.key.bytes, paper=number.bytes, title=title, name=name[-200:], content=blob
            ),
            conversation=row.key,
        )
        paper = MeetingPaper.objects.create(
            key=number, meeting=row, side=settings.NODE.side, title=title.model_dump(), name=name[-200:],
            media_type=kind, size=len(data), sha256=digest, message_id=message, at=timezone.now(),
        )  # fmt: skip
        PaperContent.objects.create(paper=paper, data=data)
    return paper


# What the other side's messages say


def convened(*, message: Received[Convened]) -> None:
    """Keep a meeting of the other side's as it has it now; an older change than what is known is refused."""
    said = message.payload
    key = uuid.UUID(bytes=said.meeting)
    if key != message.conversation:
        raise errors.OtherSubject
    starts_at, ends_at = _moment(said.starts_at), _moment(said.ends_at)
    _in_order(starts_at, ends_at)
    row = JointMeeting.objects.select_for_update().filter(key=key).first()
    if row is None:
        row = JointMeeting(key=key, peer=message.sender, host=message.sender, sequence=-1)
    if (row.peer, row.host) != (message.sender, message.sender):
        raise errors.NotTheHost
    if said.sequence <= row.sequence:
        raise errors.OldMeeting
    row.sequence, row.state = said.sequence, said.state
    row.message_id = message.id
    _arrange(row, Arranged(said.title, said.place, said.mode, starts_at, ends_at, tuple(said.agenda)))
    row.save()
    if row.state != "held":
        _invite_anew(row)


def delegated(*, message: Received[Delegation]) -> None:
    """Keep who takes part for the other side."""
    said = message.payload
    row = (
        JointMeeting.objects.select_for_update()
        .filter(key=uuid.UUID(bytes=said.meeting), peer=message.sender)
        .first()
    )
    if row is None:
        raise errors.UnknownSubject
    row.attendees.filter(side=message.sender).delete()
    Attendee.objects.bulk_create(
        [
            Attendee(meeting=row, side=message.sender, name=each.name, office=each.office.model_dump())
            for each in said.delegates
        ]
    )


def paper_received(*, message: Received[Paper]) -> None:
    """Keep a paper of the other side with its meeting; its bytes come from the file beside the message."""
    said = message.payload
    row = JointMeeting.objects.filter(key=uuid.UUID(bytes=said.meeting), peer=message.sender).first()
    if row is None:
        raise errors.UnknownSubject
    if row.papers.filter(sha256=said.content.sha256).exists():
        raise errors.PaperThere
    with open_blob(sender=message.sender, message_id=message.id, blob_id=said.content.id) as file:
        data = file.read(MAX_FILE + 1)
    if hashlib.sha256(data).digest() != said.content.sha256:
        raise BlobDamaged
    paper = MeetingPaper.objects.create(
        key=uuid.UUID(bytes=said.paper), meeting=row, side=message.sender, title=said.title.model_dump(),
        name=said.name, media_type=said.content.media_type, size=len(data), sha256=said.content.sha256,
        message_id=message.id, at=timezone.now(),
    )  # fmt: skip
    PaperContent.objects.create(paper=paper, data=data)


# What they share


def by_key(key: uuid.UUID, *, lock: bool = False) -> JointMeeting:
    """Return a meeting; raises ``UnknownSubject``."""
    rows = JointMeeting.objects.select_for_update() if lock else JointMeeting.objects.all()
    found = rows.filter(key=key).first()
    if found is None:
        raise errors.UnknownSubject
    return found


def _ours(key: uuid.UUID) -> JointMeeting:
    row = by_key(key, lock=True)
    if row.host != settings.NODE.side:
        raise errors.NotTheHost
    if row.state != "planned":
        raise errors.MeetingOver
    return row


def _moved(row: JointMeeting, *, invite: bool = True) -> None:
    row.sequence += 1
    row.message_id = _tell(row)
    row.save()
    if invite:
        _invite_anew(row)


def _tell(row: JointMeeting) -> uuid.UUID:
    said = Convened.model_validate(
        {
            "meeting": row.key.bytes, "sequence": row.sequence, "state": row.state, "title": row.title,
            "place": row.place, "mode": row.mode, "starts_at": int(row.starts_at.timestamp()),
            "ends_at": int(row.ends_at.timestamp()), "agenda": row.agenda,
        }
    )  # fmt: skip
    return send(CONVENED, to=row.peer, payload=said, conversation=row.key)


def _arrange(row: JointMeeting, arranged: Arranged) -> None:
    row.title, row.place = arranged.title.model_dump(), arranged.place.model_dump()
    row.mode, row.starts_at, row.ends_at = arranged.mode, arranged.starts_at, arranged.ends_at
    row.agenda = [each.model_dump() for each in arranged.agenda]
    row.changed_at = timezone.now()


def _invite_anew(row: JointMeeting) -> None:
    """Have everybody of this side invited to what the meeting is now; of a cancelled one, who was invited."""
    rows = row.attendees.filter(side=settings.NODE.side).exclude(email="")
    if row.state == "cancelled":
        rows = rows.filter(invited__gte=0)
    if settings.MAIL_IS_SENT:
        rows.update(mail_due_at=timezone.now(), tries=0)


def _to_invite(row: JointMeeting, email: str, known: int) -> bool:
    return bool(email) and settings.MAIL_IS_SENT and known < row.sequence and row.state == "planned"


def _in_order(starts_at: datetime, ends_at: datetime) -> None:
    if not starts_at < ends_at <= starts_at + LONGEST:
        raise errors.MeetingOrder


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def next_after(row: JointMeeting) -> JointMeeting | None:
    """Return the next planned meeting with the same side."""
    rows = JointMeeting.objects.filter(peer=row.peer, starts_at__gt=row.starts_at).exclude(state="cancelled")
    return rows.order_by("starts_at").first()


def as_line(value: dict[str, Any]) -> Line:
    """Return a kept text as one of a joint text."""
    return Line.model_validate(value)
