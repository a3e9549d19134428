"""What still stands between a draft and a signature, in the words of the officer who is to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.utils.functional import _StrOrPromise

_NUMBERED: Final[Mapping[str, _StrOrPromise]] = {
    "areas": _("area %(number)s"),
    "items": _("item %(number)s"),
    "owners": _("owner %(number)s"),
    "milestones": _("milestone %(number)s"),
    "measures": _("measure %(number)s"),
    "present": _("person %(number)s"),
    "points": _("point %(number)s of the agenda"),
    "actions": _("action %(number)s"),
}
_NAMES: Final[Mapping[str, _StrOrPromise]] = {
    "areas": _("areas"),
    "items": _("items"),
    "owners": _("owners"),
    "milestones": _("milestones"),
    "measures": _("measures"),
    "present": _("who was present"),
    "points": _("agenda"),
    "actions": _("actions"),
    "title": pgettext_lazy("of a plan's part", "title"),
    "deliverable": _("what will be there"),
    "department": _("department"),
    "owner": _("owner"),
    "due": _("due day"),
    "unit": _("unit"),
    "baseline": _("baseline"),
    "target": _("target"),
    "reported_by": _("who reports"),
    "feed": _("where figures come from"),
    "first_day": _("first day"),
    "last_day": _("last day"),
    "first_day, last_day": _("first and last day"),
    "name": pgettext_lazy("of a person", "name"),
    "office": pgettext_lazy("of a person", "office"),
    "said": _("what was said"),
    "place": pgettext_lazy("of a meeting", "place"),
    "held_on": _("day of the meeting"),
    "mode": _("in person, by video, or both"),
    "plan": _("the plan's number"),
    "en": _("in English"),
    "zh_hant": _("in traditional Chinese"),
    "zh_hans": _("in simplified Chinese"),
}
_WHAT: Final[Mapping[str, _StrOrPromise]] = {
    "missing": _("is missing"),
    "string_too_short": _("is empty"),
    "too_short": _("there must be one at least"),
    "string_too_long": _("is too long"),
    "too_long": _("there are too many"),
    "within the plan's days": _("must be within the plan's days"),
    "other than the baseline": _("must be other than the baseline"),
    "in this year, in order, and 550 days at most": _(
        "must be in this year, in order, and 550 days apart at most"
    ),
    "one of each side, in the order of the sides": _("there must be one of each side"),
    "sides of the plan": _("must be sides of the plan"),
    "of one of the two sides": _("must be of one of the two sides"),
}
_TWICE: Final = " is there twice"


def in_words(problem: str, content: Mapping[str, Any]) -> str:
    """Return a place and what is wrong there, as ``domain.places_of`` names it, in the reader's language.

    Parts are called by their numbers and titles as they stand in ``content``, the draft.
    """
    place, _colon, what = problem.rpartition(": ")
    if what.endswith(_TWICE):
        said = gettext("%(name)s is there twice") % {"name": what.removesuffix(_TWICE)}
    else:
        said = str(_WHAT.get(what) or gettext("does not fit here"))
    return gettext("%(place)s: %(what)s") % {"place": " › ".join(_named(place, content)), "what": said}


def _named(place: str, content: Mapping[str, Any]) -> Iterator[str]:
    here: Any = content
    parts = place.split(".") if place else []
    for at, part in enumerate(parts):
        here = _inside(here, part)
        if part.isdecimal():
            number = str(_NUMBERED.get(parts[at - 1], "%(number)s")) % {"number": int(part) + 1}
            title = _title(here)
            yield f"{number} ({title})" if title else number
        elif at + 1 < len(parts) and parts[at + 1].isdecimal():
            continue  # said with its number
        else:
            yield str(_NAMES.get(part) or _title(_with_id(content, part)) or part)


def _inside(here: Any, part: str) -> Any:
    if isinstance(here, list) and part.isdecimal() and int(part) < len(here):
        return here[int(part)]
    return here.get(part) if isinstance(here, dict) else None


def _with_id(here: Any, id_: str) -> Any:
    """Return the part of a draft that has an id, wherever it stands."""
    if isinstance(here, dict):
        if here.get("id") == id_:
            return here
        return next((found for each in here.values() if (found := _with_id(each, id_))), None)
    if isinstance(here, list):
        return next((found for each in here if (found := _with_id(each, id_))), None)
    return None


def _title(here: Any) -> str:
    title = here.get("title") if isinstance(here, dict) else None
    if not isinstance(title, dict):
        return ""
    return str(title.get((get_language() or "en").replace("-", "_"), "") or title.get("en", ""))
