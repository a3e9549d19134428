"""The forms of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf import settings
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext_lazy as _

from kouan.apps.evidence.domain import MAX_REFERENCE, MAX_VALUE
from kouan.apps.evidence.records import Entry
from kouan.core.sides.recognising import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kouan.apps.evidence.domain import EvidenceType
    from kouan.core.errors import KouanError

_NEEDED: Final = {"required": gettext_lazy("This cannot be empty.")}
_DATE: Final = {"invalid": gettext_lazy("Enter a date such as 2027-12-31."), **_NEEDED}
_DAYS: Final = ("%Y-%m-%d",)
_CLAIM: Final = "claim_"


class _Refusing(forms.Form):
    def refuse(self, error: KouanError, field: str | None = None) -> None:
        """Add an error's words to a field, or above the form."""
        self.cleaned_data = getattr(self, "cleaned_data", {})
        self.add_error(field, str(error))


class FindForm(forms.Form):
    """Which records to list."""

    reference = forms.CharField(label=_("Reference"), max_length=MAX_REFERENCE, required=False)
    type = forms.ChoiceField(label=_("Type"), required=False)

    def __init__(self, types: Sequence[EvidenceType], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["type"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101 - it was declared so
        kind.choices = [("", _("All types")), *((each.code, str(each.title)) for each in types)]


class ReasonForm(_Refusing):
    """Why a record is changed."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("Kept with the record. Do not write anything about the person here that need not be."),
        error_messages=_NEEDED,
    )


class FileForm(_Refusing):
    """A file of records."""

    file = forms.FileField(
        label=_("File"), error_messages={"required": _("Choose a file."), "empty": _("The file is empty.")}
    )


class RecordForm(_Refusing):
    """What a department says of one person: the fields of every type, and those of the type's claims."""

    type_: EvidenceType
    reference = forms.CharField(
        label=_("Reference"),
        max_length=MAX_REFERENCE,
        help_text=_("Your department's own name of the record. The same again replaces it."),
        error_messages=_NEEDED,
    )
    document_number = forms.CharField(
        label=_("Number of the person's identity document"),
        max_length=64,
        help_text=_("The record is found by it. It is kept as a keyed digest, and never shown again."),
        error_messages=_NEEDED,
    )
    document = forms.ChoiceField(label=_("Kind of the document"), required=False)
    valid_from = forms.DateField(
        label=_("Valid from"), input_formats=_DAYS, help_text=_("Such as 2026-03-31."), error_messages=_DATE
    )
    valid_until = forms.DateField(
        label=_("Last day"),
        input_formats=_DAYS,
        required=False,
        help_text=_("Leave it empty for a record without end."),
        error_messages=_DATE,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["document"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101 - it was declared so
        kind.choices = [("", _("As its number says")), *kinds(settings.NODE.side)]

    def claims(self) -> list[Any]:
        """Return the fields of the claims, in order."""
        return [self[_CLAIM + each.name] for each in self.type_.claims]

    def entry(self) -> Entry:
        """Return what a valid form says."""
        said = self.cleaned_data
        return Entry(
            type=self.type_.code,
            reference=said["reference"],
            document_number=said["document_number"],
            claims={each.name: said.get(_CLAIM + each.name) or "" for each in self.type_.claims},
            valid_from=said["valid_from"],
            valid_until=said["valid_until"],
            document=said["document"],
        )

    def field_of(self, error: KouanError) -> str | None:
        """Return the field that an error is about."""
        name = str(error.params.get("field", ""))
        return next((each for each in (name, _CLAIM + name) if each in self.fields), None)


def record_form(type_: EvidenceType, data: Mapping[str, Any] | None) -> RecordForm:
    """Return the form of a type."""
    fields: dict[str, Any] = {"type_": type_}
    for claim in type_.claims:
        fields[_CLAIM + claim.name] = forms.CharField(
            label=claim.title.in_language(get_language()),
            max_length=MAX_VALUE,
            required=not claim.optional,
            help_text=_("Such as 2026-03-31.") if claim.form == "date" else "",
            error_messages=_NEEDED,
        )
    made: type[RecordForm] = type("RecordFormOfType", (RecordForm,), fields)
    return made(data)
