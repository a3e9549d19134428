"""Credentials of this side's departments: an app keeps, shows and checks them, others ask here.

An app that needs evidence names a *requirement* ("proof of residence"); the broker knows which types of
evidence meet it on this side, and which of them departments hold for the person in front of the page. What
is shown to the other side is an SD-JWT VC (RFC 9901) with those claims alone that the person ticked, bound
to one receiver and one matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from kouan.core.text import Localised


@dataclass(frozen=True, slots=True)
class Holder:
    """The person whose evidence it is: as the home provider identified them in the present sign-in."""

    key: str
    """The same at every sign-in, and known on this side alone (``web.persons.Person.key``)."""
    level: int
    document_number: str
    document_type: str = ""
    """The kind of that document, as ``web.persons.Person`` has it; empty: as the number says."""


@dataclass(frozen=True, slots=True)
class ClaimShown:
    """One claim of a piece of evidence, as the person sees it before it is shown to anybody."""

    name: str
    title: Localised
    value: str
    element: str
    """The kind of data (``policy.elements``)."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A piece of evidence that a department of this side holds for a person, and that meets a requirement."""

    id: str
    """Opaque; counts for this person alone."""
    version: str
    """Opaque; another one as soon as it says something else."""
    type: str
    """The type of the evidence: ``hk.residence``."""
    title: Localised
    issuer: Localised
    """The department."""
    issued_at: datetime
    expires_at: datetime | None
    claims: tuple[ClaimShown, ...]


@dataclass(frozen=True, slots=True)
class Presented:
    """What goes over: a presentation, and what it holds."""

    text: str
    """SD-JWT with a key-binding JWT (RFC 9901 section 4.3)."""
    shown: Offer
    """The same as the person sees it: with those claims alone that were ticked."""

    @property
    def elements(self) -> frozenset[str]:
        """The kinds of data that it discloses."""
        return frozenset(claim.element for claim in self.shown.claims)


class Verdict(StrEnum):
    """What a check of a presentation came to."""

    GOOD = "good"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    UNKNOWN_ISSUER = "unknown-issuer"
    BAD_SIGNATURE = "bad-signature"
    BAD_BINDING = "bad-binding"
    """Made for another receiver, another matter, or by somebody else."""
    STATUS_UNKNOWN = "status-unknown"
    """Its status list is not here, or too old to count."""
    MALFORMED = "malformed"
    NOT_ASKED = "not-asked"
    """Good, but of a type that does not meet the requirement that was named."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A presentation from the other side, as this side found it; claims only where ``verdict`` is good."""

    verdict: Verdict
    type: str
    issuer: str
    """The side, and the department's code: ``hk:immigration``."""
    claims: Mapping[str, str]
    titles: Mapping[str, Localised]
    issued_at: datetime | None
    """Since when what it says holds, where it tells; else when the credential was issued."""
    expires_at: datetime | None
    level: int
    """How surely the person had signed in when it was shown; 0 where it does not say."""
    title: Localised | None = None
    """What the type is called; nothing where it is not known."""
    department: Localised | None = None
    """What the issuing department is called; nothing where the credential does not say."""
    announced: bool = False
    """Whether its side has told what the type proves; looked at where it was to meet a requirement."""
    elements: frozenset[str] | None = None
    """The kinds of data that its claims are, whatever the verdict; a claim of which its side has told nothing
    stands as its own name. ``None`` where its side has told no kinds, or its signature does not hold."""


class Broker(Protocol):
    """The app that keeps credentials."""

    def offers(self, holder: Holder, requirement: str, *, to: str) -> Sequence[Offer]:
        """Return what this side's departments hold for a person that meets a requirement of side ``to``."""

    def present(  # noqa: PLR0913 - all that a showing is, by name
        self,
        holder: Holder,
        offer: str,
        *,
        claims: Collection[str],
        to: str,
        matter: str,
        version: str = "",
    ) -> Presented:
        """Return a presentation of the ticked claims for side ``to``, bound to ``matter`` (its nonce).

        Runs in the caller's transaction. ``version`` is the one that the person saw; empty: whatever it says
        now. Raises a ``KouanError`` for an offer that is not this person's, has ended since, was revoked or
        says something else than they saw, for a level that is too low, and for a claim that it has not.
        """

    def check(self, text: str, *, sender: str, matter: str, now: datetime, requirement: str = "") -> Checked:
        """Check what side ``sender`` presented for ``matter``; never raises for what is in ``text``.

        With ``requirement``, a type that does not meet it is ``NOT_ASKED``. An empty ``matter`` asks for no
        binding: that is for what ``issue`` made, which is shown to nobody yet.
        """

    def issue(  # noqa: PLR0913 - all that a credential is, by name
        self,
        *,
        type_: str,
        title: Localised,
        department: str,
        claims: Mapping[str, str],
        titles: Mapping[str, Localised],
        expires_at: datetime | None,
        registered: Mapping[str, str] | None = None,
    ) -> str:
        """Issue a credential that is no department's standing record, such as a decision; an SD-JWT VC.

        All its claims are disclosed; it is in a status list, and ``revoke`` takes it back. ``registered`` is
        the claim ``kouan``, which is never hidden: its place on the register (``core.documents``).
        """

    def revoke(self, text: str) -> None:
        """Take an issued credential back; again is harmless."""


class NobodyKeepsCredentials(RuntimeError):
    """This node has no app that keeps credentials."""


_kept: list[Broker] = []


def kept_by(broker: Broker) -> None:
    """Name the app that keeps credentials (it does so once it is ready)."""
    _kept[:] = [broker]


def broker() -> Broker:
    """Return the app that keeps credentials; raises ``NobodyKeepsCredentials``."""
    if not _kept:
        raise NobodyKeepsCredentials
    return _kept[0]


REQUIREMENTS: Final = frozenset(
    {
        "academic-qualification",
        "company-registration",
        "identity",
        "no-conviction",
        "property-search",
        "representation",
        "representation-of-company",
        "representation-of-person",
        "residence",
        "tax-residency",
        "vehicle-licence",
    }
)
"""What every side's departments can show; a service that asks for something else is refused."""
REPRESENTATION: Final = "representation"
"""What who acts for another shows; which kind it must be says for whom they act (``asked_for``)."""
_sources: list[Callable[[], Iterable[str]]] = []


def requirements_from(source: Callable[[], Iterable[str]]) -> None:
    """Name who knows this installation's own requirements (the app that keeps credentials does)."""
    _sources[:] = [source]


def asked_for(requirement: str, *, acts_for: str) -> str:
    """Return what must be met by who acts for ``self``, a ``person`` or a ``company``.

    An authority to act for a company lets nobody act for a child, and the other way round.
    """
    if requirement != REPRESENTATION or acts_for == "self":
        return requirement
    return f"{REPRESENTATION}-of-{acts_for}"


def known_requirements() -> frozenset[str]:
    """Return the codes of all requirements that a service may ask for."""
    return REQUIREMENTS | {code for source in _sources for code in source()}
