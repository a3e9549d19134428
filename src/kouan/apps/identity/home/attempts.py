"""Attempts at a home provider: begun for one browser, answered once.

What comes back is only taken in the browser that was sent, at the address of the provider to which it was
sent, and by deleting the row: whoever brings the same answer again, or another's, is refused.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from kouan.apps.identity.domain import INTERACTION_LIFE, Level
from kouan.apps.identity.errors import InteractionOver, UnreadableSecret
from kouan.apps.identity.models import HomeAttempt
from kouan.apps.identity.provider import interactions
from kouan.core.database.rows import execute, insert, select
from kouan.core.vault import Unsealable, Vault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.identity.home.adapter import Adapter, Asked
    from kouan.apps.identity.models import Interaction, Resident

_VAULT: Final = Vault("identity/home-attempts/1")
_MOST: Final = 10
"""How many attempts one browser may have open; the oldest goes."""
_TABLE: Final = HomeAttempt._meta.db_table
_OLDEST: Final = (
    f"SELECT id FROM {_TABLE} WHERE browser = %s "  # noqa: S608 - the table's own name
    f"ORDER BY id DESC LIMIT 100 OFFSET {_MOST - 1}"
)
_DELETE: Final = f"DELETE FROM {_TABLE} WHERE id = %s"  # noqa: S608 - the table's own name


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt whose answer is here."""

    kept: Mapping[str, Any]
    interaction: Interaction | None
    resident: Resident | None
    level: Level
    back_to: str


def begin(  # noqa: PLR0913 - what an attempt is about
    *,
    browser: bytes,
    adapter: Adapter,
    asked: Asked,
    interaction: Interaction | None = None,
    resident: Resident | None = None,
    back_to: str = "",
) -> str:
    """Begin an attempt and return where to send the browser.

    Raises what the adapter raises, and ``InteractionOver`` or ``NotThisStep`` where the interaction has gone
    on meanwhile.
    """
    begun = adapter.begin(asked)  # it may ask the provider, so no transaction is open
    state = _digest(begun.state)
    with transaction.atomic():
        if interaction is not None:
            interactions.hold(interaction)
        for (pk,) in select(_OLDEST, (browser,)):
            execute(_DELETE, (pk,))
        insert(
            HomeAttempt(
                state=state,
                browser=browser,
                provider=adapter.id,
                kept=_VAULT.seal(json.dumps(begun.kept).encode(), of=state.hex()),
                interaction=interaction,
                resident=resident,
                level=int(asked.level),
                back_to=back_to,
                expires_at=timezone.now() + INTERACTION_LIFE,
            )
        )
    return begun.url


def take(*, browser: bytes, provider: str, state: str) -> Attempt:
    """Take an attempt whose answer is here, once; raises ``InteractionOver``."""
    digest = _digest(state)
    row = HomeAttempt.objects.select_related("interaction", "resident").filter(state=digest).first()
    if row is None or bytes(row.browser) != browser or row.provider != provider:
        raise InteractionOver
    if not execute(_DELETE, (row.pk,)) or row.expires_at <= timezone.now():
        raise InteractionOver
    try:
        kept = json.loads(_VAULT.unseal(bytes(row.kept), of=digest.hex()))
    except Unsealable:
        raise UnreadableSecret from None
    return Attempt(kept, row.interaction, row.resident, Level(row.level), row.back_to)


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).digest()
