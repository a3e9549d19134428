"""Writes: institutions and their access, registering and revoking documents, asking about a file."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from kouan.apps.validation import marks, queries
from kouan.apps.validation.asking import Question, ask_many
from kouan.apps.validation.domain import Algorithm, DocumentType, Reference, RevocationReason
from kouan.apps.validation.errors import (
    AlreadyRegistered,
    AlreadyRevoked,
    BadInstitutionCode,
    BadToken,
    DamagedFile,
    DifferentReference,
    ExpiryInThePast,
    InstitutionExists,
    NoMark,
    UnusableJSON,
)
from kouan.apps.validation.marks import INSTITUTION_CODE, Mark
from kouan.apps.validation.marks.errors import UnnamedCredential
from kouan.apps.validation.models import AccessToken, Institution, Membership, RegisteredDocument, Validation
from kouan.core.database.rows import fetch
from kouan.web import tokens
from kouan.web.access import grant_role

if TYPE_CHECKING:
    from datetime import date, timedelta

    from django.contrib.auth.models import User

    from kouan.core.text import Localised


_OF_TOKEN: Final = ("id", "institution_id", "expires_at", "revoked_at", "last_used_at")
"""What is read of a token with each request; the rest of it where somebody asks for that."""

# Institutions and who acts for them


def add_institution(*, code: str, name: Localised) -> Institution:
    """Add an issuing institution; raises ``BadInstitutionCode`` or ``InstitutionExists``."""
    if not re.fullmatch(INSTITUTION_CODE, code):
        raise BadInstitutionCode
    try:
        with transaction.atomic():
            return Institution.objects.create(
                code=code,
                name_en=name.en,
                name_zh_hant=name.zh_hant,
                name_zh_hans=name.zh_hans,
                created_at=timezone.now(),
            )
    except IntegrityError:
        raise InstitutionExists(code=code) from None


def add_officer(*, institution: Institution, user: User) -> None:
    """Let an account's holder act for an institution; doing it twice is harmless."""
    with transaction.atomic():
        Membership.objects.get_or_create(institution=institution, user=user)
        grant_role(user=user, role="issuer")


def remove_officer(*, institution: Institution, user: User) -> None:
    """Take the institution from an officer; harmless when there is nothing to take."""
    Membership.objects.filter(institution=institution, user=user).delete()


def issue_token(*, institution: Institution, name: str, life: timedelta = tokens.LIFE) -> str:
    """Return a new access token for an institution's system. It is shown once and cannot be shown again."""
    made, now = tokens.new_token(), timezone.now()
    AccessToken.objects.create(
        institution=institution,
        name=name[:80],
        prefix=made.prefix,
        digest=made.digest,
        created_at=now,
        expires_at=now + life,
    )
    return made.token


def revoke_token(*, institution: Institution, prefix: str) -> int:
    """Revoke the institution's tokens that begin with ``prefix``; return how many."""
    return tokens.revoke(AccessToken.objects.filter(institution=institution), prefix)


def use_token(token: str) -> AccessToken:
    """Return the access that a token gives; raises ``BadToken``.

    It is looked up by hand: each request of a system comes by here, and most never ask for the institution.
    """
    rows = fetch(AccessToken, "digest = %s", [tokens.digest(token)], names=_OF_TOKEN)
    found = tokens.working(rows[0] if rows else None)
    if found is None:
        raise BadToken
    return found


# The register


@dataclass(frozen=True, slots=True)
class Registered:
    """A fresh registration and the file that the document's owner will carry."""

    document: RegisteredDocument
    carried: IO[bytes]
    """An unnamed temporary file, at its beginning; it is gone once closed."""
    size: int


def register(  # noqa: PLR0913 - what an institution says about a document, by name
    *,
    institution: Institution,
    source: IO[bytes],
    name: str,
    type: DocumentType,  # noqa: A002 - the field's own word
    expires_on: date | None = None,
    as_package: bool = False,
    algorithm: Algorithm = Algorithm.SHA_256,
    by: User | None = None,
    token: AccessToken | None = None,
) -> Registered:
    """Put a mark into a document and its fingerprint on the register.

    Raises the ``ValidationError`` that says why the document cannot be carried, or ``ExpiryInThePast``.
    Neither the document nor its salt is kept: the caller hands ``carried`` on, or it is lost.
    """
    now = timezone.now()
    day = queries.today(now)
    if expires_on is not None and expires_on < day:
        raise ExpiryInThePast
    mark = Mark.new(side=settings.NODE.side, issuer=institution.code, algorithm=algorithm)
    destination = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller, who closes it
    try:
        carried = marks.carry(source, destination, mark, name=name, as_package=as_package)
        document = _entered(
            reference=str(carried.reference),
            institution=institution,
            type=DocumentType(type).value,
            algorithm=carried.algorithm.value,
            digest=carried.digest,
            carried_as=carried.carried_as.value,
            issued_on=day,
            expires_on=expires_on,
            registered_at=now,
            registered_by=by,
            registered_with=token,
        )
    except BaseException:
        destination.close()
        raise
    destination.seek(0)
    return Registered(document, destination, carried.size)


def _entered(**values: Any) -> RegisteredDocument:
    """Enter a document; only the reference that a credential names by itself may be there already."""
    try:
        with transaction.atomic():
            return RegisteredDocument.objects.create(**values)
    except IntegrityError:
        raise AlreadyRegistered(reference=values["reference"]) from None


def revoke(
    *,
    document: RegisteredDocument,
    reason: RevocationReason,
    by: User | None = None,
    token: AccessToken | None = None,
) -> RegisteredDocument:
    """Take a document back for good; raises ``AlreadyRevoked``: the first revocation stands."""
    now = timezone.now()
    with transaction.atomic():
        row = RegisteredDocument.objects.select_for_update().select_related("institution").get(pk=document.pk)
        if row.revoked_on is not None:
            raise AlreadyRevoked(reference=row.reference, on=row.revoked_on.isoformat())
        row.revoked_at, row.revoked_on = now, queries.today(now)
        row.revocation_reason = RevocationReason(reason).value
        row.revoked_by, row.revoked_with = by, token
        row.save()
    return row


# Asking about a file


def validate_file(*, source: IO[bytes], typed: str = "") -> Validation:
    """Ask about a file that somebody holds; ``typed`` is a reference for a file that has lost its mark.

    Raises ``NoMark``, ``DamagedFile``, ``NotAReference``, ``DifferentReference``, or what ``ask`` may.
    """
    reference = Reference.parse(typed) if typed.strip() else None
    try:
        found = marks.examine(source)
    except UnusableJSON:  # its advice is for who makes the document, not for who was given it
        raise DamagedFile from None
    if found.damaged_mark:
        raise DamagedFile
    if found.reference is not None:
        if reference not in (None, found.reference):
            raise DifferentReference(carried=str(found.reference))
        reference = found.reference
    if reference is None:
        raise UnnamedCredential if found.credential is not None else NoMark
    return ask(reference=reference, digest=found.digest, size=found.size, algorithm=found.algorithm)


def ask(
    *,
    reference: Reference,
    digest: bytes,
    size: int | None = None,
    algorithm: Algorithm = Algorithm.SHA_256,
) -> Validation:
    """Ask the issuing side whether ``digest`` (32 bytes) is that of the referenced document.

    A document of this side is answered at once from the register. Otherwise the question is queued with
    the row that waits for its answer, or neither is. Raises ``UnknownSide``, or what ``send`` raises.
    """
    return ask_many([Question(reference, digest, algorithm, size)])[0]
