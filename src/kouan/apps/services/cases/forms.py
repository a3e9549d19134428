"""The forms of officers' pages. What may be done, ``working`` decides; a form asks and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.apps.services.cases import labels, queries, results, working
from kouan.apps.services.domain import State

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from kouan.apps.services.definition.model import Definition
    from kouan.core.errors import KouanError

_NEEDED: Final = {"required": _("This cannot be empty.")}
_CASE_STATES: Final = (
    State.RECEIVED, State.IN_REVIEW, State.APPEALED, State.CORRECTION, State.PAYMENT, State.GRANTED,
    State.REFUSED, State.WITHDRAWN, State.LAPSED,
)  # fmt: skip


def _words(label: Any, hint: Any = "", *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=hint,
        max_length=working.MAX_WORDS,
        required=required,
        widget=forms.Textarea,
        error_messages=_NEEDED,
    )


class Act(forms.Form):
    """An action on a case; it carries the count of changes that the officer saw."""

    changed = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def refuse(self, error: KouanError, field: str | None = None) -> None:
        """Add an error's words above the form, or to a field."""
        self.cleaned_data = getattr(self, "cleaned_data", {})
        self.add_error(field, str(error))


class WordsForm(Act):
    """A decision or a message with words that the applicant reads."""

    words = _words(
        pgettext_lazy("to the applicant", "What the applicant reads"),
        _("Write it in the language in which they applied. Name the law and the facts that decide."),
    )


class NoteForm(Act):
    """A note that stays in the department."""

    words = _words(_("Note"), _("It stays in the department. The applicant does not see it."))


class FeeForm(Act):
    """Words beside the request for the fee; none are needed."""

    words = _words(_("A word to the applicant"), required=False)


class AssignForm(Act):
    """To whom a case is handed."""

    to = forms.ChoiceField(label=_("Officer"), error_messages=_NEEDED)

    def __init__(self, *args: Any, officers: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [
            ("", _("Choose…")),
            *((user.get_username(), user.get_full_name() or user.get_username()) for user in officers),
        ]


class CorrectionForm(Act):
    """What is to be corrected, why, and by when."""

    ask = forms.MultipleChoiceField(
        label=_("What is to be corrected or added"),
        error_messages={"required": _("Choose at least one.")},
    )
    words = _words(
        _("What is wrong with it"),
        _("Write it in the language in which they applied, so that they can mend it at once."),
    )
    due_on = forms.DateField(
        label=_("By when"),
        help_text=_("Until then the department's time stands still. Empty: as the service says."),
        input_formats=["%Y-%m-%d"],
        required=False,
        error_messages={"invalid": _("Enter a date such as 2027-12-31.")},
    )

    def __init__(self, *args: Any, places: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["ask"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - declared above
        field.choices = places


class GrantForm(Act):
    """The lines of the result that the officer gives, and a word to the applicant."""

    words = _words(_("A word to the applicant"), _("It is printed on the result."), required=False)

    def __init__(self, *args: Any, definition: Definition, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines: list[str] = []
        for claim in results.to_fill_in(definition):
            name = f"line-{claim.source.removeprefix('officer.')}"
            self.lines.append(name)
            self.fields[name] = forms.CharField(
                label=str(claim.title.text), max_length=500, error_messages=_NEEDED
            )

    def given(self) -> dict[str, str]:
        """Return what the officer filled in, by its name in the definition."""
        return {name.removeprefix("line-"): self.cleaned_data[name] for name in self.lines}


class WorklistForm(forms.Form):
    """What a work list shows."""

    show = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[
            ("office", _("What waits for us")),
            ("applicant", _("What waits for applicants")),
            ("over", _("What is over")),
            ("all", _("All cases")),
        ],
    )
    whose = forms.ChoiceField(
        label=_("Whose"),
        required=False,
        choices=[("anyone", _("Everybody's")), ("mine", _("Mine")), ("nobody", _("Nobody's yet"))],
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Any")), *((state.value, labels.STATES[state]) for state in _CASE_STATES)],
    )
    service = forms.ChoiceField(label=_("Service"), required=False)
    due = forms.ChoiceField(
        label=_("Time limit"), required=False, choices=[("", _("Any")), ("overdue", _("Overdue"))]
    )

    def __init__(self, *args: Any, services: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["service"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [("", _("Any")), *services]

    def wanted(self, page: int) -> queries.Filter:
        """Return the filter; what is not a choice counts as none."""
        given = self.cleaned_data if self.is_valid() else {}
        return queries.Filter(
            show=given.get("show") or "office",
            whose=given.get("whose") or "anyone",
            service=given.get("service") or "",
            state=given.get("state") or "",
            overdue=given.get("due") == "overdue",
            page=page,
        )


class StatisticsForm(forms.Form):
    """Of which service the figures are."""

    service = forms.ChoiceField(label=_("Service"), required=False)

    def __init__(self, *args: Any, services: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["service"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [("", _("All services")), *services]
