"""Rules of trust lists: what an entry says, and whether it recognises a certificate. No framework, no I/O.

An entry stays in its list for good: what happens to it is added to its history, so that a signature of years
ago is judged by what held when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from kouan.apps.signing.domain import POLICY_PREFIX, fingerprint, policy_versions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from kouan.core.text import Localised


class Status(StrEnum):
    """How an entry stands from some moment on."""

    RECOGNISED = "recognised"
    SUPERSEDED = "superseded"
    """Another CA took its place: what it issued before stays recognised, what it issues later is not."""
    WITHDRAWN = "withdrawn"
    """Nothing signed from then on is recognised."""


class CertificateType(StrEnum):
    """For whom certificates are issued."""

    PERSONAL = "personal"
    """A person, for themselves."""
    ORGANISATION = "organisation"
    """An organisation, or a person who acts for one."""
    SEAL = "seal"
    """An organisation's electronic seal."""


@dataclass(frozen=True, slots=True)
class Types:
    """Of which types a certificate may be."""

    may_be: frozenset[CertificateType]
    """Empty for one that is of no type that a list knows."""
    declared: bool = True
    """Whether that is said outright. Else it is told from the holder's names, and the policies of an entry
    that names some of its CA's own decide before those."""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """From when on an entry stands in a way."""

    status: Status
    since: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """Where somebody is reached (ETSI TS 119 612 sections 5.3.5 and 5.4.3): in English, also in Chinese."""

    street: str
    locality: str
    country: str
    """ISO 3166-1, two letters."""
    email: str
    website: str
    """An address with what people should know of them."""
    postal_code: str = ""
    street_zh: str = ""
    locality_zh: str = ""


@dataclass(frozen=True, slots=True)
class PoliciesUntil:
    """Which policies of the CA's own an entry named before an edition that names others."""

    until: datetime
    """The first moment for which they do not hold."""
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One type of certificate of one issuing CA, as a list recognises it."""

    code: str
    """Its name within the list; never given to another entry."""
    name: Localised
    """What the certificates are called."""
    provider: Localised
    """The certification authority, as an organisation."""
    certificate_type: CertificateType
    root: bytes = field(repr=False)
    """The root CA's certificate, DER."""
    issuing_ca: bytes = field(repr=False)
    """The issuing CA's certificate, DER."""
    recognised_from: datetime
    recognised_until: datetime
    """The first moment at which it is recognised no more."""
    history: tuple[StatusChange, ...]
    """The oldest first; the first begins with ``recognised_from``."""
    policy_prefix: str = POLICY_PREFIX
    """A certificate bears a policy of this prefix, and year, version and release."""
    type_policies: tuple[str, ...] = ()
    """Policies (dotted OIDs) of the CA's own of which a certificate of this type bears one; empty: any."""
    contact: Contact | None = None
    """The provider's; lists of before it was asked for have none."""
    demonstration: bool = False
    """Made up, or listed to try things out: never in a list that counts."""
    policies_before: tuple[PoliciesUntil, ...] = field(default=(), compare=False)
    """What ``type_policies`` were by earlier editions, the oldest first; no edition says it itself."""

    @property
    def root_fingerprint(self) -> str:
        """SHA-256 of the root CA's certificate, 64 hex digits."""
        return fingerprint(self.root)

    @property
    def issuing_fingerprint(self) -> str:
        """SHA-256 of the issuing CA's certificate, 64 hex digits."""
        return fingerprint(self.issuing_ca)

    def status_at(self, at: datetime) -> StatusChange | None:
        """Return how it stood at a moment; ``None`` before its history begins."""
        return next((each for each in reversed(self.history) if each.since <= at), None)

    def policies_at(self, at: datetime) -> tuple[str, ...]:
        """Return which policies of the CA's own it named at a moment."""
        return next((each.policies for each in self.policies_before if at < each.until), self.type_policies)


class Reason(StrEnum):
    """Why a certificate is recognised at a moment, or is not: the first condition that fails."""

    RECOGNISED = "recognised"
    NO_LIST = "no-list"
    """No list of either side is here."""
    UNKNOWN_ROOT = "unknown-root"
    UNKNOWN_ISSUING_CA = "unknown-issuing-ca"
    """The root is listed, the issuing CA under it is not."""
    OTHER_TYPE = "other-type"
    """Both are listed, for another type of certificate."""
    NO_POLICY = "no-policy"
    """No policy of the listed prefix with year, version and release."""
    NOT_YET = "not-yet"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    """The certificate was issued after its issuing CA was superseded."""
    ISSUED_WHEN = "issued-when"
    """Its issuing CA was superseded, and it was not said when the certificate was issued."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of one side's list."""

    side: str
    sequence: int
    """1 and up, without gaps."""
    issued_at: datetime
    next_update: datetime
    entries: tuple[Entry, ...]
    digest: bytes = b""
    """SHA-256 of the signed list (its JWS)."""
    previous: bytes = b""
    """The digest of the edition before; empty for the first."""
    others: tuple[Seen, ...] = ()
    """The other sides' lists as this side had last seen them."""
    publisher: Contact | None = None
    """Of who publishes the list."""
    information: str = ""
    """The address of a page about the list and its scheme."""
    sm2_key: bytes = b""
    """The SM2 key (SubjectPublicKeyInfo, DER) of a second, detached signature; empty if there is none."""

    def entry(self, code: str) -> Entry | None:
        """Return an entry by its code."""
        return next((each for each in self.entries if each.code == code), None)


def with_digest(edition: Edition, digest: bytes) -> Edition:
    """Return an edition under the digest of its signed form."""
    return replace(edition, digest=digest)


@dataclass(frozen=True, slots=True)
class Seen:
    """Another side's list as a side had last seen it."""

    side: str
    sequence: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """A root at which a path may end."""

    certificate: bytes = field(repr=False)
    """DER."""
    fingerprint: str
    """SHA-256, 64 hex digits."""
    sides: tuple[str, ...]
    """Whose lists name it."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """Whether the lists recognise a certificate, by which entry, and what that was judged by."""

    reason: Reason
    entry: Entry | None = None
    """The entry that recognises it, or that came nearest."""
    edition: Edition | None = None
    """The edition that the entry stands in; its digest pins what was judged by."""
    overdue: bool = False
    """Whether the next edition of that list should have been here: then a yes is not certain."""

    @property
    def recognised(self) -> bool:
        """Whether all conditions hold."""
        return self.reason is Reason.RECOGNISED


_NEARNESS = (
    Reason.NO_LIST, Reason.UNKNOWN_ROOT, Reason.UNKNOWN_ISSUING_CA, Reason.OTHER_TYPE, Reason.NO_POLICY,
    Reason.NOT_YET, Reason.ENDED, Reason.WITHDRAWN, Reason.SUPERSEDED, Reason.ISSUED_WHEN, Reason.RECOGNISED,
)  # fmt: skip
"""The later, the nearer an entry came to recognising."""


def anchors(editions: Iterable[Edition], at: datetime) -> tuple[Anchor, ...]:
    """Return every root that an edition names by an entry whose history has begun at a moment.

    Those of withdrawn and ended entries are among them: a path is built first, and then judged.
    """
    found: dict[bytes, set[str]] = {}
    for edition in editions:
        for entry in edition.entries:
            if entry.status_at(at) is not None:
                found.setdefault(entry.root, set()).add(edition.side)
    return tuple(
        Anchor(root, fingerprint(root), tuple(sorted(sides)))
        for root, sides in sorted(found.items(), key=lambda each: fingerprint(each[0]))
    )


def recognise(  # noqa: PLR0913 - each condition of the scheme is one
    editions: Collection[Edition],
    *,
    root: bytes,
    issuing_ca: bytes,
    types: Types | None,
    policies: Collection[str],
    at: datetime,
    issued_at: datetime | None = None,
    now: datetime | None = None,
) -> Recognition:
    """Return whether the newest editions recognise a certificate at a moment: all conditions must hold.

    ``root`` and ``issuing_ca`` are certificates in DER, ``policies`` the dotted OIDs in the certificate,
    ``at`` the best signature time, ``issued_at`` the beginning of the certificate's validity: without it an
    entry that is superseded recognises nothing. ``types`` are
    those that the certificate may be of; without them an entry of any type may match, by the policies that
    it names. ``now`` is when it is judged, for ``overdue``.
    """
    best = Recognition(Reason.NO_LIST if not editions else Reason.UNKNOWN_ROOT)
    for edition in editions:
        overdue = now is not None and now > edition.next_update
        for entry in edition.entries:
            reason = _judge(entry, root, issuing_ca, types, policies, at, issued_at)
            if reason is Reason.UNKNOWN_ROOT:
                continue
            nearness = _NEARNESS.index(reason)
            held = _NEARNESS.index(best.reason)
            if nearness > held or (nearness == held and best.overdue and not overdue):
                named = None if reason is Reason.UNKNOWN_ISSUING_CA else entry
                best = Recognition(reason, named, edition, overdue)
    return best


def _judge(  # noqa: PLR0911, PLR0913, PLR0917 - one return for each condition
    entry: Entry,
    root: bytes,
    issuing_ca: bytes,
    types: Types | None,
    policies: Collection[str],
    at: datetime,
    issued_at: datetime | None,
) -> Reason:
    if entry.root != root:
        return Reason.UNKNOWN_ROOT
    if entry.issuing_ca != issuing_ca:
        return Reason.UNKNOWN_ISSUING_CA
    if not _of_its_type(entry, types, policies, at):
        return Reason.OTHER_TYPE
    if not policy_versions(policies, prefix=entry.policy_prefix):
        return Reason.NO_POLICY
    held = entry.status_at(at)
    if at < entry.recognised_from or held is None:
        return Reason.NOT_YET
    if held.status is Status.WITHDRAWN:
        return Reason.WITHDRAWN
    if at >= entry.recognised_until:
        return Reason.ENDED
    return _judge_issue(held, issued_at)


def _judge_issue(held: StatusChange, issued_at: datetime | None) -> Reason:
    """Return what a certificate's own beginning makes of it, under an entry that counts."""
    if held.status is not Status.SUPERSEDED:
        return Reason.RECOGNISED
    if issued_at is None:
        return Reason.ISSUED_WHEN
    return Reason.SUPERSEDED if issued_at >= held.since else Reason.RECOGNISED


def _of_its_type(entry: Entry, types: Types | None, policies: Collection[str], at: datetime) -> bool:
    named = entry.policies_at(at)
    if named and not set(named) & set(policies):
        return False
    if types is None or (named and not types.declared):
        return True
    return entry.certificate_type in types.may_be
