"""``kouan up``: both sides on this machine, ready to try."""

from __future__ import annotations

import http.client
import logging
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from kouan.config import ConfigError
from kouan.core.sides import get_side
from kouan.demo import contracts, plans
from kouan.demo.homes import providers_of
from kouan.demo.nodes import DemonstrationNode, establish, forget_other_node, remove
from kouan.demo.services import origin_of, services_of
from kouan.demo.validation import register_all
from kouan.node.supervisor import NODES_GRACE, StopRequest, Supervisor, node_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PORTS: Final = {"hk": (8100, 8101), "gd": (8200, 8201)}
PROVIDERS: Final = {"hk": 8102, "gd": 8202}
SERVICES: Final = {"hk": 8103, "gd": 8203}
PAPERS: Final = "papers"
"""The folder of what owners of documents carry."""
CONTRACTS_WITHIN: Final = 8.0
"""Seconds that the welcome waits for the made-up contracts; they go on by themselves if it takes longer."""
START_LIMIT: Final = 90.0
"""Seconds in which both portals must answer."""


def run_both(
    home: Path,
    *,
    reset: bool,
    ports: Mapping[str, tuple[int, int]] = PORTS,
    providers: Mapping[str, int] = PROVIDERS,
    services: Mapping[str, int] = SERVICES,
) -> int:
    """Run Hong Kong and Guangdong under ``home`` until Ctrl-C or SIGTERM; return the exit status.

    ``ports`` maps each side to the ports of its portal and its door, ``providers`` to that of its
    demonstration provider, ``services`` to that of its demonstration service.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    forget_other_node()
    stopping = StopRequest()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stopping.set)
    if reset:
        remove(home)
    click.echo("Preparing both sides…" if not (home / "hk").exists() else "Starting both sides…")
    for port in (
        *(port for pair in ports.values() for port in pair),
        *providers.values(),
        *services.values(),
    ):
        _must_be_free(port)
    nodes = establish(home, ports, providers=providers, services=services)
    supervisor = Supervisor(
        [*(node_of(node.path) for node in nodes), *providers_of(nodes), *services_of(nodes)],
        grace=NODES_GRACE,
    )
    supervisor.start()
    begun: list[subprocess.Popen[bytes]] = []
    try:
        if _wait_until_up(nodes, supervisor, stopping):
            begun = [*contracts.begin(nodes), *plans.begin(nodes)]
            with suppress(OSError, http.client.HTTPException):  # asked to stop already
                register_all(nodes, home / PAPERS)
            until = time.monotonic() + CONTRACTS_WITHIN
            while any(each.poll() is None for each in begun) and time.monotonic() < until:
                if stopping.wait(0.05):
                    break
            click.echo(_welcome(nodes, home / PAPERS))
            while not stopping.wait(0.1):
                supervisor.revive()
    finally:
        for each in begun:
            each.terminate()
            each.wait()
        supervisor.stop()
    click.echo("Stopped. Your data is kept: run it again and go on.")
    return 0


def _must_be_free(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.connect()
    except OSError:
        return
    finally:
        connection.close()
    raise ConfigError(f"Port {port} is in use on this machine. Stop what listens there and try again.")


def _wait_until_up(nodes: Sequence[DemonstrationNode], supervisor: Supervisor, stopping: StopRequest) -> bool:
    deadline = time.monotonic() + START_LIMIT
    waiting = list(nodes)
    while waiting and not stopping.wait(0.1):
        supervisor.revive()
        waiting = [node for node in waiting if not is_up(node)]
        if time.monotonic() > deadline:
            logs = ", ".join(str(node.path.parent / "run") for node in waiting)
            raise ConfigError(
                f"A side did not start within {START_LIMIT:.0f} seconds; see the logs in {logs}."
            )
    return not waiting


def is_up(node: DemonstrationNode) -> bool:
    """Return whether a node's portal answers, and its provider and service where it has them."""
    ports = [
        node.config.portal_listen.port,
        *(urlsplit(home.issuer).port or 80 for home in node.config.homes),
        *(urlsplit(origin).port or 80 for origin in [origin_of(node.path.parent)] if origin),
    ]
    return all(map(answers, ports))


def answers(port: int) -> bool:
    """Return whether a portal or a provider on this port of 127.0.0.1 says that it is healthy."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _welcome(nodes: Sequence[DemonstrationNode], carried: Path) -> str:
    lines = ["", "Kouan is running (a demonstration: every person and institution in it is made up).", ""]
    for node in nodes:
        accounts = node.accounts
        lines.append(f"  {get_side(node.side).name.en:<12} {node.config.portal_origin}")
        for password in dict.fromkeys(account["password"] for account in accounts.values()):
            names = (name for name, account in accounts.items() if account["password"] == password)
            lines.append(f"    {', '.join(names)}: the password is {password}")
    hk, gd = (node.config.portal_origin for node in nodes)
    library, clinic = (origin_of(node.path.parent) for node in nodes)
    lines += [
        "",
        "Try this:",
        f"  1. At {hk} look for a service of Guangdong, say social insurance, and apply: sign in as",
        "     anybody, answer what is not known yet, tick what may be shown of you, send.",
        f"  2. Sign in at {gd} as caseworker, take the case up and grant it. The signed result is then at",
        f"     home, under {hk}/applications/, with who has read your data, and a proof of each crossing.",
        "  3. Check such a proof offline: .venv/bin/kouan verify FILE. Then the other way round.",
        f"  4. Sign in at {hk} as issuer and register a document. At {gd}/validate have the file validated:",
        f"     it never crosses. Five that are registered already, of five kinds, are in {carried}.",
        f"  5. Sign in at {gd} as operator and look at every crossing.",
        f"  6. At {clinic}, a service of Guangdong, sign in with an identity of Hong Kong. At {library} the",
        f"     other way round. See under {hk}/identity/ what was told, and withdraw it.",
        f"  7. Sign in at {hk} as data: one contract is signed by both sides, one waits for you.",
        f"     As auditor, see under {gd}/data-flows/ who may send what to whom.",
        f"  8. At {hk}/programme/plan/ see the joint work plan of the year. Sign in as programme to draft",
        "     the next version, or to report progress; the other side sees it.",
        f"  9. Sign in at {hk} as signatory and sign a document: have it validated at {gd}/validate, which",
        "     recognises the office, and neither the revoked certificate nor the unlisted authority.",
        "",
        "Ctrl-C stops both sides and keeps their data.",
    ]
    return "\n".join(lines)
