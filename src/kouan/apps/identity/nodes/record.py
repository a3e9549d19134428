"""Both sides' record of a sign-in on the other side: ``identity.sign-in``, and what it is held against.

The home side sends the digests of the two tokens in the transaction that makes them. The side of the service
has the tokens themselves; when its sign-in and the record are both there, they must agree, and the receipt of
the person's consent must hold. What does not is an incident, and the sign-in is ended.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from kouan.apps.identity import receipts, signouts
from kouan.apps.identity.crossings import SIGNED_IN, ServiceNamed, SignedIn
from kouan.apps.identity.domain import INTERACTION_LIFE, Level
from kouan.apps.identity.models import PeerProvider, SignIn, SignInRecord
from kouan.apps.identity.nodes.announcing import key_set
from kouan.apps.identity.nodes.errors import RecordedAlready
from kouan.apps.identity.provider.clients import NODE_PREFIX
from kouan.core.exchange import bodies, incidents
from kouan.core.exchange.outbox import decide, send
from kouan.core.policy.decide import ConsentMissing
from kouan.core.trust.receipts import BadReceipt

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.core.exchange import Received

WAIT: Final = INTERACTION_LIFE + timedelta(minutes=5)
"""How long a record waits for its sign-in; then the person never came back."""
MISSED_FOR: Final = timedelta(days=7)
"""For how long a record that does not come is missed; then its message has expired at the home side."""
_GROUP: Final = 100


def require_agreement(*, home: str, service: str) -> None:
    """Raise a ``Denied`` unless an agreement lets residents of ``home`` be told to services of ``service``.

    Asked before a person is sent on; that there is a consent is asked when the record is sent.
    """
    try:
        decide(SIGNED_IN, sender=home, receiver=service, consent=None, at=timezone.now())
    except ConsentMissing:
        return


# On the home side


def signed_in(sign_in: SignIn, *, id_token: str, userinfo: str) -> None:
    """Put a sign-in for a peer's node on record, in the transaction that makes its tokens.

    ``id_token`` and ``userinfo`` are the compact JWTs that the peer gets. Raises what ``send`` raises:
    without an agreement and a consent there are no tokens.
    """
    receipt, name = sign_in.receipt, sign_in.service["name"]
    payload = SignedIn(
        sign_in=sign_in.key.bytes,
        service=ServiceNamed(
            id=sign_in.service["id"],
            name_en=name["en"],
            name_zh_hant=name["zh-hant"],
            name_zh_hans=name["zh-hans"],
        ),
        subject=sign_in.subject,
        acr=Level(sign_in.level).acr,
        claims=list(sign_in.claims),
        id_token=hashlib.sha256(id_token.encode()).digest(),
        userinfo=hashlib.sha256(userinfo.encode()).digest(),
        receipt=receipt.jws if receipt is not None else "",
    )
    sign_in.id_token_digest, sign_in.userinfo_digest = payload.id_token, payload.userinfo
    sign_in.message_id = send(
        SIGNED_IN,
        to=sign_in.client.removeprefix(NODE_PREFIX),
        payload=payload,
        conversation=sign_in.key,
        consent=receipt.reference if receipt is not None else None,
    )
    sign_in.save(update_fields=["id_token_digest", "userinfo_digest", "message_id"])


# On the side of the service


def keep(*, message: Received[SignedIn]) -> None:
    """Keep what the home side put on record, and hold it against the sign-in if that is here already."""
    said = message.payload
    sid = str(uuid.UUID(bytes=said.sign_in))
    if SignInRecord.objects.filter(side=message.sender, sid=sid).exists():
        raise RecordedAlready
    consent, problem = _check_receipt(message.sender, said)
    row = SignInRecord.objects.create(
        side=message.sender,
        sid=sid,
        service=said.service.id,
        subject=said.subject,
        acr=said.acr,
        claims=list(said.claims),
        id_token_digest=said.id_token,
        userinfo_digest=said.userinfo,
        consent=consent,
        receipt=said.receipt,
        problem=problem,
        message_id=message.id,
        at=message.sent_at,
    )
    _match(row, timezone.now())


def ended(*, side: str, sid: uuid.UUID) -> None:
    """End a sign-in that another side says is over, also where it is not here yet."""
    now = timezone.now()
    SignInRecord.objects.filter(side=side, sid=str(sid), ended_at__isnull=True).update(ended_at=now)
    signouts.ended_there(side=side, sid=sid)


def withdrawn(*, side: str, consent: uuid.UUID, service: str) -> None:
    """End every sign-in at a service that rests on a consent which its home side says is withdrawn."""
    records = SignInRecord.objects.filter(side=side, consent=consent, service=service)
    records.filter(ended_at__isnull=True).update(ended_at=timezone.now())
    signouts.end(
        sign_ins=SignIn.objects.filter(witness_record__in=records, ended_at__isnull=True),
        by="consent-withdrawn",
        told_by=side,
    )
    bodies.erase_received(side, list(records.values_list("message_id", flat=True)))


def match_records(*, now: datetime | None = None) -> bool:
    """Hold records against sign-ins that came after them; return whether more may be waiting."""
    now = now or timezone.now()
    waiting = SignInRecord.objects.filter(settled_at__isnull=True)
    if not waiting.exists():
        return False
    with transaction.atomic():
        rows = list(waiting.select_for_update(skip_locked=True).order_by("at")[:_GROUP])
        for row in rows:
            _match(row, now)
    return len(rows) == _GROUP and any(row.settled_at for row in rows)


def awaited(now: datetime) -> dict[str, datetime]:
    """Return, by home side, when the oldest sign-in here was made whose record is not here."""
    without = SignIn.objects.filter(message_id__isnull=True, at__gt=now - MISSED_FOR).exclude(peer_sid="")
    return dict(without.order_by().values_list("home_side").annotate(Min("at")))


def _match(row: SignInRecord, now: datetime) -> None:
    found = SignIn.objects.select_for_update().filter(home_side=row.side, peer_sid=row.sid).first()
    if found is None:
        if now - row.at > WAIT:
            row.settled_at = now
            row.save(update_fields=["settled_at"])
        return
    row.sign_in, row.settled_at = found, now
    row.save(update_fields=["sign_in", "settled_at"])
    found.message_id = row.message_id
    problem = row.problem or _difference(row, found)
    if not problem:
        found.witnessed_at = now
    found.save(update_fields=["message_id", "witnessed_at"])
    if problem:
        _note(row, found, problem, now)
        signouts.end(sign_ins=[found], by="record")
    elif row.ended_at is not None:
        signouts.end(sign_ins=[found], by="peer", told_by=row.side)


def _difference(row: SignInRecord, found: SignIn) -> str:
    """Return in what a record and a sign-in differ, if in anything."""
    same = {
        "id-token": bytes(found.id_token_digest or b"") == bytes(row.id_token_digest),
        "userinfo": bytes(found.userinfo_digest or b"") == bytes(row.userinfo_digest),
        "level": Level(found.level).acr == row.acr,
        "service": found.client == row.service,
        "claims": set(found.claims) <= set(row.claims),
    }
    return next((name for name, holds in same.items() if not holds), "")


def _check_receipt(side: str, said: SignedIn) -> tuple[uuid.UUID | None, str]:
    """Return the consent that a receipt is of, and what is wrong with it, if anything."""
    provider = PeerProvider.objects.filter(side=side).first()
    keys = key_set(provider, "receipt") if provider is not None else {}
    try:
        receipt = receipts.read(said.receipt, keys=[key["jwk"] for key in keys.values()])
    except BadReceipt:
        return None, "receipt-not-signed"
    key = keys[receipt.kid]
    now = timezone.now()
    tolerance = timedelta(seconds=settings.NODE.exchange.clock_tolerance_s)
    if not key["since"] <= receipt.given_at.timestamp() < key["until"]:
        return receipt.id, "receipt-key"
    if receipt.given_at > now + tolerance or receipt.expires_at < now - tolerance:
        return receipt.id, "receipt-expired"
    told = (receipt.home, receipt.side, receipt.service, receipt.principal)
    if told != (side, settings.NODE.side, said.service.id, said.subject):
        return receipt.id, "receipt-of-another"
    if not set(said.claims) <= set(receipt.claims):
        return receipt.id, "receipt-too-narrow"
    return receipt.id, ""


def _note(row: SignInRecord, found: SignIn, problem: str, now: datetime) -> None:
    """Keep both contradicting pieces. They name nobody: digests, and the home side's signed receipt."""
    theirs = {
        "sid": row.sid, "message": str(row.message_id), "service": row.service, "acr": row.acr,
        "id_token": bytes(row.id_token_digest).hex(), "userinfo": bytes(row.userinfo_digest).hex(),
        "receipt": row.receipt,
    }  # fmt: skip
    ours = {
        "service": found.client, "level": found.level,
        "id_token": bytes(found.id_token_digest or b"").hex(),
        "userinfo": bytes(found.userinfo_digest or b"").hex(),
    }  # fmt: skip
    incidents.note(
        row.side,
        incidents.SIGN_IN_CONFLICT,
        f"{problem}: sign-in {row.sid}",
        json.dumps(theirs).encode(),
        json.dumps(ours).encode(),
        now=now,
    )
