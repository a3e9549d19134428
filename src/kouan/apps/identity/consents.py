"""Consents: what a person is asked, what they agree to, and that they may take it back.

What is told is what a service is registered for, and asks for, and the person ticks; for a person of this
side the side's own node asks, whoever the service is.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language

from kouan.apps.identity import receipts, residents, signouts
from kouan.apps.identity.crossings import CONSENT_WITHDRAWN, ConsentWithdrawn
from kouan.apps.identity.domain import Level, may_be_told
from kouan.apps.identity.errors import ConsentNeeded, InteractionOver, NotThisStep, UnknownConsent
from kouan.apps.identity.models import ConsentReceipt, Interaction, SignIn
from kouan.apps.identity.provider import interactions
from kouan.apps.identity.provider.clients import get_client
from kouan.apps.identity.subjects import subject_of
from kouan.core.database.rows import fetch, stored
from kouan.core.exchange import bodies
from kouan.core.exchange.outbox import send_if_it_can

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from kouan.apps.identity.models import HomeSession, Resident
    from kouan.apps.identity.provider.clients import Client, ServiceFacts
    from kouan.apps.identity.provider.requests import Request
    from kouan.core.policy import Proposal

PREFIX = "identity:"
"""What a reference to a consent of this app begins with."""
_STANDING = (
    "resident_id = %s AND peer = %s AND service_id = %s AND withdrawn_at IS NULL AND expires_at > %s "
    "ORDER BY id DESC LIMIT 1"
)
"""The latest consent of a resident for a service that stands."""


@dataclass(frozen=True, slots=True)
class AskedClaim:
    """One thing that a service asks to be told, with what it would be told."""

    name: str
    value: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """All that a person sees before agreeing."""

    service: ServiceFacts
    peer: str | None
    """The side of the service, where that is another."""
    level: Level
    claims: tuple[AskedClaim, ...]
    missing: tuple[str, ...]
    """What it asks for and cannot be told: nobody here knows it, or the sign-in is not strong enough."""
    before: datetime | None
    """When the person agreed to all of it before, and that consent still stands."""
    partly_before: datetime | None
    """The same, where that was a part of it: what is ticked already."""
    link: bool
    """Whether the sign-in is a part of linking two accounts."""


def offer(interaction: Interaction) -> Offer:
    """Return what the person is asked; raises ``NotThisStep``, or ``InteractionOver`` if they signed out."""
    session = _session(interaction)
    request, client = interactions.request_of(interaction), get_client(interaction.client)
    held = _held(session, request, client)
    last = _last(session.resident, client, request.service)
    agreed = set(last.claims) & held.keys() if last is not None else set()
    given_at = last.given_at if last is not None else None
    return Offer(
        service=request.service,
        peer=client.peer,
        level=Level(session.level),
        claims=tuple(
            AskedClaim(name, value, bool(request.link) or name in agreed) for name, value in held.items()
        ),
        missing=tuple(name for name in request.claims if name not in held),
        before=given_at if agreed >= held.keys() else None,
        partly_before=given_at if set() < agreed < held.keys() else None,
        link=bool(request.link),
    )


def give(*, key: uuid.UUID, browser: bytes, ticked: Collection[str]) -> Interaction:
    """Take a person's consent: what is registered, asked for and ticked, with a signed receipt.

    The receipt and the next step are one transaction. A link needs all that it asks for: who agrees to it
    agrees to that. Where all that is asked for is ticked, and an earlier consent that still stands says so
    already, its receipt serves again. Raises what ``offer`` raises.
    """
    with transaction.atomic():
        interaction = interactions.locked(key=key, browser=browser)  # before the receipt, as at the finish
        session = _session(interaction)
        request, client = interactions.request_of(interaction), get_client(interaction.client)
        held = _held(session, request, client)
        agreed = [name for name in held if name in ticked or request.link]
        last = _last(session.resident, client, request.service, lock=True)
        if last is None or not (agreed == list(held) and set(last.claims) >= set(agreed)):
            last = _given(session.resident, client, request, agreed)
        return interactions.consented(key=key, browser=browser, claims=agreed, receipt=last)


def agreed_before(
    *, session: HomeSession, client: Client, request: Request
) -> tuple[list[str], ConsentReceipt]:
    """Return which claims a resident agreed to before, and the consent (``prompt=none``).

    It is held until the caller's transaction ends. Raises ``ConsentNeeded`` where they did not agree to all
    that would be asked, or for another purpose, and always for a peer's node: whoever goes to another side is
    asked each time.
    """
    held = _held(session, request, client)
    last = _last(session.resident, client, request.service, lock=True)
    if client.peer is not None or last is None or not set(last.claims) >= held.keys():
        raise ConsentNeeded
    return list(held), last


def withdraw(*, resident: Resident, key: uuid.UUID) -> int:
    """Take back what a resident agreed to for a service; return how many consents stood until now.

    All consents for that service end, sign-ins that rest on them end, and the side of the service is told,
    if it can be: one transaction. Doing it twice is harmless. Raises ``UnknownConsent``.
    """
    chosen = ConsentReceipt.objects.filter(resident=resident, key=key).first()
    if chosen is None:
        raise UnknownConsent
    now = timezone.now()
    with transaction.atomic():
        rows = list(
            # Whoever is about to finish a sign-in on it has to be let finish, to be seen below.
            ConsentReceipt.objects.select_for_update(no_key=True)
            .filter(
                resident=resident,
                peer=chosen.peer,
                service_id=chosen.service_id,
                withdrawn_at__isnull=True,
            )
            .order_by("pk")
        )
        ConsentReceipt.objects.filter(pk__in=[row.pk for row in rows]).update(withdrawn_at=now)
        # What has not been turned into a sign-in yet goes first, so that none is missed.
        Interaction.objects.filter(receipt__in=rows).delete()
        for row in rows:
            signouts.end_consent(receipt=row)
            if row.peer and row.expires_at > now:
                # It counts no more here, and that is what decides.
                said = ConsentWithdrawn(consent=row.key.bytes, service=row.service_id)
                send_if_it_can(CONSENT_WITHDRAWN, to=row.peer, payload=said)
        told = SignIn.objects.filter(receipt__in=rows).values_list("message_id", flat=True)
        bodies.erase_sent([each for each in told if each is not None], arrived=True)
    return len(rows)


def stands(receipt: ConsentReceipt | None, *, at: datetime) -> bool:
    """Return whether a consent counts at a time."""
    return receipt is not None and receipt.withdrawn_at is None and at < receipt.expires_at


class ConsentRegister:
    """Says whether a consent that a message relies on stands (see ``policy.decide.register_consents``).

    A side can only say so of its own: what another side relies on, its own receipt shows, which the message's
    handler checks.
    """

    def covers(self, proposal: Proposal) -> bool:
        """Whether a consent with this reference stands, for that side."""
        key = _key_of(proposal.consent_reference or "")
        if key is None:
            return False
        if proposal.sender != settings.NODE.side:
            return True
        found = ConsentReceipt.objects.filter(key=key, peer=proposal.receiver).first()
        return stands(found, at=proposal.at)


def _key_of(reference: str) -> uuid.UUID | None:
    try:
        key = uuid.UUID(reference.removeprefix(PREFIX))
    except ValueError:
        return None
    return key if reference == f"{PREFIX}{key}" else None


def _session(interaction: Interaction) -> HomeSession:
    if interaction.stage != Interaction.Stage.CONSENT or interaction.home_session is None:
        raise NotThisStep
    session = interaction.home_session
    if session.ended_at is not None or session.expires_at <= timezone.now():
        raise InteractionOver
    return session


def _held(session: HomeSession, request: Request, client: Client) -> dict[str, str]:
    """Return what the service may be told of this person if the person agrees, in a fixed order."""
    names = may_be_told(
        request.claims,
        registered=client.claims,
        level=Level(session.level),
        crossing=client.peer is not None,
    )
    known = residents.attributes_of(session)
    return {name: known[name] for name in names if known.get(name)}


def _last(
    resident: Resident, client: Client, service: ServiceFacts, *, lock: bool = False
) -> ConsentReceipt | None:
    """Return the latest consent that stands, if it was given for what the service asks for now.

    Under ``lock`` nobody withdraws it meanwhile, and a sign-in that rests on it can still be finished.
    """
    asked = (resident.pk, client.peer or "", service.id, stored(timezone.now()))
    found = fetch(ConsentReceipt, _STANDING, asked, lock=lock, no_key=True)
    return found[0] if found and _is_for(found[0], service) else None


def _is_for(receipt: ConsentReceipt, service: ServiceFacts) -> bool:
    """Say whether a consent was given for the purpose that a service has now: no other is agreed to."""
    return bool(receipt.service["purpose"] == service.purpose.as_mapping())


def _given(resident: Resident, client: Client, request: Request, claims: list[str]) -> ConsentReceipt:
    now, key = timezone.now(), uuid.uuid4()
    expires_at = now + receipts.VALID_FOR
    principal = subject_of(resident=resident, sector=client.sector(request.service.id))
    return ConsentReceipt.objects.create(
        key=key,
        resident=resident,
        peer=client.peer or "",
        service_id=request.service.id,
        service=request.service.to_json(),
        claims=claims,
        given_at=now,
        expires_at=expires_at,
        jws=receipts.sign(
            id=key,
            principal=principal,
            service=request.service,
            claims=claims,
            language=get_language() or "en",
            given_at=now,
            expires_at=expires_at,
        ),
    )
