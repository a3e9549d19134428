"""A process's log: lines for a person at a terminal, or JSON for a program; never what must not be there.

The fields of a JSON line are those of ``FIELDS``, and stay; docs/operate.md explains them.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from kouan.core.watch.redact import clean, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Form = Literal["text", "json"]

request: ContextVar[str] = ContextVar("request", default="")
"""The request to the portal that is being answered: every line that it causes carries it."""
message: ContextVar[object] = ContextVar("message", default="")
"""The message that is being handled."""

FIELDS: Final = (
    "at", "level", "process", "side", "logger", "text",
    "request", "message", "peer", "code", "error", "trace",
)  # fmt: skip
"""Every field that a line may have; the first six are always there.

What a line is about is given with it: ``log.info(…, extra={"about": {"peer": "gd", "code": "…"}})``.
"""
_LONGEST: Final = 16_000
TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
"""A line for a person."""

GRANIAN: Final[Mapping[str, Any]] = {
    "handlers": {},
    "formatters": {},
    "loggers": {
        "_granian": {"handlers": [], "level": "INFO", "propagate": True},
        "granian.access": {"handlers": [], "level": "INFO", "propagate": True},
    },
}
"""Has the server's own lines go the way of all others (its ``log_dictconfig``)."""


class Redaction(logging.Filter):
    """Puts a record into words and takes out what no log may hold, whoever wrote it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the record's text by a clean one."""
        if isinstance(record.args, dict):
            record.args = {name: plain(value) for name, value in record.args.items()}
        elif record.args:
            record.args = tuple(plain(value) for value in record.args)
        try:
            text = (
                record.getMessage()
                if isinstance(record.msg, (str, BaseException))
                else str(plain(record.msg))
            )
        except (TypeError, ValueError):
            text = f"[a line that cannot be put together, {record.pathname}:{record.lineno}]"
        record.msg, record.args = clean(text)[:_LONGEST], None
        if record.exc_info:
            record.exc_text = clean(logging.Formatter().formatException(record.exc_info))[:_LONGEST]
        if record.stack_info:
            record.stack_info = clean(record.stack_info)
        return True


class JsonForm(logging.Formatter):
    """A line for a program: one JSON object."""

    def __init__(self, process: str, side: str) -> None:
        super().__init__()
        self._process, self._side = process, side

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; fields that hold nothing are left out."""
        about = getattr(record, "about", {})
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        values = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "side": self._side,
            "logger": record.name,
            "text": record.getMessage(),
            "request": request.get(),
            "message": clean(str(about.get("message") or message.get())),
            "peer": clean(str(about.get("peer", ""))),
            "code": clean(str(about.get("code", ""))),
            "error": error,
            "trace": record.exc_text or record.stack_info or "",
        }
        line = {name: values[name] for name in FIELDS if values[name] or name in FIELDS[:6]}
        return json.dumps(line, ensure_ascii=False)


@contextmanager
def about_messages() -> Iterator[None]:
    """Inside, ``message`` is set to the message that is being handled; after it, lines are about none."""
    try:
        yield
    finally:
        message.set("")


def configure(process: str, side: str, form: Form, stream: IO[str] | None = None) -> None:
    """Send everything that this process logs to ``stream`` (standard error), cleaned and in this form."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonForm(process, side) if form == "json" else logging.Formatter(TEXT))
    handler.addFilter(Redaction())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
