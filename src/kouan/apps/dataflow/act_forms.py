"""The forms by which an officer does something with a contract, one page each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from kouan.apps.dataflow import labels
from kouan.apps.dataflow.forms import DATE, DATES, NEEDED, Step, choose, text
from kouan.core.sides.recognising import kinds

if TYPE_CHECKING:
    from kouan.apps.dataflow.domain import Terms
    from kouan.apps.dataflow.rules import ErasureRules


class ReasonForm(Step):
    """Why a contract is refused or ended."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=400,
        widget=forms.Textarea,
        help_text=_("The other side reads it."),
        error_messages=NEEDED,
    )


class FilingForm(Step):
    """That a contract was filed."""

    filed_on = forms.DateField(label=_("Day of the filing"), input_formats=DATES, error_messages=DATE)
    reference = text(_("The authority's number for it"), 64)


class ErasureForm(Step):
    """Whose data is erased because they asked."""

    consent = forms.UUIDField(
        label=_("Number of the consent receipt"),
        help_text=_("The person has it under “My data”, on the node of their own side."),
        error_messages={"invalid": _("Enter the number as the receipt has it."), **NEEDED},
    )


class AnswerForm(Step):
    """What an officer answers to a person who asks for erasure."""

    outcome = forms.ChoiceField(
        label=_("Your answer"), error_messages={"required": _("Choose whether it is erased.")}
    )
    words = forms.CharField(
        label=_("What you add for the person"),
        max_length=400,
        required=False,
        widget=forms.Textarea,
        help_text=_("The person reads it. Leave out whatever says who they are."),
    )

    def __init__(self, *args: Any, rules: ErasureRules, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        refusals = [
            (each.id, _("Refuse: %(reason)s (%(source)s)") % {"reason": each.title, "source": each.source})
            for each in rules.refusals.values()
        ]
        choose(self, "outcome", [("erase", _("Erase it")), *refusals])

    def answer(self) -> dict[str, Any]:
        """Return the reason, nothing where it is erased, and the words."""
        outcome = self.cleaned_data["outcome"]
        return {"reason": "" if outcome == "erase" else outcome, "words": self.cleaned_data["words"]}


class AskForm(Step):
    """Whom an institution asks for their consent, and to what."""

    document_number = text(
        _("Number of the person's identity document"),
        64,
        _("As it is printed. Only a hardened fingerprint of it is kept; the request opens for nobody else."),
    )
    document_type = forms.ChoiceField(
        label=_("Kind of the identity document"),
        required=False,
        help_text=_("Documents of two kinds may have the same number, and are two people's."),
    )
    reference = text(_("Customer reference"), 64, _("The institution's own; it never crosses."))
    elements = forms.MultipleChoiceField(
        label=_("Kinds of data"), error_messages={"required": _("Choose at least one kind of data.")}
    )
    purposes = forms.MultipleChoiceField(
        label=_("Purposes"), error_messages={"required": _("Choose at least one purpose.")}
    )

    def __init__(self, *args: Any, terms: Terms, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = ("", _("Told by the number, where only one kind has such numbers"))
        choose(self, "document_type", [told, *kinds(settings.NODE.side)])
        choose(self, "elements", [(each, labels.element_name(each)) for each in terms.elements])
        choose(self, "purposes", [(each, labels.purpose_name(each)) for each in terms.purposes])


class SampleForm(Step):
    """Of what a sample is taken, and how much."""

    of = forms.ChoiceField(
        label=_("Of what"),
        choices=[
            ("records", _("Records under contracts of institutions")),
            ("all", _("All messages that may hold data about persons, of every service")),
        ],
        initial="records",
        required=False,
    )
    count = forms.IntegerField(
        label=_("How many"), min_value=1, max_value=50, initial=10, error_messages=NEEDED
    )
