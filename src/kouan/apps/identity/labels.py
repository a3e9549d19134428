"""Words for what people are told on this app's pages: claims, levels, states, kinds of news."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kouan.apps.identity.domain import Level, LinkState
from kouan.apps.identity.models import Service
from kouan.core.sides import (
    DocumentNumberError,
    UnknownDocumentError,
    get_document,
    side_name,
)
from kouan.core.text import Localised
from kouan.web.filters import date_long, datetime_long

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.utils.functional import _StrOrPromise

    from kouan.apps.identity.models import Notice

CLAIMS: Final[Mapping[str, _StrOrPromise]] = {
    "name": pgettext_lazy("person", "Name"),
    "name#zh-Hant": pgettext_lazy("person", "Name in Traditional Chinese"),
    "name#zh-Hans": pgettext_lazy("person", "Name in Simplified Chinese"),
    "gender": _("Gender"),
    "birthdate": _("Date of birth"),
    "email": _("E-mail address"),
    "phone_number": _("Telephone number"),
    "document_type": _("Kind of identity document"),
    "document_number": _("Number of the identity document"),
}
GENDERS: Final[Mapping[str, _StrOrPromise]] = {
    "female": _("Female"),
    "male": _("Male"),
    "other": _("Other"),
}
PROFILES: Final[Mapping[str, _StrOrPromise]] = {
    Service.Profile.FAPI2: _("FAPI 2.0: pushed requests, signed assertions, tokens bound to a key"),
    Service.Profile.CONFIDENTIAL: _("Confidential: signed assertions and PKCE"),
    Service.Profile.PUBLIC: _("Public: PKCE alone, for software that can keep no secret"),
}
CHANGES: Final[Mapping[str, _StrOrPromise]] = {
    "added": _("Registered"),
    "changed": _("Changed"),
    "keys": _("Keys replaced"),
    "disabled": _("Switched off"),
    "enabled": _("Switched on"),
}
ENDED_BY: Final[Mapping[str, _StrOrPromise]] = {
    "resident": _("You signed out."),
    "replaced": _("Somebody else signed in in the same browser."),
    "service": _("The service ended it."),
    "peer": _("It was ended on the other side."),
    "expired": _("Its time was over."),
    "home-provider": _("You signed out at your identity provider."),
    "consent-withdrawn": _("You withdrew your consent."),
    "unlinked": _("The link between your accounts was ended."),
}
USES: Final[Mapping[str, _StrOrPromise]] = {
    "token": _("Signs tokens"),
    "client": _("Proves that it is the node"),
    "receipt": _("Signs consent receipts"),
    "dpop": _("Binds tokens to the node"),
}
LINK_STATES: Final[Mapping[str, _StrOrPromise]] = {
    LinkState.BEGUN: pgettext_lazy("link", "Begun"),
    LinkState.ASKED: _("The issuer is asked"),
    LinkState.COOLING: _("Cooling-off"),
    LinkState.ACTIVE: _("Linked"),
    LinkState.REFUSED: _("Not linked"),
    LinkState.ENDED: pgettext_lazy("link", "Ended"),
}
LINK_WAY: Final[Mapping[str, _StrOrPromise]] = {
    LinkState.BEGUN: _("You sign in on both sides"),
    LinkState.ASKED: _("The issuer of your document is asked"),
    LinkState.COOLING: _("You have time to think it over"),
    LinkState.ACTIVE: _("Your accounts are linked"),
}
"""What a link goes through until it counts, in this order."""
LINK_COLOURS: Final[Mapping[str, str]] = {
    LinkState.BEGUN: "yellow",
    LinkState.ASKED: "yellow",
    LinkState.COOLING: "yellow",
    LinkState.ACTIVE: "green",
    LinkState.REFUSED: "red",
    LinkState.ENDED: "grey",
}
RECORD: Final[Mapping[str, _StrOrPromise]] = {
    "own": _("Nothing crossed: the service is on this side."),
    "waiting": _("On its way into both ledgers."),
    "recorded": _("In both ledgers: entry %(ours)s here, entry %(theirs)s on the other side."),
    "failed": _("The record did not reach the other side. The operator of this node sees it."),
    "awaited": _("With your linked account of the other side, whose record of it is not here yet."),
    "witnessed": _(
        "With your linked account of the other side. Its record is in both ledgers: entry %(ours)s here."
    ),
    "contradicted": _(
        "With your linked account of the other side, whose record says otherwise: it was ended. The operator "
        "of this node sees it."
    ),
}
_NOTICES: Final[Mapping[str, _StrOrPromise]] = {
    "link-asked": _("A link between your account here and one in %(side)s is being checked."),
    "link-cooling": _(
        "A link between your account here and one in %(side)s was confirmed. It counts from %(until)s. If "
        "you did not ask for it, stop it now."
    ),
    "link-active": _("Your account here and one in %(side)s are linked from now on."),
    "link-ended": _("A link between your account here and one in %(side)s has ended."),
    "link-refused": _(
        "A link between your account here and one in %(side)s was not made: the issuer of the document did "
        "not confirm it."
    ),
}


@cache
def _levels() -> Mapping[int, tuple[Localised, Localised]]:
    file = resources.files("kouan.apps.identity") / "data" / "levels.toml"
    found = tomllib.loads(file.read_text(encoding="utf-8"))["levels"]
    return {
        each["number"]: (
            Localised.from_mapping(each["name"], where="name"),
            Localised.from_mapping(each["meaning"], where="meaning"),
        )
        for each in found
    }


def level_name(level: int) -> str:
    """Return a level's number and name, as both sides know it."""
    return gettext("%(number)s – %(name)s") % {"number": int(level), "name": _levels()[int(level)][0]}


def level_meaning(level: int) -> str:
    """Return what a level means."""
    return str(_levels()[int(level)][1])


def level_choices() -> list[tuple[str, str]]:
    """Return all levels, for a form."""
    return [(str(int(each)), level_name(each)) for each in Level]


def claim_name(name: str) -> str:
    """Return what a claim is called."""
    return str(CLAIMS.get(name, name))


def claim_value(name: str, value: str, *, kind: str = "") -> str:
    """Return what a claim says as its person reads it; ``kind`` is that of the identity document.

    The number of a document is shown by its first characters alone: whose it is knows the rest, and who looks
    over their shoulder does not.
    """
    match name:
        case "gender":
            return str(GENDERS.get(value, value))
        case "birthdate" if len(value) > len("1999"):
            return date_long(date.fromisoformat(value))
        case "document_type":
            return document_name(value)
        case "document_number":
            try:
                return get_document(kind).parse(value).masked()
            except (DocumentNumberError, UnknownDocumentError):
                return "•" * 8
        case _:
            return value


def document_name(code: str) -> str:
    """Return what an identity document is called."""
    try:
        return str(get_document(code).name)
    except UnknownDocumentError:
        return code


def ended_by(code: str) -> str:
    """Return in words what ended a sign-in."""
    return str(ENDED_BY.get(code, _("It has ended.")))


def notice(row: Notice) -> str:
    """Return a notice's sentence."""
    sentence = _NOTICES.get(row.kind)
    if sentence is None:
        return gettext("Something about your identity has changed.")
    until = row.params.get("until", "")
    return str(sentence) % {
        "side": side_name(str(row.params.get("side", ""))),
        "until": datetime_long(datetime.fromisoformat(until)) if until else "",
    }


def documents(codes: tuple[str, ...]) -> str:
    """Return what a pair of identity documents is called."""
    return " – ".join(document_name(code) for code in codes)


@dataclass(frozen=True, slots=True)
class AnnouncedKey:
    """A key of another side's provider, as the operator reads it."""

    use: str
    kid: str
    since: datetime
    until: datetime


def announced(keys: Sequence[Mapping[str, Any]]) -> list[AnnouncedKey]:
    """Return the keys that a side announced."""
    return [
        AnnouncedKey(
            key["use"],
            str(key["jwk"].get("kid", "")),
            datetime.fromtimestamp(key["since"], UTC),
            datetime.fromtimestamp(key["until"], UTC),
        )
        for key in keys
    ]


def link_steps(state: str) -> list[dict[str, str]]:
    """Return how far a link is, as a timeline shows it; nothing for one that is under way no more."""
    if state not in LINK_WAY or state == LinkState.ACTIVE:
        return []
    at = list(LINK_WAY).index(state)
    return [
        {"state": "done" if place < at else "current" if place == at else "waiting", "title": str(title)}
        for place, title in enumerate(LINK_WAY.values())
    ]
