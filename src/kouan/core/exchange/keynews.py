"""What the worker does about this side's keys: tell every member of a change, and end what may end.

Each step leaves its mark in the database or in ``keys.json``; one that was cut off is taken up again.
"""

from __future__ import annotations

import hashlib
import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.exchange import outbox
from kouan.core.exchange.keyset import KEY_SET, KeySet, take_acknowledgement
from kouan.core.exchange.times import milliseconds
from kouan.core.ledger import services as ledger
from kouan.core.trust import changes, document, services
from kouan.core.trust.keys import SECOND_USES
from kouan.core.trust.models import KeyNews
from kouan.core.trust.queries import get_member, members, own
from kouan.core.trust.rotation import REMINDER

if TYPE_CHECKING:
    from kouan.core.trust.keylist import StoredKey
    from kouan.core.trust.member import MemberKeys
    from kouan.core.trust.own import OwnKeys

log = logging.getLogger(__name__)

EVERY: Final = 1.0
"""Seconds between two looks."""
IDLE: Final = 2.0
"""The same while nothing happens: keys are changed in files."""
REMIND_EVERY: Final = 86_400.0
HAND_IN_AGAIN: Final = 5.0
"""Seconds after which an urgent document is handed in again at a door that did not take it."""

_reminded: dict[str, float] = {}
_tried: dict[int, float] = {}


def look_after() -> bool:
    """Announce the present document, hand in what is urgent, end what waited for it, remind; the chore."""
    keys = own()
    announce(keys)
    hand_in(keys)
    finish(keys)
    _remind(keys)
    return False


def announce(keys: OwnKeys) -> None:
    """Queue the present document for every member that it was not queued for yet.

    The first document of a node is not news: members know it from the import that made them members.
    """
    if keys.public.serial == 1:
        return
    digest = keys.public.trust.digest
    queued = set(
        KeyNews.objects.filter(digest=digest, message_id__isnull=False).values_list("peer", flat=True)
    )
    for member in members():
        if member.side not in queued:
            try:
                with transaction.atomic():
                    _announce_to(member, keys)
            except IntegrityError:  # another worker was quicker
                continue


def _announce_to(member: MemberKeys, keys: OwnKeys) -> None:
    now = timezone.now()
    digest = keys.public.trust.digest
    news = KeyNews.objects.select_for_update().filter(peer=member.side, digest=digest).first()
    if news is None:
        payload = _payload(keys)
        news = KeyNews.objects.create(
            peer=member.side,
            serial=keys.public.serial,
            digest=digest,
            payload=KEY_SET.encode(payload),
            urgent=bool(set(keys.public.revoked) - _known_reports(member.side)),
            made_at=now,
        )
        ledger.append([ledger.Record("keys-announced", payload.statements[0])], now=now)
    if news.message_id is not None:
        return
    try:
        with transaction.atomic():
            news.message_id = outbox.send(
                KEY_SET, to=member.side, payload=KEY_SET.decode_bytes(bytes(news.payload))
            )
            news.problem = ""
    except KouanError as error:
        # Without an agreement that covers it, an operator carries the document: status says so.
        problem = str(error)[:300]
        if news.problem != problem:
            log.warning("the new keys cannot be sent to %s: %s", member.side, problem)
        news.problem = problem
    news.save(update_fields=["message_id", "problem"])


def _payload(keys: OwnKeys) -> KeySet:
    change = changes.Change(
        side=keys.side,
        serial=keys.public.serial,
        document=hashlib.sha256(keys.document).digest(),
        at=milliseconds(timezone.now()),
    )
    signers = [signer for _, signer in keys.vouching()][: changes.MAX_STATEMENTS]
    return KeySet(document=keys.document, statements=changes.sign_change(change, signers))


def _known_reports(peer: str) -> set[bytes]:
    """Return the ids of our compromised keys that a peer has acknowledged to know."""
    newest = KeyNews.objects.filter(peer=peer, verdict=changes.INSTALLED).order_by("-serial").first()
    if newest is None:
        return set()
    known = document.parse(KEY_SET.decode_bytes(bytes(newest.payload)).document)
    return {item.kid for item in known.content.revoked}


def hand_in(keys: OwnKeys) -> None:
    """Post what reports a compromise at the members' doors, until each has answered."""
    urgent = KeyNews.objects.filter(digest=keys.public.trust.digest, urgent=True, verdict="")
    for news in urgent:
        if time.monotonic() - _tried.get(news.pk, -HAND_IN_AGAIN) < HAND_IN_AGAIN:
            continue
        _tried[news.pk] = time.monotonic()
        member = get_member(news.peer)
        try:
            answer = _post(member, bytes(news.payload))
            with transaction.atomic():
                take_acknowledgement(news.peer, answer)
        except KouanError as error:
            KeyNews.objects.filter(pk=news.pk, verdict="").update(problem=str(error)[:300])


def _post(member: MemberKeys, body: bytes) -> bytes:
    from kouan.core.exchange.transport import Line  # noqa: PLC0415 - only the worker pays for an HTTP client

    line = Line(member)
    try:
        answer = line.post("/keys", body, "application/cbor")
        if answer.status != HTTPStatus.OK or answer.content_type != changes.ACKNOWLEDGEMENT_TYPE:
            raise line.refusal(answer)
        return answer.body
    finally:
        line.close()


def finish(keys: OwnKeys) -> None:
    """End the old keys that wait for it, if every member has the present document in use."""
    if keys.ending and not unacknowledged(keys):
        services.finish_rotation()


def unacknowledged(keys: OwnKeys) -> list[str]:
    """Return the members that have not signed that the present document is in use with them."""
    digest = keys.public.trust.digest
    took = KeyNews.objects.filter(digest=digest, verdict=changes.INSTALLED).values_list("peer", flat=True)
    known = set(took)
    return [] if keys.public.serial == 1 else [each.side for each in members() if each.side not in known]


def ending_soon(keys: OwnKeys) -> list[StoredKey]:
    """Return the keys in use that end within ``REMINDER`` and have no successor yet.

    A second signature that has ended was ended on purpose: the settings would have made new keys for it.
    """
    now = timezone.now()
    soon: dict[str, StoredKey] = {}
    for key in keys.keys:
        if key.usable and key.kid not in keys.revoked:
            last = soon.get(key.use.value)
            if last is None or key.until > last.until:
                soon[key.use.value] = key
    return [
        key
        for key in soon.values()
        if key.until - REMINDER <= now and not (key.use in SECOND_USES and key.until <= now)
    ]


def _remind(keys: OwnKeys) -> None:
    for key in ending_soon(keys):
        kid = key.kid.hex()
        if time.monotonic() - _reminded.get(kid, -REMIND_EVERY) >= REMIND_EVERY:
            _reminded[kid] = time.monotonic()
            log.warning("the %s key %s ends at %s: kouan trust rotate %s", key.use, kid, key.until, key.use)
