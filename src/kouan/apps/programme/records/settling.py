"""What a meeting's claims come to, written into its row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kouan.apps.programme.domain import Field, Said, State, settle
from kouan.apps.programme.models import Claim, Meeting
from kouan.apps.programme.records.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterable


def resettle_all(keys: Iterable[int]) -> None:
    """Work meetings' dates, places and modes out anew; within the transaction of what changed their claims.

    They are held until its end, always in the same order: so of two at once each sees what the other wrote.
    """
    for meeting in Meeting.objects.select_for_update().filter(pk__in=set(keys)).order_by("pk"):
        _resettle(meeting)


def _resettle(meeting: Meeting) -> None:
    places = words().places
    claims = list(
        Claim.objects.counting().filter(
            meeting=meeting, field__in=[Field.HELD, Field.DATE, Field.PLACE, Field.MODE]
        )
    )
    said: dict[str, list[Said]] = {}
    for each in claims:
        said.setdefault(each.field, []).append(Said(each.said, State(each.state), each.confidence))
    conflicts = []
    values = {}
    for field in (Field.DATE, Field.PLACE, Field.MODE):
        settled = settle(
            field,
            said.get(field.value, ()),
            within=lambda code: places[code].within if code in places else "",
        )
        values[field] = settled.value or {}
        if settled.conflict:
            conflicts.append(field.value)
    meeting.date = str(values[Field.DATE].get("iso") or "")
    meeting.date_text = str(values[Field.DATE].get("text") or "")[:100]
    meeting.place = str(values[Field.PLACE].get("code") or values[Field.PLACE].get("text") or "")[:64]
    meeting.place_text = str(values[Field.PLACE].get("text") or "")[:200]
    meeting.mode = str(values[Field.MODE].get("mode") or "")
    meeting.conflicts = conflicts
    meeting.shown = Field.HELD.value in said
    meeting.save(update_fields=["date", "date_text", "place", "place_text", "mode", "conflicts", "shown"])
