"""Taking other sides' lists: what continues theirs is kept, anything else refused, shown and answered."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils import timezone

from kouan.apps.signing.crossings import ANSWER, ListAnswered, ListTold
from kouan.apps.signing.lists import certificates, changes, document, jades, queries, second
from kouan.apps.signing.lists.changes import CONTRADICTIONS, Arrival
from kouan.apps.signing.lists.domain import with_digest
from kouan.apps.signing.lists.second import Held
from kouan.apps.signing.models import ListEdition, RefusedEdition
from kouan.core.database.locks import take_turn
from kouan.core.exchange import incidents
from kouan.core.exchange.outbox import send
from kouan.core.trust.keys import kid_of
from kouan.core.trust.queries import authorities, get_member
from kouan.core.watch.deadlines import Deadline

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.signing.lists.domain import Edition
    from kouan.core.exchange import Received

log = logging.getLogger(__name__)

REFUSED_MOST: Final = 1000
"""Of one side; older ones are forgotten."""


def edition(*, message: Received[ListTold]) -> None:
    """Keep an edition that continues its side's list, and answer; all in the handler's transaction.

    What is wrong is no error here: it is kept for the operators, and told to the side that sent it.
    """
    side, said = message.sender, message.payload
    take_turn(f"signing-heard-{side}")
    digest = jades.digest(said.jws)
    judged = _judged(side, said)
    outcome, arrived, officer = judged.outcome, judged.arrived, judged.officer
    now = timezone.now()
    if outcome is Arrival.TAKEN and arrived is not None:
        ListEdition.objects.create(
            side=side,
            sequence=arrived.sequence,
            issued_at=arrived.issued_at,
            next_update=arrived.next_update,
            digest=digest,
            jws=said.jws,
            sm2_signature=said.sm2,
            officer=officer[:150],
            sm2_unchecked=judged.second is Held.UNCHECKED,
            kept_at=now,
        )
        if judged.second is Held.UNCHECKED:
            log.warning("the SM2 signature of edition %s of %s is not checked", arrived.sequence, side)
    else:
        _refuse(message, judged, now)
    newest = queries.newest(side)
    send(
        ANSWER,
        to=side,
        payload=ListAnswered(
            sequence=arrived.sequence if arrived is not None else 0,
            digest=digest,
            outcome=str(outcome),
            newest=newest.sequence if newest is not None else 0,
        ),
        conversation=message.conversation,
    )


def overdue(now: datetime) -> list[Deadline]:
    """Return by when each side's next edition should be there, for watching; this side's own too."""
    return [Deadline("trust-list", each.side, (each.next_update - now).days) for each in queries.current()]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What arrived."""

    outcome: Arrival
    arrived: Edition | None = None
    """The edition, where it could be read."""
    officer: str = ""
    detail: str = ""
    """What is wrong with it."""
    second: Held = Held.AS_SAID


def _judged(side: str, said: ListTold) -> _Judged:
    try:
        signed = jades.verified(said.jws, authorities=_cas(side))
    except jades.BadSignature as error:
        return _Judged(Arrival.SIGNATURE, detail=str(error))
    try:
        arrived = with_digest(document.read(signed.payload), jades.digest(said.jws))
    except document.MalformedList as error:
        return _Judged(Arrival.MALFORMED, detail=str(error))
    if arrived.side != side:
        return _Judged(Arrival.MALFORMED, arrived, detail="another side's list")
    if wrong := _wrong_entry(arrived):
        return _Judged(Arrival.MALFORMED, arrived, detail=wrong)
    found = second.held(arrived, said.jws, said.sm2, before=queries.before(side, arrived.sequence))
    if found in {Held.WRONG, Held.DROPPED}:
        return _Judged(Arrival.SIGNATURE, arrived, detail="the SM2 signature", second=found)
    outcome = changes.judge(
        arrived,
        newest=queries.newest(side),
        known=queries.digests(side),
        ours=queries.digests(settings.NODE.side),
        us=settings.NODE.side,
        now=timezone.now(),
    )
    return _Judged(outcome, arrived, signed.officer, second=found)


def _cas(side: str) -> list[x509.Certificate]:
    """Return a side's own CAs, former ones too, without those whose keys it reported compromised."""
    revoked = get_member(side).revoked
    found = x509.load_pem_x509_certificates(authorities(side))
    return [each for each in found if _kid(each) not in revoked]


def _kid(certificate: x509.Certificate) -> bytes:
    return kid_of(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _wrong_entry(arrived: Edition) -> str:
    """Return what is wrong with an entry that cannot be judged by or shown; nothing if all is well."""
    for entry in arrived.entries:
        try:
            certificates.check_pair(entry.root, entry.issuing_ca)
            for each in (entry.root, entry.issuing_ca):
                certificates.facts(each)
        except ValueError as error:
            return f"entry {entry.code}: {error}"
        if entry.demonstration and not settings.NODE.demonstration:
            return f"entry {entry.code}: made up"
    return ""


def _refuse(message: Received[ListTold], judged: _Judged, now: datetime) -> None:
    arrived, outcome, detail = judged.arrived, judged.outcome, judged.detail
    side, digest = message.sender, jades.digest(message.payload.jws)
    sequence = arrived.sequence if arrived is not None else 0
    row = RefusedEdition.objects.create(
        side=side, sequence=sequence, digest=digest, why=outcome, detail=detail[:200], at=now,
        message_id=message.id,
    )  # fmt: skip
    RefusedEdition.objects.filter(side=side, pk__lte=row.pk - REFUSED_MOST).delete()
    kind = incidents.TRUST_LIST if outcome in CONTRADICTIONS else ""
    if judged.second is Held.DROPPED:
        kind = incidents.SIGNED_ONCE
    if kind:
        held = ListEdition.objects.filter(side=side, sequence=sequence).first() or (
            ListEdition.objects.filter(side=side).order_by("-sequence").first()
        )
        incidents.note(
            side,
            kind,
            f"edition {sequence}: {outcome}, {digest.hex()}",
            message.payload.jws.encode(),
            b"" if held is None else held.jws.encode(),
            now=now,
        )
