"""Others who must sign an application before it goes: asked by name and document number, replaced."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.services.applying import drafts, errors, news, sending
from kouan.apps.services.domain import State
from kouan.apps.services.models import Application, Cosignature
from kouan.core.errors import KouanError
from kouan.core.sides.recognising import recognised
from kouan.web.throttle import Throttle

if TYPE_CHECKING:
    from kouan.apps.services.applying.drafts import Draft
    from kouan.core.sides import DocumentNumber
    from kouan.web.persons import Person

_ASKED: Final = Throttle("application-cosigner", 20, timedelta(days=1))
_ROUNDS: Final = 2**14
_MOST_NAME: Final = 120
_STANDS: Final = (Cosignature.State.ASKED, Cosignature.State.SIGNED)


def _hardened(text: str, salt: bytes) -> bytes:
    """Return a digest that is slow to guess; the numbers of one kind of document are few."""
    return hashlib.scrypt(text.encode(), salt=salt, n=_ROUNDS, r=8, p=1, dklen=32)


def _kept(number: DocumentNumber) -> str:
    return f"{number.document.code}:{number.reveal()}"


def _is(row: Cosignature, number: DocumentNumber) -> bool:
    text = _kept(number) if row.document else number.reveal()
    return hmac.compare_digest(_hardened(text, bytes(row.document_salt)), bytes(row.document_digest))


def _of(person: Person) -> DocumentNumber | None:
    """Return the document that somebody signed in with; nothing where their sign-in shows none."""
    try:
        return recognised(person.document_number, side=settings.NODE.side, kind=person.document_type)
    except KouanError:
        return None


def ask(
    *, key: uuid.UUID, person: Person, name: str, document_number: str, document: str = ""
) -> Cosignature:
    """Ask somebody to sign; they are given the link by the applicant.

    ``document`` is the kind of their document; empty: as its number says. Raises ``CosignerNotPossible``,
    ``TooManyCosigners``, ``NotEditable``, or what ``recognised`` raises.
    """
    name = name.strip()
    number = recognised(document_number, side=settings.NODE.side, kind=document)
    if not name or len(name) > _MOST_NAME or not name.isprintable() or number is None:
        raise errors.CosignerNotPossible
    if number == _of(person):
        raise errors.CosignerNotPossible
    _ASKED.take(person.key)  # each tells whether a number is somebody's who is asked already
    salt, now = secrets.token_bytes(32), timezone.now()
    digest = _hardened(_kept(number), salt)
    with transaction.atomic():
        draft = _open(key, person)
        rows = list(draft.row.cosignatures.filter(state__in=_STANDS))
        most = draft.definition.cosigners.most
        if len(rows) >= most:
            raise errors.TooManyCosigners(most=most)
        if any(_is(row, number) for row in rows):
            raise errors.CosignerNotPossible
        Application.objects.filter(pk=draft.row.pk).update(
            state=State.COSIGNING,
            expires_at=now + timedelta(days=draft.definition.waits.cosigning_days),
            reminded_at=None,
        )
        return Cosignature.objects.create(
            key=uuid.uuid4(),
            application=draft.row,
            name=name,
            document_salt=salt,
            document_digest=digest,
            document=number.document.code,
            state=Cosignature.State.ASKED,
            asked_at=now,
        )


def take_back(*, key: uuid.UUID, person: Person, cosigner: uuid.UUID) -> None:
    """Ask somebody no more: a wrong one, or one who declined; another can take the place."""
    with transaction.atomic():
        draft = _open(key, person)
        rows = draft.row.cosignatures.filter(key=cosigner)
        if not rows.exclude(state=Cosignature.State.REPLACED).update(state=Cosignature.State.REPLACED):
            raise errors.UnknownCosigner
        if not draft.row.cosignatures.filter(state__in=_STANDS).exists():
            Application.objects.filter(pk=draft.row.pk).update(
                state=State.DRAFT,
                expires_at=timezone.now() + timedelta(days=draft.definition.waits.draft_days),
                reminded_at=None,
            )


def _open(key: uuid.UUID, person: Person) -> Draft:
    row = Application.objects.select_for_update().filter(key=key, person=person.key).first()
    if row is None:
        raise errors.UnknownApplication
    draft = drafts.opened(row)
    if State(row.state) not in drafts.OPEN or draft.withdrawn:
        raise errors.NotEditable
    return draft


# The cosigner


def open_request(key: uuid.UUID, person: Person) -> tuple[Cosignature, Draft]:
    """Return a request for the person who is signed in; raises ``UnknownCosigner`` or ``NotTheCosigner``."""
    row = (
        Cosignature.objects.select_related("application")
        .filter(key=key, state__in=_STANDS, application__state=State.COSIGNING)
        .first()
    )
    if row is None or (row.application.expires_at and row.application.expires_at <= timezone.now()):
        raise errors.UnknownCosigner
    number = _of(person)
    if person.key == row.application.person or number is None or not _is(row, number):
        raise errors.NotTheCosigner
    return row, drafts.opened(row.application)


def answer(*, key: uuid.UUID, person: Person, sign: bool, digest: str) -> Cosignature:
    """Sign, or decline, what was shown (``digest``).

    Raises ``Stale`` for what has changed since, ``SignInTooLow`` and what ``open_request`` raises.
    """
    with transaction.atomic():
        row, draft = open_request(key, person)
        if draft.digest().hex() != digest:
            raise errors.Stale
        if sign and person.level < draft.definition.level:
            raise errors.SignInTooLow(needed=draft.definition.level)
        now = timezone.now()
        state = Cosignature.State.SIGNED if sign else Cosignature.State.DECLINED
        # Only while the request stands: it may have been taken back since it was read.
        done = Cosignature.objects.filter(pk=row.pk, state__in=_STANDS).update(
            person=person.key,
            level=person.level,
            answered_at=now,
            answers_digest=draft.digest(),
            state=state,
        )
        if not done:
            raise errors.UnknownCosigner
        row.refresh_from_db()
        drafts.note(draft.row, "cosigned" if sign else "declined", at=now, told={"name": row.name})
        signed, open_ = sending.cosigned(drafts.opened(draft.row))
        if not sign:
            news.tell(draft.row, "declined")
        elif not open_ and len(signed) >= draft.definition.cosigners.least:
            news.tell(draft.row, "all-signed")
    return row
