"""Officers confirm, correct and reject what was read; every judgement stays on file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kouan.apps.programme import errors
from kouan.apps.programme.domain import Act, Field, Mode, State, is_date
from kouan.apps.programme.models import Claim, Judgement
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
_LONGEST: Final = 600


def judge(  # noqa: PLR0913 - what a judgement is made of
    *, claim: uuid.UUID, act: Act, seen: State, by: str, value: str = "", reason: str = ""
) -> Claim:
    """Decide a claim that the officer saw in the state ``seen``: no other's decision is overwritten.

    Raises ``UnknownClaim``, ``ClaimDecided``, ``BadCorrection``.
    """
    with transaction.atomic():
        row = Claim.objects.select_for_update().filter(key=claim).first()
        if row is None:
            raise errors.UnknownClaim
        if row.state != seen:
            raise errors.ClaimDecided
        before = {"state": row.state, "value": row.said}
        row.corrected = _corrected(row, value) if act is Act.CORRECT else None
        row.state = _STATE[act].value
        row.decided_by, row.decided_at = ("", None) if act is Act.REOPEN else (by, timezone.now())
        row.reread, row.other = Claim.Reread.NONE.value, None
        row.save(update_fields=["corrected", "state", "decided_by", "decided_at", "reread", "other"])
        Judgement.objects.create(
            claim=row, act=act.value, before=before, after={"state": row.state, "value": row.said},
            reason=reason[:300], by=by, at=timezone.now(),
        )  # fmt: skip
        if row.meeting_id:
            resettle_all([row.meeting_id])
    return row


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


def _corrected(row: Claim, value: str) -> dict[str, Any]:
    """Return a claim's value with an officer's correction. Raises ``BadCorrection``."""
    said = " ".join(value.split())
    field = Field(row.field)
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
    if field is Field.HELD:
        raise errors.BadCorrection(
            value=said[:60],
            detail=_(
                "a meeting's number is not corrected: reject that it was held, and read the right record in."
            ),
        )
    changed = dict(row.value) | {MAIN.get(field, "text"): said}
    if field in {Field.PLACE, Field.BODY}:
        changed["code"] = ""
    return changed
