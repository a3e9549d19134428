"""The words for states, sides and figures."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.apps.programme.plan.negotiation import State
from kouan.apps.programme.plan.progress import Standing
from kouan.core.text import Localised
from kouan.web.filters import date_long

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise

STATES: Final[Mapping[str, _StrOrPromise]] = {
    State.PROPOSED: pgettext_lazy("plan", "On the table"),
    State.COUNTERED: pgettext_lazy("plan", "Countered"),
    State.WITHDRAWN: pgettext_lazy("plan", "Withdrawn"),
    State.REFUSED: pgettext_lazy("plan", "Refused"),
    State.SIGNED: pgettext_lazy("plan", "In effect"),
    State.REPLACED: pgettext_lazy("plan", "Replaced"),
    State.OVERRULED: pgettext_lazy("plan", "Overruled"),
}
COLOURS: Final[Mapping[str, str]] = {
    State.PROPOSED: "yellow",
    State.COUNTERED: "grey",
    State.WITHDRAWN: "grey",
    State.REFUSED: "red",
    State.SIGNED: "green",
    State.REPLACED: "grey",
    State.OVERRULED: "grey",
}
STANDINGS: Final[Mapping[str, _StrOrPromise]] = {
    Standing.TO_COME: pgettext_lazy("item", "To come"),
    Standing.UNDER_WAY: pgettext_lazy("item", "Under way"),
    Standing.AT_RISK: pgettext_lazy("item", "At risk"),
    Standing.DONE: pgettext_lazy("item", "Done"),
    Standing.DROPPED: pgettext_lazy("item", "Dropped"),
}
STANDING_COLOURS: Final[Mapping[str, str]] = {
    Standing.TO_COME: "grey",
    Standing.UNDER_WAY: "blue",
    Standing.AT_RISK: "orange",
    Standing.DONE: "green",
    Standing.DROPPED: "red",
}
MODES: Final[Mapping[str, _StrOrPromise]] = {
    "in-person": pgettext_lazy("meeting", "In person"),
    "video": pgettext_lazy("meeting", "By video"),
    "hybrid": pgettext_lazy("meeting", "In person and by video"),
}
MEETINGS: Final[Mapping[str, _StrOrPromise]] = {
    "planned": pgettext_lazy("meeting", "Planned"),
    "held": pgettext_lazy("meeting", "Held"),
    "cancelled": pgettext_lazy("meeting", "Cancelled"),
}
MEETING_COLOURS: Final[Mapping[str, str]] = {"planned": "blue", "held": "green", "cancelled": "red"}
ACTIONS: Final[Mapping[str, _StrOrPromise]] = {
    "open": pgettext_lazy("action", "Open"),
    "done": pgettext_lazy("action", "Done"),
    "dropped": pgettext_lazy("action", "Dropped"),
}
COMBINED: Final[Mapping[str, _StrOrPromise]] = {
    "sum": _("the sum of both sides' figures"),
    "least": _("the smaller of both sides' figures"),
    "most": _("the larger of both sides' figures"),
}


def words(value: Mapping[str, str]) -> str:
    """Return a kept text (``en``, ``zh_hant``, ``zh_hans``) in the reader's language."""
    return str(Localised(value["en"], value["zh_hant"], value["zh_hans"]))


def day(text: str) -> str:
    """Return a kept date in words; a draft may hold what is none yet, which stays as it is."""
    try:
        return date_long(date.fromisoformat(text))
    except ValueError:
        return text
