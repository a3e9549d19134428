"""Rows of versions: made of a definition, begun and ended, with what they are found by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kouan.apps.services.catalogue import searching
from kouan.apps.services.models import ServiceVersion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.apps.services.definition.model import Definition

State = ServiceVersion.State


def add(definition: Definition, *, state: State, by: str, now: datetime) -> ServiceVersion:
    """Keep a version in the caller's transaction; a published one must be the only one."""
    body = definition.canonical()
    row = ServiceVersion.objects.create(
        side=definition.side,
        service=definition.service,
        version=definition.version,
        digest=definition.digest(),
        body=body,
        state=state,
        department=definition.department.code,
        category=definition.category,
        audiences=_codes(definition.audiences),
        events=_codes(definition.events),
        homes=_codes(definition.homes),
        by=by[:150],
        drafted_at=now,
        published_at=None if state == State.DRAFT else now,
        ended_at=now if state in {State.REPLACED, State.WITHDRAWN} else None,
    )
    if state == State.PUBLISHED:
        searching.index(row, definition)
    return row


def end(rows: list[ServiceVersion], *, state: State, now: datetime, by: str = "") -> None:
    """End versions that were published: they are found no more, and stay for what is under way."""
    searching.forget(rows)
    for row in rows:
        row.state, row.ended_at, row.by = state, now, by[:150] or row.by
        row.save(update_fields=["state", "ended_at", "by"])


def begin(row: ServiceVersion, definition: Definition, *, now: datetime, by: str = "") -> None:
    """Have a version that is kept already published; what was published of the service must have ended."""
    row.state, row.ended_at = State.PUBLISHED, None
    row.published_at, row.by = row.published_at or now, by[:150] or row.by
    row.save(update_fields=["state", "ended_at", "published_at", "by"])
    searching.index(row, definition)


def lock(side: str, service: str) -> list[ServiceVersion]:
    """Return all versions of a service, newest first, held until the caller's transaction ends."""
    rows = ServiceVersion.objects.select_for_update().filter(side=side, service=service)
    return list(rows.order_by("-version"))


def _codes(codes: Sequence[str]) -> str:
    return f" {' '.join(codes)} " if codes else ""
