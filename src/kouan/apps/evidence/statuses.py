"""Status lists of this side: a place for each credential, and what stands there."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from kouan.apps.evidence import keys
from kouan.apps.evidence.models import Credential, StatusList
from kouan.apps.evidence.sdjwt import status as lists

if TYPE_CHECKING:
    from kouan.apps.evidence.models import EvidenceRecord

PATH: Final = "/evidence/status/"
TTL: Final = timedelta(hours=12)
"""After which a verifier should look for a newer list."""
GRACE: Final = timedelta(hours=36)
"""How much older than that a list may be and still count: the other side may be down for a day."""
LONGEST: Final = timedelta(days=30)
"""For which another side's list may say that it counts."""
LEEWAY: Final = timedelta(seconds=120)
"""By which another side's clock may be ahead of this one."""
NO_END: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a credential's status stands."""

    list: StatusList
    index: int
    fresh: bool
    """Whether the list was made for it, so that nobody has heard of the list yet."""

    @property
    def uri(self) -> str:
        """The list's address."""
        return uri_of(self.list.pk)


def uri_of(number: int) -> str:
    """Return the address of a list of this side."""
    return f"{settings.NODE.portal_origin}{PATH}{number}"


def place(*, audience: str, expires_at: datetime | None) -> Place:
    """Take a place in a list for one credential; in the caller's transaction.

    Callers at the same time take places in different lists, so none waits for another.
    """
    open_ = StatusList.objects.select_for_update(skip_locked=True).filter(
        audience=audience, next__lt=lists.SIZE
    )
    row = open_.order_by("pk").first()
    fresh = row is None
    if row is None:
        row = opened(audience)
    index = (row.next * row.factor + row.offset) % lists.SIZE
    ends = NO_END if expires_at is None else expires_at
    row.expires_at = ends if row.expires_at is None else max(row.expires_at, ends)
    row.next += 1
    row.save(update_fields=["next", "expires_at"])
    return Place(row, index, fresh)


def opened(audience: str) -> StatusList:
    """Make a new list for an audience."""
    return StatusList.objects.create(
        audience=audience,
        bits=lists.empty(),
        # Odd, so each place comes once, and large, so two that follow each other are far apart.
        factor=lists.SIZE // 4 + secrets.randbelow(lists.SIZE // 4) * 2 + 1,
        offset=secrets.randbelow(lists.SIZE),
    )


@transaction.atomic
def mark(
    *,
    status: int,
    after: datetime | None = None,
    record: EvidenceRecord | None = None,
    credential: Credential | None = None,
) -> int:
    """Set the status of all that was issued from a record, or of one credential; return how many changed.

    What is revoked stays so. ``after`` leaves those alone that had ended by then; without it they are set
    too, since a case of the other side may still rest on them.
    """
    found = (
        Credential.objects.filter(record=record)
        if credential is None
        else Credential.objects.filter(pk=credential.pk)
    )
    by_list: dict[int, list[int]] = {}
    for pk, index, expires_at in found.values_list("list_id", "index", "expires_at"):
        if after is None or expires_at is None or expires_at > after:
            by_list.setdefault(pk, []).append(index)
    changed = 0
    for row in StatusList.objects.select_for_update().filter(pk__in=by_list).order_by("pk"):
        bits = before = bytes(row.bits)
        for index in by_list[row.pk]:
            held = lists.status_at(bits, lists.BITS, index)
            if held not in {status, lists.INVALID}:
                bits = lists.with_status(bits, index, status)
                changed += 1
        if bits != before:
            StatusList.objects.filter(pk=row.pk).update(bits=bits, version=F("version") + 1)
    return changed


def token_of(row: StatusList, *, now: datetime | None = None) -> str:
    """Return a list as it is signed; signed anew where it has changed, or half its time is over."""
    now = now or timezone.now()
    fresh = row.signed_at is not None and row.signed_at <= now < row.signed_at + TTL / 2
    if row.token and fresh and row.signed_version == row.version:
        return row.token
    key = keys.current(now=now)
    row.token = lists.written(
        bytes(row.bits),
        uri=uri_of(row.pk),
        key=key.jwk,
        kid=key.kid,
        at=math.floor(now.timestamp()),
        ttl=int(TTL.total_seconds()),
        expires=math.floor((now + TTL + GRACE).timestamp()),
    )
    row.signed_at, row.signed_version = now, row.version
    StatusList.objects.filter(pk=row.pk, version=row.version).update(
        token=row.token, signed_at=now, signed_version=row.version
    )
    return row.token
