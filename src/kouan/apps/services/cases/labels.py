"""What a case's states, events and findings are called, and in which colour they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kouan.apps.services.cases.attachments import Fault
from kouan.apps.services.domain import Action, State
from kouan.core.credentials import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

_NO_TITLES: Final[Mapping[str, object]] = {}
STATES: Final[Mapping[str, _StrPromise]] = {
    State.RECEIVED: pgettext_lazy("case", "New"),
    State.IN_REVIEW: pgettext_lazy("case", "In review"),
    State.CORRECTION: pgettext_lazy("case", "Waits for a correction"),
    State.PAYMENT: pgettext_lazy("case", "Waits for the fee"),
    State.GRANTED: pgettext_lazy("case", "Granted"),
    State.REFUSED: pgettext_lazy("case", "Refused"),
    State.APPEALED: pgettext_lazy("case", "Appealed"),
    State.WITHDRAWN: pgettext_lazy("case", "Withdrawn"),
    State.LAPSED: pgettext_lazy("case", "Lapsed"),
}
COLOURS: Final[Mapping[str, str]] = {
    State.RECEIVED: "blue",
    State.IN_REVIEW: "turquoise",
    State.CORRECTION: "yellow",
    State.PAYMENT: "yellow",
    State.GRANTED: "green",
    State.REFUSED: "red",
    State.APPEALED: "purple",
    State.WITHDRAWN: "grey",
    State.LAPSED: "grey",
}
EVENTS: Final[Mapping[str, _StrPromise]] = {
    "received": _("The application arrived"),
    "assigned": _("The case was handed to an officer"),
    Action.TAKE_UP: _("An officer took it up"),
    Action.ASK_CORRECTION: _("The applicant was asked to correct something"),
    Action.CORRECT: _("The applicant corrected it"),
    Action.ASK_PAYMENT: _("The applicant was asked for the fee"),
    Action.PAY: _("The fee was paid"),
    "paid-late": _("The fee was paid when it was no longer asked for"),
    Action.GRANT: _("It was granted"),
    Action.REFUSE: _("It was refused"),
    Action.WITHDRAW: _("The applicant withdrew it"),
    Action.LAPSE: _("It lapsed, because nothing came in time"),
    Action.APPEAL: _("The applicant appealed"),
    Action.REOPEN: _("It was opened again"),
    Action.UPHOLD: _("The decision was upheld"),
    "note": _("An officer made a note"),
    "message": _("A message was written"),
    "read": _("An officer read it"),
    "late": _("The time limit has passed"),
    "revoked": _("The result was taken back"),
    "restrict": _("The applicant withdrew their consent"),
    "erased": _("Its term was over; what it held of the person was erased"),
    "not-told": _("The applicant's side did not take what it was told"),
}
VERDICTS: Final[Mapping[str, _StrPromise]] = {
    Verdict.GOOD: _("Genuine and in force"),
    Verdict.EXPIRED: _("Expired"),
    Verdict.REVOKED: _("Revoked by its issuer"),
    Verdict.SUSPENDED: _("Suspended by its issuer"),
    Verdict.UNKNOWN_ISSUER: _("The issuer is not known here"),
    Verdict.BAD_SIGNATURE: _("The signature does not hold"),
    Verdict.BAD_BINDING: _("Made for another matter"),
    Verdict.STATUS_UNKNOWN: _("Whether it still counts cannot be told now"),
    Verdict.MALFORMED: _("It cannot be read"),
    Verdict.NOT_ASKED: _("Genuine, but not of the kind that is asked for"),
}
SIGNS: Final[Mapping[str, str]] = {
    Verdict.GOOD: "match",
    Verdict.EXPIRED: "expired",
    Verdict.REVOKED: "revoked",
    Verdict.SUSPENDED: "revoked",
    Verdict.STATUS_UNKNOWN: "unknown",
    Verdict.UNKNOWN_ISSUER: "unknown",
}
"""The drawing of each verdict (``web/components/verdict.html``); any other is a mismatch."""
FAULTS: Final[Mapping[str, _StrPromise]] = {
    Fault.OTHER_TYPE: _("Not a PDF, PNG or JPEG file"),
    Fault.OTHER_BYTES: _("Its content is not of the type that it says"),
    Fault.OTHER_NAME: _("Its name says another type"),
    Fault.TWO_IN_ONE: _("A second file is hidden behind it"),
}
ACTIONS: Final[Mapping[str, _StrPromise]] = {
    Action.TAKE_UP: _("Take it up"),
    Action.ASK_CORRECTION: _("Ask for a correction"),
    Action.ASK_PAYMENT: _("Ask for the fee"),
    Action.GRANT: _("Grant"),
    Action.REFUSE: _("Refuse"),
    Action.REOPEN: _("Open it again"),
    Action.UPHOLD: _("Uphold the decision"),
}
ACTS_FOR: Final[Mapping[str, _StrPromise]] = {
    "self": _("For themselves"),
    "person": _("For another person"),
    "company": _("For a company"),
}
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "zh-hant": "繁體中文", "zh-hans": "简体中文"}


def state_name(state: str) -> str:
    """Return a state in words."""
    return str(STATES.get(state, state))


def event_name(kind: str) -> str:
    """Return what happened, in words."""
    return str(EVENTS.get(kind, kind))


def remark(text: str, titles: Mapping[str, object] = _NO_TITLES) -> str:
    """Return what is wrong with evidence that counts, in words; ``titles`` names its claims."""
    what, _space, name = text.partition(" ")
    match what:
        case "level":
            return gettext("The person had not signed in as surely as this evidence needs.")
        case "age":
            return gettext("It is older than this service accepts.")
        case _:
            return gettext("It does not show: %(name)s") % {"name": titles.get(name, name)}


def role_name(role: str) -> str:
    """Return who did something, where it was no officer."""
    match role:
        case "applicant":
            return pgettext("who did it", "Applicant")
        case "clock":
            return pgettext("who did it", "Time limit")
        case "cashier":
            return pgettext("who did it", "Payment provider")
        case _:
            return pgettext("who did it", "Officer")
