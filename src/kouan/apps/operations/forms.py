"""The forms of this app."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class EvidenceForm(forms.Form):
    """A bundle to check."""

    file = forms.FileField(
        label=_("The evidence bundle"),
        help_text=_("The file as it was handed out, most often called evidence.bundle. Up to 8 MB."),
    )
