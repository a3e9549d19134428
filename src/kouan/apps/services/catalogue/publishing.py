"""Publishing this side's services: a draft that can be tried, then a version that stays what it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.services.catalogue import federation, keeping
from kouan.apps.services.catalogue.errors import (
    DraftChanged,
    FaultyDefinition,
    ForeignDefinition,
    NothingToPublish,
    NothingToWithdraw,
    OnlyForDemonstrations,
)
from kouan.apps.services.catalogue.queries import definition_in
from kouan.apps.services.definition.checks import check_source
from kouan.apps.services.definition.reading import Source, definition_of
from kouan.apps.services.models import ServiceVersion
from kouan.core.database.locks import take_turn

if TYPE_CHECKING:
    from collections.abc import Collection

    from kouan.apps.services.definition.model import Definition

State = ServiceVersion.State
log = logging.getLogger(__name__)


def draft(source: Source, *, by: str, departments: Collection[str] | None = None) -> ServiceVersion:
    """Keep a folder as the draft of its service, in place of an earlier draft.

    ``departments`` are those for which ``by`` may publish; without them, any. Raises ``FaultyDefinition``,
    ``ForeignDefinition`` or ``OnlyForDemonstrations``.
    """
    first = _checked(source)
    name = f"{first.side}/{first.service}"
    if first.side != settings.NODE.side or (
        departments is not None and first.department.code not in departments
    ):
        raise ForeignDefinition(service=name)
    if first.demonstration and not settings.NODE.demonstration:
        raise OnlyForDemonstrations(service=name)
    with transaction.atomic():
        take_turn(f"service {name}")
        rows = keeping.lock(first.side, first.service)
        _belongs(rows, departments)
        ServiceVersion.objects.filter(pk__in=[row.pk for row in rows if row.state == State.DRAFT]).delete()
        kept = [row for row in rows if row.state != State.DRAFT]
        version = kept[0].version + 1 if kept else 1
        return keeping.add(
            definition_of(source, version=version), state=State.DRAFT, by=by, now=timezone.now()
        )


def publish(
    service: str,
    *,
    by: str,
    departments: Collection[str] | None = None,
    digest: bytes | None = None,
    announce: bool = True,
) -> ServiceVersion:
    """Publish the draft of a service; what was published of it is replaced.

    ``digest`` is of the draft that was looked at. Members are told at once, or with the next list.
    Raises ``NothingToPublish``, ``DraftChanged`` or ``ForeignDefinition``.
    """
    side, now = settings.NODE.side, timezone.now()
    with transaction.atomic():
        take_turn(f"service {side}/{service}")
        rows = keeping.lock(side, service)
        drafted = next((row for row in rows if row.state == State.DRAFT), None)
        if drafted is None:
            raise NothingToPublish(service=service[:64])
        _belongs([drafted], departments)
        if digest is not None and bytes(drafted.digest) != digest:
            raise DraftChanged
        keeping.end([row for row in rows if row.state == State.PUBLISHED], state=State.REPLACED, now=now)
        drafted.published_at = now
        keeping.begin(drafted, definition_in(drafted), now=now, by=by)
        log.warning("%s published %s version %d", by, service, drafted.version)
        if announce:
            federation.announce(drafted)
    return drafted


def withdraw(service: str, *, by: str, departments: Collection[str] | None = None) -> ServiceVersion:
    """Offer a service no longer; cases go on. Raises ``NothingToWithdraw`` or ``ForeignDefinition``."""
    side = settings.NODE.side
    with transaction.atomic():
        take_turn(f"service {side}/{service}")
        rows = [row for row in keeping.lock(side, service) if row.state == State.PUBLISHED]
        if not rows:
            raise NothingToWithdraw(service=service[:64])
        _belongs(rows, departments)
        keeping.end(rows, state=State.WITHDRAWN, now=timezone.now(), by=by)
        log.warning("%s withdrew %s version %d", by, service, rows[0].version)
    federation.tell()
    return rows[0]


def publish_source(source: Source, *, by: str, announce: bool = True) -> ServiceVersion | None:
    """Draft and publish a folder; nothing happens where the very same is published already."""
    first = _checked(source)
    newest = ServiceVersion.objects.filter(
        side=first.side, service=first.service, state=State.PUBLISHED
    ).first()
    if newest is not None and bytes(newest.digest) == definition_of(source, version=newest.version).digest():
        return None
    draft(source, by=by)
    return publish(first.service, by=by, announce=announce)


def _checked(source: Source) -> Definition:
    """Return a folder as its first version; raises ``FaultyDefinition`` with the first fault."""
    faults = check_source(source)
    if faults:
        more = f" (+{len(faults) - 1})" if len(faults) > 1 else ""
        raise FaultyDefinition(detail=f"{faults[0]}{more}")
    return definition_of(source, version=1)


def _belongs(rows: list[ServiceVersion], departments: Collection[str] | None) -> None:
    """Raise ``ForeignDefinition`` if what stands now is of another department."""
    for row in rows:
        if departments is not None and row.department not in departments and row.state != State.REPLACED:
            raise ForeignDefinition(service=f"{row.side}/{row.service}")
