"""Sentences that the public pages are made of."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from django.utils import formats
from django.utils.translation import get_language, gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kouan.apps.programme.domain import Field, Mode
from kouan.apps.programme.look.flow import Change
from kouan.apps.programme.look.history import group_name, place_name
from kouan.web.filters import date_long

if TYPE_CHECKING:
    from kouan.apps.programme.look.history import Held

MODES: Final = {
    Mode.IN_PERSON.value: _("In person"),
    Mode.VIDEO.value: _("By video conference"),
    Mode.HYBRID.value: _("In person and by video conference"),
}
HEADS: Final = {
    Field.AREA: _("Areas of co-operation"),
    Field.DECISION: _("What was decided"),
    Field.AGREEMENT: _("Agreements"),
    Field.EVENT: _("Events"),
    Field.CHAIR: _("In the chair"),
    Field.PERSON: _("People named"),
    Field.BODY: _("Bodies represented"),
    Field.FIGURE: pgettext_lazy("programme", "Figures"),
}
CHANGES: Final = {
    Change.BORN: pgettext_lazy("programme", "New"),
    Change.RETURNED: _("Taken up again"),
    Change.RENAMED: _("Renamed"),
    Change.KEPT: _("As before"),
    Change.MERGED: _("Joined with another"),
    Change.PARTED: _("Parted from another"),
}


def name_of(held: Held) -> str:
    """Return what a meeting is called: "19th meeting", or the group's name where it has no number.

    English wants an ordinal, so the number is given as such; the Chinese scripts use the number alone.
    """
    if held.number is None:
        return str(group_name(held))
    return gettext("Meeting %(number)s") % {"number": held.number}


def day_of(held: Held) -> str:
    """Return the date as precisely as it is known, in the reader's form; else the record's words."""
    parts = [int(part) for part in held.date.split("-") if part]
    if not parts:
        return held.date_text or gettext("Date not on record")
    match parts:
        case [year]:
            return str(year)
        case [year, month]:
            english = formats.date_format(date(year, month, 1), "F Y")
            return english if get_language() == "en" else f"{year}年{month}月"
        case _:
            return date_long(date(*parts))


def where(held: Held) -> str:
    """Return where it was held in a word or two; empty where no record says."""
    if held.mode == Mode.VIDEO.value:
        return pgettext("a meeting", "By video")
    return str(place_name(held))
