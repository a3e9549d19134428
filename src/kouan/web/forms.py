"""The form to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class SignInForm(AuthenticationForm):
    """User name and password, in our own words; what it says never tells whether an account exists."""

    username = forms.CharField(
        label=_("User name"), max_length=150, error_messages={"required": _("Enter your user name.")}
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput,
        error_messages={"required": _("Enter your password.")},
    )
    error_messages: ClassVar[dict[str, _StrOrPromise]] = {  # type: ignore[misc] # stubs: an instance's
        "invalid_login": _("The user name or the password is wrong."),
        "inactive": _("The user name or the password is wrong."),
    }
