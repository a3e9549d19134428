"""The forms of this app. Files are checked by ``uploads`` and ``marks``; a form only asks and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from kouan.apps.validation.labels import (
    ALGORITHMS,
    DOCUMENT_STATES,
    DOCUMENT_TYPES,
    JOB_KINDS,
    REVOCATION_REASONS,
)

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


def _offer(form: forms.Form, institutions: list[Institution]) -> None:
    """Let an officer of several institutions choose one of them."""
    if len(institutions) == 1:
        del form.fields["institution"]
    else:
        field = form.fields["institution"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared so
        field.choices = [(item.code, str(item.name)) for item in institutions]


class ValidateForm(_Form):
    """A file to validate."""

    file = forms.FileField(
        label=_("The document's file"),
        help_text=_(
            "The file exactly as its owner received it: PDF, OFD, JSON, XML, a package or a signed file. Up "
            "to 50 MB."
        ),
    )
    signature = forms.FileField(
        label=_("Its signature, if that is a file of its own"),
        required=False,
        help_text=_(
            "Only if the document came with a second file, such as one that ends in .p7s, .sig or .xml."
        ),
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
    algorithm = forms.ChoiceField(
        label=_("Algorithm of the fingerprint"),
        choices=list(ALGORITHMS.items()),
        required=False,
        help_text=_(
            "SHA-256 unless your rules ask for SM3. The file itself says which. A node that knows SHA-256 "
            "alone cannot validate a file with SM3."
        ),
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
        _offer(self, institutions)


class BulkForm(_Form):
    """A file of many rows."""

    institution = forms.ChoiceField(label=_("Institution"))
    kind = forms.ChoiceField(
        label=_("What the file asks for"),
        choices=list(JOB_KINDS.items()),
        error_messages={"required": _("Choose what the file asks for.")},
    )
    file = forms.FileField(
        label=_("The file"),
        help_text=_("CSV in UTF-8, up to a million rows and 256 MB. Its first line names the columns."),
    )
    options = forms.MultipleChoiceField(
        label=_("If some rows are bad"),
        required=False,
        choices=[("good", _("Take the good rows all the same"))],
        help_text=_("Without this, one bad row and the file changes nothing."),
    )

    def __init__(self, *args: Any, institutions: list[Institution], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, institutions)


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


class StatisticsFilter(forms.Form):
    """Whose questions are counted, by what, and for how long."""

    asked = forms.ChoiceField(
        label=_("Whose questions"),
        required=False,
        choices=[("across", _("by other sides")), ("home", _("on this side"))],
    )
    by = forms.ChoiceField(
        label=_("Counted by"),
        required=False,
        choices=[("outcome", _("Outcome")), ("type", _("Kind of document")), ("side", _("Side that asked"))],
    )
    days = forms.ChoiceField(
        label=_("Days"), required=False, choices=[("14", "14"), ("31", "31"), ("92", "92")]
    )
