"""A node's settings: one ``node.toml``, secrets from the environment, and nothing guessed.

Start-up stops with a sentence that names the key when one is unknown, missing, of the wrong type,
or when a secret is absent. Paths in the file are relative to the file.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

NODE_VARIABLE: Final = "KOUAN_NODE"
SECRET_VARIABLE: Final = "KOUAN_SECRET_KEY"  # noqa: S105 - the name of the variable, not the secret
DATABASE_PASSWORD_VARIABLE: Final = "KOUAN_DATABASE_PASSWORD"  # noqa: S105 - as above
MIN_SECRET_LENGTH: Final = 32
_MOST_PROCESSES: Final = 64
_MOST: Final = 1_000_000_000


class ConfigError(Exception):
    """Start-up cannot go on; the text says which key of which file, and what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """How the channel behaves; times in milliseconds or seconds as named."""

    linger_ms: int = 5
    """How long a batch waits for company before it is sealed."""
    batch_max: int = 200
    """The most messages under one signature."""
    outbox_max: int = 100_000
    """The most messages that may wait for one peer; beyond it producers are refused."""
    clock_tolerance_s: int = 300
    """How far a peer's clock may be from ours."""
    retry_first_s: float = 0.5
    retry_longest_s: float = 60.0
    """Exponential back-off with jitter between these two."""


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """How many of each process ``kouan node`` keeps running on this machine."""

    portal: int = 1
    door: int = 1
    worker: int = 1


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One side's node, as its ``node.toml`` and its environment describe it."""

    home: Path
    side: str
    demonstration: bool
    database: str
    portal_listen: Address
    portal_origin: str
    door_listen: Address
    door_url: str
    keys: Path
    agreements: Path
    run: Path
    exchange: ExchangeSettings
    processes: ProcessSettings
    secret_key: str = field(repr=False)


_SHAPE: Final[dict[str, dict[str, type | tuple[type, ...]]]] = {
    "": {"side": str, "demonstration": bool, "database": str, "keys": str, "agreements": str, "run": str},
    "portal": {"listen": str, "origin": str},
    "door": {"listen": str, "url": str},
    "processes": {"portal": int, "door": int, "worker": int},
    "exchange": {
        "linger_ms": int,
        "batch_max": int,
        "outbox_max": int,
        "clock_tolerance_s": int,
        "retry_first_s": (int, float),
        "retry_longest_s": (int, float),
    },
}
_REQUIRED: Final = {"side", "portal.listen", "portal.origin", "door.listen", "door.url"}


def load(path: Path, environment: Mapping[str, str] = os.environ) -> NodeConfig:
    """Read and check ``node.toml`` at ``path``; raises ``ConfigError`` naming the key at fault."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}). `kouan init` makes one.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    values = _flatten(path, raw)
    for key in sorted(_REQUIRED - values.keys()):
        raise ConfigError(f"{path}: the key `{key}` is missing.")
    secret = environment.get(SECRET_VARIABLE, "")
    if len(secret) < MIN_SECRET_LENGTH:
        raise ConfigError(
            f"The environment variable {SECRET_VARIABLE} must hold a secret of at least "
            f"{MIN_SECRET_LENGTH} characters; it is {'too short' if secret else 'not set'}."
        )
    home = path.resolve().parent
    exchange = {key.removeprefix("exchange."): v for key, v in values.items() if key.startswith("exchange.")}
    for key, value in exchange.items():
        # Infinity and "not a number" are numbers to TOML.
        if not 0 <= value <= _MOST or (key == "batch_max" and not 1 <= value <= 1000):  # noqa: PLR2004 - the wire's bound
            raise ConfigError(f"{path}: `exchange.{key}` is out of range.")
    processes = {key.removeprefix("processes."): v for key, v in values.items() if key.startswith("processes.")}
    for key, count in processes.items():
        if not 1 <= count <= _MOST_PROCESSES:
            raise ConfigError(f"{path}: `processes.{key}` must be from 1 to {_MOST_PROCESSES}.")
    return NodeConfig(
        home=home,
        side=values["side"],
        demonstration=values.get("demonstration", False),
        database=values.get("database", "sqlite:///kouan.sqlite3"),
        portal_listen=_address(path, "portal.listen", values["portal.listen"]),
        portal_origin=_url(path, "portal.origin", values["portal.origin"], {"http", "https"}),
        door_listen=_address(path, "door.listen", values["door.listen"]),
        door_url=_url(path, "door.url", values["door.url"], {"https"}),
        keys=home / values.get("keys", "keys"),
        agreements=home / values.get("agreements", "agreements"),
        run=home / values.get("run", "run"),
        exchange=ExchangeSettings(**exchange),
        processes=ProcessSettings(**processes),
        secret_key=secret,
    )


def load_from_environment(environment: Mapping[str, str] = os.environ) -> NodeConfig:
    """Read the ``node.toml`` that ``KOUAN_NODE`` names; raises ``ConfigError``."""
    path = environment.get(NODE_VARIABLE)
    if not path:
        raise ConfigError(f"The environment variable {NODE_VARIABLE} must name the node.toml to use.")
    return load(Path(path), environment)


def _flatten(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in raw.items():
        section, items = (key, value) if key and key in _SHAPE else ("", {key: value})
        if not isinstance(items, dict):
            raise ConfigError(f"{path}: `{key}` must be a table, [{key}].")
        for name, inner in items.items():
            full = f"{section}.{name}" if section else name
            expected = _SHAPE[section].get(name)
            if expected is None:
                raise ConfigError(f"{path}: the key `{full}` is unknown; check its spelling or remove it.")
            if not isinstance(inner, expected) or (isinstance(inner, bool) and expected is not bool):
                raise ConfigError(f"{path}: `{full}` has the wrong type ({type(inner).__name__}).")
            values[full] = inner
    return values


def _address(path: Path, key: str, value: str) -> Address:
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:  # noqa: PLR2004 - TCP's ports
        raise ConfigError(f"{path}: `{key}` must be host:port, such as 127.0.0.1:8100.")
    return Address(host, int(port))


def _url(path: Path, key: str, value: str, schemes: set[str]) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an address in brackets, or a port that is no number
        sound = False
    if not sound or value.rstrip("/") != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        raise ConfigError(
            f"{path}: `{key}` must be {' or '.join(sorted(schemes))}://host[:port] without a path."
        )
    return value.rstrip("/")
