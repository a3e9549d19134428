"""What a journey asks inside a node about identities (see ``station.py``)."""

from __future__ import annotations

from typing import Any

from kouan.apps.identity import linking, register
from kouan.apps.identity.models import (
    ConsentReceipt,
    Link,
    LogoutDelivery,
    Notice,
    PeerProvider,
    SignIn,
    SignInRecord,
)
from kouan.apps.identity.registration import Registration
from kouan.core.exchange.models import InboxMessage, Incident, OutboxMessage


def add_service(registration: dict[str, Any]) -> None:
    """Register a service of this side."""
    register.add(registration=Registration.from_json(registration), by=None)


def knows(side: str) -> bool:
    """Return whether a side's provider is known here."""
    return PeerProvider.objects.filter(side=side).exists()


def sign_ins() -> list[dict[str, Any]]:
    """Return every sign-in, the oldest first."""
    return [
        {
            "key": str(row.key),
            "client": row.client,
            "home": row.home_side,
            "peer_sid": row.peer_sid,
            "subject": row.subject,
            "level": row.level,
            "claims": row.claims,
            "digests": (bytes(row.id_token_digest or b"").hex(), bytes(row.userinfo_digest or b"").hex()),
            "message": str(row.message_id or ""),
            "witnessed": row.witnessed_at is not None,
            "ended": row.ended_by if row.ended_at else "",
            "told": row.told is not None,
        }
        for row in SignIn.objects.order_by("pk")
    ]


def records() -> int:
    """Return how many records of sign-ins the other side has sent."""
    return SignInRecord.objects.count()


def deliveries() -> list[str]:
    """Return the states of what services are told of sign-outs."""
    return list(LogoutDelivery.objects.order_by("pk").values_list("state", flat=True))


def consents() -> list[str]:
    """Return the keys of the consents that stand."""
    rows = ConsentReceipt.objects.filter(withdrawn_at__isnull=True).order_by("pk")
    return [str(row.key) for row in rows]


def links() -> list[dict[str, Any]]:
    """Return every link, the oldest first."""
    return [
        {
            "key": str(row.key),
            "state": row.state,
            "documents": row.documents,
            "sealed": row.sealed is not None,
            "counts": bool(linking.active_link(resident=row.resident, peer=row.peer)),
        }
        for row in Link.objects.order_by("pk")
    ]


def notices() -> list[str]:
    """Return what residents were told, the oldest first."""
    return list(Notice.objects.order_by("pk").values_list("kind", flat=True))


def crossed(kind: str) -> list[dict[str, Any]]:
    """Return the messages of one kind with their places in both ledgers, ours and theirs."""
    sent = OutboxMessage.objects.filter(type=kind).order_by("pk")
    came = InboxMessage.objects.filter(type=kind).order_by("pk")
    return [
        *({"id": str(row.message_id), "way": "out", "state": row.state, "ours": row.ledger_index,
           "theirs": row.peer_ledger_index} for row in sent),
        *({"id": str(row.message_id), "way": "in", "state": row.state, "ours": row.ledger_index}
          for row in came),
    ]  # fmt: skip


def incidents() -> list[str]:
    """Return the kinds of what a peer should never have done."""
    return list(Incident.objects.values_list("kind", flat=True))
