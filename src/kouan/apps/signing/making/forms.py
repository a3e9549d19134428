"""The forms of the pages on which documents are signed."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import pem
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.apps.signing.making import office
from kouan.apps.signing.making.keys import MAX_CERTIFICATES

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile
    from django.utils.datastructures import MultiValueDict

    from kouan.core.errors import KouanError

WALLET: Final = "wallet:"
"""Chosen in place of a signer; no signer's name has a colon."""
_NEEDED: Final = {"required": _("This cannot be empty.")}
_NO_FILE: Final = {"required": _("Choose the file first."), "empty": _("The file is empty.")}
_MOST_SIGNATURE: Final = 4096
_JWS: Final = ("jws", _("Into a JSON Web Signature that holds the file, for programs"))
_LEVELS: Final = (
    ("B", _("A signature: provable as long as its certificate is valid")),
    ("T", _("With a time-stamp: it also proves when it was signed")),
    ("LT", _("With a time-stamp and what verifies it: whoever checks it need ask nobody")),
    ("LTA", _("To be kept for years: with a time-stamp and all that proves it later")),
)
_WHERE: Final = (
    ("inside", _("Into the PDF; for any other file, one new file that holds both")),
    ("beside", _("Into a file of its own, beside the one that is signed")),
)


class _Refusing(forms.Form):
    def refuse(self, error: KouanError, field: str | None = None) -> None:
        """Add an error's words to a field, or above the form."""
        self.cleaned_data = getattr(self, "cleaned_data", {})
        self.add_error(field if field in self.fields else None, str(error))


class SignForm(_Refusing):
    """Which file is signed, how, and by which key."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("A PDF, or any other file. Up to 32 MB."),
        error_messages=_NO_FILE,
    )
    signer = forms.ChoiceField(label=_("Who signs"), error_messages=_NEEDED)
    where = forms.ChoiceField(
        label=_("Where the signature goes"),
        choices=_WHERE,
        initial="inside",
        error_messages=_NEEDED,
    )
    level = forms.ChoiceField(
        label=_("How long it proves"),
        choices=_LEVELS,
        initial="B",
        help_text=_("Only a PDF that is signed inside itself takes a time-stamp."),
        error_messages=_NEEDED,
    )
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=office.MAX_REASON, help_text=_("A PDF shows it.")
    )

    def __init__(
        self, data: Any = None, files: MultiValueDict[str, UploadedFile[Any]] | None = None, *, signers: bool
    ) -> None:
        super().__init__(data, files)
        choices = [
            (each["name"], f"{each['holder'] or each['name']} ({each['name']})")
            for each in office.described()
        ]
        if signers:
            self.fields["signer"].choices = [*choices, (WALLET, _("My own wallet"))]  # type: ignore[attr-defined] # a choice field's
            self.fields["where"].choices = [*_WHERE, _JWS]  # type: ignore[attr-defined] # as above
        if not signers or settings.NODE.time is None:
            del self.fields["level"]
        if not signers:
            del self.fields["signer"]
            self.fields["where"].choices = [("inside", _("Into the PDF")), *_WHERE[1:]]  # type: ignore[attr-defined] # as above


class AnswerForm(_Refusing):
    """What a wallet answered, by hand."""

    signature = forms.CharField(
        label=pgettext_lazy("signing", "Signature"),
        max_length=_MOST_SIGNATURE,
        widget=forms.Textarea,
        help_text=_("As base64."),
        error_messages=_NEEDED,
    )
    certificates = forms.CharField(
        label=pgettext_lazy("signing", "Certificates"),
        max_length=MAX_CERTIFICATES,
        widget=forms.Textarea,
        help_text=_("As PEM: the signer's own first, then those of its certification authorities."),
        error_messages=_NEEDED,
    )

    def clean_signature(self) -> bytes:
        """Return the signature's bytes."""
        try:
            return base64.b64decode("".join(self.cleaned_data["signature"].split()), validate=True)
        except (ValueError, binascii.Error):
            raise forms.ValidationError(_("This is not base64.")) from None

    def clean_certificates(self) -> list[bytes]:
        """Return the certificates in DER."""
        data = self.cleaned_data["certificates"].encode()
        try:
            found = [der for kind, _headers, der in pem.unarmor(data, multiple=True) if kind == "CERTIFICATE"]
        except ValueError:
            found = []
        if not found:
            raise forms.ValidationError(_("This is no certificate in PEM."))
        return found


class KeepForm(_Refusing):
    """A document for the archive."""

    file = forms.FileField(
        label=_("Signed PDF"),
        help_text=_(
            "Without a document time-stamp it gets one first, with all that proves its signatures later "
            "(B-LTA)."
        ),
        error_messages=_NO_FILE,
    )
