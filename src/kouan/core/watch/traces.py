"""A message's way through both nodes, as OpenTelemetry spans.

The message's id is the trace's id on both sides (a UUID has the 128 bits that W3C Trace Context asks
for), and the span of its sending is named by the id's last 64 bits, which both sides know. So the spans of
two nodes join, and nothing is added to what crosses. Which messages are traced follows from the id as
well: its last 56 bits are random, and OpenTelemetry's consistent probability sampling decides by them.

Spans go to a file as OTLP in JSON Lines, which OpenTelemetry's collector reads: a node opens no
connection for them. The library is an extra; without ``start``, nothing of it is imported.
"""

from __future__ import annotations

import importlib.util
import random
from typing import IO, TYPE_CHECKING, Any, Final, cast

from kouan import __version__
from kouan.config import ConfigError
from kouan.core.watch.files import RollingFile

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

on = False
"""Whether this process traces: what the hot path asks."""

_RANDOM: Final = (1 << 56) - 1
_SPAN: Final = (1 << 64) - 1
_NS: Final = 1_000_000_000


class TracingNotInstalled(ConfigError):
    """``watch.traces`` is set, and the library is not there; the text says how to install it."""


class _Tracer:
    """The library's parts; held here so that the module costs nothing while tracing is off."""

    def __init__(self, process: str, side: str, folder: Path, share: float) -> None:
        try:
            from opentelemetry import trace  # noqa: PLC0415 - an extra, imported where it is wanted
            from opentelemetry.exporter.otlp.json.file import trace_exporter  # noqa: PLC0415 - as above
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
            from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415 - as above
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
            from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415 - as above
        except ImportError as error:
            raise TracingNotInstalled(
                f"`watch.traces` needs OpenTelemetry ({error}): see docs/operate.md, Traces."
            ) from None
        self._api, self._span = trace, ReadableSpan
        self._scope = InstrumentationScope("kouan", __version__)
        # Nothing of the machine or its environment: who reads traces need not know them.
        self._resource = Resource(
            {"service.name": f"kouan-{process}", "service.namespace": side, "service.version": __version__}
        )
        self.threshold = round((1 - share) * (_RANDOM + 1))
        self.file = RollingFile(folder / f"{process}.jsonl")
        self._processor = BatchSpanProcessor(
            trace_exporter.FileSpanExporter(stream=cast("IO[str]", self.file)), schedule_delay_millis=1000
        )

    def write(  # noqa: PLR0913 - what a span is, by name
        self,
        name: str,
        message: uuid.UUID,
        *,
        kind: str,
        began: float,
        ended: float,
        attributes: Mapping[str, str | int],
        root: bool = False,
        remote: bool = False,
    ) -> None:
        """Have a span written; ``remote`` says that its parent was made on the other side."""
        first = message.int & _SPAN
        flags = self._api.TraceFlags(self._api.TraceFlags.SAMPLED)
        context = self._api.SpanContext(
            message.int, first if root else random.getrandbits(64) or 1, is_remote=False, trace_flags=flags
        )
        parent = None
        if not root:
            parent = self._api.SpanContext(message.int, first, is_remote=remote, trace_flags=flags)
        self._processor.on_end(
            self._span(
                name,
                context=context,
                parent=parent,
                resource=self._resource,
                attributes=dict(attributes),
                kind=self._api.SpanKind[kind],
                instrumentation_scope=self._scope,
                start_time=round(began * _NS),
                end_time=round(max(began, ended) * _NS),
            )
        )

    def close(self) -> None:
        self._processor.shutdown()  # type: ignore[no-untyped-call]
        self.file.close()


_tracer: Any = None


def check_installed() -> None:
    """Look for the library without using it; raises ``TracingNotInstalled``."""
    for name in ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.json.file"):
        try:
            found = importlib.util.find_spec(name) is not None
        except (ImportError, ValueError):
            found = False
        if not found:
            raise TracingNotInstalled(
                f"`watch.traces` needs OpenTelemetry ({name}): see docs/operate.md, Traces."
            )


def start(process: str, side: str, folder: Path, share: float) -> None:
    """Trace this share (0 to 1) of all messages in this process; raises ``TracingNotInstalled``."""
    global on, _tracer  # noqa: PLW0603 - one switch a process, read on the hot path
    stop()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _tracer = _Tracer(process, side, folder, share)
    on = True


def stop() -> None:
    """Write what is left and trace no more."""
    global on, _tracer  # noqa: PLW0603 - as above
    on = False
    if _tracer is not None:
        _tracer.close()
        _tracer = None


def is_traced(message: uuid.UUID) -> bool:
    """Say whether a message is one of those that both sides trace."""
    return on and message.int & _RANDOM >= _tracer.threshold


def sealed(
    peer: str, messages: Sequence[tuple[uuid.UUID, datetime]], *, began: float, ended: float
) -> list[uuid.UUID]:
    """Trace the sending and the sealing of messages; return those that are traced."""
    traced = [(message, made) for message, made in messages if is_traced(message)]
    for message, made in traced:
        about = {"kouan.peer": peer, "kouan.message": str(message), "kouan.batch.messages": len(messages)}
        sent = made.timestamp()
        _tracer.write("send", message, kind="PRODUCER", began=sent, ended=began, attributes=about, root=True)
        _tracer.write("seal", message, kind="INTERNAL", began=began, ended=ended, attributes=about)
    return [message for message, _ in traced]


def posted(peer: str, messages: Iterable[uuid.UUID], *, began: float, ended: float) -> None:
    """Trace messages, known to be traced, from the first posting of their batch to its receipt."""
    for message in messages:
        about = {"kouan.peer": peer, "kouan.message": str(message)}
        _tracer.write("post", message, kind="CLIENT", began=began, ended=ended, attributes=about)


def accepted(peer: str, messages: Iterable[uuid.UUID], *, began: float, ended: float) -> None:
    """Trace a peer's messages at our door, from the batch's arrival to its commit."""
    for message in filter(is_traced, messages):
        about = {"kouan.peer": peer, "kouan.message": str(message)}
        _tracer.write(
            "accept", message, kind="SERVER", began=began, ended=ended, attributes=about, remote=True
        )


def handled(peer: str, message: uuid.UUID, *, result: str, began: float, ended: float) -> None:
    """Trace a peer's message through the transaction in which it was handled."""
    if is_traced(message):
        about = {"kouan.peer": peer, "kouan.message": str(message), "kouan.result": result}
        _tracer.write(
            "handle", message, kind="CONSUMER", began=began, ended=ended, attributes=about, remote=True
        )


def noticed(peer: str, ended: Iterable[tuple[uuid.UUID, bool]], *, at: float) -> None:
    """Trace the moment at which we learn how our messages ended: whether the peer handled them."""
    for message, well in ended:
        if not is_traced(message):
            continue
        result = "handled" if well else "refused"
        about = {"kouan.peer": peer, "kouan.message": str(message), "kouan.result": result}
        _tracer.write("notice", message, kind="INTERNAL", began=at, ended=at, attributes=about)
