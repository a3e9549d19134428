"""Access tokens of programs: made for one of them, shown once, and kept as a digest alone.

Each app keeps its own rows, for whoever its tokens are for; what such a row has, and how a token is made,
found, found to have ended and noted as used, is the same for all.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from django.conf import settings
from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

LIFE: Final = timedelta(days=365)
"""How long a token works, unless its maker says otherwise."""
USE_NOTED_EVERY: Final = timedelta(minutes=1)
"""How fresh the note of a token's last use is; a note for each request would cost more than the request."""
_SHOWN: Final = 6
"""Characters by which people tell tokens apart."""


class TokenRow(models.Model):
    """A token of which only the digest is kept."""

    prefix = models.CharField(max_length=32)
    """The token's first characters, to tell tokens apart."""
    digest = models.BinaryField(unique=True, max_length=32)
    """SHA-256 of the token; the token holds 256 random bits, so no salt is needed."""
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    """When it ends by itself, if it does."""
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class ProgramToken(TokenRow):
    """A token of one of its holder's programs, good for a time and until it is revoked."""

    name = models.CharField(max_length=80)
    """What the program is, in the words of who asked for the token."""
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


Row = TypeVar("Row", bound=TokenRow)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made."""

    token: str = field(repr=False)
    """What its holder shows. It is kept nowhere."""
    prefix: str
    """Its first characters, to tell tokens apart."""
    digest: bytes
    """What is kept of it (``TokenRow.digest``)."""


def new_token(kind: str = "") -> NewToken:
    """Return a new token of this node; its beginning says whose it is, so that a leaked one is known."""
    head = f"kouan_{settings.NODE.side}_{kind}_" if kind else f"kouan_{settings.NODE.side}_"
    token = head + secrets.token_urlsafe(32)
    return NewToken(token, token[: len(head) + _SHOWN], digest(token))


def find(rows: QuerySet[Row], token: str) -> Row | None:
    """Return the row of a token that works now, and note that it was used; nothing for any other."""
    return working(rows.filter(digest=digest(token)).first())


def working(found: Row | None) -> Row | None:
    """Return the row that was found for a token's ``digest`` as ``find`` does."""
    now = timezone.now()
    if found is None or _ended(found, now):
        return None
    used = found.last_used_at
    if used is None or now - used > USE_NOTED_EVERY:
        type(found)._default_manager.filter(pk=found.pk).update(last_used_at=now)  # noqa: SLF001 - Django's own name
    return found


def revoke(rows: QuerySet[Row], prefix: str) -> int:
    """Revoke those of the tokens that begin with ``prefix``; return how many."""
    return rows.filter(prefix=prefix, revoked_at__isnull=True).update(revoked_at=timezone.now())


def _ended(row: TokenRow, now: datetime) -> bool:
    revoked = isinstance(row, ProgramToken) and row.revoked_at is not None
    return revoked or (row.expires_at is not None and row.expires_at <= now)


def digest(token: str) -> bytes:
    """Return what is kept of a token, by which its row is found."""
    return hashlib.sha256(token.encode()).digest()
