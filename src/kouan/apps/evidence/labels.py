"""The words for records, changes, verdicts and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.apps.evidence.domain import Change, Problem, State
from kouan.core.credentials import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise

STATES: Final[Mapping[str, _StrOrPromise]] = {
    State.VALID: pgettext_lazy("evidence", "Valid"),
    State.SUSPENDED: pgettext_lazy("evidence", "Suspended"),
    State.REVOKED: pgettext_lazy("evidence", "Revoked"),
}
STATE_COLOURS: Final[Mapping[str, str]] = {
    State.VALID: "green",
    State.SUSPENDED: "yellow",
    State.REVOKED: "red",
}
CHANGES: Final[Mapping[str, _StrOrPromise]] = {
    Change.PUT: pgettext_lazy("evidence", "Put in"),
    Change.REPLACED: pgettext_lazy("evidence", "Replaced"),
    Change.SUSPENDED: pgettext_lazy("evidence", "Suspended"),
    Change.RESUMED: pgettext_lazy("evidence", "Resumed"),
    Change.REVOKED: pgettext_lazy("evidence", "Revoked"),
}
PROBLEMS: Final[Mapping[str, _StrOrPromise]] = {
    Problem.UNKNOWN: _("the type has no such claim."),
    Problem.MISSING: _("it is missing."),
    Problem.TOO_LONG: _("it is longer than 300 characters."),
    Problem.CHARACTERS: _("it begins or ends with a space, or holds characters that cannot be shown."),
    Problem.NO_DATE: _("it is no date such as 2026-03-31."),
    "reference": _("a reference has 1 to 64 characters, none of which is a space at an end."),
    "day": _("a record begins and ends between 1850-01-01 and 9000-01-01."),
    "ends-before": _("the last day is before the first."),
}
VERDICTS: Final[Mapping[str, _StrOrPromise]] = {
    Verdict.GOOD: _("The credential is genuine and counts"),
    Verdict.EXPIRED: _("The credential is genuine, but has expired"),
    Verdict.REVOKED: _("The credential was taken back by its issuer"),
    Verdict.SUSPENDED: _("The credential is suspended"),
    Verdict.UNKNOWN_ISSUER: _("Nobody known here issued it"),
    Verdict.BAD_SIGNATURE: _("The signature does not fit: it was changed or forged"),
    Verdict.BAD_BINDING: _("It was made for somebody or something else"),
    Verdict.STATUS_UNKNOWN: _("Whether it still counts cannot be told now"),
    Verdict.MALFORMED: _("This is no whole credential"),
    Verdict.NOT_ASKED: _("It proves something else than was asked"),
}
MEANINGS: Final[Mapping[str, _StrOrPromise]] = {
    Verdict.GOOD: _("The department below signed exactly this, and has not taken it back."),
    Verdict.EXPIRED: _(
        "The department below signed exactly this, for a time that is over. Ask the owner for a new one."
    ),
    Verdict.REVOKED: _("The department below signed it and has since taken it back. Do not rely on it."),
    Verdict.SUSPENDED: _(
        "The department below has suspended it for the time being. Do not rely on it until it says more."
    ),
    Verdict.UNKNOWN_ISSUER: _("It names an issuer of neither side. Do not rely on it."),
    Verdict.BAD_SIGNATURE: _("It is not what the named issuer signed. Do not rely on it."),
    Verdict.BAD_BINDING: _("The proof of who shows it is missing or belongs to another. Do not rely on it."),
    Verdict.STATUS_UNKNOWN: _(
        "It is signed as it should be, but the issuer's list of what was taken back is not here or too old. "
        "Try again later."
    ),
    Verdict.MALFORMED: _(
        "Part of it is missing, or it was changed. Ask the owner for it exactly as it was issued."
    ),
    Verdict.NOT_ASKED: _("It is of another type than the service asked for."),
}
SIGNS: Final[Mapping[str, str]] = {
    Verdict.GOOD: "match",
    Verdict.EXPIRED: "expired",
    Verdict.REVOKED: "revoked",
    Verdict.SUSPENDED: "expired",
    Verdict.STATUS_UNKNOWN: "unknown",
    Verdict.UNKNOWN_ISSUER: "unknown",
}
"""How the drawing of a verdict looks; what is not here looks like a mismatch."""


def sign(verdict: str) -> str:
    """Return the name of a verdict's drawing."""
    return SIGNS.get(verdict, "mismatch")
