"""Officers confirm, correct and reject what was read; every judgement stays on file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kouan.apps.programme import errors
from kouan.apps.programme.domain import HIGHEST, Act, Field, Mode, State, is_date
from kouan.apps.programme.models import Claim, Judgement, Meeting
from kouan.apps.programme.records.reading.text import fold
from kouan.apps.programme.records.rules import words
from kouan.apps.programme.records.settling import resettle_all

if TYPE_CHECKING:
    import uuid

_STATE: Final = {
    Act.CONFIRM: State.CONFIRMED,
    Act.CORRECT: State.CORRECTED,
    Act.REJECT: State.REJECTED,
    Act.REOPEN: State.PROPOSED,
}
MAIN: Final = {
    Field.DATE: "iso",
    Field.MODE: "mode",
    Field.CHAIR: "name",
    Field.PERSON: "name",
    Field.HELD: "number",
}
"""What of a value an officer corrects; the text of all others."""
PEOPLE: Final = frozenset({Field.CHAIR, Field.PERSON})
"""Of whom an officer also corrects the office."""
_LONGEST: Final = 600


def judge(  # noqa: PLR0913 - what a judgement is made of
    *,
    claim: uuid.UUID,
    act: Act,
    seen: State,
    by: str,
    value: str = "",
    office: str | None = None,
    reason: str = "",
) -> Claim:
    """Decide a claim that the officer saw in the state ``seen``: no other's decision is overwritten.

    ``value`` is what a correction puts in place, and ``office`` that of a person, where it is given. When a
    meeting's number is put right, all that its record says of the meeting goes along.

    Raises ``UnknownClaim``, ``ClaimDecided``, ``BadCorrection``.
    """
    with transaction.atomic():
        row = Claim.objects.select_for_update().filter(key=claim).first()
        if row is None:
            raise errors.UnknownClaim
        if row.state != seen:
            raise errors.ClaimDecided
        before = {"state": row.state, "value": row.said}
        number, at = row.said.get("number"), row.meeting_id
        row.corrected = _corrected(row, value, office) if act is Act.CORRECT else None
        row.state = _STATE[act].value
        row.decided_by, row.decided_at = ("", None) if act is Act.REOPEN else (by, timezone.now())
        row.reread, row.other = Claim.Reread.NONE.value, None
        row.save(update_fields=["corrected", "state", "decided_by", "decided_at", "reread", "other"])
        Judgement.objects.create(
            claim=row, act=act.value, before=before, after={"state": row.state, "value": row.said},
            reason=reason[:300], by=by, at=timezone.now(),
        )  # fmt: skip
        if row.field == Field.HELD and row.said.get("number") != number:
            _go_along(row)
        resettle_all(each for each in {at, row.meeting_id} if each)
    return row


def _go_along(row: Claim) -> None:
    """Take all that a record says of a meeting to the one with the number that the claim has now.

    Raises ``BadCorrection`` where the record tells of that one too: which value is whose, nobody could say.
    """
    meeting, number = row.meeting, row.said["number"]
    assert meeting is not None  # noqa: S101 - that a meeting was held is said of one
    claims = list(row.record.claims.select_for_update().filter(meeting=meeting).order_by("pk"))
    if isinstance(number, int):
        to = Meeting.objects.get_or_create(
            group=meeting.group, number=number, defaults={"group_name": meeting.group_name}
        )[0]
    else:
        to = Meeting.objects.create(group=meeting.group, group_name=meeting.group_name)
    if to == meeting:  # by its date it was known for that one already
        return
    if row.record.claims.filter(meeting=to).exists():
        raise errors.BadCorrection(
            value=str(number), detail=_("this record tells of that meeting too; reject this one instead.")
        )
    for each in claims:
        each.meeting = to
        each.save(update_fields=["meeting"])
    row.meeting = to


def confirm_all(*, record: uuid.UUID, by: str) -> int:
    """Confirm every value of a record that is still only proposed; returns how many.

    What a model proposed is not among them, nor what is no longer read: an officer decides each by itself.
    """
    with transaction.atomic():
        rows = list(Claim.objects.sure().select_for_update().filter(record__key=record).order_by("pk"))
        _decide(rows, Act.CONFIRM, by)
    return len(rows)


def reject_gone(*, record: uuid.UUID, by: str) -> int:
    """Reject what reading a record again no longer found and nobody has decided; returns how many."""
    with transaction.atomic():
        rows = list(
            Claim.objects.select_for_update()
            .filter(record__key=record, state=State.PROPOSED.value, reread=Claim.Reread.GONE.value)
            .order_by("pk")
        )
        _decide(rows, Act.REJECT, by)
    return len(rows)


def _decide(rows: list[Claim], act: Act, by: str) -> None:
    now = timezone.now()
    for row in rows:
        row.state, row.decided_by, row.decided_at = _STATE[act].value, by, now
        row.reread, row.other = Claim.Reread.NONE.value, None
    Claim.objects.bulk_update(rows, ["state", "decided_by", "decided_at", "reread", "other"])
    Judgement.objects.bulk_create(
        Judgement(
            claim=row, act=act.value, before={"state": State.PROPOSED.value, "value": row.said},
            after={"state": row.state, "value": row.said}, by=by, at=now,
        )
        for row in rows
    )  # fmt: skip
    resettle_all(row.meeting_id for row in rows if row.meeting_id)


def _corrected(row: Claim, value: str, office: str | None) -> dict[str, Any]:
    """Return a claim's value with an officer's correction. Raises ``BadCorrection``."""
    said = " ".join(value.split())
    field = Field(row.field)
    if field is Field.HELD:
        return dict(row.value) | {"number": _number(said)}
    more: dict[str, Any] = {}
    if field in PEOPLE and office is not None:
        more["office"] = " ".join(office.split())[:_LONGEST]
        said = said or str(row.said["name"])
    if not said or len(said) > _LONGEST:
        raise errors.BadCorrection(
            value=said[:60], detail=_("write what is right in at most 600 characters.")
        )
    if field is Field.DATE and not is_date(said):
        raise errors.BadCorrection(
            value=said[:60], detail=_("write 2024-10-09, 2024-10 or 2024, a date that there is.")
        )
    if field is Field.MODE and said not in {each.value for each in Mode}:
        raise errors.BadCorrection(value=said[:60], detail=_("write in-person, video or hybrid."))
    return dict(row.value) | {MAIN.get(field, "text"): said} | _codes(field, said) | more


def _codes(field: Field, said: str) -> dict[str, str]:
    """Return by which code the dictionary knows an officer's words; an empty one where it does not."""
    known = words()
    match field:
        case Field.PLACE:
            return {"code": known.place_names.get(fold(said), "")}
        case Field.BODY:
            called = known.body_called(said)
            return {"code": called[0].code if called else ""}
        case Field.AREA:
            return {"theme": known.theme_of(said)}
        case _:
            return {}


def _number(said: str) -> int | None:
    """Return a meeting's number as an officer wrote it; None where it has none. Raises ``BadCorrection``."""
    if not said:
        return None
    if not said.isdecimal() or len(said) > len(str(HIGHEST)) or not int(said):
        raise errors.BadCorrection(
            value=said[:60],
            detail=_("write a number from 1 to %(highest)s, or nothing where it has none.")
            % {"highest": HIGHEST},
        )
    return int(said)
