"""Drafts: begun, filled in page by page on any device, carried over to a new version, put away.

Whoever writes says what they had seen (``seen``); what was changed elsewhere meanwhile is not overwritten.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import rfc8785
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.services.applying import errors
from kouan.apps.services.applying.offers import fits
from kouan.apps.services.applying.prefilling import prefilled
from kouan.apps.services.catalogue import queries as catalogue
from kouan.apps.services.catalogue.errors import ServiceWithdrawn, UnknownService
from kouan.apps.services.definition.answers import files as files_in
from kouan.apps.services.definition.form import clean
from kouan.apps.services.domain import State
from kouan.apps.services.models import Application, ApplicationEvent, Cosignature
from kouan.apps.services.sealing import seal_json, unseal_json
from kouan.core.credentials import Holder
from kouan.core.database.locks import take_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from kouan.apps.services.definition.model import Definition, Need
    from kouan.web.persons import Person

OPEN: Final = (State.DRAFT, State.COSIGNING)
MOST_DRAFTS: Final = 50
"""Drafts that one person keeps at a time."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An application with what is sealed in it, and the version of the service that it is for."""

    row: Application
    definition: Definition
    answers: dict[str, Any]
    picks: dict[str, dict[str, Any]]
    """By requirement: ``{"offer": …, "version": …, "claims": […]}`` or ``{"upload": true}``."""
    withdrawn: bool = False
    """The department offers it no more."""
    carried: bool = False
    """A newer version has just taken the place of the one that it was begun with."""

    @property
    def seen(self) -> str:
        """What a page says that it has seen."""
        return stamp(self.row.updated_at)

    @property
    def editable(self) -> bool:
        """Whether anything of it can be changed now."""
        return State(self.row.state) in {*OPEN, State.CORRECTION}

    @property
    def needs(self) -> list[Need]:
        """What is to be shown: representation only by who acts for another."""
        return [
            need
            for need in self.definition.needs
            if need.requirement != "representation" or self.row.acts_for != "self"
        ]

    def must(self, need: Need) -> bool:
        """Whether it may not be left out."""
        return need.needed or need.requirement == "representation"

    def digest(self) -> bytes:
        """Return the fingerprint of what a cosigner signs."""
        return hashlib.sha256(
            rfc8785.dumps(
                {
                    "version": bytes(self.row.digest).hex(),
                    "acts_for": self.row.acts_for,
                    "answers": self.answers,
                    "picks": {name: self._picked(name) for name in self.picks},
                }
            )
        ).digest()

    def _picked(self, requirement: str) -> dict[str, Any]:
        """Return what is shown for a requirement: evidence as it was chosen, or which files."""
        pick = self.picks[requirement]
        if not pick.get("upload"):
            return {name: pick[name] for name in ("offer", "version", "claims") if name in pick}
        files = self.row.files.filter(place=f"needs.{requirement}").values_list("sha256", flat=True)
        return {"files": sorted(bytes(each).hex() for each in files)}


def stamp(at: datetime) -> str:
    """Return a time so exactly that no two writes share it."""
    return str(round(at.timestamp() * 1_000_000))


def holder_of(person: Person) -> Holder:
    """Return the person as the keepers of evidence know them."""
    return Holder(
        key=person.key,
        level=person.level,
        document_number=person.document_number,
        document_type=person.document_type,
    )


# Beginning


def begin(
    *, person: Person, side: str, service: str, language: str, attributes: Mapping[str, str]
) -> Application:
    """Return a person's draft for a service: the one that is open, or a new one that is half filled already.

    Raises ``ApplyAtHome``, ``NotForYou``, ``SignInTooLow``, ``TooManyDrafts`` and what ``published`` raises.
    """
    definition = offered(side, service)
    if person.level < definition.level:
        raise errors.SignInTooLow(needed=definition.level)
    now = timezone.now()
    with transaction.atomic():
        _take_turn(person, side, service)
        found = Application.objects.filter(
            person=person.key, peer=side, service=service, state__in=OPEN
        ).first()
        if found is not None:
            return found
        if Application.objects.filter(person=person.key, state__in=OPEN).count() >= MOST_DRAFTS:
            raise errors.TooManyDrafts(most=MOST_DRAFTS)
        row = Application(
            key=uuid.uuid4(),
            person=person.key,
            peer=side,
            service=service,
            version=definition.version,
            digest=definition.digest(),
            state=State.DRAFT,
            acts_for=definition.acts_for[0],
            language=language,
            created_at=now,
            updated_at=now,
            expires_at=now + timedelta(days=definition.waits.draft_days),
        )
        row.answers = seal_json(
            prefilled(definition, holder_of(person), attributes), of=f"application {row.key} answers"
        )
        row.save()
        note(row, "begun", at=now)
    return row


def _take_turn(person: Person, side: str, service: str) -> None:
    """Let a person begin once at a time, so that two windows come to the same draft."""
    take_turn(f"application of {person.key} for {side}/{service}")


def offered(side: str, service: str) -> Definition:
    """Return a service that residents of this side may apply for here.

    Raises ``ApplyAtHome``, ``NotForYou``, ``UnknownService`` or ``ServiceWithdrawn``.
    """
    if side == settings.NODE.side:
        raise errors.ApplyAtHome
    definition = catalogue.published(side, service)
    if settings.NODE.side not in definition.homes:
        raise errors.NotForYou
    return definition


def again(*, key: uuid.UUID, person: Person, language: str) -> Application:
    """Begin anew with the answers of an application that came to nothing; returns the draft.

    A draft that is open for the service already is returned as it is. Files are attached anew.
    """
    old = opened(mine(key, person))
    if State(old.row.state) not in {State.NOT_TAKEN, State.LAPSED, State.WITHDRAWN, State.REFUSED}:
        raise errors.NotYourTurn
    side, service = old.row.peer, old.row.service
    with transaction.atomic():
        _take_turn(person, side, service)
        found = Application.objects.filter(person=person.key, peer=side, service=service, state__in=OPEN)
        if (already := found.first()) is not None:
            return already
        new = begin(person=person, side=side, service=service, language=language, attributes={})
        answers = without(old.answers, files_in(old.definition.form, old.answers))
        change(key=new.key, person=person, seen=opened(new).seen, acts_for=old.row.acts_for, answers=answers)
    return new


def without(answers: Any, paths: Collection[str], at: str = "") -> Any:
    """Return answers with those at some paths left out."""
    if isinstance(answers, dict):
        return {
            name: without(each, paths, f"{at}{name}.")
            for name, each in answers.items()
            if f"{at}{name}" not in paths
        }
    if isinstance(answers, list):
        return [without(each, paths, f"{at}{place}.") for place, each in enumerate(answers)]
    return answers


# Opening


def mine(key: uuid.UUID, person: Person) -> Application:
    """Return a person's application; raises ``UnknownApplication`` for anybody else's."""
    row = Application.objects.filter(key=key, person=person.key).first() if person.key else None
    if row is None:
        raise errors.UnknownApplication
    return row


def opened(row: Application) -> Draft:
    """Return an application with its content; an open draft is carried over to what is published now."""
    definition, withdrawn = catalogue.version(bytes(row.digest)), False
    if State(row.state) in OPEN:
        try:
            definition = catalogue.published(row.peer, row.service)
        except (ServiceWithdrawn, UnknownService):
            withdrawn = True
    answers = unseal_json(row.answers, of=f"application {row.key} answers") or {}
    picks = unseal_json(row.picks, of=f"application {row.key} picks") or {}
    if withdrawn or definition.digest() == bytes(row.digest):
        return Draft(row, definition, answers, picks, withdrawn=withdrawn)
    return _carried_over(row, definition, answers, picks)


def _carried_over(
    row: Application, definition: Definition, answers: dict[str, Any], picks: dict[str, dict[str, Any]]
) -> Draft:
    """Keep what the new version still asks; the check page holds all of it against the new form."""
    before, now = row.updated_at, timezone.now()
    answers = clean(definition.form, answers)
    needs = {need.requirement: need for need in definition.needs}
    picks = {name: pick for name, pick in picks.items() if name in needs and fits(pick, needs[name])}
    with transaction.atomic():
        done = Application.objects.filter(pk=row.pk, updated_at=before, state__in=OPEN).update(
            version=definition.version,
            digest=definition.digest(),
            answers=seal_json(answers, of=f"application {row.key} answers"),
            picks=seal_json(picks, of=f"application {row.key} picks"),
            acts_for=row.acts_for if row.acts_for in definition.acts_for else definition.acts_for[0],
            updated_at=now,
        )
        if done:
            _unsign(row)
            note(row, "carried-over", at=now)
    row.refresh_from_db()
    return Draft(row, definition, answers, picks, carried=True)


# Changing


def change(  # noqa: PLR0913 - all that may be changed, by name
    *,
    key: uuid.UUID,
    person: Person,
    seen: str,
    answers: Mapping[str, Any] | None = None,
    picks: Mapping[str, Mapping[str, Any]] | None = None,
    acts_for: str | None = None,
    also: Callable[[Application], None] | None = None,
) -> Draft:
    """Write to a draft, or to answers that the department asked to have corrected.

    ``also`` runs in the same transaction, such as keeping a file. Raises ``Stale``, ``NotEditable`` or
    ``UnknownApplication``; then nothing is written.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().filter(key=key, person=person.key).first()
        if row is None:
            raise errors.UnknownApplication
        draft = opened(row)
        if not draft.editable:
            raise errors.NotEditable
        if stamp(row.updated_at) != seen:
            raise errors.Stale
        values = _changed(draft, answers, picks, acts_for)
        before = row.updated_at
        if not Application.objects.filter(pk=row.pk, updated_at=before, state=row.state).update(**values):
            raise errors.Stale
        if also is not None:
            also(row)
        if State(row.state) in OPEN:
            _unsign(row)
    row.refresh_from_db()
    return opened(row)


def _changed(
    draft: Draft,
    answers: Mapping[str, Any] | None,
    picks: Mapping[str, Mapping[str, Any]] | None,
    acts_for: str | None,
) -> dict[str, Any]:
    """Return the columns that a change writes."""
    row, definition = draft.row, draft.definition
    values: dict[str, Any] = {"updated_at": _after(row.updated_at)}
    if answers is not None:
        cleaned = clean(definition.form, answers)
        values["answers"] = seal_json(cleaned, of=f"application {row.key} answers")
    if picks is not None:
        values["picks"] = seal_json(picks, of=f"application {row.key} picks")
    if acts_for is not None and acts_for in definition.acts_for:
        values["acts_for"] = acts_for
    if State(row.state) is State.DRAFT:
        values["expires_at"] = timezone.now() + timedelta(days=definition.waits.draft_days)
        values["reminded_at"] = None
    return values


def _after(before: datetime) -> datetime:
    """Return now, or the next microsecond where the clock has not moved: two writes never look alike."""
    return max(timezone.now(), before + timedelta(microseconds=1))


def _unsign(row: Application) -> None:
    """Ask again everybody who has signed what is no longer so."""
    row.cosignatures.filter(state=Cosignature.State.SIGNED).update(
        state=Cosignature.State.ASKED, answered_at=None
    )


def discard(*, key: uuid.UUID, person: Person) -> None:
    """Erase a draft with all that is in it; raises ``NotEditable`` for what was sent."""
    with transaction.atomic():
        mine(key, person)
        if not erase(Application.objects.filter(key=key, person=person.key, state__in=OPEN)):
            raise errors.NotEditable


def erase(rows: QuerySet[Application]) -> bool:
    """Erase an application with all that is in it, in the caller's transaction; false where there is none.

    It is held first, and only if it is one of ``rows`` still: Django reads what belongs to a row before it
    deletes, and deletes by number alone, whatever has become of the row meanwhile.
    """
    row = rows.select_for_update().first()
    if row is None:
        return False
    row.delete()
    return True


def note(
    row: Application, kind: str, *, at: datetime, told: Mapping[str, Any] | None = None, state: str = ""
) -> ApplicationEvent:
    """Add a line of this node's own to an application's story."""
    event = ApplicationEvent(application=row, at=at, ours=True, kind=kind, state=state or row.state)
    if told:
        event.told = seal_json(dict(told), of=f"application {row.key} event")
    event.save()
    return event
