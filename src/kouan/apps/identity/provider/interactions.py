"""The way of one person through a sign-in, step by step, in the one browser that began it.

``opened`` → the person chooses a side → signs in at this side's home provider (``authenticated``) or on
another side (``relayed``) → agrees (``consented``), if this is the home side → it is turned into a
``SignIn`` and a code. Each step is one transaction on a locked row: a form sent twice takes effect once.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.identity import residents
from kouan.apps.identity.domain import INTERACTION_LIFE, Level
from kouan.apps.identity.errors import InteractionOver, LevelNotReached, NotThisStep, SideNotOffered
from kouan.apps.identity.models import ConsentReceipt, HomeAttempt, HomeSession, Interaction, Relay
from kouan.apps.identity.provider.clients import Client, get_client
from kouan.apps.identity.provider.requests import Request
from kouan.core.database.rows import execute, fetch, insert, stored, update_many
from kouan.core.vault import Vault

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator, Mapping, Sequence

    from django.http import HttpRequest

Stage = Interaction.Stage
FOREIGN: Final = Vault("identity/foreign/1")
_CHANGED: Final = ("side", "stage", "home_session_id", "foreign", "granted", "receipt_id")
"""What a step may set."""
_FOR_IT: Final = "DELETE FROM {} WHERE interaction_id = %s"
_REMOVE: Final = f"DELETE FROM {Interaction._meta.db_table} WHERE id = %s"  # noqa: S608 - the table's own name
_BROWSER: Final = "identity_browser"
"""The key in the browser's session under which its random value is."""


def browser_digest(request: HttpRequest) -> bytes:
    """Return what ties interactions to this browser, beginning a session for it if there is none."""
    value = request.session.get(_BROWSER)
    if not isinstance(value, str):
        value = request.session[_BROWSER] = secrets.token_urlsafe(32)
        if request.session.session_key is None:
            request.session.create()  # in the caller's transaction, if there is one
    return hashlib.sha256(value.encode()).digest()


def opened(*, client: Client, request: Request, browser: bytes) -> Interaction:
    """Begin the way of one person for a checked request; the first step depends on whose resident it is."""
    now = timezone.now()
    side = request.side if request.side in client.sides else ""
    if not side and len(client.sides) == 1:
        side = client.sides[0]
    return insert(
        Interaction(
            browser=browser,
            client=client.id,
            params=request.to_json(),
            stage=_first(side).value,
            side=side,
            began_at=now,
            expires_at=now + INTERACTION_LIFE,
        )
    )


def current(*, key: uuid.UUID, browser: bytes) -> Interaction:
    """Return an interaction that is under way in this browser; raises ``InteractionOver``."""
    found = _found(key)
    if found is None or bytes(found.browser) != browser or found.expires_at <= timezone.now():
        raise InteractionOver
    return found


def request_of(interaction: Interaction) -> Request:
    """Return what it is about."""
    return Request.from_json(interaction.params)


def chosen(*, key: uuid.UUID, browser: bytes, side: str) -> Interaction:
    """Take the person's choice of a side; raises ``SideNotOffered`` or ``NotThisStep``."""
    with _step(key, browser, Stage.CHOOSE) as row:
        if side not in get_client(row.client).sides:
            raise SideNotOffered(side=side.upper()[:16])
        row.side, row.stage = side, _first(side).value
    return row


def authenticated(*, key: uuid.UUID, browser: bytes, session: HomeSession) -> Interaction:
    """Take a sign-in at this side's home provider; raises ``LevelNotReached``, and nothing has changed."""
    with _step(key, browser, Stage.HOME) as row:
        require_level(request_of(row).level, Level(session.level))
        row.home_session, row.stage = session, Stage.CONSENT.value
    return row


def relayed(*, key: uuid.UUID, browser: bytes, foreign: Mapping[str, Any], level: Level) -> Interaction:
    """Take what another side's node said of the person; the consent was given there."""
    with _step(key, browser, Stage.PEER) as row:
        require_level(request_of(row).level, level)
        row.foreign = FOREIGN.seal(json.dumps(foreign).encode(), of=str(row.key))
        row.stage = Stage.DONE.value
    return row


def consented(
    *, key: uuid.UUID, browser: bytes, claims: Sequence[str], receipt: ConsentReceipt
) -> Interaction:
    """Take the person's consent and its receipt."""
    with _step(key, browser, Stage.CONSENT) as row:
        row.granted, row.receipt, row.stage = list(claims), receipt, Stage.DONE.value
    return row


def abandoned(*, key: uuid.UUID, browser: bytes) -> Request:
    """End an interaction without a sign-in and return what it was about, so that the client can be told."""
    with transaction.atomic():
        row = locked(key=key, browser=browser)
        request = request_of(row)
        remove(row)
    return request


def remove(interaction: Interaction) -> None:
    """End an interaction that came to its end, and what was under way for it elsewhere."""
    for model in (Relay, HomeAttempt):
        execute(_FOR_IT.format(model._meta.db_table), (interaction.pk,))
    execute(_REMOVE, (interaction.pk,))


def foreign_of(interaction: Interaction) -> dict[str, Any]:
    """Return what another side's node said of the person."""
    value: dict[str, Any] = json.loads(
        FOREIGN.unseal(bytes(interaction.foreign or b""), of=str(interaction.key))
    )
    return value


def require_level(wanted: Level, reached: Level) -> None:
    """Raise ``LevelNotReached`` unless a sign-in is of the level that is asked for."""
    if reached < wanted:
        raise LevelNotReached(wanted=int(wanted), reached=int(reached))


@contextmanager
def _step(key: uuid.UUID, browser: bytes, stage: Stage) -> Iterator[Interaction]:
    """Lock an interaction at a stage and save what the block sets."""
    with transaction.atomic():
        row = locked(key=key, browser=browser)
        if row.stage != stage:
            raise NotThisStep
        yield row
        values = [getattr(row, name) for name in _CHANGED]
        update_many(Interaction, _CHANGED, [[*values, row.pk]])


def locked(*, key: uuid.UUID, browser: bytes) -> Interaction:
    """Return an interaction of this browser that nobody else changes until the caller's transaction ends."""
    row = _found(key, lock=True)
    if row is None or bytes(row.browser) != browser or row.expires_at <= timezone.now():
        raise InteractionOver
    return row


def hold(interaction: Interaction) -> None:
    """Hold an interaction until the caller's transaction ends, for what is begun for it elsewhere.

    Raises ``InteractionOver`` or ``NotThisStep`` where it has come to its end or gone on meanwhile.
    """
    row = locked(key=interaction.key, browser=bytes(interaction.browser))
    if (row.stage, row.side) != (interaction.stage, interaction.side):
        raise NotThisStep


def _found(key: uuid.UUID, *, lock: bool = False) -> Interaction | None:
    """Return an interaction with whoever signed in for it and what they agreed to."""
    found = fetch(Interaction, "key = %s", (stored(key),), lock=lock)
    if not found:
        return None
    (row,) = found
    if row.home_session_id is not None:
        row.home_session = residents.session_of(row.home_session_id)
    if row.receipt_id is not None:
        row.receipt = next(iter(fetch(ConsentReceipt, "id = %s", (row.receipt_id,))), None)
    return row


def _first(side: str) -> Stage:
    if not side:
        return Stage.CHOOSE
    return Stage.HOME if side == settings.NODE.side else Stage.PEER
