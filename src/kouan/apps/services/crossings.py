"""All that this app lets over the boundary.

The catalogue crosses as whole definitions. An application goes from the applicant's side to the side that
offers the service, with what its form asks, what evidence the person ticked and the files they attached;
each step of the case comes back, and the result. Everything about one application is one conversation.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from kouan.apps.services.definition.model import MAX_DEFINITION
from kouan.apps.services.payloads import (
    MAX_FILE,
    MAX_FILES,
    ApplicantActed,
    ApplicantActed1,
    ApplicationSubmitted,
    CaseGranted,
    CaseMoved,
    CatalogueListed,
    ServicePublished,
    ServicesWanted,
)
from kouan.core.exchange import Consent, Crossing, Keep, Received, Undelivered
from kouan.core.exchange.blobs.reference import BlobLimit
from kouan.core.exchange.crossing import Told, UndeclaredCrossing

CATALOGUE_BASIS: Final = "services-catalogue"
"""What telling each other of services rests on: it is about nobody."""
APPLICATION_BASIS: Final = "public-services"
"""What applications and their cases rest on."""

_OWN = _("The person sends it themselves, and has seen and agreed to each part of it.")
_BACK = _("It tells the person how their own application stands, at the node where they made it.")
_NOBODY = _("It is about services, and about no person.")


def _declare(**given: Any) -> Crossing[Any]:
    return Crossing(**({"version": 1} | given))


SERVICE_PUBLISHED: Final[Crossing[ServicePublished]] = _declare(
    type="services.published",
    payload=ServicePublished,
    title=_("Published service"),
    purpose=_("To show the other side's residents a service that they may apply for."),
    purpose_code="dpv:ServiceProvision",
    legal_basis=CATALOGUE_BASIS,
    fields={"definition": _("All that the catalogue shows of it and its form asks, as canonical JSON")},
    elements={"definition": "matter.text organisation.name"},
    max_bytes=MAX_DEFINITION + 1024,
    consent=Consent.NOT_NEEDED,
    consent_reason=_NOBODY,
    expires_after=timedelta(days=7),
)
CATALOGUE_LISTED: Final[Crossing[CatalogueListed]] = _declare(
    type="services.catalogue",
    payload=CatalogueListed,
    title=_("List of published services"),
    purpose=_("To keep the other side's copy of the catalogue fresh, and end what is no longer offered."),
    purpose_code="dpv:ServiceProvision",
    legal_basis=CATALOGUE_BASIS,
    fields={
        "at": _("When the list was made"),
        "part": _("Which part of it this is"),
        "parts": _("How many parts there are"),
        "services": _("Each service, its version and its fingerprint"),
    },
    elements={
        "at": "technical.time",
        "part": "technical.number",
        "parts": "technical.number",
        "services": "technical.number technical.digest",
    },
    consent=Consent.NOT_NEEDED,
    consent_reason=_NOBODY,
    expires_after=timedelta(days=2),
)
SERVICES_WANTED: Final[Crossing[ServicesWanted]] = _declare(
    type="services.wanted",
    payload=ServicesWanted,
    title=_("Services that are missing here"),
    purpose=_("To ask for versions that were listed and did not arrive."),
    purpose_code="dpv:ServiceProvision",
    legal_basis=CATALOGUE_BASIS,
    fields={"digests": _("Their fingerprints")},
    elements={"digests": "technical.digest"},
    consent=Consent.NOT_NEEDED,
    consent_reason=_NOBODY,
    expires_after=timedelta(days=2),
)
APPLICATION: Final[Crossing[ApplicationSubmitted]] = _declare(
    type="services.application",
    payload=ApplicationSubmitted,
    title=_("Application for a service"),
    purpose=_("To apply for a public service of the other side."),
    purpose_code="dpv:ServiceProvision",
    legal_basis=APPLICATION_BASIS,
    fields={
        "application": _("Its random number"),
        "service": _("The service"),
        "version": _("Its version"),
        "digest": _("The fingerprint of that version"),
        "subject": _("What the department's side knows the person by; no other side has the same"),
        "level": _("How surely the person had signed in"),
        "language": _("The script that they read"),
        "acts_for": _("Whether it is for themselves, for another person or for a company"),
        "answers": _("What they answered to the form's questions"),
        "kinds": _("The kinds of data in answers, evidence and files"),
        "evidence": _("Credentials of their side's departments, with the claims that they ticked"),
        "attachments": _("Files that they attached"),
        "cosigners": _("Who else signed it"),
        "consent": _("The receipt of their consent, signed by their side"),
        "at": _("When they sent it"),
    },
    elements={
        "application": "technical.number",
        "service": "technical.number",
        "version": "technical.number",
        "digest": "technical.digest",
        "subject": "person.pseudonym",
        "level": "person.sign-in",
        "language": "technical.outcome",
        "acts_for": "technical.outcome",
        "answers": "technical.outcome",
        "kinds": "technical.outcome",
        "evidence": "technical.proof",
        "attachments": "technical.outcome",
        "cosigners": "person.pseudonym person.name person.sign-in",
        "consent": "technical.proof",
        "at": "technical.time",
    },
    tells=lambda payload: Told(frozenset(payload.kinds), "dpv:ServiceProvision", payload.subject),
    max_bytes=1 << 20,
    blobs=BlobLimit(most=MAX_FILES, each_bytes=MAX_FILE),
    consent=Consent.REQUIRED,
    consent_reason=_OWN,
    keep=Keep.UNTIL_HANDLED,
    expires_after=timedelta(days=7),
)


def _applicant(*, fields: dict[str, Any], elements: dict[str, str], **given: Any) -> Crossing[Any]:
    return _declare(
        type="services.applicant",
        purpose=_("To correct, add to, ask about, appeal or withdraw one's own application."),
        purpose_code="dpv:ServiceProvision",
        legal_basis=APPLICATION_BASIS,
        fields={
            "application": _("The application's random number"),
            "action": _("What the applicant does"),
            "answers": _("The corrected answers"),
            "words": _("What they write to the department"),
            "kinds": _("The kinds of data in answers, evidence and files"),
            "evidence": _("Credentials that they add"),
            "attachments": _("Files that they add"),
            "consent": _("The receipt of their consent to what they add, signed by their side"),
            "at": _("When"),
        }
        | fields,
        elements={
            "application": "technical.number",
            "action": "technical.outcome",
            "answers": "technical.outcome",
            "words": "person.statement",
            "kinds": "technical.outcome",
            "evidence": "technical.proof",
            "attachments": "technical.outcome",
            "consent": "technical.proof",
            "at": "technical.time",
        }
        | elements,
        tells=lambda payload: Told(frozenset(payload.kinds), "dpv:ServiceProvision"),
        max_bytes=1 << 20,
        blobs=BlobLimit(most=MAX_FILES, each_bytes=MAX_FILE),
        consent=Consent.REQUIRED,
        consent_reason=_OWN,
        keep=Keep.UNTIL_HANDLED,
        expires_after=timedelta(days=7),
        **given,
    )


APPLICANT_ACTED: Final[Crossing[ApplicantActed]] = _applicant(
    version=2,
    payload=ApplicantActed,
    title=_("Word of the applicant"),
    fields={"level": _("How surely the person had signed in")},
    elements={"level": "person.sign-in"},
)
APPLICANT_ACTED_1: Final[Crossing[ApplicantActed1]] = _applicant(
    version=1,
    payload=ApplicantActed1,
    title=_("Word of the applicant (to nodes that are not told in which sign-in)"),
    fields={},
    elements={},
)
"""Sent about an application whose receiver's node has refused version 2 of it."""
CASE_MOVED: Final[Crossing[CaseMoved]] = _declare(
    type="services.case",
    payload=CaseMoved,
    title=_("Step of a case"),
    purpose=_("To tell the applicant of each step of their case, of each question, and who has read it."),
    purpose_code="dpv:ServiceProvision",
    legal_basis=APPLICATION_BASIS,
    fields={
        "application": _("The application's random number"),
        "seq": _("The step's number within the case"),
        "kind": _("What was done"),
        "state": _("What the case has come to"),
        "reference": _("The case's number, as people quote it"),
        "by": _("The department"),
        "words": _("What the department writes to the applicant"),
        "ask": _("Which answers or proofs are to be corrected or added"),
        "due_on": _("Until when"),
        "pay_at": _("Where the fee is paid"),
        "at": _("When"),
    },
    elements={
        "application": "technical.number",
        "seq": "technical.number",
        "kind": "technical.outcome",
        "state": "technical.outcome",
        "reference": "technical.number",
        "by": "organisation.name",
        "words": "person.statement",
        "ask": "technical.outcome",
        "due_on": "technical.time",
        "pay_at": "technical.key",
        "at": "technical.time",
    },
    consent=Consent.NOT_NEEDED,
    consent_reason=_BACK,
    expires_after=timedelta(days=30),
)
CASE_GRANTED: Final[Crossing[CaseGranted]] = _declare(
    type="services.result",
    payload=CaseGranted,
    title=_("Result of a case"),
    purpose=_("To hand the applicant what they applied for, signed."),
    purpose_code="dpv:ServiceProvision",
    legal_basis=APPLICATION_BASIS,
    fields={
        "application": _("The application's random number"),
        "seq": _("The step's number within the case"),
        "reference": _("The case's number, as people quote it"),
        "by": _("The department"),
        "words": _("What the department writes to the applicant"),
        "document": _("The result as a signed PDF"),
        "credential": _("The same as a credential"),
        "at": _("When"),
    },
    elements={
        "application": "technical.number",
        "seq": "technical.number",
        "reference": "technical.number",
        "by": "organisation.name",
        "words": "person.statement",
        "document": "person.file",
        "credential": "technical.proof person.statement",
        "at": "technical.time",
    },
    blobs=BlobLimit(most=1, each_bytes=MAX_FILE),
    consent=Consent.NOT_NEEDED,
    consent_reason=_BACK,
    expires_after=timedelta(days=30),
)


# What handles them. They send some of the above themselves, and so are only known from here on.

from kouan.apps.services.applying import acting, following  # noqa: E402 - see above
from kouan.apps.services.cases import receiving, telling  # noqa: E402 - see above
from kouan.apps.services.catalogue import federation  # noqa: E402 - see above


@SERVICE_PUBLISHED.handler
def keep_service(message: Received[ServicePublished]) -> None:
    """Show it here."""
    federation.published(message=message)


@CATALOGUE_LISTED.handler
def compare_catalogue(message: Received[CatalogueListed]) -> None:
    """End what is no longer listed, and ask for what is missing."""
    federation.listed(message=message)


@SERVICES_WANTED.handler
def send_services(message: Received[ServicesWanted]) -> None:
    """Send what is still published of it."""
    federation.wanted(message=message)


@APPLICATION.handler
def open_case(message: Received[ApplicationSubmitted]) -> None:
    """Check it whole and open a case; what does not fit its service is refused."""
    receiving.opened(message=message)


@APPLICATION.undelivered
def note_not_taken(message: Undelivered) -> None:
    """Tell the applicant that it became no case, and why."""
    following.not_taken(message=message)


@APPLICANT_ACTED.handler
def take_word(message: Received[ApplicantActed]) -> None:
    """Carry out what the applicant wants, if the case's state and their sign-in let them."""
    receiving.acted(message=message)


@APPLICANT_ACTED_1.handler
def take_word_1(message: Received[ApplicantActed1]) -> None:
    """Carry out what the applicant wants, if the case's state lets them."""
    receiving.acted(message=message)


@APPLICANT_ACTED.undelivered
def note_unknown_word(message: Undelivered) -> None:
    """Say it in the version before to a node that does not know this one; else tell the applicant."""
    if message.code != UndeclaredCrossing.code or not acting.said_as_before(message=message):
        following.word_not_taken(message=message)


@APPLICANT_ACTED_1.undelivered
def note_word_not_taken(message: Undelivered) -> None:
    """Tell the applicant that it had no effect, and why."""
    following.word_not_taken(message=message)


@CASE_MOVED.handler
def keep_step(message: Received[CaseMoved]) -> None:
    """Show the applicant how their case stands."""
    following.moved(message=message)


@CASE_GRANTED.handler
def keep_result(message: Received[CaseGranted]) -> None:
    """Keep the result for the applicant."""
    following.granted(message=message)


@CASE_MOVED.undelivered
@CASE_GRANTED.undelivered
def note_not_told(message: Undelivered) -> None:
    """Let the officer see that the applicant's side did not take it."""
    telling.not_told(message=message)
