"""The forms of the pages. What a contract may say, ``checks`` decides; a form asks and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.apps.dataflow import drafting, labels
from kouan.core.policy.elements import Category

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.dataflow.uploads import Seen
    from kouan.core.errors import KouanError

DATES: Final = ("%Y-%m-%d",)
NEEDED: Final = {"required": _("This cannot be empty.")}
DATE: Final = {"invalid": _("Enter a date such as 2027-12-31."), **NEEDED}
_GROUND: Final = ("instrument", "number", "issued_on", "valid_until")
_CODE: Final = r"^[a-z][a-z0-9-]{1,63}$"


class Step(forms.Form):
    """One step of the guided form."""

    def refuse(self, error: KouanError, field: str | None = None) -> None:
        """Add an error's words to a field, or above the form."""
        self.cleaned_data = getattr(self, "cleaned_data", {})
        self.add_error(field, str(error))

    def answer(self) -> dict[str, Any]:
        """Return a valid step's answer as the session keeps it."""
        return dict(self.cleaned_data)

    @classmethod
    def initial_of(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form shows of an earlier answer."""
        return dict(answer)


def text(label: Any, limit: int = 200, hint: Any = "", *, required: bool = True) -> forms.CharField:
    """Return a field of one line."""
    return forms.CharField(
        label=label, max_length=limit, help_text=hint, required=required, error_messages=NEEDED
    )


def code(label: Any) -> forms.RegexField:
    """Return a field for an institution's code."""
    return forms.RegexField(
        regex=_CODE,
        label=label,
        max_length=64,
        help_text=_("2 to 64 of a-z, 0-9 and -, as its node knows it."),
        error_messages={"invalid": _("Use a-z, 0-9 and - only, beginning with a letter."), **NEEDED},
    )


class PartiesForm(Step):
    """Which law's contract, and between whom."""

    basis = forms.ChoiceField(label=_("Kind of contract"), error_messages=NEEDED)
    direction = forms.ChoiceField(
        label=_("Which way the data goes"),
        choices=[
            ("out", _("From our institution to the one on the other side")),
            ("in", _("From the institution on the other side to ours")),
        ],
        error_messages=NEEDED,
    )
    ours_code = code(_("Code"))
    ours_name_en = text(_("Name in English"))
    ours_name_zh_hant = text(_("Name in Traditional Chinese"))
    ours_name_zh_hans = text(_("Name in Simplified Chinese"))
    ours_registration = text(_("Number in the register of its side"), 64, required=False)
    ours_place = forms.ChoiceField(label=_("Where it is"), error_messages=NEEDED)
    theirs_code = code(_("Their code"))
    theirs_name_en = text(_("Their name in English"))
    theirs_name_zh_hant = text(_("Their name in Traditional Chinese"))
    theirs_name_zh_hans = text(_("Their name in Simplified Chinese"))
    theirs_registration = text(_("Their number in the register of their side"), 64, required=False)
    theirs_place = forms.ChoiceField(label=_("Where they are"), error_messages=NEEDED)

    def __init__(self, *args: Any, amends: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bases = drafting.bases()
        choose(self, "basis", [(each.id, str(each.title)) for each in self.bases.values()])
        for whose, own in (("ours", True), ("theirs", False)):
            found = [(each, labels.place_name(each)) for each in drafting.places(own=own)]
            first = [] if own and len(found) == 1 else [("", _("Choose…"))]
            choose(self, f"{whose}_place", [*first, *found])
        if amends:
            for name in ("basis", "direction", "ours_code", "theirs_code", "ours_place", "theirs_place"):
                self.fields[name].disabled = True

    def clean(self) -> dict[str, Any]:
        """Refuse a place that lies outside the area of this kind of contract."""
        given = super().clean() or {}
        basis = self.bases.get(given.get("basis", ""))
        for name in ("ours_place", "theirs_place"):
            if basis is not None and given.get(name) and not basis.has_place(given[name]):
                self.add_error(name, _("This place lies outside the area of this kind of contract."))
        return given


class DataForm(Step):
    """Which kinds of data, and for what."""

    organisation = forms.MultipleChoiceField(label=_("About institutions"), required=False)
    personal = forms.MultipleChoiceField(label=_("About persons"), required=False)
    sensitive = forms.MultipleChoiceField(
        label=_("About persons, sensitive"),
        required=False,
        help_text=_("Each of these needs a consent of its own, given in a surer sign-in."),
    )
    purposes = forms.MultipleChoiceField(
        label=_("What the data may be used for"),
        choices=list(labels.PURPOSES.items()),
        error_messages={"required": _("Choose at least one purpose.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for category in (Category.ORGANISATION, Category.PERSONAL, Category.SENSITIVE):
            choose(self, category.value, [(each.id, str(each.title)) for each in drafting.offered(category)])

    def clean(self) -> dict[str, Any]:
        """Refuse a contract for nothing."""
        given = super().clean() or {}
        if not any(given.get(each.value) for each in Category):
            self.add_error("personal", _("Choose at least one kind of data."))
        return given

    def answer(self) -> dict[str, Any]:
        """Return the kinds of data as one list."""
        given = self.cleaned_data
        elements = [*given["organisation"], *given["personal"], *given["sensitive"]]
        return {"elements": sorted(elements), "purposes": sorted(given["purposes"])}

    @classmethod
    def initial_of(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form shows of an earlier answer."""
        elements = answer.get("elements", [])
        groups = {each.value: elements for each in Category}
        return groups | {"purposes": answer.get("purposes", [])}


class TermForm(Step):
    """From when until when, how long what crosses is kept, and about how many persons."""

    effective = forms.DateField(
        label=_("First day"),
        input_formats=DATES,
        help_text=_("For example 2027-01-31. The clock of the filings runs from this day."),
        error_messages=DATE,
    )
    expires = forms.DateField(
        label=_("Last day"), input_formats=DATES, help_text=_("For example 2029-01-30."), error_messages=DATE
    )
    retention_days = forms.IntegerField(
        label=_("Days after which the receiver erases what it got"),
        min_value=1,
        max_value=36_500,
        error_messages=NEEDED,
    )
    persons = forms.IntegerField(
        label=_("About how many persons are concerned"),
        min_value=0,
        max_value=2_000_000_000,
        error_messages=NEEDED,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a term that ends before it begins."""
        given = super().clean() or {}
        if "effective" in given and "expires" in given and given["expires"] < given["effective"]:
            self.add_error("expires", _("The last day lies before the first."))
        return given

    def answer(self) -> dict[str, Any]:
        """Return the days as text."""
        given = super().answer()
        return given | {key: given[key].isoformat() for key in ("effective", "expires")}


class AssessmentForm(Step):
    """The impact assessment: its day, and the file whose digest the contract names."""

    made_on = forms.DateField(
        label=_("Day on which the assessment was finished"),
        input_formats=DATES,
        help_text=_("For example 2026-11-30."),
        error_messages=DATE,
    )
    file = forms.FileField(
        label=_("The assessment as a PDF file"),
        required=False,
        help_text=_(
            "Only its fingerprint (SHA-256) goes into the contract. The file itself is not kept here."
        ),
    )
    ground_instrument = text(
        _("What the contract rests on"),
        hint=_(
            "A law and its article, an authority's decision, or a certificate, where this kind needs one."
        ),
        required=False,
    )
    ground_number = text(_("Its number"), 64, required=False)
    ground_issued_on = forms.DateField(
        label=_("Day on which it was issued"), input_formats=DATES, required=False, error_messages=DATE
    )
    ground_valid_until = forms.DateField(
        label=_("Last day on which it counts"), input_formats=DATES, required=False, error_messages=DATE
    )

    def __init__(self, *args: Any, seen: Seen | None = None, digest: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen = seen
        self.digest = digest
        self.fields["file"].widget.is_required = not digest

    def clean(self) -> dict[str, Any]:
        """Take the digest of the file that came, or keep the one from before."""
        given = super().clean() or {}
        if self.seen is not None and self.seen.digest:
            if not self.seen.pdf:
                self.add_error("file", _("This is no PDF file, or not a whole one."))
            self.digest = self.seen.digest
        if not self.digest:
            self.add_error("file", _("Choose the assessment's PDF file."))
        if any(given.get(f"ground_{name}") for name in _GROUND):
            for name in ("ground_instrument", "ground_issued_on"):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, _("Say what the contract rests on, and of which day it is."))
        return given

    def answer(self) -> dict[str, Any]:
        """Return the digest and the day, and what the contract rests on besides."""
        given = self.cleaned_data
        answer: dict[str, Any] = {"digest": self.digest, "made_on": given["made_on"].isoformat()}
        if given["ground_instrument"]:
            until = given["ground_valid_until"]
            answer["ground"] = {
                "instrument": given["ground_instrument"],
                "number": given["ground_number"],
                "issued_on": given["ground_issued_on"].isoformat(),
                "valid_until": until and until.isoformat(),
            }
        return answer

    @classmethod
    def initial_of(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form shows of an earlier answer."""
        ground = answer.get("ground") or {}
        return {**answer, **{f"ground_{name}": ground.get(name) for name in _GROUND}}


class OnwardForm(Step):
    """To whom the receiver may hand on what it got: rows that may stay empty."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everywhere = sorted([*drafting.places(own=True), *drafting.places(own=False)])
        choices = [("", _("Choose…")), *((each, labels.place_name(each)) for each in everywhere)]
        for row in range(1, drafting.MOST_ONWARD + 1):
            self.fields[f"name_{row}"] = text(pgettext_lazy("receiver", "Name"), required=False)
            self.fields[f"place_{row}"] = forms.ChoiceField(
                label=_("Where it is"), required=False, choices=choices
            )

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The rows' two fields."""
        return [(self[f"name_{row}"], self[f"place_{row}"]) for row in range(1, drafting.MOST_ONWARD + 1)]

    def clean(self) -> dict[str, Any]:
        """Refuse half a row."""
        given = super().clean() or {}
        for row in range(1, drafting.MOST_ONWARD + 1):
            name, place = given.get(f"name_{row}"), given.get(f"place_{row}")
            if name and not place:
                self.add_error(f"place_{row}", _("Say where this receiver is."))
            if place and not name:
                self.add_error(f"name_{row}", _("Say who this receiver is."))
        return given

    def answer(self) -> dict[str, Any]:
        """Return the rows that were filled."""
        given = self.cleaned_data
        rows = [
            {"name": given[f"name_{row}"], "place": given[f"place_{row}"]}
            for row in range(1, drafting.MOST_ONWARD + 1)
            if given[f"name_{row}"]
        ]
        return {"onward": rows}

    @classmethod
    def initial_of(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form shows of an earlier answer."""
        return {
            f"{key}_{row}": each[key]
            for row, each in enumerate(answer.get("onward", []), start=1)
            for key in ("name", "place")
        }


FORMS: Final[Mapping[str, type[Step]]] = {
    "parties": PartiesForm,
    "data": DataForm,
    "term": TermForm,
    "assessment": AssessmentForm,
    "onward": OnwardForm,
}


def choose(form: forms.Form, name: str, choices: list[tuple[Any, Any]]) -> None:
    """Give a field of a form its choices."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
    field.choices = choices
