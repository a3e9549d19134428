"""Notices: a person is told that data about them crosses on a ground that asks for no consent.

An emergency or a duty under the law waits for nobody to sign in. So whom a notice is about is known by the
number of their document alone, which is kept as a keyed digest: they find it when they sign in. On both sides
a notice stands where a consent stands otherwise, and lets nothing cross that needs one.
"""

from __future__ import annotations

import base64
import hmac
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.dataflow import errors, receipts
from kouan.apps.dataflow.consents import LONGEST, in_scope
from kouan.apps.dataflow.crossings import NOTICE_GIVEN
from kouan.apps.dataflow.documents import meant, shown_by
from kouan.apps.dataflow.domain import BOUND, State, read_terms
from kouan.apps.dataflow.judging import asks_consent, rules_for
from kouan.apps.dataflow.models import Contract, DataConsent
from kouan.apps.dataflow.payloads import NoticeGiven
from kouan.core.exchange import outbox
from kouan.core.policy.decide import TERM_ZONE, term_day

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from kouan.apps.dataflow.domain import Terms
    from kouan.core.exchange import Received
    from kouan.web.persons import Person

ABOUT: Final = "about:"
"""How the ``person`` of a notice begins; keys of identities never do."""
LEVEL: Final = 1
"""Nobody signed in for it."""


def inform(  # noqa: PLR0913 - all that a notice says, by name
    *,
    contract: Contract,
    terms: Terms,
    document_number: str,
    document_type: str = "",
    elements: Collection[str],
    purposes: Collection[str],
) -> DataConsent:
    """Give notice to a person, and tell the other side; the same notice again is the one that stands.

    Raises ``ConsentNeeded`` where either side's rules ask for a consent, what ``consents.in_scope`` raises,
    ``NoDocumentNumber``, or what ``meant`` and ``send`` may raise.
    """
    now = timezone.now()
    if asks_consent(terms, term_day(now)):
        raise errors.ConsentNeeded(contract=terms.contract)
    in_scope(terms, elements, purposes)
    document = meant(document_number, document_type)
    if not document:
        raise errors.NoDocumentNumber
    person = _name(document)
    until = datetime.combine(terms.last_day + timedelta(days=1), datetime.min.time(), TERM_ZONE)
    with transaction.atomic():
        Contract.objects.select_for_update().get(pk=contract.pk)  # of two at once the second finds the first
        for before in _standing(contract, person, now):
            if (set(before.elements), set(before.purposes)) == (set(elements), set(purposes)):
                return before
        notice = DataConsent(
            contract=contract.contract,
            peer=contract.peer,
            person=person,
            notice=True,
            subject=_keyed(f"subject {contract.contract} {document}"),
            elements=sorted(set(elements)),
            purposes=sorted(set(purposes)),
            level=LEVEL,
            given_at=now,
            expires_at=min(now + LONGEST, until),
        )
        notice.receipt = receipts.sign(notice, terms, language="en")
        notice.save()
        outbox.send(NOTICE_GIVEN, to=notice.peer, payload=_payload(notice), conversation=notice.key)
    return notice


def keep(*, message: Received[NoticeGiven]) -> None:
    """Keep a notice of the other side, if its receipt says the same and this side's rules need no consent."""
    said = message.payload
    key, number = uuid.UUID(bytes=said.notice), uuid.UUID(bytes=said.contract)
    given_at = datetime.fromtimestamp(said.given_at, tz=timezone.get_current_timezone())
    contract = _version(said.receipt, number, message.sender)
    if contract is None or message.conversation != key:
        raise errors.UnknownContract
    terms = read_terms(bytes(contract.terms))
    day = term_day(timezone.now())
    if asks_consent(terms, day):
        raise errors.ConsentNeeded(contract=terms.contract)
    receipts.matches(
        said.receipt,
        side=message.sender,
        at=given_at,
        record=key,
        subject=said.subject,
        contract=number,
        elements=said.elements,
        separate=(),
        purposes=said.purposes,
        level=LEVEL,
        until=datetime.fromtimestamp(said.expires_at, tz=timezone.get_current_timezone()),
        basis=basis_of(terms, message.sender, day),
    )
    kept, _made = DataConsent.objects.get_or_create(
        key=key,
        defaults={
            "contract": number,
            "peer": message.sender,
            "notice": True,
            "subject": said.subject,
            "elements": said.elements,
            "purposes": said.purposes,
            "level": LEVEL,
            "given_at": given_at,
            "expires_at": datetime.fromtimestamp(said.expires_at, tz=timezone.get_current_timezone()),
            "receipt": said.receipt,
        },
    )
    if (kept.peer, kept.person, bytes(kept.receipt)) != (message.sender, "", said.receipt):
        raise errors.ConsentDiffers


def names_of(person: Person) -> list[str]:
    """Return under which names a person who is signed in has agreed to something, or was told of it."""
    names = [person.key, *(_name(each) for each in shown_by(person))]
    return [each for each in names if each]


def basis_of(terms: Terms, side: str, day: date) -> str:
    """Return the legal basis of what crosses, in the words of DPV, by a side's rules of a day."""
    return rules_for(terms, side, day)[1].term


def _version(receipt: bytes, contract: uuid.UUID, peer: str) -> Contract | None:
    """Return the version that a receipt names, of those that this side has signed; else the newest of both.

    One that is drafted or proposed meanwhile says nothing of what crosses. The other side's signature under
    what was proposed here may come after its notice.
    """
    digest, _days = receipts.told(receipt)
    versions = Contract.objects.filter(contract=contract, peer=peer, signed_here__isnull=False)
    if digest is not None:
        return versions.filter(digest=digest).exclude(state=State.REFUSED).first()
    return versions.filter(state__in=BOUND).order_by("-version").first()


def _standing(contract: Contract, person: str, now: datetime) -> list[DataConsent]:
    rows = DataConsent.objects.filter(
        contract=contract.contract, person=person, notice=True, expires_at__gt=now
    )
    return list(rows.order_by("pk"))


def _name(document: str) -> str:
    return ABOUT + _keyed(f"person {document}")


def _keyed(text: str) -> str:
    key = settings.NODE.secret_key.encode()
    digest = hmac.digest(key, b"kouan/dataflow/notices/1\0" + text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _payload(notice: DataConsent) -> NoticeGiven:
    return NoticeGiven(
        notice=notice.key.bytes,
        contract=notice.contract.bytes,
        subject=notice.subject,
        elements=notice.elements,
        purposes=notice.purposes,
        given_at=int(notice.given_at.timestamp()),
        expires_at=int(notice.expires_at.timestamp()),
        receipt=bytes(notice.receipt),
    )
