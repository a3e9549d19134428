"""The catalogue's own words: categories, life events, audiences, and what becomes of a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.core.text import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True, slots=True)
class Category:
    """A category as its card shows it."""

    title: _StrOrPromise
    text: _StrOrPromise


CATEGORIES: Final[Mapping[str, Category]] = {
    "personal-documents": Category(
        _("Documents and talent"), _("Permits, certificates, admission of talent")
    ),
    "property-and-vehicle": Category(_("Property and vehicles"), _("Registers, licences, driving across")),
    "welfare-and-education": Category(
        _("Welfare and education"), _("Social security, allowances, schools, qualifications")
    ),
    "company": Category(_("Companies"), _("Set one up, or look one up")),
    "tax": Category(_("Tax"), _("Residence for tax, returns, refunds")),
    "health": Category(_("Health"), _("Medical insurance, records, treatment")),
    "immigration-clearance": Category(_("Clearance"), _("Faster ways through the control points")),
    "urgent-help": Category(_("Urgent help"), _("Something lost, somebody in need")),
    "culture-and-tourism": Category(_("Culture and leisure"), _("Libraries, museums, visits")),
    "voter-registration": Category(_("Voter registration"), _("Your entry in the register")),
}
"""In the order in which people most often look for them."""
EVENTS: Final[Mapping[str, _StrOrPromise]] = {
    "moving": _("Moving to the other side"),
    "working": _("Working"),
    "studying": _("Studying"),
    "starting-a-business": _("Starting a business"),
    "driving": _("Driving"),
    "buying-a-home": _("Buying a home"),
    "having-a-family": _("Having a family"),
    "retiring": _("Retiring"),
    "travelling": _("Travelling"),
    "falling-ill": _("Falling ill"),
    "losing-somebody": _("Losing somebody"),
}
AUDIENCES: Final[Mapping[str, _StrOrPromise]] = {
    "resident": _("Residents"),
    "business": _("Businesses"),
    "visitor": _("Visitors"),
    "student": _("Students"),
    "worker": _("Workers"),
}
ACTS_FOR: Final[Mapping[str, _StrOrPromise]] = {
    "self": _("yourself"),
    "person": _("another person"),
    "company": _("a company"),
}
VERSION_STATES: Final[Mapping[str, tuple[_StrOrPromise, str]]] = {
    "draft": (pgettext_lazy("service version", "Draft"), "yellow"),
    "published": (pgettext_lazy("service version", "Published"), "green"),
    "replaced": (pgettext_lazy("service version", "Replaced"), "grey"),
    "withdrawn": (pgettext_lazy("service version", "Withdrawn"), "red"),
}
"""Word and colour."""


def in_all_scripts(text: _StrOrPromise) -> list[str]:
    """Return one of these words in each script."""
    found = []
    for language in LANGUAGES:
        with translation.override(language):
            found.append(str(text))
    return found
