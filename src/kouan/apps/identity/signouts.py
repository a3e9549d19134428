"""Ending sign-ins: at the services of this side, and on the other side.

An end is one transaction: the sign-in ends, its tokens count no more, a logout token waits for its service
(``logouts``), and the other side is told. What cannot be told for want of an agreement does not keep a
sign-in alive: its tokens live for minutes.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from kouan.apps.identity.crossings import SIGNED_OUT, SignedOut
from kouan.apps.identity.domain import CODE_LIFE
from kouan.apps.identity.models import AccessToken, AuthorizationCode, LogoutDelivery, Service, SignIn
from kouan.apps.identity.provider.clients import NODE_PREFIX
from kouan.core.exchange.outbox import send_if_it_can

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

    from kouan.apps.identity.models import ConsentReceipt, HomeSession, Link


def end(*, sign_ins: QuerySet[SignIn] | Collection[SignIn], by: str, told_by: str = "") -> int:
    """End sign-ins and return how many were not over yet.

    ``by`` says who or what ended them, in at most 20 characters; ``told_by`` is the side that told of the
    end, and so need not be told of it.
    """
    keys = [row.pk for row in sign_ins]
    now = timezone.now()
    with transaction.atomic():
        open_ones = SignIn.objects.select_for_update().filter(pk__in=keys, ended_at__isnull=True)
        rows = list(open_ones.order_by("pk"))
        for row in rows:
            _end_one(row, by=by, told_by=told_by, now=now)
    return len(rows)


def end_session(*, session: HomeSession, by: str) -> int:
    """End every sign-in that rests on a sign-in at the home provider; return how many were not over yet."""
    return end(sign_ins=SignIn.objects.filter(home_session=session, ended_at__isnull=True), by=by)


def end_consent(*, receipt: ConsentReceipt) -> int:
    """End every sign-in that rests on a consent of this side; return how many were not over yet."""
    return end(sign_ins=SignIn.objects.filter(receipt=receipt, ended_at__isnull=True), by="consent-withdrawn")


def end_link(*, link: Link) -> int:
    """End every sign-in that rests on a link between two accounts; return how many were not over yet.

    At services of this side, those of the other account's holder as the resident here; on the other side,
    those of the resident here, who is known there by the account that was linked. Belongs in the transaction
    that ends the link, so that none is made meanwhile.
    """
    if link.cooling_until is None:  # it never counted
        return 0
    here = Q(home_side=link.peer, resident=link.resident_id)
    # A code that was made just before the link counted may have been redeemed just after. So of that minute
    # sign-ins end as well that did not rest on it.
    there = Q(
        client=NODE_PREFIX + link.peer, resident=link.resident_id, at__gte=link.cooling_until - CODE_LIFE
    )
    return end(sign_ins=SignIn.objects.filter(here | there, ended_at__isnull=True), by="unlinked")


def ended_there(*, side: str, sid: uuid.UUID) -> int:
    """End the sign-in that another side says has ended; return how many were not over yet.

    Where that is the home side, ``sid`` is what its tokens named the sign-in; where it is the service's, it
    is what this side's tokens did. A side ends its own people's sign-ins and those at its own services alone.
    """
    theirs = SignIn.objects.filter(home_side=side, peer_sid=str(sid))
    ours = SignIn.objects.filter(home_side=settings.NODE.side, client=NODE_PREFIX + side, key=sid)
    return end(sign_ins=theirs | ours, by="peer", told_by=side)


def tell(*, side: str, sid: uuid.UUID) -> None:
    """Tell another side that a sign-in, as its tokens or ours name it, is over."""
    # A sign-in's messages are one conversation: its record arrives before its end.
    send_if_it_can(SIGNED_OUT, to=side, payload=SignedOut(sign_in=sid.bytes), conversation=sid)


def _end_one(row: SignIn, *, by: str, told_by: str, now: datetime) -> None:
    row.ended_at, row.ended_by, row.told = now, by, None
    row.save(update_fields=["ended_at", "ended_by", "told"])
    AccessToken.objects.filter(sign_in=row).delete()
    AuthorizationCode.objects.filter(sign_in=row).delete()
    if row.client.startswith(NODE_PREFIX):
        side = row.client.removeprefix(NODE_PREFIX)
        if side != told_by:
            tell(side=side, sid=row.key)
        return
    service = Service.objects.filter(client_id=row.client).exclude(backchannel_logout_uri="").first()
    if service is not None:
        LogoutDelivery.objects.get_or_create(
            sign_in=row, defaults={"uri": service.backchannel_logout_uri, "next_at": now}
        )
    if row.peer_sid and row.home_side != told_by:
        tell(side=row.home_side, sid=uuid.UUID(row.peer_sid))
