"""The form to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class NoFiles(FileUploadHandler):
    """Keeps no file: Django's own handlers would fill the disk for anybody, whatever page is asked."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - Django's signature
        """Have the file passed over."""
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep nothing; never called for a file that is passed over."""

    def file_complete(self, file_size: int) -> None:
        """Return no file."""


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
