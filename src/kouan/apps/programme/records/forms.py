"""The forms of the officers' pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kouan.apps.programme.domain import HIGHEST, Act, Field, State
from kouan.apps.programme.records.deciding import PEOPLE
from kouan.apps.programme.records.labels import ACTS

if TYPE_CHECKING:
    from kouan.apps.programme.models import Claim
    from kouan.core.errors import KouanError


class _Refusing(forms.Form):
    def refuse(self, error: KouanError, field: str | None = None) -> None:
        """Add an error's words to a field, or above the form."""
        self.cleaned_data = getattr(self, "cleaned_data", {})
        self.add_error(field, str(error))


class RecordForm(_Refusing):
    """A record to read in."""

    file = forms.FileField(
        label=_("A press release, page or minutes"),
        help_text=_("Text, HTML or PDF, in English or Chinese; at most 10 MB. A scanned page holds no text."),
        error_messages={
            "required": _("Choose the file that holds the record."),
            "empty": _("This file is empty. Choose another one."),
        },
    )


class JudgeForm(_Refusing):
    """What an officer decides about a value.

    Of a person the office can be corrected too, and of a meeting its number, which it may also not have.
    """

    act = forms.ChoiceField(
        label=_("Is this what the record says?"),
        choices=tuple(ACTS.items()),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the three.")},
    )
    value = forms.CharField(
        label=_("What it should read"),
        max_length=600,
        required=False,
        help_text=_("Only where it should read otherwise."),
    )
    office = forms.CharField(label=_("Office"), max_length=600, required=False)
    reason = forms.CharField(
        label=_("Why"), max_length=300, required=False, help_text=_("Kept with the value.")
    )
    seen = forms.ChoiceField(choices=[(each.value, each.value) for each in State], widget=forms.HiddenInput)

    def __init__(self, *args: Any, claim: Claim, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen"] = claim.state
        self.empty = claim.field == Field.HELD
        self.office_before = str(claim.said.get("office") or "")
        if self.empty:
            number = claim.said.get("number")
            self.initial["value"] = "" if number is None else number
            self.fields["value"].help_text = _(
                "Only its number, from 1 to %(highest)s; empty where it has none. What this record says of "
                "the meeting goes along."
            ) % {"highest": HIGHEST}
        if claim.field in PEOPLE:
            self.initial["office"] = self.office_before
        else:
            del self.fields["office"]

    def clean(self) -> dict[str, Any]:
        """Ask for what is right where it should read otherwise."""
        data = super().clean() or self.cleaned_data
        same = data.get("office", self.office_before) == self.office_before
        if data.get("act") == Act.CORRECT and not data.get("value") and same and not self.empty:
            self.add_error("value", _("Write what it should read."))
        return data
