"""The forms of meetings and their minutes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.apps.programme.plan import labels
from kouan.apps.programme.plan.drafting import new_id
from kouan.apps.programme.plan.forms import NEEDED, SCRIPTS, Step, date_field, set_choices
from kouan.core.sides import side_name
from kouan.core.text import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TIME: Final = {"invalid": _("Enter a time such as 14:30."), **NEEDED}
_LINES: Final = 100


class MeetingForm(Step):
    """When, where and about what."""

    mode = forms.ChoiceField(
        label=_("How it is held"),
        choices=list(labels.MODES.items()),
        widget=forms.RadioSelect,
        error_messages=NEEDED,
    )
    day = date_field(_("Day"))
    begins = forms.TimeField(
        label=_("Begins"), input_formats=["%H:%M"], error_messages=_TIME, help_text=_("For example 14:30.")
    )  # fmt: skip
    ends = forms.TimeField(
        label=_("Ends"), input_formats=["%H:%M"], error_messages=_TIME, help_text=_("For example 14:30.")
    )  # fmt: skip
    agenda = forms.CharField(
        label=_("Agenda"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea,
        help_text=_("One point a line: English | Traditional Chinese | Simplified Chinese."),
    )  # fmt: skip

    def __init__(self, *args: Any, peers: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.three("title", _("Title"))
        self.three("place", pgettext_lazy("meeting", "Place"))
        order = ["title_en", "title_zh_hant", "title_zh_hans"]
        if peers:
            self.fields["peer"] = forms.ChoiceField(
                label=_("With which side"), choices=[(each, side_name(each)) for each in peers]
            )
            order = ["peer", *order]
        place = ["place_en", "place_zh_hant", "place_zh_hans"]
        self.order_fields([*order, "day", "begins", "ends", "mode", *place])

    def clean_agenda(self) -> list[dict[str, Any]]:
        """Return the points; refuse a line that is not in three scripts."""
        return [
            {"id": new_id("point"), "title": _words(parts)} for parts in _rows(self.cleaned_data["agenda"], 3)
        ]

    def times(self) -> tuple[datetime, datetime]:
        """Return when it begins and ends, in this side's time zone without saying so."""
        day = self.cleaned_data["day"]
        return datetime.combine(day, self.cleaned_data["begins"]), datetime.combine(
            day, self.cleaned_data["ends"]
        )


class DelegationForm(Step):
    """Who takes part for this side."""

    persons = forms.CharField(
        label=_("Officials"),
        required=False,
        max_length=40_000,
        widget=forms.Textarea,
        help_text=_(
            "One a line: name | office in English | in Traditional Chinese | in Simplified Chinese | e-mail |"
            " language of the invitation (en, zh-hant, zh-hans). E-mail and language may be left out; they"
            " stay on this side."
        ),
    )

    def clean_persons(self) -> list[dict[str, Any]]:
        """Return the officials; refuse a line with too few parts, or an address that is none."""
        found = []
        for number, parts in enumerate(_rows(self.cleaned_data["persons"], 4, 6), 1):
            name, *office = parts[:4]
            email, language = ([*parts[4:], "", ""])[:2]
            if email:
                try:
                    validate_email(email)
                except ValidationError:
                    raise ValidationError(
                        _("Line %(line)s: this is no e-mail address."), params={"line": number}
                    ) from None
            found.append(
                {
                    "name": name,
                    "office": _words(office),
                    "email": email,
                    "language": language if language in LANGUAGES else "en",
                }
            )
        return found


class PaperForm(Step):
    """A paper of a meeting."""

    file = forms.FileField(label=_("File"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.three("title", _("Title"))


class HeldForm(Step):
    """When and where a meeting was held, and who was there."""

    held_on = date_field(_("Held on"))
    mode = forms.ChoiceField(
        label=_("How it was held"),
        choices=list(labels.MODES.items()),
        widget=forms.RadioSelect,
        error_messages=NEEDED,
    )
    present = forms.CharField(
        label=_("Present"),
        max_length=40_000,
        widget=forms.Textarea,
        error_messages=NEEDED,
        help_text=_(
            "One a line: side | name | office in English | in Traditional Chinese | in Simplified Chinese."
        ),
    )

    def __init__(self, *args: Any, sides: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sides = sides
        self.three("place", pgettext_lazy("meeting", "Place"))

    def clean_present(self) -> list[dict[str, Any]]:
        """Return who was there; refuse a side that is none of the two."""
        found = []
        for number, (side, name, *office) in enumerate(_rows(self.cleaned_data["present"], 5), 1):
            if side not in self._sides:
                raise ValidationError(
                    _("Line %(line)s: begin with one of %(sides)s."),
                    params={"line": number, "sides": ", ".join(self._sides)},
                )
            found.append({"side": side, "name": name, "office": _words(office)})
        return found


class PointForm(Step):
    """A point of the agenda, and what was said on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.three("title", _("Title"))
        self.three("said", _("Said and agreed"), limit=2000, long=True)


class ActionForm(Step):
    """Something that is to be done."""

    side = forms.ChoiceField(label=_("Which side does it"), error_messages=NEEDED)
    due = date_field(_("Due by"))
    state = forms.ChoiceField(
        label=_("How it stands"),
        choices=list(labels.ACTIONS.items()),
        widget=forms.RadioSelect,
        error_messages=NEEDED,
    )

    def __init__(self, *args: Any, sides: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.three("title", _("Title"))
        self.three("department", _("Department"))
        set_choices(self, "side", [(each, side_name(each)) for each in sides])
        self.order_fields(["title_en", "title_zh_hant", "title_zh_hans", "side"])


def lines_of(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as the lines that such a form takes."""
    return "\n".join(" | ".join(each) for each in rows)


def words_in(words: Mapping[str, str]) -> list[str]:
    """Return a kept text's three scripts in their order."""
    return [words[script] for script in SCRIPTS]


def _rows(text: str, least: int, most: int | None = None) -> list[list[str]]:
    found = []
    lines = [each for each in text.splitlines() if each.strip()]
    if len(lines) > _LINES:
        raise ValidationError(_("Write %(most)s lines at most."), params={"most": _LINES})
    for number, line in enumerate(lines, 1):
        parts = [each.strip() for each in line.split("|")]
        if not least <= len(parts) <= (most or least) or not all(parts[:least]):
            raise ValidationError(
                _("Line %(line)s: write its %(count)s parts with | between them."),
                params={"line": number, "count": least},
            )
        if any(len(each) > 200 for each in parts):  # noqa: PLR2004 - as ``domain.Line``
            raise ValidationError(
                _("Line %(line)s: each part has 200 characters at most."), params={"line": number}
            )
        found.append(parts)
    return found


def _words(parts: Sequence[str]) -> dict[str, str]:
    return dict(zip(SCRIPTS, parts, strict=True))
