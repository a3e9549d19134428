"""Consents to a flow of data: asked for by an institution, given and taken back by the person."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from kouan.apps.dataflow import clearing, errors, receipts
from kouan.apps.dataflow.contracts import today
from kouan.apps.dataflow.crossings import CONSENT_GIVEN, CONSENT_TAKEN_BACK
from kouan.apps.dataflow.documents import meant, shown_by
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.judging import asks_consent, needs_level, rules_for, sensitive_among
from kouan.apps.dataflow.labels import element_names
from kouan.apps.dataflow.models import ConsentRequest, Contract, DataConsent
from kouan.apps.dataflow.payloads import ConsentGiven, ConsentTakenBack
from kouan.core.exchange import bodies, outbox
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.opening import Expired
from kouan.core.exchange.outbox import OutboxFull
from kouan.core.policy import Denied
from kouan.core.policy.decide import (
    AgreementNotInForce,
    NoAgreement,
    OtherAgreementText,
    PartyNotNamed,
    term_day,
)
from kouan.core.trust.errors import UnknownMember
from kouan.web.persons import identities

if TYPE_CHECKING:
    from collections.abc import Collection

    from kouan.apps.dataflow.domain import Terms
    from kouan.core.exchange import Received
    from kouan.core.exchange.crossing import SentAgain
    from kouan.web.persons import Person

OPEN_FOR: Final = timedelta(days=30)
"""How long an institution's request waits for the person."""
LONGEST: Final = timedelta(days=365)
"""How long a consent counts at most, unless it is withdrawn."""
_NOT_HEARD: Final = tuple(
    error.code for error in (Expired, NoAgreement, AgreementNotInForce, OtherAgreementText, PartyNotNamed)
)
"""With these codes another side refuses a message for what may change, whatever it says."""
_AGAIN: Final = timedelta(hours=6)
"""So long after it was refused a withdrawal is told again."""
_ROUNDS: Final = 2**14
_AT_ONCE: Final = 50


def ask(  # noqa: PLR0913 - all that a request says, by name
    *,
    contract: Contract,
    terms: Terms,
    reference: str,
    document_number: str,
    document_type: str = "",
    elements: Collection[str],
    purposes: Collection[str],
) -> ConsentRequest:
    """Keep an institution's request to a customer; the number is kept as a hardened digest alone.

    Raises ``NoConsentAsked`` where neither side's rules ask for a consent, ``ScopeDrift`` or ``OtherPurpose``
    for what the contract does not name, ``NoDocumentNumber``, or what ``meant`` raises for a
    ``document_type`` that has no such number.
    """
    if not asks_consent(terms, max(today(), terms.first_day)):
        raise errors.NoConsentAsked(contract=terms.contract)
    in_scope(terms, elements, purposes)
    document = meant(document_number, document_type)
    if not document:
        raise errors.NoDocumentNumber
    now, salt = timezone.now(), secrets.token_bytes(32)
    return ConsentRequest.objects.create(
        contract=contract.contract,
        institution=terms.exporter.code,
        reference=reference,
        document_salt=salt,
        document_digest=_hardened(document, salt),
        elements=sorted(set(elements)),
        purposes=sorted(set(purposes)),
        created_at=now,
        expires_at=now + OPEN_FOR,
    )


def in_scope(terms: Terms, elements: Collection[str], purposes: Collection[str]) -> None:
    """Raise ``ScopeDrift`` or ``OtherPurpose`` for what a contract does not name."""
    if drift := set(elements) - set(terms.elements):
        raise errors.ScopeDrift(
            clause="contract scope elements",
            contract=terms.contract,
            elements=", ".join(element_names(drift)),
        )
    for purpose in set(purposes) - set(terms.purposes):
        raise errors.OtherPurpose(clause="contract scope purposes", contract=terms.contract, purpose=purpose)


def open_request(key: uuid.UUID, person: Person) -> tuple[ConsentRequest, Contract]:
    """Return a request for the person who is signed in; raises ``UnknownRequest`` or ``NotThisPerson``."""
    request = ConsentRequest.objects.filter(
        key=key, answered_at__isnull=True, expires_at__gt=timezone.now()
    ).first()
    if request is None:
        raise errors.UnknownRequest
    salt, digest = bytes(request.document_salt), bytes(request.document_digest)
    if not any(hmac.compare_digest(_hardened(each, salt), digest) for each in shown_by(person)):
        raise errors.NotThisPerson
    contract = Contract.objects.filter(
        contract=request.contract, state=State.SIGNED, expires__gte=today()
    ).first()
    if contract is None:
        raise errors.UnknownRequest
    return request, contract


def level_for(terms: Terms, elements: Collection[str]) -> int:
    """Return how surely a person must have signed in to agree to these kinds of data."""
    bases = [rules_for(terms, side, today())[1] for side in sorted(terms.sides)]
    return needs_level(frozenset(elements), bases)


def give(
    *, key: uuid.UUID, person: Person, ticked: Collection[str], terms: Terms, language: str
) -> DataConsent | None:
    """Take a person's answer: a signed receipt for what they ticked, and word of it to the other side.

    ``terms`` are those that the person was shown. Nothing ticked is a refusal, and returns nothing. Raises
    what ``open_request`` raises, ``TermsChanged`` where the contract says something else by now,
    ``LevelTooLow``, and what ``send`` may raise.
    """
    with transaction.atomic():
        request, contract = open_request(key, person)
        if bytes(contract.digest) != terms.digest():
            raise errors.TermsChanged
        ConsentRequest.objects.select_for_update().get(pk=request.pk)
        now = timezone.now()
        answered = ConsentRequest.objects.filter(pk=request.pk, answered_at__isnull=True).update(
            answered_at=now
        )
        if not answered:
            raise errors.UnknownRequest
        agreed = [each for each in request.elements if each in ticked]
        if not agreed:
            return None
        needed = level_for(terms, agreed)
        if person.level < needed:
            raise errors.LevelTooLow(clause="consent level", level=person.level, needed=needed)
        consent = DataConsent(
            contract=contract.contract,
            peer=contract.peer,
            person=person.key,
            subject=identities().subject(person.key, f"dataflow {contract.contract}"),
            request=request,
            elements=agreed,
            separate=sorted(sensitive_among(frozenset(agreed))),
            purposes=request.purposes,
            level=person.level,
            given_at=now,
            expires_at=now + LONGEST,
        )
        consent.receipt = receipts.sign(consent, terms, language=language)
        consent.save()
        outbox.send(
            CONSENT_GIVEN,
            to=consent.peer,
            payload=_payload(consent),
            conversation=consent.key,
        )
    return consent


def withdraw(*, key: uuid.UUID, person: str) -> DataConsent:
    """Take a consent back: from now on nothing crosses under it, and what waits to cross does not.

    The other side is told in the same transaction, or later (``tell_withdrawn``) where it cannot be told now,
    and erases what it has. Doing it twice is harmless.
    """
    with transaction.atomic():
        consent = DataConsent.objects.select_for_update().filter(key=key, person=person).first()
        if consent is None or not person:
            raise errors.UnknownConsent
        if consent.withdrawn_at is None:
            consent.withdrawn_at = timezone.now()
            consent.save(update_fields=["withdrawn_at"])
            outbox.withdraw(consent=consent.reference, code=errors.ConsentWithdrawn.code)
            never_sent = OutboxMessage.objects.filter(consent=consent.reference, state="cancelled")
            bodies.erase_sent(list(never_sent.values_list("message_id", flat=True)))
            bodies.erase_conversation(consent.peer, consent.key)
            # It counts no more here, and that is what decides, whoever can be told now.
            with contextlib.suppress(Denied, OutboxFull, UnknownMember):
                _tell(consent, consent.withdrawn_at)
    return consent


def tell_withdrawn() -> bool:
    """Tell the other sides of withdrawals of which they could not be told at once; say whether more waits.

    Also of those whose message waited for so long that it never left, and, after a pause, of those that the
    other side refused because they came too late or the agreement between the two was not the same, unless an
    operator has put that away. Where a side still cannot be told, the rest of what it has to know waits for
    the next time.
    """
    sent = OutboxMessage.objects.filter(type=CONSENT_TAKEN_BACK.type, conversation=OuterRef("key"))
    refused = Q(state=OutboxMessage.State.REFUSED, code__in=_NOT_HEARD)
    lost = [OutboxMessage.State.EXPIRED, OutboxMessage.State.CANCELLED]
    queued = sent.exclude(Q(state__in=lost) | refused)
    later = OutboxMessage.objects.filter(
        type=CONSENT_TAKEN_BACK.type, conversation=OuterRef("conversation"), pk__gt=OuterRef("pk")
    )
    left = sent.filter(refused, ~Exists(later)).filter(
        Q(dismissed=True) | Q(created_at__gte=timezone.now() - _AGAIN)
    )
    untold = DataConsent.objects.filter(~Exists(queued), ~Exists(left), withdrawn_at__isnull=False).exclude(
        person=""
    )
    more = False
    for peer in untold.order_by("peer").values_list("peer", flat=True).distinct():
        with transaction.atomic():  # of two workers one holds them; told twice it would be harmless
            waiting = untold.filter(peer=peer).order_by("withdrawn_at").select_for_update(skip_locked=True)
            rows = list(waiting[:_AT_ONCE])
            try:
                for row in rows:
                    if row.withdrawn_at is not None:
                        _tell(row, row.withdrawn_at)
                        before = OutboxMessage.objects.filter(refused, conversation=row.key)
                        before.filter(type=CONSENT_TAKEN_BACK.type).update(dismissed=True)
            except (Denied, OutboxFull, UnknownMember):
                continue
            more = more or len(rows) == _AT_ONCE
    return more


def _tell(consent: DataConsent, withdrawn_at: datetime) -> None:
    outbox.send(
        CONSENT_TAKEN_BACK,
        to=consent.peer,
        payload=ConsentTakenBack(consent=consent.key.bytes, at=int(withdrawn_at.timestamp())),
        conversation=consent.key,
    )


def sent_again(message: SentAgain) -> None:
    """Let word of a consent or a notice be sent again only while it counts."""
    told = OutboxMessage.objects.only("conversation").get(message_id=message.id)
    # Held, as where a record is sent: who withdraws it is before this or after this.
    consent = DataConsent.objects.select_for_update().filter(key=told.conversation).first()
    if consent is None:
        raise errors.UnknownConsent
    if consent.withdrawn_at is not None:
        raise errors.ConsentWithdrawn(clause="consent", day=term_day(consent.withdrawn_at).isoformat())
    if consent.expires_at <= timezone.now():
        raise errors.ConsentExpired(clause="consent", day=term_day(consent.expires_at).isoformat())


def keep(*, message: Received[ConsentGiven]) -> None:
    """Keep a consent that was given on the other side, if its receipt says the same."""
    said = message.payload
    key, contract = uuid.UUID(bytes=said.consent), uuid.UUID(bytes=said.contract)
    if (
        message.conversation != key
        or not Contract.objects.filter(contract=contract, peer=message.sender).exists()
    ):
        raise errors.UnknownContract
    given_at = datetime.fromtimestamp(said.given_at, tz=timezone.get_current_timezone())
    expires_at = datetime.fromtimestamp(said.expires_at, tz=timezone.get_current_timezone())
    receipts.matches(
        said.receipt,
        side=message.sender,
        at=given_at,
        record=key,
        subject=said.subject,
        contract=contract,
        elements=said.elements,
        separate=said.separate,
        purposes=said.purposes,
        level=said.level,
        until=expires_at,
    )
    of_a_version(said.receipt, contract)
    kept, _made = DataConsent.objects.get_or_create(
        key=key,
        defaults={
            "contract": contract,
            "peer": message.sender,
            "subject": said.subject,
            "elements": said.elements,
            "separate": said.separate,
            "purposes": said.purposes,
            "level": said.level,
            "given_at": given_at,
            "expires_at": expires_at,
            "receipt": said.receipt,
        },
    )
    if (kept.peer, kept.person, bytes(kept.receipt)) != (message.sender, "", said.receipt):
        raise errors.ConsentDiffers


def of_a_version(receipt: bytes, contract: uuid.UUID) -> None:
    """Raise ``UnknownContract`` where a receipt names terms that are none of the contract's versions here."""
    digest, _days = receipts.told(receipt)
    if digest is not None and not Contract.objects.filter(contract=contract, digest=digest).exists():
        raise errors.UnknownContract


def taken_back(*, message: Received[ConsentTakenBack]) -> None:
    """End a consent that was withdrawn on the other side, and erase what it had let cross.

    One that is not known yet, because its own message was set aside, never counts.
    """
    key = uuid.UUID(bytes=message.payload.consent)
    consent = DataConsent.objects.select_for_update().filter(key=key, peer=message.sender, person="").first()
    if consent is None:
        if clearing.refuse_withdrawn(peer=message.sender, consent=key):
            return
        raise errors.UnknownConsent
    if consent.withdrawn_at is None:
        consent.withdrawn_at = min(timezone.now(), message.sent_at)
        consent.save(update_fields=["withdrawn_at"])
        clearing.erase(consent=consent, because="withdrawn")
        bodies.erase_conversation(consent.peer, consent.key)


def _payload(consent: DataConsent) -> ConsentGiven:
    return ConsentGiven(
        consent=consent.key.bytes,
        contract=consent.contract.bytes,
        subject=consent.subject,
        elements=consent.elements,
        separate=consent.separate,
        purposes=consent.purposes,
        level=consent.level,
        given_at=int(consent.given_at.timestamp()),
        expires_at=int(consent.expires_at.timestamp()),
        receipt=bytes(consent.receipt),
    )


def _hardened(text: str, salt: bytes) -> bytes:
    """Return a digest from which the number is not found by trying all: some tens of milliseconds each."""
    return hashlib.scrypt(
        text.encode(), salt=settings.SECRET_KEY.encode()[:16] + salt, n=_ROUNDS, r=8, p=1, dklen=32
    )
