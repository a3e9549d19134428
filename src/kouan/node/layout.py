"""A node's folder: what ``kouan init`` lays out and every other command finds again."""

from __future__ import annotations

import json
import os
import secrets
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.config import NODE_VARIABLE, SECRET_VARIABLE, ConfigError
from kouan.core.sides import get_side
from kouan.core.trust import certificates
from kouan.core.trust.files import write_private
from kouan.core.trust.store import KeyStore

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEYS: Final = "keys"
DATABASE: Final = "sqlite:///kouan.sqlite3"
SECRET_PREFIX: Final = "KOUAN_"  # noqa: S105 - what names of variables begin with
SECRET_FILE: Final = "node.env"  # noqa: S105 - the name of the file, not the secret


@dataclass(frozen=True, slots=True)
class NewNode:
    """What a new ``node.toml`` says."""

    side: str
    portal: str
    """host:port of the portal."""
    door: str
    """host:port of the door."""
    door_url: str = ""
    """Where peers reach the door, when that is not where it listens: a forwarder stands before it."""
    portal_origin: str = ""
    """Where people reach the portal, when that is not where it listens."""
    demonstration: bool = False
    database: str = DATABASE
    processes: Mapping[str, int] | None = None
    exchange: Mapping[str, int | float] | None = None
    watch: Mapping[str, int | float | str | list[str]] | None = None

    def toml(self) -> str:
        """Return the file's text."""
        lines = [
            "# One side's node. Every key is explained in docs/operate.md.",
            f'side = "{self.side}"',
            f"demonstration = {str(self.demonstration).lower()}",
            f'database = "{self.database}"',
            "",
            "[portal]",
            f'listen = "{self.portal}"',
            f'origin = "{self.portal_origin or f"http://{self.portal}"}"',
            "",
            "[door]",
            f'listen = "{self.door}"',
            f'url = "{self.door_url or f"https://{self.door}"}"',
        ]
        for name, section in (("exchange", self.exchange), ("processes", self.processes)):
            if section:
                lines += ["", f"[{name}]", *(f"{key} = {value}" for key, value in section.items())]
        if self.watch:
            lines += ["", "[watch]", *(f"{key} = {json.dumps(value)}" for key, value in self.watch.items())]
        return "\n".join(lines) + "\n"


def create(home: Path, node: NewNode) -> Path:
    """Lay out a node's folder with its secret, its keys and its settings; return ``node.toml``'s path.

    The settings come last, so what was interrupted is not taken for a node and can be begun again.
    Raises ``ConfigError`` when there is a node already (nothing is ever overwritten),
    ``UnknownSideError`` or what ``KeyStore.create`` raises.
    """
    path = home / "node.toml"
    if path.exists():
        raise ConfigError(f"{path} exists already; nothing was changed.")
    get_side(node.side)
    _reachable(node)
    for folder in (home, home / "run"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("agreements", "declarations"):
        (home / name).mkdir(exist_ok=True)
    if not (home / SECRET_FILE).exists():
        write_private(home / SECRET_FILE, f"{SECRET_VARIABLE}={secrets.token_urlsafe(48)}\n".encode())
    if not (home / KEYS).exists():
        hosts = certificates.door_hosts(f"https://{node.door}", node.door.rpartition(":")[0])
        KeyStore.create(home / KEYS, node.side, hosts=hosts)
    write_private(path, node.toml().encode())
    return path


def _reachable(node: NewNode) -> None:
    """Refuse a node that would tell others an address at which nobody can reach it."""
    for option, listen, told in (
        ("--door-url https://HOST:PORT", node.door, node.door_url),
        ("--portal-origin https://HOST", node.portal, node.portal_origin),
    ):
        if not told and listen.rpartition(":")[0] in {"0.0.0.0", "[::]"}:  # noqa: S104 - recognised, not bound to
            raise ConfigError(f"{listen} is where it listens, not where others reach it: add {option}.")


def environment_of(path: Path, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment in which a process of the node at ``path`` runs.

    What ``base`` does not hold comes from ``node.env`` beside ``node.toml``, which nobody but its owner may
    read; raises ``ConfigError`` otherwise. There only variables count whose names begin with ``KOUAN_``. One
    that this process may not read, where whatever runs it has handed on what is in it, is left alone.
    """
    environment = dict(base)
    environment[NODE_VARIABLE] = str(path.resolve())
    environment.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
    file = path.resolve().parent / SECRET_FILE
    if file.exists() and not (SECRET_VARIABLE in environment and not os.access(file, os.R_OK)):
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise ConfigError(f"{file} may be read by others. Run: chmod 600 {file}")
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            if name.startswith(SECRET_PREFIX):
                environment.setdefault(name, value)
    return environment
