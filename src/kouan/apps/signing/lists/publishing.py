"""Signing the next edition of this side's list and publishing it, by a second officer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from kouan.apps.signing.lists import changes, document, drafts, jades, queries, second, xml
from kouan.apps.signing.lists.document import moment, time_text
from kouan.apps.signing.lists.domain import Contact, Edition, Seen
from kouan.apps.signing.lists.errors import DraftChanged, ListTooLong, PastRewritten, SecondOfficer
from kouan.apps.signing.lists.scheme import SCHEME, operator
from kouan.apps.signing.models import ListDraft, ListEdition
from kouan.core.trust.queries import own

if TYPE_CHECKING:
    from datetime import datetime


def publish(*, by: str, officer: str, version: int, now: datetime | None = None) -> ListEdition:
    """Sign the submitted draft as ``officer`` (the name in the certificate) and make it the newest edition.

    ``by`` is the account, and not the one that submitted it; ``version`` the draft's as it was looked at.
    Raises ``NoDraft``, ``DraftChanged``, ``SecondOfficer``, ``PastRewritten``, ``ListTooLong``,
    ``Sm2Missing`` or ``NoUsableKey``.
    """
    side = settings.NODE.side
    with transaction.atomic():
        draft = drafts.locked((ListDraft.State.OPEN, ListDraft.State.SUBMITTED))
        if draft.state != ListDraft.State.SUBMITTED or draft.version != version:
            raise DraftChanged
        if draft.submitted_by == by:
            raise SecondOfficer
        last = queries.newest(side)
        at = moment(time_text(now or timezone.now()))  # in whole seconds, as the list has it
        if last is not None:
            at = max(at, last.issued_at + timedelta(seconds=1))
        listed = drafts.entries_of(draft)
        if last is not None and (broken := changes.rewritten(last, listed, at=at)):
            raise PastRewritten(entries=", ".join(broken)[:200])
        keys = second.keys(last)
        edition = Edition(
            side=side,
            sequence=1 if last is None else last.sequence + 1,
            issued_at=at,
            next_update=at + timedelta(days=draft.days),
            entries=listed,
            previous=b"" if last is None else last.digest,
            others=tuple(
                Seen(each.side, each.sequence, each.digest) for each in queries.current() if each.side != side
            ),
            publisher=Contact(**settings.NODE.signing.publisher) if settings.NODE.signing.publisher else None,
            information=f"{settings.NODE.portal_origin}{reverse('signing:lists')}",
            sm2_key=b"" if keys.named is None else keys.named.public_key().spki,
        )
        row = _signed(edition, draft.submitted_by, officer, at)
        if keys.signing is not None:
            row.sm2_signature = keys.signing.sign(row.jws.encode())
        row.save()
        draft.state = ListDraft.State.PUBLISHED
        draft.save()
        drafts.note(draft, drafts.Done.PUBLISHED, by)
    return row


def _signed(edition: Edition, prepared_by: str, officer: str, at: datetime) -> ListEdition:
    publisher = operator(edition.side)
    try:
        payload = document.written(
            edition, operator=publisher, scheme=SCHEME, officers=(prepared_by, officer)
        )
    except ValueError:
        raise ListTooLong(most=changes.MOST_ENTRIES, kilobytes=document.MAX_LIST // 1000) from None
    # One key for both forms of one list, and then it is gone.
    signer = own().one_time_signer(officer=officer, organisation=publisher.en, at=at)
    jws = jades.sign(payload, signer, at=at)
    tree = xml.export(edition, operator=publisher, scheme=SCHEME, signed=True)
    xml.sign(tree, signer, at=at)
    return ListEdition(
        side=edition.side,
        sequence=edition.sequence,
        issued_at=edition.issued_at,
        next_update=edition.next_update,
        digest=jades.digest(jws),
        jws=jws,
        xml=xml.text_of(tree),
        prepared_by=prepared_by,
        officer=officer[:150],
        kept_at=timezone.now(),
    )


def xml_of(row: ListEdition) -> str:
    """Return an edition as XML: signed where it is this side's own, else an export that says it is not."""
    if row.xml:
        return row.xml
    edition = queries.parsed(bytes(row.digest))
    return xml.text_of(xml.export(edition, operator=operator(row.side), scheme=SCHEME, signed=False))
