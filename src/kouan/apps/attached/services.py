"""Writes about systems: attaching, what they may, tokens, webhooks, switching off and on."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from kouan.apps.attached import crossings, vault
from kouan.apps.attached.domain import is_name, is_webhook_address, secret_text
from kouan.apps.attached.errors import (
    BadSystemName,
    BadSystemToken,
    BadWebhookAddress,
    NoSuchDelivery,
    NoWebhook,
    SystemExists,
    UnknownType,
)
from kouan.apps.attached.models import Delivery, Sent, System, SystemToken
from kouan.core.exchange.models import OutboxMessage
from kouan.web import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

log = logging.getLogger(__name__)

OVERLAP: Final = timedelta(hours=24)
"""How long a token still works beside its successor, unless it is to end at once."""


def attach(
    *,
    name: str,
    department: str,
    may_send: Sequence[str] = (),
    may_receive: Sequence[str] = (),
    by_nats: bool = False,
) -> tuple[System, str]:
    """Attach a system and return it with its token, which is shown this once.

    Raises ``BadSystemName``, ``SystemExists``, or ``UnknownType`` for a type that no file declares.
    """
    if not is_name(name):
        raise BadSystemName
    _declared(may_send, may_receive)
    try:
        with transaction.atomic():
            system = System.objects.create(
                name=name,
                department=department[:200],
                may_send=sorted(set(may_send)),
                may_receive=sorted(set(may_receive)),
                by_nats=by_nats,
                created_at=timezone.now(),
            )
            return system, _new_token(system)
    except IntegrityError:
        raise SystemExists(name=name) from None


def allow(
    *,
    system: System,
    may_send: Sequence[str] | None = None,
    may_receive: Sequence[str] | None = None,
    by_nats: bool | None = None,
) -> None:
    """Set anew what a system may send or receive, or whether it speaks NATS; ``None`` leaves it as it is."""
    _declared(may_send or (), may_receive or ())
    wanted: dict[str, object] = {}
    if may_send is not None:
        wanted["may_send"] = sorted(set(may_send))
    if may_receive is not None:
        wanted["may_receive"] = sorted(set(may_receive))
    if by_nats is not None:
        wanted["by_nats"] = by_nats
    System.objects.filter(pk=system.pk).update(**wanted)


def rotate_token(*, system: System, overlap: timedelta = OVERLAP) -> str:
    """Return a new token; the old ones end after ``overlap`` (zero: at once)."""
    now = timezone.now()
    with transaction.atomic():
        live = SystemToken.objects.select_for_update().filter(system=system)
        for token in live:
            if token.expires_at is None or token.expires_at > now + overlap:
                SystemToken.objects.filter(pk=token.pk).update(expires_at=now + overlap)
        return _new_token(system)


def use_token(token: str) -> System:
    """Return the system that a token names; raises ``BadSystemToken``."""
    let_in = SystemToken.objects.select_related("system").filter(system__disabled_at__isnull=True)
    found = tokens.find(let_in, token)
    if found is None:
        raise BadSystemToken
    return found.system


def disable(*, system: System) -> None:
    """Let a system in no more. What comes for it is stored and waits; no webhook is called."""
    System.objects.filter(pk=system.pk, disabled_at__isnull=True).update(disabled_at=timezone.now())
    log.warning("the attached system %s is switched off", system)


def enable(*, system: System) -> None:
    """Let a system in again, with the tokens that it had."""
    System.objects.filter(pk=system.pk).update(disabled_at=None)
    log.warning("the attached system %s is switched on", system)


def set_webhook(*, system: System, url: str) -> str:
    """Have events posted to ``url`` and return the new secret; raises ``BadWebhookAddress``."""
    if not is_webhook_address(url):
        raise BadWebhookAddress
    secret = secrets.token_bytes(32)
    with transaction.atomic():
        if not system.webhook_url:  # what happened before is no news
            state = OutboxMessage.objects.filter(message_id=OuterRef("message_id")).values("state")[:1]
            Sent.objects.filter(system=system).update(told=Subquery(state))
        System.objects.filter(pk=system.pk).update(
            webhook_url=url,
            webhook_secret=vault.seal(secret, system=system.name),
            webhook_failing_since=None,
            webhook_disabled_at=None,
            webhook_disabled_why="",
        )
    return secret_text(secret)


def remove_webhook(*, system: System) -> None:
    """Post nothing to the system any more, and forget what had not been posted."""
    with transaction.atomic():
        System.objects.filter(pk=system.pk).update(
            webhook_url="", webhook_secret=None, webhook_failing_since=None, webhook_disabled_at=None
        )
        Delivery.objects.filter(system=system, state=Delivery.State.WAITING).delete()


def enable_webhook(*, system: System) -> None:
    """Try a webhook again that was switched off, beginning with what waits; raises ``NoWebhook``."""
    if not system.webhook_url:
        raise NoWebhook(name=system.name)
    now = timezone.now()
    with transaction.atomic():
        System.objects.filter(pk=system.pk).update(
            webhook_disabled_at=None, webhook_disabled_why="", webhook_failing_since=None
        )
        Delivery.objects.filter(system=system, state=Delivery.State.WAITING).update(next_at=now)


def redeliver(*, system: System, key: UUID) -> None:
    """Post an event once more, under the same id; raises ``NoSuchDelivery`` or ``NoWebhook``."""
    if not system.webhook_url:
        raise NoWebhook(name=system.name)
    again = Delivery.objects.filter(system=system, key=key).update(
        state=Delivery.State.WAITING, failures=0, next_at=timezone.now(), ended_at=None
    )
    if not again:
        raise NoSuchDelivery


def _new_token(system: System) -> str:
    made = tokens.new_token("sys")
    SystemToken.objects.create(
        system=system, prefix=made.prefix, digest=made.digest, created_at=timezone.now()
    )
    return made.token


def _declared(*lists: Sequence[str]) -> None:
    known = crossings.types()
    for type_ in (each for types in lists for each in types):
        if type_ not in known:
            raise UnknownType(type=type_[:80])
