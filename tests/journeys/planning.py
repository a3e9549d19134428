"""What the journeys of the joint work plan do inside a node (see ``station.py``)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from kouan.apps.programme.crossings import AgendaPoint
from kouan.apps.programme.models import Draft, JointMeeting, MeetingPaper, Subject, Version
from kouan.apps.programme.plan import drafting, meetings, negotiating, papers, queries, reporting
from kouan.apps.programme.plan.domain import Line, plan_number
from kouan.apps.programme.plan.errors import AnsweredMeanwhile, DraftHasMoved
from kouan.apps.programme.plan.meetings import Arranged, Person
from kouan.core.errors import KouanError
from kouan.core.exchange.evidence import evidence_bundle
from kouan.demo.plans import made_up


@dataclass(frozen=True)
class Effect:
    """What counts of a plan on one side."""

    digest: str
    states: tuple[tuple[str, int, str], ...]
    seals: tuple[str, ...]


def peer() -> str:
    return "gd" if settings.NODE.side == "hk" else "hk"


def year_of(number: int) -> int:
    """A year of its own for each journey: the pair of nodes is the same for all of them."""
    return 2100 + number


def content(year: int, target: str) -> dict[str, Any]:
    value = made_up(date(year, 6, 1))
    value["areas"][0]["items"][0]["measures"][0].update({"target": target, "feed": ""})
    return value


def propose(year: int, target: str) -> str:
    """Draft a plan and put it before the other side; return its digest, or the code of what went wrong."""
    officer = f"{settings.NODE.side}, officer"
    subject = Subject.objects.filter(key=plan_number(["hk", "gd"], year)).first()
    draft = None if subject is None else Draft.objects.filter(subject=subject).first()
    if draft is None and subject is not None and (known := queries.versions(subject)):
        draft = drafting.from_version(version=known[0], officer=officer)
    if draft is None:
        draft = drafting.begin(peer=peer(), year=year, officer=officer)
    draft = drafting.read_in(
        subject=draft.subject, edition=draft.edition, officer=officer, value=content(year, target)
    )
    row = negotiating.propose(subject=draft.subject, edition=draft.edition, officer=officer)
    return bytes(row.digest).hex()


def propose_whatever_comes(year: int, target: str) -> str:
    """Propose as an officer does who signs again when the other side has answered meanwhile."""
    while True:
        try:
            return propose(year, target)
        except (AnsweredMeanwhile, DraftHasMoved):
            continue


def accept(digest: str) -> str:
    """Accept a proposal; return its state, or the code of what went wrong."""
    try:
        return str(negotiating.accept(digest=bytes.fromhex(digest), officer="officer").state)
    except KouanError as error:
        return error.code


def withdraw(digest: str) -> str:
    """Withdraw a proposal; return its state, or the code of what went wrong."""
    try:
        return str(negotiating.withdraw(digest=bytes.fromhex(digest), reason="a slip").state)
    except KouanError as error:
        return error.code


def state(digest: str) -> str:
    row = Version.objects.filter(digest=bytes.fromhex(digest)).first()
    return row.state if row else ""


def effect(year: int) -> Effect:
    subject = Subject.objects.filter(key=plan_number(["hk", "gd"], year)).first()
    if subject is None:
        return Effect("", (), ())
    row = negotiating.in_effect(subject)
    seals = () if row is None else tuple(seal.side for seal in papers.seals_in(row))
    states = sorted((each.author, each.number, each.state) for each in subject.versions.all())
    return Effect("" if row is None else bytes(row.digest).hex(), tuple(states), tuple(sorted(seals)))


def report(value: str) -> str:
    """Report a figure of the plan of this year; return the report's number."""
    row = reporting.report(
        subject=Subject.objects.get(key=plan_number(["hk", "gd"], timezone.now().year)),
        item="e-locks", about="measure", part="count", value=value, day=reporting.today(), source="return",
    )  # fmt: skip
    return str(row.key)


def figure() -> tuple[str, bool]:
    """What the measure has come to, and whether every report is in this side's ledger."""
    subject = Subject.objects.get(key=plan_number(["hk", "gd"], timezone.now().year))
    board = queries.board(subject)
    card = board.card("e-locks")
    return card.figures[0].text, all(trace.index is not None for trace in board.traces.values())


def bundle(digest: str) -> bytes:
    row = Version.objects.get(digest=bytes.fromhex(digest))
    mine = row.proposal_id if row.author == settings.NODE.side else row.answer_id
    return evidence_bundle([mine])


def line(text: str) -> Line:
    return Line(en=text, zh_hant=text, zh_hans=text)


def meet() -> str:
    """Convene a meeting with a delegation and a paper; return its number."""
    start = (timezone.now() + timedelta(days=30)).replace(microsecond=0)
    row = meetings.convene(
        peer=peer(),
        arranged=Arranged(
            line("Plenary"), line("Guangzhou"), "video", start, start + timedelta(hours=2),
            (AgendaPoint(id="progress", title=line("Progress")),),
        ),
    )  # fmt: skip
    meetings.delegate(key=row.key, persons=[Person("CHEUNG", line("Director"))])
    meetings.add_paper(key=row.key, title=line("Figures"), name="figures.txt", data=b"figures " * 1000)
    return str(row.key)


def met(key: str) -> tuple[int, int, str]:
    """How many delegates and papers a meeting has here, and the beginning of its paper."""
    row = JointMeeting.objects.filter(key=uuid.UUID(key)).first()
    if row is None:
        return 0, 0, ""
    paper = MeetingPaper.objects.filter(meeting=row).select_related("content").first()
    data = b"" if paper is None else bytes(paper.content.data[:7])
    return row.attendees.count(), row.papers.count(), data.decode()
