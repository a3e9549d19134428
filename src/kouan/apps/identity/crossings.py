"""All that this app lets over the boundary.

Claims cross in a token between two nodes, through the door; each token's digest crosses as
``identity.sign-in``, and so stands in both ledgers.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from annotated_types import Len
from django.utils.translation import gettext_lazy as _
from pydantic import Field, StringConstraints

from kouan.apps.identity.domain import DOCUMENT_PAIRS
from kouan.core.exchange import Consent, Crossing, Keep, Payload, Received, Undelivered

if TYPE_CHECKING:
    from kouan.core.exchange.crossing import Later

LEGAL_BASIS: Final = "identity-authentication"

Id16 = Annotated[bytes, Len(16, 16)]
Digest = Annotated[bytes, Len(32, 32)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Seconds = Annotated[int, Field(ge=0, lt=1 << 40)]
Acr = Annotated[str, StringConstraints(pattern="^urn:gba:loa:[2-4]$")]
Base64url32 = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{43}$")]
Pair = Literal["hkid home-return-permit", "hkid residence-permit"]
if {" ".join(pair) for pair in DOCUMENT_PAIRS} != set(Pair.__args__):  # type: ignore[attr-defined]
    raise ValueError("the pairs of documents that cross are others than those of the rules")


class ProviderKey(Payload):
    """A public key of a side's provider: P-256, as a JWK has it (RFC 7518 section 6.2)."""

    use: Literal["token", "client", "receipt"]
    kid: Base64url32
    x: Base64url32
    y: Base64url32
    since: Seconds
    until: Seconds


class ProviderAnnouncement(Payload):
    """A side's OpenID Provider: its issuer and the keys that count."""

    issuer: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]{1,180}$", max_length=200)]
    serial: Seconds
    keys: Annotated[list[ProviderKey], Len(1, 32)]


class ServiceNamed(Payload):
    """The service of the receiver's side that a person went to."""

    id: Short
    name_en: Name
    name_zh_hant: Name
    name_zh_hans: Name


class SignedIn(Payload):
    """That a person was told to a node, and by which tokens."""

    sign_in: Id16
    service: ServiceNamed
    subject: Base64url32
    acr: Acr
    claims: Annotated[list[Literal["name", "name#zh-Hant", "name#zh-Hans", "gender", "birthdate", "email",
                                   "phone_number", "document_type"]], Len(0, 16)]  # fmt: skip
    id_token: Digest
    userinfo: Digest
    receipt: Annotated[str, StringConstraints(max_length=8192)]


class SignedOut(Payload):
    """That a sign-in has ended."""

    sign_in: Id16


class ConsentWithdrawn(Payload):
    """That a consent counts no more."""

    consent: Id16
    service: Short


class MatchQuestion(Payload):
    """A question whether two documents are one person's."""

    link: Id16
    subject: Base64url32
    documents: Pair
    salt: Digest
    digest: Digest


class MatchAnswer(Payload):
    """The issuer's word on it."""

    link: Id16
    outcome: Literal["match", "no-match", "not-held"]


class Unlinked(Payload):
    """That a link between two accounts was ended."""

    link: Id16


_ABOUT_NOBODY = _("It is about nobody.")
_ASKED = _("The person asked for it on both sides, signed in on each, and can end it at any time.")


def _declare(**given: Any) -> Crossing[Any]:
    return Crossing(version=1, legal_basis=LEGAL_BASIS, max_bytes=16 * 1024, **given)


PROVIDER: Final[Crossing[ProviderAnnouncement]] = _declare(
    type="identity.provider",
    payload=ProviderAnnouncement,
    title=_("A side's identity provider"),
    purpose=_("To tell the other side which keys sign for the identities of this side."),
    purpose_code="dpv:IdentityAuthentication",
    fields={
        "issuer": _("The provider's address, which is its name"),
        "serial": _("A number that grows with each announcement"),
        "keys": _("Its public keys: what each is for, and from when until when it counts"),
    },
    elements={"issuer": "technical.key", "serial": "technical.number", "keys": "technical.key"},
    consent=Consent.NOT_NEEDED,
    consent_reason=_ABOUT_NOBODY,
    expires_after=timedelta(days=30),
)

SIGNED_IN: Final[Crossing[SignedIn]] = _declare(
    type="identity.sign-in",
    payload=SignedIn,
    title=_("Record of a sign-in"),
    purpose=_("To put on both sides' record that a person signed in to a service of the other side."),
    purpose_code="dpv:IdentityAuthentication",
    fields={
        "sign_in": _("The sign-in's random number"),
        "service": _("The service of the receiving side that the person went to"),
        "subject": _("What this one service knows the person by; no other service has the same"),
        "acr": _("The level of assurance of the sign-in"),
        "claims": _("The names of what the person agreed to have told; not what they are"),
        "id_token": _("SHA-256 of the ID token that the receiving node was given"),
        "userinfo": _("SHA-256 of the signed answer that holds what was told"),
        "receipt": _("The receipt of the person's consent, signed by this side"),
    },
    elements={
        "sign_in": "technical.number",
        "service": "organisation.name",
        "subject": "person.pseudonym",
        "acr": "person.sign-in",
        # The names of the claims cross here; what they are crosses in the token that this message records.
        "claims": "person.name person.gender person.birthdate person.contact person.document-type",
        "id_token": "technical.digest",
        "userinfo": "technical.digest",
        "receipt": "technical.proof",
    },
    consent=Consent.REQUIRED,
    consent_reason=_("The person ticks on a page of the home side what the service may be told."),
)

SIGNED_OUT: Final[Crossing[SignedOut]] = _declare(
    type="identity.sign-out",
    payload=SignedOut,
    title=_("End of a sign-in"),
    purpose=_("To end a sign-in on both sides when the person signs out on one."),
    purpose_code="dpv:IdentityAuthentication",
    fields={"sign_in": _("The sign-in's random number")},
    elements={"sign_in": "technical.number"},
    consent=Consent.NOT_NEEDED,
    consent_reason=_("It ends what the person agreed to, and tells nothing else."),
    expires_after=timedelta(days=2),
)

CONSENT_WITHDRAWN: Final[Crossing[ConsentWithdrawn]] = _declare(
    type="identity.consent-withdrawn",
    payload=ConsentWithdrawn,
    title=_("Withdrawal of a consent"),
    purpose=_("To tell the side of a service that a person has withdrawn a consent."),
    purpose_code="dpv:ConsentManagement",
    fields={
        "consent": _("The consent's random number"),
        "service": _("The service that it was given for"),
    },
    elements={"consent": "technical.number", "service": "technical.number"},
    consent=Consent.NOT_NEEDED,
    consent_reason=_("It ends what the person agreed to, and tells nothing else."),
    expires_after=timedelta(days=30),
)

MATCH_QUESTION: Final[Crossing[MatchQuestion]] = _declare(
    type="identity.match-question",
    payload=MatchQuestion,
    title=_("Question whether two documents are one person's"),
    purpose=_("To learn from a document's issuer whether a person's accounts on both sides may be linked."),
    purpose_code="dpv:IdentityVerification",
    fields={
        "link": _("The link's random number"),
        "subject": _("What the asking node knows the person's other account by"),
        "documents": _("Which two documents"),
        "salt": _("32 random bytes"),
        "digest": _("The document's number and the date of birth, hardened with the salt; not the number"),
    },
    elements={
        "link": "technical.number",
        "subject": "person.pseudonym",
        "documents": "person.document-type",
        "salt": "technical.filler",
        "digest": "technical.digest",
    },
    consent=Consent.NOT_NEEDED,
    consent_reason=_ASKED,
    keep=Keep.UNTIL_HANDLED,
    expires_after=timedelta(hours=1),
)

MATCH_ANSWER: Final[Crossing[MatchAnswer]] = _declare(
    type="identity.match-answer",
    payload=MatchAnswer,
    title=_("Answer whether two documents are one person's"),
    purpose=_("To tell the asking side yes or no, and nothing else."),
    purpose_code="dpv:IdentityVerification",
    fields={
        "link": _("The link's random number"),
        "outcome": _("Match, no match, or that the issuer holds no such document"),
    },
    elements={"link": "technical.number", "outcome": "technical.outcome"},
    consent=Consent.NOT_NEEDED,
    consent_reason=_ASKED,
    keep=Keep.UNTIL_HANDLED,
    expires_after=timedelta(hours=1),
)

UNLINKED: Final[Crossing[Unlinked]] = _declare(
    type="identity.unlink",
    payload=Unlinked,
    title=_("End of a link between two accounts"),
    purpose=_("To end on both sides what the person has ended on one."),
    purpose_code="dpv:IdentityVerification",
    fields={"link": _("The link's random number")},
    elements={"link": "technical.number"},
    consent=Consent.NOT_NEEDED,
    consent_reason=_("It ends what the person agreed to, and tells nothing else."),
    expires_after=timedelta(days=30),
)


# What handles them. They send some of the above themselves, and so are only known from here on.

from kouan.apps.identity import linking  # noqa: E402 - see above
from kouan.apps.identity.nodes import announcing, matching, record  # noqa: E402 - see above


@PROVIDER.handler
def keep_provider(message: Received[ProviderAnnouncement]) -> None:
    """Keep what a side says of its provider, if it is the latest."""
    announcing.keep(message=message)


@PROVIDER.undelivered
def note_unknown_provider(message: Undelivered) -> None:
    """Have it told again soon."""
    announcing.not_told(side=message.receiver)


@SIGNED_IN.handler
def keep_record(message: Received[SignedIn]) -> None:
    """Keep the record and hold it against the sign-in here."""
    record.keep(message=message)


@SIGNED_OUT.handler
def end_sign_in(message: Received[SignedOut]) -> None:
    """End the sign-in here as well."""
    record.ended(side=message.sender, sid=uuid.UUID(bytes=message.payload.sign_in))


@CONSENT_WITHDRAWN.handler
def end_consented(message: Received[ConsentWithdrawn]) -> None:
    """End what rests on the consent."""
    consent = uuid.UUID(bytes=message.payload.consent)
    record.withdrawn(side=message.sender, consent=consent, service=message.payload.service)


@MATCH_QUESTION.handler
def store_match_question(message: Received[MatchQuestion]) -> Later:
    """Store the question until the issuer has answered."""
    return matching.store_question(message=message)


@MATCH_QUESTION.undelivered
def note_unanswered(message: Undelivered) -> None:
    """End the link that will have no answer."""
    matching.no_answer(link=message.conversation, peer=message.receiver)


@MATCH_ANSWER.handler
def take_match_answer(message: Received[MatchAnswer]) -> None:
    """Take the issuer's word on a link that this side asked about."""
    matching.take_answer(message=message)


@MATCH_ANSWER.undelivered
def note_unheard(message: Undelivered) -> None:
    """End the link of which the asking side has not heard that it counts."""
    linking.unlinked(side=message.receiver, key=message.conversation)


@UNLINKED.handler
def end_link(message: Received[Unlinked]) -> None:
    """End the link here as well."""
    linking.unlinked(side=message.sender, key=uuid.UUID(bytes=message.payload.link))
