"""How comparisons with a peer are told, on pages and in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

    from kouan.core.exchange.models import Reconciliation

STATES: Final[Mapping[str, _StrPromise]] = {
    "under-way": _("Under way"),
    "agrees": _("Agrees"),
    "differs": _("Differs"),
    "failed": _("Could not be compared"),
}
STATE_COLOURS: Final[Mapping[str, str]] = {
    "under-way": "blue",
    "agrees": "green",
    "differs": "red",
    "failed": "yellow",
}
WHATS: Final[Mapping[str, _StrPromise]] = {
    "not-received": _("sent, but the receiver has no record of it"),
    "not-sent": _("on record at the receiver, but the sender has no record of it"),
    "other-content": _("both have a record of it, of different contents"),
    "other-outcome": _("the two sides say differently how it ended"),
}


def state_sentence(row: Reconciliation) -> str:
    """Return how a comparison stands, as a sentence."""
    match row.state:
        case "agrees":
            return gettext("Both sides have the same messages on record.")
        case "differs":
            return gettext(
                "The records differ: %(found)s messages, and %(unnamed)s numbers not looked at singly."
            ) % {
                "found": row.differences.count(),
                "unnamed": row.unnamed,
            }
        case "failed":
            return gettext("The records could not be compared (%(code)s).") % {"code": row.code}
        case _:
            return gettext("The other side's part is still to come.")


def what_sentence(what: str) -> str:
    """Return what differs about a message, in words."""
    return str(WHATS.get(what, what))
