"""The forms of this app; a form only asks and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from kouan.apps.staff.labels import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.utils.functional import _StrOrPromise

    from kouan.apps.staff.models import Department
    from kouan.core.errors import KouanError


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


class _Form(forms.Form):
    """Shows what a service refused beside the field that it is about."""

    def refuse(self, error: KouanError, field: str | None = None) -> None:
        """Add an error's words to a field, or above the form."""
        self.cleaned_data = getattr(self, "cleaned_data", {})
        self.add_error(field, str(error))


class SecondStepForm(_Form):
    """A code of an authenticator app, or a recovery code."""

    code = forms.CharField(
        label=_("One-time code"),
        max_length=40,
        help_text=_("The six digits that your authenticator app shows now, or one of your recovery codes."),
        error_messages={"required": _("Enter the one-time code.")},
    )


class AppForm(_Form):
    """The first code of an authenticator app that is being set up."""

    code = forms.CharField(
        label=_("One-time code"),
        max_length=10,
        help_text=_("The six digits that the app shows after it has read the picture or the key."),
        error_messages={"required": _("Enter the one-time code.")},
    )


class PasskeyForm(_Form):
    """The name of a passkey, and what the browser's script adds to it."""

    name = forms.CharField(
        label=_("Name of the passkey"),
        max_length=60,
        help_text=_("So that you know it again, such as: office laptop, blue security key."),
        error_messages={"required": _("Enter a name.")},
    )
    credential = forms.CharField(required=False, widget=forms.HiddenInput, strip=False)


class NameForm(_Form):
    """Another name for a passkey."""

    name = forms.CharField(
        label=_("Name of the passkey"), max_length=60, error_messages={"required": _("Enter a name.")}
    )


class DepartmentForm(_Form):
    """A department to add."""

    code = forms.CharField(
        label=_("Department code"),
        max_length=40,
        help_text=_("2 to 40 characters: a-z, 0-9 and -, beginning with a letter. It does not change later."),
        error_messages={"required": _("Enter a code.")},
    )
    name_en = forms.CharField(
        label=_("Name in English"), max_length=120, error_messages={"required": _("Enter a name.")}
    )
    name_zh_hant = forms.CharField(
        label=_("Name in Traditional Chinese"),
        max_length=120,
        error_messages={"required": _("Enter a name.")},
    )
    name_zh_hans = forms.CharField(
        label=_("Name in Simplified Chinese"),
        max_length=120,
        error_messages={"required": _("Enter a name.")},
    )


class PostForm(_Form):
    """A post to grant."""

    department = forms.ChoiceField(
        label=_("Department"), error_messages={"required": _("Choose a department.")}
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[("", _("Choose…")), *ROLES.items()],
        error_messages={"required": _("Choose a role.")},
    )

    def __init__(self, *args: Any, departments: Iterable[Department], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["department"]
        field.choices = [  # type: ignore[attr-defined] # a choice field, as declared above
            ("", _("Choose…")),
            *((each.code, str(each.name)) for each in departments),
        ]
