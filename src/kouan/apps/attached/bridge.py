"""The bridge to NATS JetStream, where a side fans work out to its systems: subjects in, subjects out.

The database stays the truth. What is published is leased, as what is fetched by REST is, and published
again unless the system acknowledges it in time; what a system publishes is acknowledged to NATS after the
database has committed, and its ``Nats-Msg-Id`` is the idempotency key. So neither a server that forgets
nor a worker that is killed loses or doubles anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.conf import settings
from django.db import DatabaseError

from kouan.apps.attached import receiving, sending
from kouan.apps.attached.errors import BadMessage, NoIdempotencyKey, UnknownSystem
from kouan.apps.attached.models import System
from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange.crossing import MAX_PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from kouan.apps.attached.models import Received
    from kouan.sections import AttachedSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

LEASE: Final = timedelta(minutes=5)
"""How long a system has to acknowledge what was published, before it is published again."""
IDLE: Final = 2.0
"""Seconds between looks while nothing happens on the node: systems publish without its knowing."""
GROUP: Final = 50
_CONNECT: Final = 5.0
_PATIENCE: Final = 0.2
_AGAIN: Final = 5
_KEPT: Final = 30 * 86400
MAX_PENDING: Final = 256


class Names:
    """The names of one side's subjects and streams."""

    def __init__(self, prefix: str, side: str) -> None:
        self.base = f"{prefix}.{side}"
        head = f"{prefix}_{side}".upper().replace("-", "_")
        self.stream_in = f"{head}_IN"
        self.stream_out = f"{head}_OUT"
        self.durable = f"{head}_NODE"

    def inward(self, system: str, type_: str) -> str:
        """Return where messages of a type are published for a system."""
        return f"{self.base}.in.{system}.{type_}"

    def outward(self, system: str) -> str:
        """Return where a system publishes what the node is to do."""
        return f"{self.base}.out.{system}"

    def outcome(self, system: str) -> str:
        """Return where a system reads what came of it."""
        return f"{self.base}.outcome.{system}"


def run() -> bool:
    """Publish what waits and take what was published; return whether more may be there. A chore."""
    if not settings.NODE.attached.nats:
        return False
    return _bridge().step()


class Bridge:
    """One connection to NATS, on an event loop that turns only while a step is made."""

    def __init__(self, attached: AttachedSettings, side: str) -> None:
        self._attached = attached
        self.names = Names(attached.nats_prefix, side)
        self._loop = asyncio.new_event_loop()
        self._client: Any = None
        self._stream: Any = None
        self._subscription: Any = None
        self._said = ""

    def step(self) -> bool:
        """Do some of the work; a server that is not there is said once and tried again."""
        try:
            if self._client is None or not self._client.is_connected:
                self._wait(self._drop())
                self._wait(self._connect())
            published = self._publish_waiting()
            taken = self._take()
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the library raises, the connection is at fault
            self._say(f"NATS at {self._attached.nats} cannot be used ({type(error).__name__}): {error}"[:300])
            self._wait(self._drop())
            return False
        self._say("")
        return published or taken

    def close(self) -> None:
        """End the connection and the loop."""
        self._wait(self._drop())
        self._loop.close()

    def _wait(self, what: Coroutine[Any, Any, T]) -> T:
        """Turn the loop until NATS has answered; the database is used in between, never on the loop."""
        return self._loop.run_until_complete(what)

    async def _connect(self) -> None:
        import nats  # noqa: PLC0415 - an optional part of the installation
        from nats.js import api  # noqa: PLC0415 - as above

        who = {"user": self._attached.nats_user, "password": self._attached.nats_password}
        async with asyncio.timeout(2 * _CONNECT):
            self._client = await nats.connect(
                self._attached.nats,
                connect_timeout=int(_CONNECT),
                allow_reconnect=False,  # the chore connects anew
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                name="kouan",
                error_cb=_quiet,
                **(who if self._attached.nats_user else {}),
            )
        self._stream = self._client.jetstream(timeout=_CONNECT)
        base = self.names.base
        await self._ensure(self.names.stream_in, [f"{base}.in.>", f"{base}.outcome.*"])
        await self._ensure(self.names.stream_out, [f"{base}.out.*"])
        self._subscription = await self._stream.pull_subscribe(
            f"{base}.out.*",
            durable=self.names.durable,
            stream=self.names.stream_out,
            config=api.ConsumerConfig(ack_wait=60, max_ack_pending=MAX_PENDING),
        )

    async def _ensure(self, name: str, subjects: list[str]) -> None:
        """Make a stream that is not there; one that the operator made is used as it is."""
        from nats.js import errors  # noqa: PLC0415 - an optional part of the installation

        try:
            await self._stream.stream_info(name)
        except errors.NotFoundError:
            await self._stream.add_stream(name=name, subjects=subjects, max_age=_KEPT)

    async def _drop(self) -> None:
        if self._client is not None:
            with contextlib.suppress(Exception):
                await self._client.close()
        self._client = self._stream = self._subscription = None

    # In: what waits for the systems

    def _publish_waiting(self) -> bool:
        more = False
        for system in System.objects.filter(by_nats=True, disabled_at__isnull=True):
            rows = receiving.lease(system=system, limit=GROUP, how_long=LEASE)
            for row in rows:
                self._wait(self._publish_in(system.name, row))
            more = more or len(rows) == GROUP
        return more

    async def _publish_in(self, system: str, row: Received) -> None:
        # The id is for the server, which forgets it after its window; systems know a message by `Kouan-Id`.
        headers = {"Nats-Msg-Id": str(row.message_id), "Kouan-Id": str(row.message_id)}
        await self._stream.publish(self.names.inward(system, row.type), _document(row), headers=headers)

    # Out: what the systems want

    def _take(self) -> bool:
        messages = self._wait(self._fetch())
        for message in messages:
            name = message.subject.rpartition(".")[2]
            key = (message.headers or {}).get("Nats-Msg-Id")
            outcome = carry_out(name, key, bytes(message.data))
            self._wait(self._answer(message, name, key, outcome))
        return len(messages) == GROUP

    async def _fetch(self) -> list[Any]:
        try:
            return list(await self._subscription.fetch(GROUP, timeout=_PATIENCE))
        except TimeoutError:
            return []

    async def _answer(self, message: Any, name: str, key: str | None, outcome: dict[str, Any] | None) -> None:
        """Acknowledge to NATS what the database holds by now, after telling the system what came of it."""
        if outcome is None:  # the node cannot do it now: NATS brings it again
            await message.nak(delay=_AGAIN)
            return
        await self._stream.publish(
            self.names.outcome(name),
            json.dumps(outcome).encode(),
            headers={"Nats-Msg-Id": f"outcome:{name}:{key or uuid.uuid4()}"},
        )
        await message.ack()

    def _say(self, text: str) -> None:
        if text and text != self._said:
            log.warning("%s", text)
        elif not text and self._said:
            log.info("NATS works again")
        self._said = text


def carry_out(name: str, key: str | None, data: bytes) -> dict[str, Any] | None:
    """Do what a system published under ``key``, once; return the outcome to tell it.

    ``None`` says that the node cannot do it now. The document is a message to send, as the REST API takes
    it, or ``{"ack": id}``, or ``{"refuse": id, "code": …}``.
    """
    try:
        if not key:
            raise NoIdempotencyKey
        system = System.objects.filter(name=name, by_nats=True, disabled_at__isnull=True).first()
        if system is None:
            raise UnknownSystem(name=name[:40])
        done = _act(system, key, data)
    except KouanError as error:
        if error.status >= 500:  # noqa: PLR2004 - the node's own fault, or a full outbox
            return None
        problem = {"code": error.code, "status": error.status, "detail": str(error)}
        return {"key": key, "ok": False, "problem": problem}
    return {"key": key, "ok": True, **done}


def _act(system: System, key: str, data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data) if len(data) <= sending.MAX_REQUEST else None
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and set(value) == {"ack"}:
        return {"ended": str(receiving.acknowledge(system=system, message_id=_id(value["ack"])).message_id)}
    if isinstance(value, dict) and set(value) == {"refuse", "code"}:
        row = receiving.refuse(system=system, message_id=_id(value["refuse"]), code=str(value["code"]))
        return {"ended": str(row.message_id)}
    answer = sending.send_once(system=system, key=f"nats:{key}"[:200], request=sending.parse(data))
    return {"message": json.loads(answer)}


def _id(value: object) -> uuid.UUID:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        raise BadMessage(field="id", detail="a UUID is expected") from None


def _document(row: Received) -> bytes:
    return json.dumps(
        {
            "id": str(row.message_id),
            "from": row.sender,
            "type": row.type,
            "version": row.version,
            "conversation": str(row.conversation),
            "sent_at": row.sent_at.isoformat(),
            "handed_out": row.handed_out,
            "payload": cbor.decode(bytes(row.payload), max_bytes=MAX_PAYLOAD),
        },
        ensure_ascii=False,
    ).encode()


def _by_nats() -> list[System]:
    return list(System.objects.filter(by_nats=True, disabled_at__isnull=True))


async def _quiet(_error: Exception) -> None:
    """Say nothing: a step that fails says it."""


_made: list[Bridge] = []


def _bridge() -> Bridge:
    if not _made:
        if importlib.util.find_spec("nats") is None:
            raise RuntimeError(
                "`attached.nats` is set, but nats-py is not installed: pip install kouan[nats]"
            )
        _made.append(Bridge(settings.NODE.attached, settings.NODE.side))
    return _made[0]
