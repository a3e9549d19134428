"""Reads of the catalogue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count

from kouan.apps.services.catalogue.errors import ServiceWithdrawn, UnknownService, UnknownVersion
from kouan.apps.services.catalogue.searching import Wanted, search
from kouan.apps.services.definition.model import Definition, parse
from kouan.apps.services.models import ServiceVersion
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

State = ServiceVersion.State
PER_PAGE: Final = 20


def published(side: str, service: str) -> Definition:
    """Return what a side publishes of a service now; raises ``UnknownService`` or ``ServiceWithdrawn``."""
    return definition_in(published_row(side, service))


def published_row(side: str, service: str) -> ServiceVersion:
    """Return the row of ``published``."""
    rows = ServiceVersion.objects.filter(side=side, service=service).exclude(state=State.DRAFT)
    found = list(rows.order_by("-version")[:50])
    if not found:
        raise UnknownService(service=service[:64])
    shown = next((row for row in found if row.state == State.PUBLISHED), None)
    if shown is None:
        raise ServiceWithdrawn
    return shown


@lru_cache(maxsize=256)
def version(digest: bytes) -> Definition:
    """Return one version, whatever has become of it; raises ``UnknownVersion``.

    What was once published under a digest never changes and stays: it is read once.
    """
    row = ServiceVersion.objects.filter(digest=digest).exclude(state=State.DRAFT).first()
    if row is None:
        raise UnknownVersion
    return definition_in(row)


def definition_in(row: ServiceVersion) -> Definition:
    """Return the definition that a row keeps."""
    return _parsed(bytes(row.digest), bytes(row.body))


@lru_cache(maxsize=128)
def _parsed(_digest: bytes, body: bytes) -> Definition:
    return parse(json.loads(body))


@dataclass(frozen=True, slots=True)
class Shown:
    """A version as the catalogue shows it."""

    row: ServiceVersion
    definition: Definition

    @property
    def own(self) -> bool:
        """Whether it is this side's."""
        return self.row.side == settings.NODE.side


def other_sides() -> list[str]:
    """Return the sides whose services are shown here: the members, and whoever published something."""
    heard = ServiceVersion.objects.filter(state=State.PUBLISHED).values_list("side", flat=True).distinct()
    known = {member.side for member in members()} | set(heard)
    return sorted(known - {settings.NODE.side})


def found(wanted: Wanted, *, page: str | int = 1) -> Page[Shown]:
    """Return one page of what is found; a number that is none is the nearest that is."""
    at = Paginator(search(wanted), PER_PAGE).get_page(page)
    rows = ServiceVersion.objects.in_bulk(list(at.object_list))
    shown = [Shown(rows[key], definition_in(rows[key])) for key in at.object_list if key in rows]
    return Page(shown, at.number, at.paginator)  # type: ignore[arg-type]  # its numbers stay those of the keys


def shown(side: str, service: str) -> Shown:
    """Return what a side publishes of a service; raises as ``published``."""
    row = published_row(side, service)
    return Shown(row, definition_in(row))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many services there are."""

    categories: dict[str, int]
    total: int


def counted(sides: Sequence[str]) -> Counted:
    """Count what sides publish, category by category."""
    rows = ServiceVersion.objects.filter(state=State.PUBLISHED, side__in=list(sides))
    by = dict(rows.values_list("category").annotate(Count("pk")).order_by())
    return Counted(by, sum(by.values()))


def every_published(sides: Sequence[str] = ()) -> Iterator[Definition]:
    """Yield all that is published, by side and service."""
    rows = ServiceVersion.objects.filter(state=State.PUBLISHED).order_by("side", "service")
    if sides:
        rows = rows.filter(side__in=list(sides))
    for row in rows.iterator(chunk_size=200):
        yield definition_in(row)
