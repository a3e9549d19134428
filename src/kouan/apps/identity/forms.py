"""The registrar's forms. What may be registered, ``registration`` decides; a form only asks and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from kouan.apps.identity import labels
from kouan.apps.identity.domain import CLAIMS, Level
from kouan.apps.identity.errors import BadRegistration, BadText
from kouan.apps.identity.registration import (
    LONGEST,
    LONGEST_DEPARTMENT,
    LONGEST_REASON,
    Registration,
    parse_keys,
)
from kouan.core.sides import all_sides
from kouan.core.text import LANGUAGES, Localised

if TYPE_CHECKING:
    from kouan.apps.identity.models import Service
    from kouan.core.errors import KouanError

_NEEDED: Final = {"required": _("This cannot be empty.")}
_LONG: Final = 6000
_LONGEST_KEYS: Final = 20_000


class _Form(forms.Form):
    """Shows what the register refused beside the field that it is about."""

    def refuse(self, error: KouanError) -> None:
        """Add an error's words to its field, or above the form."""
        field = error.field if isinstance(error, BadRegistration) else ""
        if isinstance(error, BadText):
            field = f"{error.params['field']}_en"
        self.cleaned_data = getattr(self, "cleaned_data", {})
        self.add_error(field if field in self.fields else None, str(error))


def _text(label: Any, limit: int, hint: Any = "") -> forms.CharField:
    return forms.CharField(label=label, max_length=limit, help_text=hint, error_messages=_NEEDED)


class KeysForm(_Form):
    """A service's public keys."""

    jwks = forms.CharField(
        label=_("Public keys"),
        required=False,
        max_length=_LONGEST_KEYS,
        widget=forms.Textarea,
        help_text=_(
            "A JSON Web Key Set with the public keys that sign the service's assertions: EC P-256, Ed25519, "
            "or RSA of 2048 to 4096 bits. A public client has none."
        ),
    )


class ServiceForm(KeysForm):
    """All that the register holds of a service. Without ``new``, its id and its keys stay as they are."""

    client_id = _text(_("Id"), 64, _("3 to 64 of a-z, 0-9 and -. It cannot be changed later."))
    department = _text(_("Department"), LONGEST_DEPARTMENT, _("Who answers for the service."))
    name_en = _text(_("Service name in English"), LONGEST["name"])
    name_zh_hant = _text(_("Service name in Traditional Chinese"), LONGEST["name"])
    name_zh_hans = _text(_("Service name in Simplified Chinese"), LONGEST["name"])
    purpose_en = _text(
        _("Purpose in English"),
        LONGEST["purpose"],
        _("One sentence that people read before they agree: what the service needs their identity for."),
    )
    purpose_zh_hant = _text(_("Purpose in Traditional Chinese"), LONGEST["purpose"])
    purpose_zh_hans = _text(_("Purpose in Simplified Chinese"), LONGEST["purpose"])
    profile = forms.ChoiceField(label=_("Profile"), choices=list(labels.PROFILES.items()))
    redirect_uris = forms.CharField(
        label=_("Addresses to which people are sent back"),
        max_length=_LONG,
        widget=forms.Textarea,
        help_text=_("One a line, each whole and exact, beginning with https://."),
        error_messages=_NEEDED,
    )
    post_logout_redirect_uris = forms.CharField(
        label=_("Addresses to which people are sent after signing out"),
        required=False,
        max_length=_LONG,
        widget=forms.Textarea,
        help_text=_("One a line."),
    )
    backchannel_logout_uri = forms.CharField(
        label=_("Address that is told of a sign-out"),
        required=False,
        max_length=500,
        help_text=_("The node posts a logout token there when somebody has signed out."),
    )
    claims = forms.MultipleChoiceField(
        label=_("The most that it may ask for"),
        required=False,
        choices=list(labels.CLAIMS.items()),
        help_text=_(
            "Whoever signs in decides about each of these. Choose what the service cannot do without."
        ),
    )
    legal_reason = forms.CharField(
        label=_("Law that lets it learn the number of an identity document"),
        required=False,
        max_length=LONGEST_REASON,
        help_text=_("Only for that number, which is told to services of this side alone."),
    )
    level = forms.ChoiceField(label=_("Lowest level of assurance"), initial=str(int(Level.LOW)))
    sides = forms.MultipleChoiceField(
        label=_("Whose residents it takes beside this side's own"), required=False
    )
    field_order = (
        *("client_id", "department", "name_en", "name_zh_hant", "name_zh_hans"),
        *("purpose_en", "purpose_zh_hant", "purpose_zh_hans", "claims", "legal_reason", "level", "sides"),
        *("profile", "redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "jwks"),
    )

    def __init__(self, *args: Any, side: str, new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        level, sides = self.fields["level"], self.fields["sides"]
        assert isinstance(level, forms.ChoiceField)  # noqa: S101 - declared above
        assert isinstance(sides, forms.MultipleChoiceField)  # noqa: S101 - declared above
        level.choices = labels.level_choices()
        sides.choices = [(each.code, str(each.name)) for each in all_sides() if each.code != side]
        self.new = new
        if not new:
            del self.fields["client_id"], self.fields["jwks"]

    def registration(self, client_id: str = "") -> Registration:
        """Return what a valid form says; raises ``BadServiceKeys``."""
        given = self.cleaned_data
        texts = {
            key: Localised(
                **{tag.replace("-", "_"): given[f"{key}_{tag.replace('-', '_')}"] for tag in LANGUAGES}
            )
            for key in ("name", "purpose")
        }
        return Registration(
            client_id=given.get("client_id", client_id),
            department=given["department"],
            **texts,
            profile=given["profile"],
            redirect_uris=_lines(given["redirect_uris"]),
            post_logout_redirect_uris=_lines(given["post_logout_redirect_uris"]),
            backchannel_logout_uri=given["backchannel_logout_uri"],
            jwks=parse_keys(given.get("jwks", "")),
            claims=tuple(name for name in CLAIMS if name in given["claims"]),
            legal_reason=given["legal_reason"],
            level=int(given["level"]),
            sides=tuple(given["sides"]),
        )

    @classmethod
    def initial_of(cls, service: Service) -> dict[str, Any]:
        """Return what the form shows of a registered service."""
        shown = Registration.of(service).columns()
        for key in ("redirect_uris", "post_logout_redirect_uris"):
            shown[key] = "\n".join(shown[key])
        return shown | {"level": str(service.level)}


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
