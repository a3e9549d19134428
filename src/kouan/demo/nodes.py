"""Sets up demonstration nodes that know and trust each other, all on this machine.

In the demonstration one program makes every side's keys, so nothing stands in the way of importing
each other's trust documents. Between real sides, people compare the fingerprints first.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from kouan.config import ConfigError, NodeConfig, load
from kouan.core.trust import libcrypto, own
from kouan.core.trust.errors import Sm2Unavailable
from kouan.demo.homes import give_provider
from kouan.demo.services import give_service
from kouan.demo.signers import equip
from kouan.node.layout import DATABASE, NewNode, create, environment_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ACCOUNTS_FILE: Final = "demonstration.json"
TRUST_FOLDER: Final = "trust"
_REACHED: Final = 'email = "lists@example.org", website = "https://example.org/lists"'
_PUBLISHERS: Final = {
    "hk": f'{{ street = "1 Demonstration Road", locality = "Hong Kong", country = "HK", {_REACHED} }}',
    "gd": f'{{ street = "1 Demonstration Road", locality = "Guangzhou", country = "CN", {_REACHED} }}',
    "mo": f'{{ street = "1 Demonstration Road", locality = "Macao", country = "MO", {_REACHED} }}',
}
"""Of each side: ``signing.publisher`` in TOML."""


@dataclass(frozen=True, slots=True)
class DemonstrationNode:
    """One of the nodes: where it is, and what a visitor needs to sign in."""

    path: Path
    config: NodeConfig

    @property
    def side(self) -> str:
        """The side's code."""
        return self.config.side

    @property
    def accounts(self) -> dict[str, Any]:
        """The made-up accounts: ``{"issuer": {"name", "password", "institution", "token"}, …}``."""
        value: dict[str, Any] = json.loads((self.path.parent / ACCOUNTS_FILE).read_text(encoding="utf-8"))
        return value


def establish(  # noqa: PLR0913 - what a demonstration may have, by name
    home: Path,
    ports: Mapping[str, tuple[int, int]],
    *,
    exchange: Mapping[str, int | float] | None = None,
    databases: Mapping[str, str] | None = None,
    providers: Mapping[str, int] | None = None,
    services: Mapping[str, int] | None = None,
) -> list[DemonstrationNode]:
    """Make the nodes of these sides under ``home``, or find them again; return them.

    ``ports`` maps a side to the ports of its portal and its door on 127.0.0.1, ``databases`` to what its
    ``node.toml`` says of the database, if that is not a file beside it, ``providers`` to the port of its
    demonstration provider, if residents are to sign in, ``services``
    to that of its service. Raises ``ConfigError`` when a folder holds something
    else.
    """
    nodes = []
    for side, (portal, door) in ports.items():
        path = home / side / "node.toml"
        if not path.exists():
            node = NewNode(
                side=side,
                portal=f"127.0.0.1:{portal}",
                door=f"127.0.0.1:{door}",
                demonstration=True,
                exchange=exchange,
                database=(databases or {}).get(side, DATABASE),
            )
            create(path.parent, node)
            _set_signing(path, side)
        config = load(path, environment_of(path, _without_node(os.environ)))
        if not config.demonstration:
            raise ConfigError(f"{path} is not a demonstration node; nothing was changed.")
        if providers is not None and not config.homes:
            give_provider(path, side, providers[side])
            config = load(path, environment_of(path, _without_node(os.environ)))
        if services is not None:
            give_service(path, services[side])
        nodes.append(DemonstrationNode(path.resolve(), config))
    _write_agreements(nodes)
    _exchange_trust(nodes)
    equip(nodes)
    _run_all(nodes, ["-m", "kouan.demo.prepare"])
    return nodes


def free_ports(count: int) -> list[int]:
    """Return ports on 127.0.0.1 that nobody listens on now.

    They are below those that systems give to outgoing connections, so that none of these takes one meanwhile.
    """
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(10_000, 32_000)  # noqa: S311 - a port is no secret
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found += [port] if port not in found else []
    return found


def remove(home: Path) -> None:
    """Remove demonstration nodes; raises ``ConfigError`` if ``home`` holds a node that is not one."""
    for path in home.glob("*/node.toml"):
        if not load(path, environment_of(path, _without_node(os.environ))).demonstration:
            raise ConfigError(f"{path} is not a demonstration node; nothing was removed.")
    shutil.rmtree(home, ignore_errors=True)


def node_environment(node: DemonstrationNode) -> dict[str, str]:
    """Return the environment of a process of this node."""
    return environment_of(node.path, _without_node(os.environ))


def forget_other_node() -> None:
    """Take another node's settings and secret out of this process: what it starts would believe them."""
    for name in set(os.environ) - set(_without_node(os.environ)):
        del os.environ[name]


def _without_node(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without another node's settings and secret."""
    return {name: value for name, value in environment.items() if not name.startswith("KOUAN_")}


def _set_signing(path: Path, side: str) -> None:
    """Say who publishes a side's trust list, by an address that is nobody's (RFC 2606).

    Guangdong's list bears a signature with SM2 too, where OpenSSL here can make one.
    """
    if side not in _PUBLISHERS:
        return
    lines = ["", "[signing]", f"publisher = {_PUBLISHERS[side]}"]
    if side == "gd":
        with contextlib.suppress(Sm2Unavailable):
            libcrypto.load()
            lines.append("sm2 = true")
    with path.open("a", encoding="utf-8") as settings:
        settings.write("\n".join([*lines, ""]))


def _write_agreements(nodes: Sequence[DemonstrationNode]) -> None:
    for name in ("agreements", "declarations"):
        for source in (resources.files("kouan.demo") / name).iterdir():
            for node in nodes:
                folder = node.path.parent / name
                folder.mkdir(exist_ok=True)
                (folder / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")


def _exchange_trust(nodes: Sequence[DemonstrationNode]) -> None:
    documents = {
        node.side: own.load(node.config.keys, side=node.side, door_url=node.config.door_url).document
        for node in nodes
    }
    for node in nodes:
        folder = node.path.parent / TRUST_FOLDER
        folder.mkdir(exist_ok=True)
        for side, document in documents.items():
            if side != node.side:
                (folder / f"{side}.trust").write_bytes(document)


def _run_all(nodes: Sequence[DemonstrationNode], arguments: Sequence[str]) -> None:
    running = [
        subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *arguments],
            env=node_environment(node),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for node in nodes
    ]
    for node, process in zip(nodes, running, strict=True):
        output, _ = process.communicate()
        if process.returncode:
            raise ConfigError(f"Preparing the node of {node.side} failed:\n{output}")
