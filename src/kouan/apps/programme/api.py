"""The programme in the JSON API under ``/api/v1/programme``: open to everybody, as the pages are."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - read by the framework at run time
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID  # noqa: TC003 - as above

from django.http import HttpRequest  # noqa: TC002 - as above
from ninja import Router, Schema
from pydantic import Field, StringConstraints

from kouan.apps.programme.look import history as told
from kouan.apps.programme.look import outputs
from kouan.apps.programme.plan import exporting, queries

if TYPE_CHECKING:
    from kouan.apps.programme.plan.queries import Board

router = Router(tags=["Joint work plan"])

SideCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,16}$")]
Year = Annotated[int, Field(ge=2006, le=2199)]


class PlanOut(Schema):
    """A plan in effect, as a list shows it."""

    plan: UUID
    year: int
    with_: Annotated[SideCode, Field(alias="with", description="The other side.")]
    first_day: date
    last_day: date
    version: int
    digest: Annotated[str, Field(description="SHA-256 over the canonical JSON that both sides signed.")]
    items: int
    milestones: int
    milestones_done: int
    measures: int
    targets_reached: int


class PlansOut(Schema):
    """The plans in effect, the latest year first."""

    plans: list[PlanOut]


class ReportOut(Schema):
    """What one side reported, and where it crossed."""

    id: UUID
    side: str
    item: str
    about: Annotated[str, Field(description="`state`, `measure` or `milestone`.")]
    part: Annotated[str | None, Field(description="Which measure or milestone.")]
    value: str
    day: date
    source: str
    by_node: Annotated[bool, Field(description="Whether the node counted it itself.")]
    note: dict[str, str] | None
    message: Annotated[UUID, Field(description="The crossing that took it over.")]
    ledger_index: Annotated[int | None, Field(description="Its place in this side's ledger.")]
    peer_ledger_index: Annotated[int | None, Field(description="Its place in the other side's ledger.")]


class MilestoneOut(Schema):
    """A milestone, and whether it is done."""

    id: str
    due: date
    done: bool
    report: UUID | None


class MeasureOut(Schema):
    """A measure's figure, and the reports that it is made of."""

    id: str
    value: Annotated[str | None, Field(description="A decimal number; null while a side has not reported.")]
    reached: bool
    reports: list[UUID]
    missing: list[str]


class ItemOut(Schema):
    """How an item stands."""

    id: str
    area: str
    standing: Annotated[str, Field(description="`to-come`, `under-way`, `at-risk`, `done` or `dropped`.")]
    said: Annotated[dict[str, str | None], Field(description="How each side says that it stands.")]
    milestones: list[MilestoneOut]
    measures: list[MeasureOut]


class PlanWhole(Schema):
    """A plan in effect, whole, with how it stands."""

    plan: UUID
    year: int
    sides: list[str]
    version: int
    digest: str
    until: date
    text: Annotated[dict[str, Any], Field(description="The text that both sides signed.")]
    items: list[ItemOut]
    reports: list[ReportOut]


class MeetingOut(Schema):
    """A meeting of the two sides: when, where and about what."""

    id: UUID
    host: str
    with_: Annotated[SideCode, Field(alias="with")]
    state: Annotated[str, Field(description="`planned`, `held` or `cancelled`.")]
    title: dict[str, str]
    place: dict[str, str]
    mode: str
    starts_at: datetime
    ends_at: datetime
    agenda: list[dict[str, Any]]


class MeetingsOut(Schema):
    """The meetings, the latest first."""

    meetings: list[MeetingOut]


class PersonOut(Schema):
    """Somebody whom a record names."""

    name: str | None
    office: str | None
    body: str | None
    side: str | None


class HeldOut(Schema):
    """A meeting of which records tell; what none of them says is null or an empty list."""

    id: UUID
    url: Annotated[str, Field(description="Its page, with the sentence behind each value.")]
    group: Annotated[str, Field(description="Its name, in the caller's language where it is known.")]
    number: int | None
    date: Annotated[
        str | None, Field(description="`2024-10-09`, `2024-10` or `2024`, as precisely as is known.")
    ]
    date_text: Annotated[str | None, Field(description="A record's own words.")]
    place: str | None
    mode: Annotated[str | None, Field(description="`in-person`, `video` or `hybrid`.")]
    chairs: list[PersonOut]
    people: list[PersonOut]
    bodies: list[str]
    areas: list[str]
    decisions: list[str]
    agreements: list[str]
    events: list[str]
    conflicts: Annotated[
        list[str], Field(description="On which of `date`, `place` and `mode` the records disagree.")
    ]
    checked: Annotated[bool, Field(description="Whether officers have been through all of it.")]
    sources: Annotated[list[str], Field(description="The records, by the SHA-256 of their files.")]


class HistoryOut(Schema):
    """The meetings that were held, the earliest first."""

    meetings: list[HeldOut]


@router.get("/plans", response=PlansOut, by_alias=True, auth=None, summary="The joint work plans in effect")
def plans(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001 - the framework's signature
    """Return every plan of which both sides have signed a version."""
    return {"plans": [_out(queries.board(each)) for each in queries.plans()]}


@router.get(
    "/plans/{side}/{year}",
    response=PlanWhole,
    by_alias=True,
    auth=None,
    summary="One plan, and how it stands",
)
def plan(request: HttpRequest, side: SideCode, year: Year) -> dict[str, Any]:  # noqa: ARG001 - as above
    """Return the version in effect of the plan with a side for a year, its items and all reports."""
    return exporting.as_json(queries.board(queries.plan_subject(side, year)))


@router.get("/meetings", response=MeetingsOut, by_alias=True, auth=None, summary="Meetings of the two sides")
def meetings(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001 - as above
    """Return when and where the two sides meet; neither who comes nor its papers."""
    return {"meetings": [exporting.meeting_json(each) for each in queries.meetings()]}


@router.get("/history", response=HistoryOut, auth=None, summary="What the records tell of past meetings")
def history(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001 - as above
    """Return the meetings that were held as records and officers have them, without what was rejected."""
    return outputs.as_list(told.meetings())


def _out(board: Board) -> dict[str, Any]:
    return {
        "plan": board.plan.plan,
        "year": board.plan.year,
        "with": board.subject.peer,
        "first_day": board.plan.first_day,
        "last_day": board.plan.last_day,
        "version": board.plan.version,
        "digest": bytes(board.row.digest).hex(),
        "items": len(board.cards),
        "milestones": board.milestones,
        "milestones_done": board.milestones_done,
        "measures": board.measures,
        "targets_reached": board.reached,
    }
