"""All that this app lets over the boundary.

The joint work plan and the minutes cross as proposals, answers and withdrawals; a meeting as its host
convenes it, who takes part, and its papers; progress as single reports. All of it is about departments and
their work.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final, Literal

from annotated_types import Len, MaxLen
from django.utils.translation import gettext_lazy as _
from pydantic import Field, StringConstraints

from kouan.apps.programme.plan.domain import MAX_PAPER, MAX_TEXT, DateText, Id, Line, Passage
from kouan.core.exchange import Consent, Crossing, Keep, Payload, Received, Undelivered
from kouan.core.exchange.blobs.reference import Blob, BlobLimit

BASIS: Final = "joint-programme"
"""What all of this rests on: the two governments' agreement on their co-operation."""
MAX_STATEMENT: Final = 4096
MAX_FILE: Final = 8 << 20
"""Bytes of a meeting's paper."""

Id16 = Annotated[bytes, Len(16, 16)]
Digest = Annotated[bytes, Len(32, 32)]
Reason = Annotated[str, StringConstraints(max_length=400)]
Seconds = Annotated[int, Field(ge=0, lt=1 << 37)]
"""Since 1970, as far as a date can be told."""


class Proposed(Payload):
    """A plan or minutes, signed by the side that proposes the text."""

    text: Annotated[bytes, MaxLen(MAX_TEXT)]
    statement: Annotated[bytes, MaxLen(MAX_STATEMENT)]
    answers: Annotated[bytes, MaxLen(32)]
    paper: Annotated[bytes, MaxLen(MAX_PAPER)]


class Answered(Payload):
    """The other side's answer: its own signature under the same text, or its refusal."""

    digest: Digest
    outcome: Literal["accepted", "refused"]
    statement: Annotated[bytes, MaxLen(MAX_STATEMENT)]
    reason: Reason
    paper: Annotated[bytes, MaxLen(MAX_PAPER)]


class Withdrawn(Payload):
    """That a side takes its proposal off the table."""

    digest: Digest
    reason: Reason


class AgendaPoint(Payload):
    """A point of the agenda."""

    id: Id
    title: Line


class Convened(Payload):
    """A meeting as its host has it now."""

    meeting: Id16
    sequence: Annotated[int, Field(ge=0, lt=1 << 31)]
    state: Literal["planned", "held", "cancelled"]
    title: Line
    place: Line
    mode: Literal["in-person", "video", "hybrid"]
    starts_at: Seconds
    ends_at: Seconds
    agenda: Annotated[list[AgendaPoint], Len(0, 40)]


class Delegate(Payload):
    """Somebody who takes part, in their office."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    office: Line


class Delegation(Payload):
    """Who takes part in a meeting for one side; it takes the place of what was said before."""

    meeting: Id16
    delegates: Annotated[list[Delegate], Len(0, 100)]


class Paper(Payload):
    """A paper of a meeting."""

    meeting: Id16
    paper: Id16
    title: Line
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    content: Blob


class Reported(Payload):
    """What one side says of an item of the plan in effect."""

    report: Id16
    plan: Id16
    item: Id
    about: Literal["state", "measure", "milestone"]
    part: Annotated[str, StringConstraints(max_length=40)]
    value: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    day: DateText
    source: Annotated[str, StringConstraints(max_length=400)]
    by_node: bool
    note: Passage | None


_OFFICIALS = "organisation.name person.name person.employment"
_ABOUT_WORK = _("It is about departments and their work, and about no single person.")
_IN_OFFICE = _("It names officials in their offices only, who act for their side in this very matter.")


_declare: Final = partial(
    Crossing[Any],
    version=1,
    legal_basis=BASIS,
    purpose_code="dpv:OrganisationGovernance",
    consent=Consent.NOT_NEEDED,
    consent_reason=_ABOUT_WORK,
    expires_after=timedelta(days=30),
)
PROPOSED: Final[Crossing[Proposed]] = _declare(
    type="programme.proposal",
    payload=Proposed,
    title=_("Proposal of a joint text"),
    purpose=_("To put a joint work plan, or the minutes of a meeting, before the other side, signed by one."),
    fields={
        "text": _("The whole text in the three scripts, as canonical JSON"),
        "statement": _("The proposing side's signature under it: who signed, and when"),
        "answers": _("SHA-256 of the proposal in whose place it is put; empty for a first one"),
        "paper": _("The same text as PDF, with that side's signature in it; empty where it is too large"),
    },
    elements={
        "text": f"matter.text {_OFFICIALS}",
        "statement": "technical.proof",
        "answers": "technical.digest",
        "paper": f"matter.text {_OFFICIALS} technical.proof",
    },
    max_bytes=MAX_TEXT + MAX_PAPER + 8 * 1024,
    consent_reason=_IN_OFFICE,
    keep=Keep.ON_RECORD,  # officials in their office, in a text that both sides sign
)
ANSWERED: Final[Crossing[Answered]] = _declare(
    type="programme.answer",
    payload=Answered,
    title=_("Answer to a proposed joint text"),
    purpose=_("To sign the same text, or to refuse it and say why."),
    fields={
        "digest": _("SHA-256 of the canonical text"),
        "outcome": _("Accepted or refused"),
        "statement": _("The answering side's signature; empty where it refuses"),
        "reason": _("Why it refuses; empty where it accepts"),
        "paper": _("The text as PDF, with both sides' signatures in it; empty where it refuses"),
    },
    elements={
        "digest": "technical.digest",
        "outcome": "technical.outcome",
        "statement": "technical.proof",
        "reason": "matter.text",
        "paper": f"matter.text {_OFFICIALS} technical.proof",
    },
    max_bytes=MAX_PAPER + 8 * 1024,
    consent_reason=_IN_OFFICE,
    keep=Keep.ON_RECORD,  # as above
)
WITHDRAWN: Final[Crossing[Withdrawn]] = _declare(
    type="programme.withdrawal",
    payload=Withdrawn,
    title=_("Withdrawal of a proposed joint text"),
    purpose=_("To take a proposal off the table that the other side has not accepted yet."),
    fields={"digest": _("SHA-256 of the canonical text"), "reason": _("Why it is withdrawn")},
    elements={"digest": "technical.digest", "reason": "matter.text"},
)
CONVENED: Final[Crossing[Convened]] = _declare(
    type="programme.meeting",
    payload=Convened,
    title=_("Meeting of the two sides"),
    purpose=_("To tell the other side when and where the two meet, and about what; also what has changed."),
    fields={
        "meeting": _("The meeting's number"),
        "sequence": _("Counts the changes"),
        "state": _("Planned, held or cancelled"),
        "title": _("What the meeting is called"),
        "place": _("Where it is held"),
        "mode": _("In person, by video, or both"),
        "starts_at": _("When it begins"),
        "ends_at": _("When it ends"),
        "agenda": _("The points to be talked about"),
    },
    elements={
        "meeting": "technical.number",
        "sequence": "technical.number",
        "state": "technical.outcome",
        "title": "matter.text",
        "place": "matter.text",
        "mode": "technical.outcome",
        "starts_at": "technical.time",
        "ends_at": "technical.time",
        "agenda": "matter.text",
    },
)
DELEGATION: Final[Crossing[Delegation]] = _declare(
    type="programme.delegation",
    payload=Delegation,
    title=_("Delegation to a meeting"),
    purpose=_("To tell the other side which officials take part in a meeting."),
    fields={"meeting": _("The meeting's number"), "delegates": _("Name and office of each official")},
    elements={"meeting": "technical.number", "delegates": _OFFICIALS},
    consent_reason=_IN_OFFICE,
)
PAPER: Final[Crossing[Paper]] = _declare(
    type="programme.paper",
    payload=Paper,
    title=_("Paper of a meeting"),
    purpose=_("To hand the other side a paper that a meeting will talk about."),
    fields={
        "meeting": _("The meeting's number"),
        "paper": _("The paper's number"),
        "title": _("What it is called"),
        "name": _("The file's name"),
        "content": _(
            "The file itself: its hash and size, and the key that opens it, for the receiver alone."
        ),
    },
    elements={
        "meeting": "technical.number",
        "paper": "technical.number",
        "title": "matter.text",
        "name": "matter.text",
        "content": "matter.file",
    },
    blobs=BlobLimit(most=1, each_bytes=MAX_FILE),
)
REPORTED: Final[Crossing[Reported]] = _declare(
    type="programme.report",
    payload=Reported,
    title=_("Report of progress"),
    purpose=_("To tell the other side how an item of the joint work plan stands, with its figures."),
    fields={
        "report": _("The report's number"),
        "plan": _("The plan's number"),
        "item": _("Which item of it"),
        "about": _("How the item stands, a measure's figure, or a milestone"),
        "part": _("Which measure or milestone"),
        "value": _("The state or the figure"),
        "day": _("The day on which it was so"),
        "source": _("Where the figure comes from"),
        "by_node": _("Whether the node counted it itself"),
        "note": _("What there is to say of it"),
    },
    elements={
        "report": "technical.number",
        "plan": "technical.number",
        "item": "technical.number",
        "about": "technical.outcome",
        "part": "technical.number",
        "value": "technical.outcome",
        "day": "technical.time",
        "source": "matter.text",
        "by_node": "technical.outcome",
        "note": "matter.text",
    },
)


# What handles them. They send some of the above themselves, and so are only known from here on.

from kouan.apps.programme.plan import meetings, negotiating, reporting  # noqa: E402 - see above


@PROPOSED.handler
def keep_proposal(message: Received[Proposed]) -> None:
    """Keep the text until an officer here answers it."""
    negotiating.received(message=message)


@PROPOSED.undelivered
def note_refused_proposal(message: Undelivered) -> None:
    """Let the officers see that the other side could not take it."""
    negotiating.not_taken(message=message)


@ANSWERED.handler
def keep_answer(message: Received[Answered]) -> None:
    """Note that the other side has accepted or refused."""
    negotiating.answered(message=message)


@ANSWERED.undelivered
def take_answer_back(message: Undelivered) -> None:
    """Take back what was accepted here: the other side never knew."""
    negotiating.answer_not_taken(message=message)


@WITHDRAWN.handler
def keep_withdrawal(message: Received[Withdrawn]) -> None:
    """Take the proposal off the table here as well."""
    negotiating.withdrawn(message=message)


@CONVENED.handler
def keep_meeting(message: Received[Convened]) -> None:
    """Keep the meeting as its host has it."""
    meetings.convened(message=message)


@DELEGATION.handler
def keep_delegation(message: Received[Delegation]) -> None:
    """Keep who takes part for the other side."""
    meetings.delegated(message=message)


@PAPER.handler
def keep_paper(message: Received[Paper]) -> None:
    """Keep the paper with the meeting."""
    meetings.paper_received(message=message)


@REPORTED.handler
def keep_report(message: Received[Reported]) -> None:
    """Keep the report with the plan."""
    reporting.received(message=message)
