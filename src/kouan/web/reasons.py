"""Why a message failed, in plain words: a sentence for every code that a receipt or a notice may give."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.policy import Denied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.utils.functional import _StrOrPromise

REASONS: Final[Mapping[str, _StrOrPromise]] = {
    "agreement-not-in-force": _(
        "The agreement that covers it has not begun or has ended. Renew it on both sides, then try again."
    ),
    "blob-disk-low": _("The receiving side's disk has no room for the file. When there is room, try again."),
    "blob-quota": _(
        "At the receiving side, files of this side already take up all the room that they may. When some are "
        "removed there, try again."
    ),
    "cancelled": _("An operator cancelled it before it was sent."),
    "cannot-open": _(
        "Its sealed content could not be opened: it was changed on the way, or sealed to another key. "
        "Exchange the newest trust documents, then try again."
    ),
    "consent-missing": _("The consent of the person whom it is about is not on record, or was withdrawn."),
    "denied": _("The receiving side's rules do not allow it."),
    "erased": _(
        "What it said was erased before both sides began anew from their backups, so it is not offered again."
    ),
    "expired": _("It arrived after its expiry. Try again: a new message with a new expiry is sent."),
    "expired-before-sending": _(
        "The line did not work until its time had run out. When the line works, try again with a new expiry."
    ),
    "id-conflict": _(
        "Another message with the same id had arrived before. This should never be: look at the incidents."
    ),
    "ill-formed-payload": _(
        "Its content does not fit the declaration at the receiving side. Do both sides run the same version?"
    ),
    "important-data": _(
        "It holds what the Mainland's law calls important data, which crosses under no agreement."
    ),
    "malformed-wire": _(
        "Its bytes do not have the shape of the protocol. Do both sides run the same version?"
    ),
    "misaddressed": _("Its header does not agree with the batch in which it came."),
    "no-agreement": _(
        "The receiving side holds no agreement that covers this message or the answer to it. Both sides need "
        "the same agreement files."
    ),
    "not-deterministic-cbor": _(
        "Its bytes are not in the one permitted encoding. Do both sides run the same version?"
    ),
    "other-clause": _(
        "It relies on another clause than the one that allows it at the receiving side. Do both sides hold "
        "the same agreements?"
    ),
    "other-agreement-text": _(
        "The two sides hold different texts of the agreement. Compare the fingerprints and use the same file."
    ),
    "outside-scope": _(
        "It would hold kinds of data about a person that the clause does not name at the receiving side. Do "
        "both sides hold the same agreements?"
    ),
    "oversized-blob": _("Its file is larger than the declaration at the receiving side allows."),
    "oversized-payload": _("Its content is larger than the declaration at the receiving side allows."),
    "party-not-named": _("The declaration does not let this side send it to that side."),
    "undeclared-crossing": _(
        "The receiving side does not declare this kind of message. Does it run the same version?"
    ),
    "unreadable": _("It could not be opened, or does not hold what its header promises."),
}
"""By code; what an app's own handler answers with is found among the node's errors instead."""


def reason(code: str) -> str:
    """Return why a message failed, in the active language; a code that nobody explains is shown itself."""
    if code in REASONS:
        return str(REASONS[code])
    message = _plain_messages().get(code)
    if message is not None:
        return str(message)
    if code in _denials():
        return gettext("The receiving side's rules do not allow it (%(code)s).") % {"code": code}
    if code[:1].isupper():
        # A handler that broke leaves the kind of its exception.
        return gettext("Its handler broke (%(code)s). The node's log says more.") % {"code": code}
    return gettext("The receiving side answered with the code “%(code)s”.") % {"code": code}


def is_code(text: str) -> bool:
    """Whether a text is a code that ``reason`` explains, rather than a person's own words."""
    return text in REASONS or text in _plain_messages() or text in _denials()


@cache
def _plain_messages() -> Mapping[str, _StrOrPromise]:
    """Return the messages of all errors that need no parameters, by code."""
    return {error.code: error.message for error in _errors(KouanError) if "%(" not in str(error.message)}


@cache
def _denials() -> frozenset[str]:
    """Return the codes with which apps deny what rests on their own registers."""
    return frozenset(error.code for error in _errors(Denied))


def _errors(base: type[KouanError]) -> Iterator[type[KouanError]]:
    for error in base.__subclasses__():
        yield error
        yield from _errors(error)
