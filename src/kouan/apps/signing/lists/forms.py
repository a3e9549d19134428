"""The forms of the officers' pages."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.apps.signing.domain import OID
from kouan.apps.signing.lists import changes, labels
from kouan.apps.signing.lists.domain import CertificateType
from kouan.apps.signing.lists.drafts import DAYS
from kouan.apps.signing.lists.entries import (
    CONTACT,
    CONTACT_OPTIONAL,
    MAX_REASON,
    MAX_WORDS,
    Said,
    is_words,
    last_day_of,
)
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.signing.lists.domain import Entry
    from kouan.core.errors import KouanError

_NEEDED: Final = {"required": _("This cannot be empty.")}
_DATE: Final = {"invalid": _("Enter a date such as 2027-12-31."), **_NEEDED}
_DAY: Final[dict[str, Any]] = {"input_formats": ("%Y-%m-%d",), "error_messages": _DATE}
_EXAMPLE: Final = _("Such as 2026-03-31.")
_PEM: Final = forms.Textarea


class _Refusing(forms.Form):
    def refuse(self, error: KouanError, field: str | None = None) -> None:
        """Add an error's words to a field, or above the form."""
        self.cleaned_data = getattr(self, "cleaned_data", {})
        self.add_error(field if field in self.fields else None, str(error))


class _Words(forms.CharField):
    """Words that may stand in a list."""

    def __init__(self, **given: Any) -> None:
        super().__init__(max_length=MAX_WORDS, error_messages=_NEEDED, **given)

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and not is_words(value):
            raise forms.ValidationError(_("Write 1 to 200 characters that can be shown."))


class EntryForm(_Refusing):
    """What may change of an entry."""

    name_en = _Words(label=labels.FIELDS["name_en"])
    name_zh_hant = _Words(label=labels.FIELDS["name_zh_hant"])
    name_zh_hans = _Words(label=labels.FIELDS["name_zh_hans"])
    provider_en = _Words(label=labels.FIELDS["provider_en"])
    provider_zh_hant = _Words(label=labels.FIELDS["provider_zh_hant"])
    provider_zh_hans = _Words(label=labels.FIELDS["provider_zh_hans"])
    contact_street = _Words(label=labels.FIELDS["contact_street"], required=False)
    contact_locality = _Words(label=labels.FIELDS["contact_locality"], required=False)
    contact_postal_code = _Words(label=labels.FIELDS["contact_postal_code"], required=False)
    contact_country = _Words(
        label=labels.FIELDS["contact_country"], required=False, help_text=_("Such as HK or CN.")
    )
    contact_street_zh = _Words(label=labels.FIELDS["contact_street_zh"], required=False)
    contact_locality_zh = _Words(label=labels.FIELDS["contact_locality_zh"], required=False)
    contact_email = _Words(label=labels.FIELDS["contact_email"], required=False)
    contact_website = _Words(
        label=labels.FIELDS["contact_website"],
        required=False,
        help_text=_("With what people should know of this authority."),
    )
    last_day = forms.DateField(label=labels.FIELDS["last_day"], help_text=_EXAMPLE, **_DAY)
    type_policies = forms.CharField(
        label=labels.FIELDS["type_policies"],
        required=False,
        max_length=1000,
        help_text=_(
            "Object identifiers of the CA's own, with spaces between. A certificate of this type bears one "
            "of them. Leave it empty if any will do."
        ),
    )

    def clean_type_policies(self) -> tuple[str, ...]:
        """Return the identifiers, each once."""
        found = tuple(sorted(set(self.cleaned_data["type_policies"].split())))
        if not all(OID.fullmatch(each) and len(each) <= 100 for each in found):  # noqa: PLR2004 - as in the list
            raise forms.ValidationError(_("Write identifiers such as 1.2.344.1, with spaces between."))
        return found

    def localised(self, field: str) -> Localised:
        """Return a name in the three scripts."""
        said = self.cleaned_data
        return Localised(*(said[f"{field}_{tag}"] for tag in ("en", "zh_hant", "zh_hans")))

    def contact(self) -> dict[str, str]:
        """Return the parts of the address that were given."""
        return {each: self.cleaned_data[f"contact_{each}"] for each in (*CONTACT, *CONTACT_OPTIONAL)}

    @classmethod
    def of(cls, entry: Entry, data: Mapping[str, Any] | None) -> EntryForm:
        """Return the form of an entry that is there."""
        initial: dict[str, Any] = {
            f"{field}_{tag.replace('-', '_')}": text
            for field, names in (("name", entry.name), ("provider", entry.provider))
            for tag, text in names.as_mapping().items()
        }
        if entry.contact is not None:
            initial |= {f"contact_{name}": text for name, text in asdict(entry.contact).items()}
        initial |= {
            "last_day": last_day_of(entry).isoformat(),
            "type_policies": " ".join(entry.type_policies),
        }
        return cls(data, initial=initial)


class NewEntryForm(EntryForm):
    """A whole entry."""

    code = forms.CharField(
        label=labels.FIELDS["code"],
        max_length=40,
        help_text=_("Small letters, digits and hyphens. It stays the entry's name for good."),
        error_messages=_NEEDED,
    )
    certificate_type = forms.ChoiceField(
        label=labels.FIELDS["certificate_type"],
        choices=[(str(each), labels.TYPES[each]) for each in CertificateType],
        error_messages=_NEEDED,
    )
    root = forms.CharField(
        label=labels.FIELDS["root"],
        max_length=20_000,
        widget=_PEM,
        help_text=_("In PEM: it begins with “-----BEGIN CERTIFICATE-----”."),
        error_messages=_NEEDED,
    )
    issuing_ca = forms.CharField(
        label=labels.FIELDS["issuing_ca"],
        max_length=20_000,
        widget=_PEM,
        help_text=_("In PEM. If the root itself issues to people, give it again."),
        error_messages=_NEEDED,
    )
    recognised_from = forms.DateField(label=labels.FIELDS["recognised_from"], help_text=_EXAMPLE, **_DAY)

    def said(self) -> Said:
        """Return what a valid form says."""
        given = self.cleaned_data
        return Said(
            code=given["code"],
            name=self.localised("name"),
            provider=self.localised("provider"),
            certificate_type=given["certificate_type"],
            root=given["root"].encode(),
            issuing_ca=given["issuing_ca"].encode(),
            recognised_from=given["recognised_from"],
            last_day=given["last_day"],
            type_policies=given["type_policies"],
            contact=self.contact(),
        )


class StatusForm(_Refusing):
    """From when on an entry stands otherwise, and why."""

    since = forms.DateField(label=pgettext_lazy("trust list", "From this day on"), help_text=_EXAMPLE, **_DAY)
    reason = forms.CharField(
        label=labels.FIELDS["reason"],
        max_length=MAX_REASON,
        help_text=_("It is published with the list."),
        error_messages=_NEEDED,
    )


class ImportForm(_Refusing):
    """Entries as text."""

    entries = forms.CharField(
        label=pgettext_lazy("trust list", "Entries"),
        max_length=1_000_000,
        widget=_PEM,
        help_text=_("JSON, TOML or CSV, with the certificates in it. All entries are taken, or none."),
        error_messages=_NEEDED,
    )


class SubmitForm(_Refusing):
    """When the edition after this one is to follow."""

    days = forms.IntegerField(
        label=_("Days until the next edition"),
        min_value=1,
        max_value=changes.LONGEST.days,
        initial=DAYS,
        help_text=_("At most six months. When it is overdue, the other side no longer relies on this one."),
        error_messages={
            **_NEEDED,
            **dict.fromkeys(("invalid", "min_value", "max_value"), _("Write a number from 1 to 184.")),
        },
    )


class DayForm(forms.Form):
    """On which day it is asked."""

    on = forms.DateField(label=_("Day of the signature"), required=False, help_text=_EXAMPLE, **_DAY)
