"""The sides' keys as messages: a side tells of a change, the other checks it, acts and countersigns.

The same bytes come in two ways: as a message in a batch, and handed in at the door (``POST /keys``)
when a key was compromised, since then the batch's own signature may be what nobody believes any more.
Either way the keys prove themselves: by the anchor, and by the keys that go for those that come.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

from annotated_types import Len, MaxLen
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core import cbor
from kouan.core.exchange import incidents, outbox
from kouan.core.exchange.crossing import Consent, Crossing, Payload, Received, Undelivered
from kouan.core.exchange.pressure import check_sender
from kouan.core.exchange.times import check_clock, from_milliseconds, milliseconds
from kouan.core.ledger import services as ledger
from kouan.core.trust import changes, cose, document, services
from kouan.core.trust.errors import (
    AnchorChanged,
    ConflictingDocument,
    MalformedKeySet,
    NothingHeld,
    NotTheirs,
    StaleDocument,
    UnknownMember,
)
from kouan.core.trust.models import HeldDocument, KeyNews, Member, MemberHistory
from kouan.core.trust.queries import forget_members, get_member, own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.core.trust.document import TrustDocument

log = logging.getLogger(__name__)

MAX_KEY_SET: Final = 160 * 1024
"""Bytes of a key set: a document of 64 KiB and as many statements as there may be keys."""
_KINDS: Final = {
    changes.INSTALLED: "keys-installed",
    changes.HELD: "keys-held",
    changes.SUPERSEDED: "keys-superseded",
}
BY_MESSAGE: Final = "message"
"""Who took a document in, when no person did."""


class KeySet(Payload):
    """A side's trust document and what its keys say about it."""

    document: Annotated[bytes, MaxLen(document.MAX_DOCUMENT_BYTES)]
    statements: Annotated[
        list[Annotated[bytes, MaxLen(changes.MAX_STATEMENT + cose.OVERHEAD)]],
        Len(1, changes.MAX_STATEMENTS),
    ]


class KeySetAnswer(Payload):
    """The other side's signature over what it did with a key set."""

    acknowledgement: Annotated[bytes, MaxLen(changes.MAX_STATEMENT + cose.OVERHEAD)]


KEY_SET = Crossing(
    type="exchange.key-set",
    version=1,
    payload=KeySet,
    title=_("New keys"),
    purpose=_("To tell the other side which keys count from now on, and which no longer do."),
    purpose_code="dpv:EnforceSecurity",
    legal_basis="channel-operation",
    fields={
        "document": _("The side's trust document: its public keys, their uses and times, under its anchor."),
        "statements": _("What the outgoing and the incoming keys sign about that document."),
    },
    elements={"document": "technical.key", "statements": "technical.proof"},
    consent=Consent.NOT_NEEDED,
    consent_reason=_("It is about nobody."),
    max_bytes=MAX_KEY_SET,
    expires_after=timedelta(days=30),
)

KEY_SET_ANSWER = Crossing(
    type="exchange.key-set-answer",
    version=1,
    payload=KeySetAnswer,
    title=_("Acknowledgement of new keys"),
    purpose=_("To confirm, under signature, that the new keys are in use or wait for a person."),
    purpose_code="dpv:EnforceSecurity",
    legal_basis="channel-operation",
    fields={"acknowledgement": _("The signed confirmation.")},
    elements={"acknowledgement": "technical.proof"},
    consent=Consent.NOT_NEEDED,
    consent_reason=_("It is about nobody."),
    max_bytes=4096,
    expires_after=timedelta(days=30),
)


@KEY_SET.handler
def _take_message(received: Received[KeySet]) -> None:
    answer = take_in(received.sender, received.payload)
    outbox.send(
        KEY_SET_ANSWER,
        to=received.sender,
        payload=KeySetAnswer(acknowledgement=answer),
        conversation=received.conversation,
    )


@KEY_SET.undelivered
def _not_taken(failed: Undelivered) -> None:
    KeyNews.objects.filter(message_id=failed.id, acknowledged_at=None).update(problem=failed.code)


@KEY_SET_ANSWER.handler
def _take_answer(received: Received[KeySetAnswer]) -> None:
    take_acknowledgement(received.sender, received.payload.acknowledgement)


def accept_posted(body: bytes, caller: str | None = None) -> bytes:
    """Take in a key set that ``caller`` handed in at the door; return our signed acknowledgement.

    Whose it is, its anchor proves; only members' are looked at. Raises a ``KouanError`` and changes
    nothing otherwise.
    """
    payload = KEY_SET.decode_bytes(body)
    side = document.parse(payload.document).side
    check_sender(side, caller, body)
    with transaction.atomic():
        answer = take_in(side, payload)
    forget_members()
    return answer


def take_in(sender: str, payload: KeySet) -> bytes:
    """Check a member's key set and take it into use, inside the caller's transaction; return our answer.

    The same document again gets the same answer. One under another anchor is held for the operator.
    Raises ``NotTheirs``, ``UnknownMember``, ``ConflictingDocument``, ``StaleDocument``, ``AnchorChanged``,
    ``KeyCompromised`` or what ``document.parse`` and ``changes.check_change`` raise.
    """
    trust = document.parse(payload.document)
    if trust.side != sender or sender == settings.NODE.side:
        raise NotTheirs(sender=sender, side=trust.side)
    row = Member.objects.select_for_update().filter(side=sender).first()
    if row is None:
        raise UnknownMember(side=sender)
    given = _given_before(trust, payload.document)
    if given is not None:
        return given
    same_anchor = row.fingerprint == document.fingerprint(trust)
    if same_anchor and bytes(row.document) == payload.document:
        answer = _acknowledge(trust, changes.INSTALLED, payload.statements)
        MemberHistory.objects.filter(side=sender, digest=trust.digest).update(acknowledgement=answer)
        return answer
    if trust.serial <= row.serial:
        return _not_newer(row, trust, payload, same_anchor=same_anchor)
    known = document.parse(bytes(row.document))
    vouched = changes.check_change(payload.document, trust, known, payload.statements)
    incidents.note_promise_ended(known, trust, payload.document, bytes(row.document))
    if same_anchor:
        answer = _acknowledge(trust, changes.INSTALLED, payload.statements)
        services.install(payload.document, trust, by=BY_MESSAGE, acknowledgement=answer)
        return answer
    if not vouched.by_any:
        raise AnchorChanged(
            side=sender,
            known=document.grouped(row.fingerprint),
            fingerprint=document.grouped(document.fingerprint(trust)),
        )
    if vouched.by_anchor:
        # The anchor in use says so itself: what it withdraws does not wait for a person.
        services.keep_reports(trust)
    return _hold(row, trust, payload)


def _not_newer(row: Member, trust: TrustDocument, payload: KeySet, *, same_anchor: bool) -> bytes:
    """Answer a document that is not newer than the one in use."""
    if same_anchor and trust.serial == row.serial:
        raise ConflictingDocument(side=trust.side, serial=trust.serial)
    if not same_anchor:
        raise StaleDocument(side=trust.side, serial=trust.serial, known=row.serial)
    return _acknowledge(trust, changes.SUPERSEDED, payload.statements)


def _given_before(trust: TrustDocument, data: bytes) -> bytes | None:
    """Return what was answered to this very document before."""
    for model in (MemberHistory, HeldDocument):
        for row in model.objects.filter(side=trust.side, serial=trust.serial):
            if bytes(row.document) == data and row.acknowledgement:
                signed = cose.read1(
                    bytes(row.acknowledgement),
                    content_type=changes.ACKNOWLEDGEMENT_TYPE,
                    max_bytes=changes.MAX_STATEMENT + cose.OVERHEAD,
                )
                if not signed.kids & own().revoked:
                    return bytes(row.acknowledgement)
    return None


def _hold(row: Member, trust: TrustDocument, payload: KeySet) -> bytes:
    answer = _acknowledge(trust, changes.HELD, payload.statements)
    held = HeldDocument.objects.filter(side=trust.side).first()
    if held is not None and held.serial > trust.serial:
        return answer
    HeldDocument.objects.update_or_create(
        side=trust.side,
        defaults={
            "known": row.fingerprint,
            "fingerprint": document.fingerprint(trust),
            "serial": trust.serial,
            "document": payload.document,
            "acknowledgement": answer,
            "held_at": timezone.now(),
        },
    )
    log.warning(
        "%s has a new anchor: compare its fingerprint, then kouan trust confirm %s", row.side, row.side
    )
    return answer


def confirm(side: str, fingerprint: str, *, by: str) -> Member:
    """Take a held document with a new anchor into use: its fingerprint was compared over another way.

    Our answer to its side is sent in the same transaction. Raises ``NothingHeld``, ``FingerprintMismatch``
    or ``KeyCompromised``.
    """
    with transaction.atomic():
        held = HeldDocument.objects.select_for_update().filter(side=side).first()
        if held is None:
            raise NothingHeld(side=side)
        services.require_fingerprint(held.fingerprint, fingerprint)
        data = bytes(held.document)
        trust = document.parse(data)
        answer = _acknowledge(trust, changes.INSTALLED, [])
        row = services.install(data, trust, by=by, acknowledgement=answer)
        outbox.send(KEY_SET_ANSWER, to=side, payload=KeySetAnswer(acknowledgement=answer))
    forget_members()
    return row


def _acknowledge(trust: TrustDocument, verdict: str, statements: Sequence[bytes]) -> bytes:
    """Sign what we did with a document, and put it and the side's own word into the ledger."""
    now = timezone.now()
    payload = changes.Acknowledgement(
        by=settings.NODE.side,
        of=trust.side,
        serial=trust.serial,
        document=bytes.fromhex(trust.digest),
        verdict=verdict,
        at=milliseconds(now),
    ).encode()
    answer = cose.sign1(payload, own().signer(now), content_type=changes.ACKNOWLEDGEMENT_TYPE)
    record = cbor.encode([list(statements[:1]), answer])
    ledger.append([ledger.Record(_KINDS[verdict], record)], now=now)
    return answer


def take_acknowledgement(peer: str, data: bytes) -> None:
    """Keep a member's signed answer about a document of ours, once; inside the caller's transaction.

    Raises ``MalformedKeySet``, ``MalformedSignature``, ``BadSignature``, ``UnknownKey``, ``KeyNotValid`` or
    ``KeyCompromised``.
    """
    signed, answer = changes.read_acknowledgement(data)
    check_clock(milliseconds(timezone.now()), answer.at, past=False)
    member = get_member(peer)
    signed.verify(member.verification_key(signed.kid, from_milliseconds(answer.at)))
    if (answer.by, answer.of) != (peer, settings.NODE.side):
        raise MalformedKeySet(detail="its sides")
    news = (
        KeyNews.objects.select_for_update()
        .filter(peer=peer, serial=answer.serial, digest=answer.document.hex())
        .first()
    )
    if news is None:
        raise MalformedKeySet(detail="a document that was not sent")
    if news.verdict == changes.INSTALLED or bytes(news.acknowledgement) == data:
        return
    now = timezone.now()
    news.acknowledgement, news.verdict, news.acknowledged_at, news.problem = data, answer.verdict, now, ""
    news.save(update_fields=["acknowledgement", "verdict", "acknowledged_at", "problem"])
    ledger.append([ledger.Record("keys-acknowledged", data)], now=now)
