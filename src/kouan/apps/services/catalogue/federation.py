"""The catalogue over the door: what this side publishes is told, what others publish is kept.

A version is sent when it is published. The whole list follows whenever it has changed, and once a day; the
receiver asks for what is missing and withdraws what is no longer there. All of it between two sides is one
conversation, so it is handled in the order in which it was said, and saying it again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.services.catalogue import keeping
from kouan.apps.services.catalogue.errors import FaultyDefinition, ForeignDefinition, OnlyForDemonstrations
from kouan.apps.services.catalogue.queries import definition_in
from kouan.apps.services.definition import checks
from kouan.apps.services.definition import form as forms
from kouan.apps.services.definition.model import BadDefinition, Definition, parse
from kouan.apps.services.models import CatalogueHeard, CatalogueTold, ServiceVersion
from kouan.core.database.locks import take_turn
from kouan.core.errors import KouanError
from kouan.core.exchange import outbox
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from kouan.apps.services.payloads import CatalogueListed, ServicePublished, ServicesWanted
    from kouan.core.exchange import Crossing, Received

State = ServiceVersion.State
log = logging.getLogger(__name__)

AGAIN_AFTER: Final = timedelta(days=1)
NOT_TOLD_AGAIN_AFTER: Final = timedelta(minutes=1)
"""After a member could not be told, because no agreement allows it or too much waits for it."""
PER_PART: Final = 500
PER_WISH: Final = 100
MOST_SERVICES: Final = 2000
"""That are kept of one side at a time."""
_NAMESPACE: Final = uuid.UUID("0b6d8c1e-3f2f-4f63-9d0b-6a3f4c0f2a11")
_silent: dict[str, tuple[datetime, str]] = {}
"""Members that cannot be told: when this process last tried, and why."""


# Telling


def announce(row: ServiceVersion) -> None:
    """Send a version to each member that may have it, in the caller's transaction."""
    from kouan.apps.services.crossings import SERVICE_PUBLISHED  # noqa: PLC0415 - it needs us
    from kouan.apps.services.payloads import ServicePublished  # noqa: PLC0415 - it needs us

    for member in members():
        _send(SERVICE_PUBLISHED, member.side, [ServicePublished(definition=bytes(row.body))])


def tell(*, now: datetime | None = None) -> bool:
    """Tell each member what it does not know yet, and the whole list once a day."""
    now = now or timezone.now()
    listed = _list()
    digest = hashlib.sha256(json.dumps(listed).encode()).digest()
    for member in members():
        if _is_due(member.side, digest, now):
            _tell(member.side, listed, digest, now)
    return False


def _list() -> list[tuple[str, int, str]]:
    rows = ServiceVersion.objects.filter(side=settings.NODE.side, state=State.PUBLISHED)
    values = rows.order_by("service").values_list("service", "version", "digest")
    return [(service, version, bytes(digest).hex()) for service, version, digest in values]


def _is_due(side: str, digest: bytes, now: datetime) -> bool:
    tried, _why = _silent.get(side, (None, ""))
    if tried is not None and tried <= now < tried + NOT_TOLD_AGAIN_AFTER:
        return False
    told = CatalogueTold.objects.filter(peer=side).first()
    return told is None or bytes(told.digest) != digest or told.told_at + AGAIN_AFTER <= now


def _tell(side: str, listed: list[tuple[str, int, str]], digest: bytes, now: datetime) -> None:
    from kouan.apps.services.crossings import CATALOGUE_LISTED  # noqa: PLC0415 - as above
    from kouan.apps.services.payloads import CatalogueListed, Listed  # noqa: PLC0415 - as above

    parts = [listed[at : at + PER_PART] for at in range(0, len(listed), PER_PART)] or [[]]
    with transaction.atomic():
        take_turn(f"services-catalogue-{side}")  # of several workers one tells
        if not _is_due(side, digest, now):
            return
        told, _made = CatalogueTold.objects.get_or_create(
            peer=side, defaults={"digest": b"", "told_at": datetime.fromtimestamp(0, UTC)}
        )
        # Two lists of one second would be one to the receiver, who keeps the later one.
        at = max(int(now.timestamp()), int(told.told_at.timestamp()) + 1)
        payloads = [
            CatalogueListed(
                at=at,
                part=place,
                parts=len(parts),
                services=[
                    Listed(service=service, version=version, digest=bytes.fromhex(hexadecimal))
                    for service, version, hexadecimal in part
                ],
            )
            for place, part in enumerate(parts, 1)
        ]
        if _send(CATALOGUE_LISTED, side, payloads, now=now):
            told.digest, told.told_at = digest, datetime.fromtimestamp(at, UTC)
            told.save()


def _send(crossing: Crossing[Any], side: str, payloads: list[Any], *, now: datetime | None = None) -> bool:
    """Queue messages about the catalogue; returns whether they were taken."""
    try:
        outbox.send_many(
            crossing, to=side, payloads=payloads, conversation=_conversation(settings.NODE.side, side)
        )
    except KouanError as error:
        why = f"{side} is not told of the catalogue: {error}"
        if _silent.get(side, (None, ""))[1] != why:
            log.warning("%s", why)
        _silent[side] = (now or timezone.now(), why)
        return False
    _silent.pop(side, None)
    return True


def _conversation(sender: str, receiver: str) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, f"{sender} {receiver}")


# Hearing


def published(*, message: Received[ServicePublished]) -> None:
    """Keep a version that another side publishes.

    Raises ``FaultyDefinition``, ``ForeignDefinition`` or ``OnlyForDemonstrations``.
    """
    definition = read(message.payload.definition, sender=message.sender)
    now = timezone.now()
    take_turn(f"service {definition.side}/{definition.service}")
    rows = keeping.lock(definition.side, definition.service)
    digest = definition.digest()
    same = next((row for row in rows if row.version == definition.version), None)
    if same is not None and bytes(same.digest) != digest:
        raise FaultyDefinition(detail="this version was published before, and says something else now")
    if all(row.state != State.PUBLISHED for row in rows) and _offered(definition.side) >= MOST_SERVICES:
        raise FaultyDefinition(detail=f"its side offers more than {MOST_SERVICES} services")
    later = [row for row in rows if row.version > definition.version]
    if same is None:
        current = [row for row in rows if row.state == State.PUBLISHED and row.version < definition.version]
        keeping.end(current, state=State.REPLACED, now=now)
        state = State.REPLACED if later else State.PUBLISHED
        same = keeping.add(definition, state=state, by=f"side {message.sender}", now=now)
        log.info("%s publishes %s version %d", message.sender, definition.service, definition.version)
    same.told_at = now
    same.save(update_fields=["told_at"])


def _offered(side: str) -> int:
    return ServiceVersion.objects.filter(side=side, state=State.PUBLISHED).count()


def read(data: bytes, *, sender: str) -> Definition:
    """Return the definition that a side sent; raises as ``published``."""
    try:
        value = json.loads(data)
        definition = parse(value)
        canonical = definition.canonical()
    except (ValueError, RecursionError) as error:
        detail = str(error) if isinstance(error, BadDefinition) else "it is no JSON"
        raise FaultyDefinition(detail=detail[:200]) from None
    if canonical != data:
        raise FaultyDefinition(detail="it is not in canonical form")
    if definition.side != sender:
        raise ForeignDefinition(service=f"{definition.side}/{definition.service}")
    if definition.demonstration and not settings.NODE.demonstration:
        raise OnlyForDemonstrations(service=f"{definition.side}/{definition.service}")
    faults = forms.faults(definition.form)
    if faults:
        raise FaultyDefinition(detail=f"form {faults[0].where}: {faults[0].what}"[:200])
    for where, what in checks.broken(definition):
        raise FaultyDefinition(detail=f"{'.'.join(map(str, where))}: {what}"[:200])
    return definition


def listed(*, message: Received[CatalogueListed]) -> None:
    """Compare another side's list with what is kept of it, once all its parts are here."""
    said = message.payload
    now = timezone.now()
    if said.part > said.parts:
        raise FaultyDefinition(detail="the list has a part beyond its last")
    take_turn(f"services-catalogue-of-{message.sender}")
    heard, _made = CatalogueHeard.objects.get_or_create(
        side=message.sender, defaults={"at": 0, "count": 0, "parts": {}}
    )
    if said.at < heard.at or (said.at == heard.at and heard.heard_at is not None):
        return
    if said.at > heard.at or heard.count != said.parts:
        heard.at, heard.count, heard.parts = said.at, said.parts, {}
    heard.parts[str(said.part)] = [[each.service, each.version, each.digest.hex()] for each in said.services]
    if sum(len(part) for part in heard.parts.values()) > MOST_SERVICES:
        raise FaultyDefinition(detail=f"the list has more than {MOST_SERVICES} services")
    heard.heard_at = now if len(heard.parts) == heard.count else None
    heard.save()
    if heard.heard_at is not None:
        _compare(message.sender, [line for part in heard.parts.values() for line in part], now)


def _compare(side: str, lines: list[list[Any]], now: datetime) -> None:
    digests = {bytes.fromhex(digest): service for service, _version, digest in lines}
    offered = {service for service, _version, _digest in lines}
    kept = {bytes(row.digest): row for row in ServiceVersion.objects.filter(side=side).defer("body")}
    for digest, row in kept.items():
        # Where another version is listed, this one is shown until that one is here.
        if row.state == State.PUBLISHED and digest not in digests and row.service not in offered:
            keeping.end([row], state=State.WITHDRAWN, now=now)
    for digest, service in digests.items():
        row_ = kept.get(digest)
        if row_ is not None and row_.state != State.PUBLISHED:
            others = [row for row in keeping.lock(side, service) if row.state == State.PUBLISHED]
            keeping.end(others, state=State.REPLACED, now=now)
            keeping.begin(row_, definition_in(row_), now=now)
    known = [digest for digest in digests if digest in kept]
    ServiceVersion.objects.filter(side=side, digest__in=known).update(told_at=now)
    _want(side, [digest for digest in digests if digest not in kept])


def _want(side: str, missing: list[bytes]) -> None:
    from kouan.apps.services.crossings import SERVICES_WANTED  # noqa: PLC0415 - as above
    from kouan.apps.services.payloads import ServicesWanted  # noqa: PLC0415 - as above

    wishes = [ServicesWanted(digests=missing[at : at + PER_WISH]) for at in range(0, len(missing), PER_WISH)]
    if wishes:
        _send(SERVICES_WANTED, side, wishes)


def wanted(*, message: Received[ServicesWanted]) -> None:
    """Send versions that another side lacks, if they are still published."""
    from kouan.apps.services.crossings import SERVICE_PUBLISHED  # noqa: PLC0415 - as above
    from kouan.apps.services.payloads import ServicePublished  # noqa: PLC0415 - as above

    rows = ServiceVersion.objects.filter(
        side=settings.NODE.side, state=State.PUBLISHED, digest__in=message.payload.digests
    )
    payloads = [ServicePublished(definition=bytes(row.body)) for row in rows.order_by("service")]
    if payloads:
        _send(SERVICE_PUBLISHED, message.sender, payloads)


def forget() -> None:
    """Forget which members could not be told (for tests)."""
    _silent.clear()
