"""Reads: what residents see of themselves, and registrars and operators of services and providers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.utils import timezone

from kouan.apps.identity import keys, receipts
from kouan.apps.identity.domain import LinkState, link_state
from kouan.apps.identity.errors import UnknownConsent, UnknownLink, UnknownService, UnknownSignIn
from kouan.apps.identity.models import (
    ConsentReceipt,
    Link,
    Notice,
    PeerProvider,
    Service,
    ServiceChange,
    SignIn,
    SigningKey,
)
from kouan.apps.identity.provider.clients import NODE_PREFIX, ServiceFacts
from kouan.core.exchange.models import InboxMessage, OutboxMessage

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from django.core.paginator import Page

    from kouan.apps.identity.models import Resident

A_PAGE: Final = 20
NOTICES: Final = 20
NUMBERS_OVER: Final = timedelta(days=30)
_FAILED: Final = frozenset({"refused", "expired", "cancelled"})


# A resident's own


@dataclass(frozen=True, slots=True)
class Record:
    """Whether both sides' ledgers hold the record of a sign-in."""

    state: str
    """``own``, ``waiting``, ``recorded`` or ``failed``; of a linked account's sign-in here ``awaited``,
    ``witnessed`` or ``contradicted``: see ``labels.RECORD``."""
    ours: int | None = None
    theirs: int | None = None


@dataclass(frozen=True, slots=True)
class MySignIn:
    """One use of a resident's identity."""

    key: uuid.UUID
    service: ServiceFacts
    level: int
    claims: tuple[str, ...]
    at: datetime
    ended_at: datetime | None
    ended_by: str
    record: Record
    consent: uuid.UUID | None


def my_sign_ins(resident: Resident, *, page: str = "") -> tuple[list[MySignIn], Page[SignIn]]:
    """Return a page of a resident's sign-ins, the latest first."""
    rows = SignIn.objects.filter(resident=resident).select_related("receipt").order_by("-pk")
    found = Paginator(rows, A_PAGE).get_page(page)
    return _shown(list(found.object_list)), found


def my_sign_in(resident: Resident, key: uuid.UUID) -> MySignIn:
    """Return one of a resident's sign-ins; raises ``UnknownSignIn`` for any other."""
    row = SignIn.objects.filter(resident=resident, key=key).select_related("receipt").first()
    if row is None:
        raise UnknownSignIn
    return _shown([row])[0]


def open_sign_ins(resident: Resident) -> list[MySignIn]:
    """Return where a resident is signed in now, the latest first."""
    rows = SignIn.objects.filter(resident=resident, ended_at__isnull=True).select_related("receipt")
    return _shown(list(rows.order_by("-pk")[:A_PAGE]))


def _shown(rows: Sequence[SignIn]) -> list[MySignIn]:
    ids = [row.message_id for row in rows if row.message_id is not None]
    messages = {each.message_id: each for each in OutboxMessage.objects.filter(message_id__in=ids)}
    arrived = InboxMessage.objects.filter(message_id__in=[row.message_id for row in rows if row.peer_sid])
    places: dict[tuple[str, uuid.UUID | None], int]
    places = {(each.peer, each.message_id): each.ledger_index for each in arrived}
    return [
        MySignIn(
            key=row.key,
            service=ServiceFacts.from_json(row.service),
            level=row.level,
            claims=tuple(row.claims),
            at=row.at,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
            record=_arrived(row, places.get((row.home_side, row.message_id)))
            if row.peer_sid
            else _record(row, messages.get(row.message_id) if row.message_id else None),
            consent=row.receipt.key if row.receipt is not None else None,
        )
        for row in rows
    ]


def _record(row: SignIn, message: OutboxMessage | None) -> Record:
    if not row.client.startswith(NODE_PREFIX):
        return Record("own")
    if message is None:
        return Record("waiting")
    if message.peer_ledger_index is not None and message.ledger_index is not None:
        return Record("recorded", message.ledger_index, message.peer_ledger_index)
    return Record("failed" if message.state in _FAILED else "waiting")


def _arrived(row: SignIn, place: int | None) -> Record:
    """Return what is on record of a sign-in here with a linked account of another side."""
    if row.message_id is None:
        return Record("awaited")
    return Record("witnessed" if row.witnessed_at is not None else "contradicted", place)


@dataclass(frozen=True, slots=True)
class MyConsent:
    """What a resident agreed to for one service."""

    key: uuid.UUID
    service: ServiceFacts
    claims: tuple[str, ...]
    given_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None
    stands: bool


def my_consents(resident: Resident) -> tuple[list[MyConsent], list[MyConsent]]:
    """Return a resident's consents: those that stand, and those that are over; the latest first."""
    rows = ConsentReceipt.objects.filter(resident=resident).order_by("-pk")
    shown = [_consent(row) for row in rows]
    return [each for each in shown if each.stands], [each for each in shown if not each.stands]


def my_consent(resident: Resident, key: uuid.UUID) -> tuple[MyConsent, ConsentReceipt]:
    """Return one of a resident's consents; raises ``UnknownConsent`` for any other."""
    row = ConsentReceipt.objects.filter(resident=resident, key=key).first()
    if row is None:
        raise UnknownConsent
    return _consent(row), row


@dataclass(frozen=True, slots=True)
class ReceiptShown:
    """A receipt as its person reads it."""

    principal: str
    language: str
    kid: str
    key: dict[str, Any]
    """The public JWK that verifies it; empty if this node has it no more."""


def receipt_shown(row: ConsentReceipt) -> ReceiptShown:
    """Return what a receipt says beside what its consent's row does."""
    said, signer = receipts.content(row.jws), receipts.signer(row.jws)
    return ReceiptShown(
        principal=said["pii_principal_id"],
        language=said["language"],
        kid=signer.kid if signer is not None else "",
        key=dict(signer.public) if signer is not None else {},
    )


def _consent(row: ConsentReceipt) -> MyConsent:
    return MyConsent(
        key=row.key,
        service=ServiceFacts.from_json(row.service),
        claims=tuple(row.claims),
        given_at=row.given_at,
        expires_at=row.expires_at,
        withdrawn_at=row.withdrawn_at,
        stands=row.withdrawn_at is None and row.expires_at > timezone.now(),
    )


@dataclass(frozen=True, slots=True)
class MyLink:
    """A link between a resident's account and one on another side."""

    key: uuid.UUID
    side: str
    documents: tuple[str, ...]
    state: LinkState
    began_here: bool
    began_at: datetime
    cooling_until: datetime | None
    ended_at: datetime | None
    ended_by: str

    @property
    def can_end(self) -> bool:
        """Whether there is something to stop or to end."""
        return self.state not in {LinkState.REFUSED, LinkState.ENDED}


def my_links(resident: Resident) -> list[MyLink]:
    """Return a resident's links, the latest first."""
    now = timezone.now()
    return [_link(row, now) for row in Link.objects.filter(resident=resident).order_by("-pk")[:A_PAGE]]


def my_link(resident: Resident, key: uuid.UUID) -> MyLink:
    """Return one of a resident's links; raises ``UnknownLink`` for any other."""
    row = Link.objects.filter(resident=resident, key=key).first()
    if row is None:
        raise UnknownLink
    return _link(row, timezone.now())


def _link(row: Link, now: datetime) -> MyLink:
    return MyLink(
        key=row.key,
        side=row.peer,
        documents=tuple(row.documents.split()),
        state=link_state(LinkState(row.state), cooling_until=row.cooling_until, now=now),
        began_here=row.began_here,
        began_at=row.began_at,
        cooling_until=row.cooling_until,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )


def my_notices(resident: Resident) -> list[Notice]:
    """Return what a resident was told, the latest first."""
    return list(Notice.objects.filter(resident=resident).order_by("-pk")[:NOTICES])


def linkable_sides() -> list[str]:
    """Return the sides with an account of which one here can be linked."""
    return list(PeerProvider.objects.order_by("side").values_list("side", flat=True))


# Services


def service(client_id: str) -> Service:
    """Return a registered service; raises ``UnknownService``."""
    found = Service.objects.filter(client_id=client_id).first()
    if found is None:
        raise UnknownService
    return found


def services() -> list[Service]:
    """Return every registered service, by id."""
    return list(Service.objects.order_by("client_id"))


def history(found: Service) -> list[ServiceChange]:
    """Return who changed what of a service, the latest first."""
    return list(found.changes.select_related("by").order_by("-pk"))


# Providers, and sign-ins in numbers


def peer_providers() -> list[PeerProvider]:
    """Return the other sides' providers, by side."""
    return list(PeerProvider.objects.order_by("side"))


def portal_of(side: str) -> str:
    """Return where people reach another side's node, as its provider announced itself; empty where not."""
    return PeerProvider.objects.filter(side=side).values_list("issuer", flat=True).first() or ""


def own_keys() -> list[SigningKey]:
    """Return the keys of this node's provider that others need to know of."""
    return keys.published(*SigningKey.Use)


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many sign-ins there were; nobody is named."""

    home: str
    service: str
    """The side of the service."""
    level: int
    count: int
    open: int


def numbers() -> list[Numbers]:
    """Return how many people signed in lately, by their side, the service's and the level."""
    own = settings.NODE.side
    rows = (
        SignIn.objects.filter(at__gt=timezone.now() - NUMBERS_OVER)
        .values("home_side", "client", "level")
        .annotate(count=Count("pk"), open=Count("pk", filter=Q(ended_at__isnull=True)))
    )
    summed: dict[tuple[str, str, int], tuple[int, int]] = {}
    for row in rows:
        client = row["client"]
        side = client.removeprefix(NODE_PREFIX) if client.startswith(NODE_PREFIX) else own
        key = (row["home_side"], side, row["level"])
        count, still = summed.get(key, (0, 0))
        summed[key] = (count + row["count"], still + row["open"])
    return [Numbers(*key, *value) for key, value in sorted(summed.items())]
