"""Reads: the register's answer to a question, and what pages and the API show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from kouan.apps.validation.domain import (
    Algorithm,
    DocumentState,
    JobState,
    Outcome,
    Reference,
    outcome_of,
    state_of,
)
from kouan.apps.validation.errors import NotAMember, UnknownDocument, UnknownInstitution, UnknownValidation
from kouan.apps.validation.models import Institution, RegisteredDocument, Validation
from kouan.core.database.rows import among, fetch, select, stored
from kouan.core.database.rows import look_up as look_up_rows
from kouan.core.errors import KouanError
from kouan.core.exchange.models import Batch, OutboxMessage
from kouan.core.sides import get_side
from kouan.core.text import Localised

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db.models import QuerySet

PAGE: Final = 25
"""Documents on one page of the register."""
_REGISTER: Final = (
    "SELECT d.reference, d.institution_id, d.type, d.algorithm, d.digest, d.issued_on, d.expires_on, "
    "d.revoked_on, i.code, i.name_en, i.name_zh_hant, i.name_zh_hans "
    "FROM validation_registereddocument d JOIN validation_institution i ON i.id = d.institution_id "
    "LEFT JOIN validation_bulkjob j ON j.id = d.job_id WHERE (d.job_id IS NULL OR j.state = 'done')"
)
"""What ``on_the_register`` says, in the words of the database: every question asks it."""
_TIMES: Final = ((Batch, "b", ("sealed_at", "receipted_at")),)
_OF_QUESTION: Final = (
    f"FROM {OutboxMessage._meta.db_table} m LEFT JOIN {Batch._meta.db_table} b ON b.id = m.batch_id "
    "WHERE m.conversation = %s ORDER BY m.id DESC LIMIT 1"
)
"""The newest message of a conversation: an operator may have sent the question again."""
GIVEN_UP_AFTER: Final = timedelta(hours=49)
"""A question and its answer may each be a day on their way; after that none will come."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuing institution, as an answer names it."""

    code: str
    name: Localised


@dataclass(frozen=True, slots=True)
class About:
    """Whose document a question was about, and of what kind; for counting alone."""

    institution_id: int
    type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the register says about one reference and fingerprint.

    Only an outcome that discloses has an issuer, a type and dates.
    """

    outcome: Outcome
    decided_at: datetime
    """In UTC, to the second."""
    issuer: Issuer | None = None
    document_type: str = ""
    issued_on: date | None = None
    expires_on: date | None = None
    revoked_on: date | None = None
    about: About | None = None
    """Whose document was asked about, whatever the outcome; it stays here."""


def today(now: datetime | None = None) -> date:
    """Return this side's date."""
    return get_side(settings.NODE.side).day_of(now or timezone.now())


def on_the_register() -> QuerySet[RegisteredDocument]:
    """Return the documents that are on the register, with their institutions.

    The rows of a file of many count from the moment when the whole of it was taken.
    """
    counts = Q(job__isnull=True) | Q(job__state=JobState.DONE)
    return RegisteredDocument.objects.select_related("institution").filter(counts)


def look_up(
    *,
    reference: str,
    digest: bytes,
    algorithm: Algorithm = Algorithm.SHA_256,
    now: datetime | None = None,
) -> Answer:
    """Return the register's answer about the fingerprint ``digest`` (32 bytes).

    Computed in another way than the institution's, it is another fingerprint: a mismatch.
    """
    return look_up_many([(reference, digest, algorithm)], now=now)[0]


def look_up_many(
    asked: Sequence[tuple[str, bytes, Algorithm]], *, now: datetime | None = None
) -> list[Answer]:
    """Return the register's answers about references with fingerprints, in order."""
    now = now or timezone.now()
    where, params = among("d.reference", [reference for reference, _, _ in asked])
    found = {row[0]: row for row in select(f"{_REGISTER} AND {where}", params)} if asked else {}
    day, decided_at = today(now), now.astimezone(UTC).replace(microsecond=0)
    return [
        _answer(found.get(reference), digest, algorithm, day, decided_at)
        for reference, digest, algorithm in asked
    ]


def _answer(
    row: tuple[Any, ...] | None, digest: bytes, algorithm: Algorithm, day: date, decided_at: datetime
) -> Answer:
    if row is None:
        return Answer(outcome_of(registered=None, asked=digest, state=None), decided_at)
    _, institution_id, kind, computed, registered, issued_on, expires_on, revoked_on, code, *names = row
    about = About(institution_id, kind)
    outcome = outcome_of(
        registered=bytes(registered),
        asked=digest if computed == algorithm else b"",
        state=state_of(revoked_on=revoked_on, expires_on=expires_on, today=day),
    )
    if not outcome.discloses:
        return Answer(outcome, decided_at, about=about)
    issuer = Issuer(code, Localised(*names))
    return Answer(outcome, decided_at, issuer, kind, issued_on, expires_on, revoked_on, about)


def institution(code: str) -> Institution:
    """Return an institution; raises ``UnknownInstitution``."""
    found = Institution.objects.filter(code=code).first()
    if found is None:
        raise UnknownInstitution(code=code[:40])
    return found


def institutions_of(user: AbstractBaseUser | AnonymousUser) -> list[Institution]:
    """Return the institutions that an officer works for; raises ``NotAMember`` when there is none."""
    found = list(Institution.objects.filter(memberships__user_id=user.pk).order_by("code")) if user.pk else []
    if not found:
        raise NotAMember
    return found


def document(reference: str, *, of: list[Institution]) -> RegisteredDocument:
    """Return one document of these institutions; raises ``UnknownDocument`` for any other."""
    try:
        written = str(Reference.parse(reference))
    except KouanError:
        written = ""
    found = (
        on_the_register()
        .select_related("registered_by", "registered_with", "revoked_by")
        .filter(reference=written, institution__in=of)
        .first()
    )
    if found is None:
        raise UnknownDocument(reference=(written or reference)[:40])
    return found


def documents(
    *, of: list[Institution], search: str = "", state: DocumentState | None = None
) -> QuerySet[RegisteredDocument]:
    """Return the institutions' documents, the newest first.

    ``search`` is a whole reference or any part of one, in any way of writing it.
    """
    found = on_the_register().filter(institution__in=of).order_by("-pk")
    if search.strip():
        found = found.filter(_matches(search))
    day = today()
    match state:
        case DocumentState.REVOKED:
            return found.filter(revoked_on__isnull=False)
        case DocumentState.EXPIRED:
            return found.filter(revoked_on__isnull=True, expires_on__lt=day)
        case DocumentState.VALID:
            return found.filter(Q(expires_on__isnull=True) | Q(expires_on__gte=day), revoked_on__isnull=True)
        case None:
            return found


def _matches(search: str) -> Q:
    try:
        return Q(reference=str(Reference.parse(search)))
    except KouanError:
        return Q(reference__contains=search.strip().upper()[:40])


def validation(key: uuid.UUID) -> Validation:
    """Return a validation by its secret address; raises ``UnknownValidation``."""
    found = fetch(Validation, "id = %s", [stored(key)])
    if not found:
        raise UnknownValidation
    return found[0]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a question is: each time is ``None`` until it has happened."""

    asked_at: datetime
    sealed_at: datetime | None
    """When the question was signed, sealed and sent."""
    received_at: datetime | None
    """When the other side's signed receipt was here."""
    answered_at: datetime | None
    failure: str
    """The error's code, if there will be no answer."""

    @property
    def open(self) -> bool:
        """Whether an answer may still come."""
        return self.answered_at is None and not self.failure

    @property
    def crossed(self) -> Literal["yes", "not-yet", "nothing"]:
        """Whether the question crossed: only a receipt or the answer proves it."""
        if self.received_at is not None or self.answered_at is not None:
            return "yes"
        return "nothing" if self.failure and self.sealed_at is None else "not-yet"


def answer_of(item: Validation) -> Answer | None:
    """Return the answer that a validation got, ``None`` while it is open."""
    if item.answered_at is None or item.decided_at is None:
        return None
    name = item.issuer_name
    return Answer(
        Outcome(item.outcome),
        item.decided_at.astimezone(UTC),
        issuer=Issuer(item.issuer_code, name) if name is not None else None,
        document_type=item.document_type,
        issued_on=item.issued_on,
        expires_on=item.expires_on,
        revoked_on=item.revoked_on,
    )


def progress(item: Validation) -> Progress:
    """Return how far the question of a validation is."""
    sealed_at = received_at = None
    if item.conversation is not None:
        for sealed, received in look_up_rows(_TIMES, _OF_QUESTION, (stored(item.conversation),)):
            sealed_at, received_at = sealed, received
    failure = item.failure
    if not failure and item.answered_at is None and timezone.now() - item.asked_at > GIVEN_UP_AFTER:
        failure = "no-answer"
    return Progress(item.asked_at, sealed_at, received_at, item.answered_at, failure)


def crossed(item: Validation) -> list[uuid.UUID]:
    """Return the ids of the question and, once it is here, the answer: what the evidence is about."""
    question = _question(item.conversation) if item.conversation else None
    return [key for key in (question.message_id if question else None, item.answer_id) if key is not None]


def _question(conversation: uuid.UUID) -> OutboxMessage | None:
    """Return the question's message; the newest, since an operator may have sent it again."""
    return OutboxMessage.objects.only("message_id").filter(conversation=conversation).order_by("-pk").first()
