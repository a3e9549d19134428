"""A draft as this side's officers write it: lenient while it is being written, whole when it is signed.

Every change names the edition that its officer has read: nobody writes over what others wrote meanwhile.
"""

from __future__ import annotations

import copy
import secrets
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.programme.models import Draft, Subject
from kouan.apps.programme.plan import errors
from kouan.apps.programme.plan.domain import MINUTES, PLAN, Plan, UnreadableText, made_of, plan_number
from kouan.apps.programme.plan.negotiating import final, in_effect, next_number, subject_of, text_of
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from kouan.apps.programme.models import JointMeeting, Version

_NEVER_KEPT: Final = ("version", "replaces", "sides", "author")
"""What is filled in when the draft is signed."""


def begin(*, peer: str, year: int, officer: str) -> Draft:
    """Begin the plan of a year; the plan of the year before, if there is one, gives its areas and items."""
    if peer not in {each.side for each in members()}:
        raise errors.NoPeer(peer=peer)
    sides = sorted([settings.NODE.side, peer])
    key = plan_number(sides, year)
    content: dict[str, Any] = {
        "schema": PLAN, "plan": str(key), "year": year, "first_day": f"{year}-04-01",
        "last_day": f"{year + 1}-03-31", "areas": [],
    }  # fmt: skip
    before = Subject.objects.filter(key=plan_number(sides, year - 1)).first()
    row = None if before is None else in_effect(before)
    text = None if row is None else text_of(row)
    if isinstance(text, Plan):
        content["areas"] = _carried(text, year)
    with transaction.atomic():
        subject = subject_of(key=key, kind=Plan.kind, peer=peer, year=year)
        if subject.versions.exists():
            raise errors.DraftThere
        return _begun(subject, content, officer)


def from_version(*, version: Version, officer: str) -> Draft:
    """Begin with what a version says: the one in effect to change it, or the other side's to counter it."""
    content = text_of(version).model_dump(by_alias=True)
    with transaction.atomic():
        return _begun(version.subject, {k: v for k, v in content.items() if k not in _NEVER_KEPT}, officer)


def for_minutes(*, meeting: JointMeeting, officer: str) -> Draft:
    """Begin the minutes of a meeting: its agenda, who takes part, and the actions that are still open."""
    sides = sorted([settings.NODE.side, meeting.peer])
    nothing = {"en": "", "zh_hant": "", "zh_hans": ""}
    content = {
        "schema": MINUTES,
        "meeting": str(meeting.key),
        "title": meeting.title,
        "held_on": meeting.starts_at.astimezone(timezone.get_current_timezone()).date().isoformat(),
        "place": meeting.place,
        "mode": meeting.mode,
        "present": [
            {"side": each.side, "name": each.name, "office": each.office}
            for side in sides
            for each in meeting.attendees.filter(side=side).order_by("pk")
        ],
        "points": [{"id": each["id"], "title": each["title"], "said": nothing} for each in meeting.agenda],
        "actions": open_actions(meeting),
    }
    with transaction.atomic():
        subject = subject_of(key=meeting.key, kind="minutes", peer=meeting.peer)
        return _begun(subject, content, officer)


def open_actions(meeting: JointMeeting) -> list[dict[str, Any]]:
    """Return the actions that the last agreed minutes before a meeting left open: they follow to it."""
    from kouan.apps.programme.models import JointMeeting as Meetings  # noqa: PLC0415 - the name is taken above

    rows = Meetings.objects.filter(peer=meeting.peer, starts_at__lt=meeting.starts_at).order_by("-starts_at")
    for row in rows:
        subject = Subject.objects.filter(key=row.key, kind="minutes").first()
        version = None if subject is None else in_effect(subject)
        if version is not None:
            said = text_of(version).model_dump(by_alias=True)
            return [each for each in said["actions"] if each["state"] == "open"]
    return []


def change(*, subject: Subject, edition: int, officer: str, by: Callable[[dict[str, Any]], None]) -> Draft:
    """Change a draft's content by a function; raises ``DraftHasMoved`` and what the function raises."""
    with transaction.atomic():
        draft = Draft.objects.select_for_update().filter(subject=subject).first()
        if draft is None:
            raise errors.UnknownSubject
        if draft.edition != edition:
            raise errors.DraftHasMoved(who=draft.changed_by)
        content = copy.deepcopy(draft.content)
        by(content)
        draft.content, draft.edition = content, edition + 1
        draft.changed_at, draft.changed_by = timezone.now(), officer
        draft.save()
    return draft


def throw_away(*, subject: Subject, edition: int) -> None:
    """Throw a draft away; raises ``DraftHasMoved``."""
    with transaction.atomic():
        draft = Draft.objects.select_for_update().filter(subject=subject).first()
        if draft is None:
            return
        if draft.edition != edition:
            raise errors.DraftHasMoved(who=draft.changed_by)
        draft.delete()


def problems(draft: Draft) -> list[str]:
    """Return what still stands between a draft and a signature, as places and short words."""
    try:
        final(draft)
    except errors.IllFormedText as error:
        return str(error.params["detail"]).split("; ")
    except errors.OtherSubject:
        return ["plan"]
    return []


def read_in(*, subject: Subject, edition: int, officer: str, value: Any) -> Draft:
    """Put a whole text in the draft's place, as a file gives it; raises ``IllFormedText``."""
    if not isinstance(value, dict):
        raise errors.IllFormedText(detail="JSON")
    content = {
        **value,
        "version": next_number(subject),
        "replaces": None,
        "sides": sorted([settings.NODE.side, subject.peer]),
        "author": settings.NODE.side,
    }
    try:
        made = made_of(content)
    except UnreadableText as error:
        raise errors.IllFormedText(detail=str(error)) from None
    if made.subject != subject.key or made.kind != subject.kind:
        raise errors.OtherSubject
    kept = {k: v for k, v in made.model_dump(by_alias=True).items() if k not in _NEVER_KEPT}

    def put(content: dict[str, Any]) -> None:
        content.clear()
        content.update(kept)

    return change(subject=subject, edition=edition, officer=officer, by=put)


def new_id(prefix: str) -> str:
    """Return an id that no other part has."""
    return f"{prefix}-{secrets.token_hex(4)}"


def area_of(content: dict[str, Any], id_: str) -> dict[str, Any]:
    """Return an area of a draft; raises ``UnknownPart``."""
    return _found(content["areas"], id_)


def item_of(content: dict[str, Any], id_: str) -> dict[str, Any]:
    """Return an item of a draft; raises ``UnknownPart``."""
    return _found([item for area in content["areas"] for item in area["items"]], id_)


def part_of(item: dict[str, Any], kind: str, id_: str) -> dict[str, Any]:
    """Return a milestone or a measure of an item; raises ``UnknownPart``."""
    return _found(item[kind], id_)


def _found(parts: list[dict[str, Any]], id_: str) -> dict[str, Any]:
    found = next((each for each in parts if each["id"] == id_), None)
    if found is None:
        raise errors.UnknownPart
    return found


def _begun(subject: Subject, content: dict[str, Any], officer: str) -> Draft:
    Subject.objects.select_for_update().get(pk=subject.pk)
    if Draft.objects.filter(subject=subject).exists():
        raise errors.DraftThere
    return Draft.objects.create(
        subject=subject, content=content, changed_at=timezone.now(), changed_by=officer
    )


def _carried(plan: Plan, year: int) -> list[dict[str, Any]]:
    """Return last year's areas and items for a new plan: the measures go on, the milestones a year later."""
    areas = [area.model_dump(by_alias=True) for area in plan.areas]
    for area in areas:
        for item in area["items"]:
            for milestone in item["milestones"]:
                milestone["due"] = _later(milestone["due"], year - plan.year)
    return areas


def _later(day: str, years: int) -> str:
    then = date.fromisoformat(day)
    try:
        return then.replace(year=then.year + years).isoformat()
    except ValueError:  # the 29th of February
        return then.replace(year=then.year + years, day=28).isoformat()


def find(key: uuid.UUID) -> Draft:
    """Return the draft of a subject; raises ``UnknownSubject``."""
    found = Draft.objects.select_related("subject").filter(subject__key=key).first()
    if found is None:
        raise errors.UnknownSubject
    return found
