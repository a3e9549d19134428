"""The forms of the pages. What a joint text may say, ``domain`` decides; a form asks and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import lazystr
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.apps.programme.plan import labels
from kouan.apps.programme.plan.domain import Combined
from kouan.apps.programme.plan.progress import decimal
from kouan.core import figures
from kouan.core.sides import side_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kouan.core.errors import KouanError

DATES: Final = ("%Y-%m-%d",)
_DAY: Final = _("For example 2027-12-31.")
NEEDED: Final = {"required": _("This cannot be empty.")}
_DATE: Final = {"invalid": _("Enter a date such as 2027-12-31."), **NEEDED}
SCRIPTS: Final = {
    "en": _("in English"),
    "zh_hant": _("in Traditional Chinese"),
    "zh_hans": _("in Simplified Chinese"),
}


class Step(forms.Form):
    """A form with texts in the three scripts."""

    def three(
        self, name: str, label: Any, *, limit: int = 200, long: bool = False, required: bool = True
    ) -> None:
        """Add a text in the three scripts."""
        for script, said in SCRIPTS.items():
            self.fields[f"{name}_{script}"] = forms.CharField(
                label=format_lazy("{} {}", label, said),
                max_length=limit,
                required=required,
                error_messages=NEEDED,
                widget=forms.Textarea if long else forms.TextInput,
            )

    def words(self, name: str) -> dict[str, str]:
        """Return what was answered to ``three``."""
        return {script: self.cleaned_data[f"{name}_{script}"] for script in SCRIPTS}

    def refuse(self, error: KouanError, field: str | None = None) -> None:
        """Add an error's words to a field, or above the form."""
        self.cleaned_data = getattr(self, "cleaned_data", {})
        self.add_error(field, str(error))


def shown(name: str, words: Mapping[str, str]) -> dict[str, str]:
    """Return what a form shows of a kept text in the three scripts."""
    return {f"{name}_{script}": words.get(script, "") for script in SCRIPTS}


def date_field(label: Any, hint: Any = _DAY) -> forms.DateField:
    """Return a field for a day such as 2027-12-31."""
    return forms.DateField(label=label, input_formats=DATES, help_text=hint, error_messages=_DATE)


class NewPlanForm(Step):
    """With whom, and for which year."""

    peer = forms.ChoiceField(label=_("With which side"), error_messages=NEEDED)
    year = forms.IntegerField(
        label=_("Year in which it begins"), min_value=2006, max_value=2199, error_messages=NEEDED
    )

    def __init__(self, *args: Any, peers: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "peer", [(each, side_name(each)) for each in peers])


class TermForm(Step):
    """From when until when."""

    first_day = date_field(pgettext_lazy("plan", "First day"))
    last_day = date_field(pgettext_lazy("plan", "Last day"))


class AreaForm(Step):
    """An area's title."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.three("title", _("Title"))


class ItemForm(Step):
    """What is done, what comes of it, and who answers for it."""

    def __init__(self, *args: Any, sides: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.three("title", _("Title"))
        self.three("deliverable", _("Deliverable"), limit=2000, long=True)
        for side in sides:
            label = format_lazy(_("Department of {}"), side_name(side))
            self.three(f"department_{side}", label)


class MilestoneForm(Step):
    """A step and its day."""

    due = date_field(_("Due by"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.three("title", _("Title"))


class MeasureForm(Step):
    """A figure, from where to where."""

    baseline = forms.CharField(label=_("Baseline"), max_length=20, error_messages=NEEDED)
    target = forms.CharField(label=_("Target"), max_length=20, error_messages=NEEDED)
    reported_by = forms.MultipleChoiceField(label=_("Reported by"), error_messages=NEEDED)
    combined = forms.ChoiceField(
        label=_("Where both report, the figure is"),
        choices=[(each.value, labels.COMBINED[each]) for each in Combined],
        error_messages=NEEDED,
    )
    feed = forms.ChoiceField(
        label=_("Counted by the node"),
        required=False,
        help_text=_("Each side's node then counts and reports it once a day, and nobody has to."),
    )

    def __init__(self, *args: Any, sides: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.three("title", _("Title"))
        self.three("unit", _("Unit"), limit=60)
        set_choices(self, "reported_by", [(each, side_name(each)) for each in sides])
        offered = [(each.key, f"{each.title} ({each.key})") for each in figures.offered()]
        set_choices(self, "feed", [("", _("No, officers report it")), *offered])

    def clean_baseline(self) -> str:
        """Refuse what is no number."""
        return _number(self.cleaned_data["baseline"])

    def clean_target(self) -> str:
        """Refuse what is no number."""
        return _number(self.cleaned_data["target"])


class ReasonForm(Step):
    """Why, for the other side."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=400,
        widget=forms.Textarea,
        help_text=_("The other side reads it."),
        error_messages=NEEDED,
    )


class FileForm(Step):
    """A whole text as a file."""

    file = forms.FileField(
        label=_("JSON file"), required=False, help_text=_("As this node hands out a plan's text.")
    )


class ReportForm(Step):
    """How an item stands, a figure, or a milestone."""

    day = date_field(_("On which day it was so"))
    source = forms.CharField(
        label=_("Source"),
        max_length=400,
        help_text=_("Where the figure comes from: a return, a register, a letter and its number."),
        error_messages=NEEDED,
    )

    def __init__(self, *args: Any, about: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if about == "measure":
            value: forms.Field = forms.CharField(label=_("Figure"), max_length=20, error_messages=NEEDED)
        else:
            given = (
                labels.STANDINGS.items()
                if about == "state"
                else [
                    ("done", pgettext_lazy("milestone", "Done")),
                    ("open", pgettext_lazy("milestone", "Not done")),
                ]
            )
            value = forms.ChoiceField(
                label=_("How it stands"),
                choices=list(given),
                widget=forms.RadioSelect,
                error_messages=NEEDED,
            )
        self.fields["value"] = value
        self.order_fields(["value", "day", "source"])
        self.three("note", _("Note"), limit=2000, long=True, required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a note that is not in all three scripts."""
        given = super().clean() or {}
        notes = [given.get(f"note_{script}", "") for script in SCRIPTS]
        if any(notes) and not all(notes):
            empty = next(script for script, said in zip(SCRIPTS, notes, strict=True) if not said)
            self.add_error(f"note_{empty}", _("Write the note in all three scripts, or in none."))
        return given


def _number(text: str) -> str:
    text = text.strip()
    if decimal(text) is None or not text.replace("-", "", 1).replace(".", "", 1).isascii():
        raise ValidationError(_("Enter a number such as 1250 or 97.5, without a sign for thousands."))
    return text


def set_choices(form: forms.Form, name: str, choices: Sequence[tuple[str, Any]]) -> None:
    """Say what may be chosen in a field."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101 - as declared above
    field.choices = [(value, lazystr(text)) for value, text in choices]
