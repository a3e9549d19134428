"""The next edition of this side's list, as officers prepare it: one draft at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.signing.lists import changes, entries, queries
from kouan.apps.signing.lists.document import time_text
from kouan.apps.signing.lists.domain import Contact, Entry, Status, StatusChange
from kouan.apps.signing.lists.errors import (
    BadTerm,
    DraftChanged,
    DraftTaken,
    EntryStays,
    IllFormedEntry,
    ListTooLong,
    NoDraft,
    OnlyDemonstration,
    PastRewritten,
    UnknownEntry,
)
from kouan.apps.signing.lists.labels import fault_words, field_name
from kouan.apps.signing.models import ListDraft, ListEvent
from kouan.core.database.locks import take_turn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kouan.core.text import Localised

DAYS: Final = 90
"""Until the next update, unless the officer says otherwise."""
_KILOBYTES: Final = 700


class Done(StrEnum):
    """What was done to a draft."""

    BEGUN = "begun"
    PUT = "put"
    """An entry was added or changed."""
    STATUS = "status"
    REMOVED = "removed"
    SUBMITTED = "submitted"
    TAKEN_BACK = "taken-back"
    PUBLISHED = "published"
    DROPPED = "dropped"


def begin(*, by: str) -> ListDraft:
    """Begin a draft with the entries of the newest edition; raises ``DraftTaken``."""
    with transaction.atomic():
        take_turn("signing-list-draft")
        if queries.draft() is not None:
            raise DraftTaken
        newest = queries.newest(settings.NODE.side)
        now = timezone.now()
        draft = ListDraft.objects.create(
            entries=[] if newest is None else [entries.mapping_of(each) for each in newest.entries],
            begun_by=by,
            begun_at=now,
        )
        _note(draft, Done.BEGUN, by)
    return draft


def entries_of(draft: ListDraft) -> tuple[Entry, ...]:
    """Return the entries of a draft."""
    return tuple(entries.entry_from(each) for each in draft.entries)


def put(*, given: Iterable[Entry], by: str, version: int | None = None) -> ListDraft:
    """Add entries to the draft, or change those of the same code.

    An entry that was published keeps its certificates, its beginning and its history; only its names, its
    last day and its policies can change, and its history grows. Raises ``NoDraft``, ``DraftChanged``,
    ``PastRewritten``, ``OnlyDemonstration`` or ``ListTooLong``.
    """
    with transaction.atomic():
        draft = open_draft(version)
        held = {each.code: each for each in entries_of(draft)}
        for entry in given:
            held[entry.code] = entry
            _note(draft, Done.PUT, by, entry.code)
        _keep(draft, tuple(held.values()))
    return draft


def edit(  # noqa: PLR0913 - what may change of an entry, by name
    *,
    code: str,
    name: Localised,
    provider: Localised,
    last_day: datetime,
    type_policies: tuple[str, ...],
    contact: Contact | None,
    by: str,
    version: int | None = None,
) -> ListDraft:
    """Change what may change of an entry; ``last_day`` is any moment of that day, ``contact`` the provider's.

    Raises as ``put``, ``UnknownEntry``, or ``IllFormedEntry``.
    """
    with transaction.atomic():
        draft = open_draft(version)
        entry = _entry(draft, code)
        until = entries.begins(last_day.astimezone(entries.ZONE).date() + timedelta(days=1))
        changed = Entry(
            code=code,
            name=name,
            provider=provider,
            certificate_type=entry.certificate_type,
            root=entry.root,
            issuing_ca=entry.issuing_ca,
            recognised_from=entry.recognised_from,
            recognised_until=until,
            history=entry.history,
            policy_prefix=entry.policy_prefix,
            type_policies=type_policies,
            contact=contact,
            demonstration=entry.demonstration,
        )
        if wrong := changes.sound(changed):
            raise IllFormedEntry(
                field=field_name(wrong), detail=fault_words(entries.Problem.ENDS_BEFORE), name=wrong
            )
        _note(draft, Done.PUT, by, code)
        _keep(draft, tuple(changed if each.code == code else each for each in entries_of(draft)))
    return draft


def change_status(  # noqa: PLR0913 - what a change is, by name
    *, code: str, status: Status, since: datetime, reason: str, by: str, version: int | None = None
) -> ListDraft:
    """Have an entry stand otherwise from a moment on. Raises as ``put``, or ``IllFormedEntry``."""
    with transaction.atomic():
        draft = open_draft(version)
        entry = _entry(draft, code)
        history = (*entry.history, StatusChange(status, since, reason))
        changed = entries.entry_from({**entries.mapping_of(entry), "history": _history(history)})
        same = entry.history[-1].status is status
        if same or changes.sound(changed) or not entries.is_words(reason, entries.MAX_REASON):
            raise IllFormedEntry(
                field=field_name("history"), detail=fault_words(entries.Problem.HISTORY), name="since"
            )
        _note(draft, Done.STATUS, by, code, reason)
        _keep(draft, tuple(changed if each.code == code else each for each in entries_of(draft)))
    return draft


def remove(*, code: str, by: str, version: int | None = None) -> ListDraft:
    """Take an entry out that no edition has named yet; raises ``EntryStays`` for any other."""
    with transaction.atomic():
        draft = open_draft(version)
        _entry(draft, code)
        newest = queries.newest(settings.NODE.side)
        if newest is not None and newest.entry(code) is not None:
            raise EntryStays(entry=code)
        _note(draft, Done.REMOVED, by, code)
        _keep(draft, tuple(each for each in entries_of(draft) if each.code != code))
    return draft


def submit(*, by: str, days: int = DAYS, version: int | None = None) -> ListDraft:
    """Hand the draft to a second officer. Raises ``NoDraft``, ``DraftChanged`` or ``BadTerm``."""
    if not 1 <= days <= changes.LONGEST.days:
        raise BadTerm(most=changes.LONGEST.days)
    with transaction.atomic():
        draft = open_draft(version)
        draft.state, draft.submitted_by, draft.days = ListDraft.State.SUBMITTED, by, days
        draft.version += 1
        draft.save()
        _note(draft, Done.SUBMITTED, by)
    return draft


def take_back(*, by: str) -> ListDraft:
    """Open a submitted draft again; raises ``NoDraft``."""
    return _end(ListDraft.State.OPEN, Done.TAKEN_BACK, by, (ListDraft.State.SUBMITTED,))


def drop(*, by: str) -> ListDraft:
    """Put the draft away for good; raises ``NoDraft``."""
    live = (ListDraft.State.OPEN, ListDraft.State.SUBMITTED)
    return _end(ListDraft.State.DROPPED, Done.DROPPED, by, live)


def open_draft(version: int | None) -> ListDraft:
    """Return the draft for changing it, in the caller's transaction.

    Raises ``NoDraft`` or ``DraftChanged``.
    """
    draft = locked((ListDraft.State.OPEN, ListDraft.State.SUBMITTED))
    if draft.state != ListDraft.State.OPEN or (version is not None and draft.version != version):
        raise DraftChanged
    return draft


def locked(states: Iterable[str]) -> ListDraft:
    """Return the draft, which nobody else changes until the transaction ends; raises ``NoDraft``."""
    take_turn("signing-list-draft")
    draft = ListDraft.objects.filter(state__in=list(states)).order_by("pk").last()
    if draft is None:
        raise NoDraft
    return draft


def note(draft: ListDraft, what: Done, by: str) -> None:
    """Write down what was done, in the caller's transaction."""
    _note(draft, what, by)


def _end(state: ListDraft.State, what: Done, by: str, of: Iterable[str]) -> ListDraft:
    with transaction.atomic():
        draft = locked(of)
        draft.state = state
        draft.version += 1
        draft.save()
        _note(draft, what, by)
    return draft


def _entry(draft: ListDraft, code: str) -> Entry:
    found = next((each for each in entries_of(draft) if each.code == code), None)
    if found is None:
        raise UnknownEntry(entry=code[:40])
    return found


def _keep(draft: ListDraft, after: tuple[Entry, ...]) -> None:
    if len(after) > changes.MOST_ENTRIES:
        raise ListTooLong(most=changes.MOST_ENTRIES, kilobytes=_KILOBYTES)
    made_up = next((each for each in after if each.demonstration), None)
    if made_up is not None and not settings.NODE.demonstration:
        raise OnlyDemonstration(entry=made_up.code)
    newest = queries.newest(settings.NODE.side)
    if newest is not None and (broken := changes.rewritten(newest, after, at=timezone.now())):
        raise PastRewritten(entries=", ".join(broken)[:200])
    ordered = sorted(after, key=lambda each: (each.provider.en, each.code))
    draft.entries = [entries.mapping_of(each) for each in ordered]
    draft.version += 1
    draft.save()


def _history(history: Iterable[StatusChange]) -> list[dict[str, str]]:
    return [
        {"status": str(each.status), "since": time_text(each.since), "reason": each.reason}
        for each in history
    ]


def _note(draft: ListDraft, what: Done, by: str, entry: str = "", reason: str = "") -> None:
    ListEvent.objects.create(
        draft=draft, at=timezone.now(), by=by[:150], what=what, entry=entry, reason=reason[:300]
    )
