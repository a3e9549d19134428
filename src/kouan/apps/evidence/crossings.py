"""All that this app lets over the boundary: whose signature evidence bears, and what was taken back.

Evidence itself crosses where a person shows it (``services.application``), with their consent.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

from annotated_types import Len, MaxLen
from django.utils.translation import gettext_lazy as _
from pydantic import Field, StringConstraints

from kouan.core.exchange import Consent, Crossing, Payload, Received, Undelivered
from kouan.core.exchange.crossing import UndeclaredCrossing
from kouan.core.exchange.outbox import cancel

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

LEGAL_BASIS: Final = "evidence"
MAX_TOKEN: Final = 48 * 1024
MOST_KEYS: Final = 64

Base64url32 = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{43}$")]
Seconds = Annotated[int, Field(ge=0, lt=1 << 37)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,63}$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]{1,280}$")]


class Names(Payload):
    """The same words in the three scripts."""

    en: Words
    zh_hant: Words
    zh_hans: Words


class IssuerKeyTold(Payload):
    """A public key: P-256, as a JWK has it (RFC 7518 section 6.2)."""

    kid: Base64url32
    x: Base64url32
    y: Base64url32
    since: Seconds
    until: Seconds


class ClaimTold(Payload):
    """One thing that a type of evidence says."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    title: Names


class ClaimOfKind(ClaimTold):
    """The same, with the kind of data that it is (``core.policy.elements``)."""

    element: Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[a-z-]+$", max_length=64)]


class _Type(Payload):
    code: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}\.[a-z][a-z0-9-]{1,60}$")]
    vct: Address
    title: Names
    department: Code
    department_name: Names
    requirements: Annotated[list[Code], MaxLen(20)]
    level: Annotated[int, Field(ge=1, le=4)]


class TypeTold(_Type):
    """A type of evidence, who issues it, what it proves and which kinds of data it says."""

    claims: Annotated[list[ClaimOfKind], Len(1, 24)]


class TypeTold1(_Type):
    """The same without the kinds of data."""

    claims: Annotated[list[ClaimTold], Len(1, 24)]


class _Issuer(Payload):
    issuer: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]{1,180}$", max_length=200)]
    serial: Seconds
    keys: Annotated[list[IssuerKeyTold], Len(1, MOST_KEYS)]


class IssuerTold(_Issuer):
    """A side's issuer of evidence."""

    types: Annotated[list[TypeTold], MaxLen(200)]


class IssuerTold1(_Issuer):
    """The same, to and from a node that knows nothing of the kinds of data of claims."""

    types: Annotated[list[TypeTold1], MaxLen(200)]


class StatusListTold(Payload):
    """A status list as its issuer signed it."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TOKEN)]


_NOBODY = _("It is about nobody: a list says of each place whether it counts, and not whose it is.")


def _declare(*, version: int = 1, **given: Any) -> Crossing[Any]:
    return Crossing(version=version, legal_basis=LEGAL_BASIS, consent=Consent.NOT_NEEDED, **given)


def _issuer(*, title: _StrOrPromise, types: _StrOrPromise, **given: Any) -> Crossing[Any]:
    return _declare(
        type="evidence.issuer",
        title=title,
        purpose=_("To tell the other side which keys sign this side's evidence, and which types there are."),
        purpose_code="dpv:ServiceProvision",
        fields={
            "issuer": _("The issuer's address, which is its name"),
            "serial": _("A number that grows with each announcement"),
            "keys": _("Its public keys, and from when until when each signs"),
            "types": types,
        },
        elements={
            "issuer": "technical.key",
            "serial": "technical.number",
            "keys": "technical.key",
            "types": "organisation.name matter.text",
        },
        max_bytes=1 << 20,
        consent_reason=_("It is about departments, and about no person."),
        expires_after=timedelta(days=30),
        **given,
    )


ISSUER: Final[Crossing[IssuerTold]] = _issuer(
    version=2,
    payload=IssuerTold,
    title=_("A side's issuer of evidence"),
    types=_(
        "Its types of evidence: name, department, what each proves, what it says and which kinds of data "
        "that is"
    ),
)
ISSUER_1: Final[Crossing[IssuerTold1]] = _issuer(
    version=1,
    payload=IssuerTold1,
    title=_("A side's issuer of evidence (to nodes that know no kinds of data of claims)"),
    types=_("Its types of evidence: name, department, what each proves and what it says"),
)
"""Sent to a member whose node has refused version 2, until it sends that itself."""
STATUS: Final[Crossing[StatusListTold]] = _declare(
    type="evidence.status",
    payload=StatusListTold,
    title=_("Status of issued evidence"),
    purpose=_("To tell the other side at once which evidence was taken back or suspended."),
    purpose_code="dpv:ServiceProvision",
    fields={"token": _("The list, signed: two bits for each credential")},
    elements={"token": "technical.proof"},
    consent_reason=_NOBODY,
    expires_after=timedelta(days=2),
)


# What handles them. They send the above themselves, and so are only known from here on.

from kouan.apps.evidence import announcing, hearing  # noqa: E402 - see above


@ISSUER.handler
def keep_issuer(message: Received[IssuerTold]) -> None:
    """Keep what a side says of its issuer, if it is the latest, and speak to it in this version."""
    hearing.issuer(message=message)
    announcing.understands(side=message.sender, version=ISSUER.version)


@ISSUER_1.handler
def keep_issuer_1(message: Received[IssuerTold1]) -> None:
    """Keep what a side says of its issuer, if it is the latest."""
    hearing.issuer(message=message)


@ISSUER.undelivered
def note_unknown_issuer(message: Undelivered) -> None:
    """Have it told again: in the version before to a node that does not know this one, else soon."""
    if message.code == UndeclaredCrossing.code:
        announcing.understands(side=message.receiver, version=ISSUER_1.version)
        cancel(message.id)  # nobody need look at it: the same is told in other words
    else:
        announcing.issuer_not_told(side=message.receiver)


@ISSUER_1.undelivered
def note_unknown_issuer_1(message: Undelivered) -> None:
    """Have it told again soon."""
    announcing.issuer_not_told(side=message.receiver)


@STATUS.handler
def keep_status(message: Received[StatusListTold]) -> None:
    """Keep a status list, if it is the latest."""
    hearing.status(message=message)


@STATUS.undelivered
def note_status_not_told(message: Undelivered) -> None:
    """Have the lists told again soon."""
    announcing.status_not_told(side=message.receiver)
