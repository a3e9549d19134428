"""The forms of this app. Files are checked by ``uploads`` and ``marks``; a form only asks and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from kouan.apps.validation.labels import DOCUMENT_STATES, DOCUMENT_TYPES, REVOCATION_REASONS

if TYPE_CHECKING:
    from kouan.apps.validation.models import Institution
    from kouan.core.errors import KouanError

DATES: Final = ("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y")


class _Form(forms.Form):
    """Shows what a service refused beside the field that it is about."""

    def refuse(self, error: KouanError, field: str | None = None) -> None:
        """Add an error's words to a field, or above the form."""
        self.cleaned_data = getattr(self, "cleaned_data", {})
        self.add_error(field, str(error))


class ValidateForm(_Form):
    """A file to validate."""

    file = forms.FileField(
        label=_("The document's file"),
        help_text=_("The file exactly as its owner received it: PDF, JSON or a package. Up to 50 MB."),
    )
    reference = forms.CharField(
        label=_("Document reference"),
        required=False,
        max_length=80,
        help_text=_("Only for a file without a mark. It looks like HK-7Q3F-8K2M-4T9R-XW0C-5BPN."),
    )


class RegisterForm(_Form):
    """A document to register. ``institution`` is asked only of an officer of several."""

    institution = forms.ChoiceField(label=_("Institution"))
    type = forms.ChoiceField(
        label=_("Kind of document"),
        choices=[("", _("Choose…")), *DOCUMENT_TYPES.items()],
        error_messages={"required": _("Choose the kind of document.")},
    )
    file = forms.FileField(
        label=_("The document's file"),
        help_text=_("PDF, a JSON object, or any other file. It is marked and handed back; it is not kept."),
    )
    expires_on = forms.DateField(
        label=_("Valid through"),
        required=False,
        input_formats=DATES,
        help_text=_("The last day of validity, for example 2027-12-31. Leave empty if it does not expire."),
        error_messages={"invalid": _("Enter a date such as 2027-12-31.")},
    )
    options = forms.MultipleChoiceField(
        label=_("How the mark is carried"),
        required=False,
        choices=[
            (
                "package",
                _("As a package: the file's own bytes stay as they are, beside the mark in a ZIP file"),
            )
        ],
        help_text=_("Without this, the mark goes inside PDF and JSON files."),
    )

    def __init__(self, *args: Any, institutions: list[Institution], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(institutions) == 1:
            del self.fields["institution"]
        else:
            field = self.fields["institution"]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
            field.choices = [(item.code, str(item.name)) for item in institutions]


class RevokeForm(_Form):
    """Why a document is taken back."""

    reason = forms.ChoiceField(
        label=_("Reason"),
        choices=list(REVOCATION_REASONS.items()),
        help_text=_("Kept on this side. Whoever validates the document learns that it was revoked, not why."),
        error_messages={"required": _("Choose the reason.")},
    )


class RegisterFilter(forms.Form):
    """Which documents the register shows."""

    q = forms.CharField(label=_("Reference"), required=False, max_length=80)
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("All")), *DOCUMENT_STATES.items()]
    )
