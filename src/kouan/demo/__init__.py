"""Demonstrations: a throw-away pair of nodes, made-up people, and each capability shown step by step."""

from __future__ import annotations

import importlib
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kouan.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.demo.nodes import DemonstrationNode

DEMONSTRATIONS: Final = {
    "attached": "kouan.demo.attached",
    "dataflow": "kouan.demo.dataflow",
    "file": "kouan.demo.file",
    "identity": "kouan.demo.identity",
    "programme": "kouan.demo.programme",
    "service": "kouan.demo.applying",
    "signing": "kouan.demo.signatures",
    "validation": "kouan.demo.validation",
}
"""Each demonstration's name and the module whose ``show(hk, gd, out)`` it is."""

_START_LIMIT: Final = 90.0


class DemonstrationFailed(Exception):
    """A step did not end as it should; the text says which."""


def run_demo(name: str, out: Path | None, scenarios: Sequence[str] = ()) -> int:
    """Run a demonstration on fresh nodes that are gone afterwards; return the exit status.

    ``scenarios`` are the papers that the demonstration of validation is to take across instead of its own.
    """
    from kouan.demo.homes import providers_of  # noqa: PLC0415 - keeps `kouan --help` quick
    from kouan.demo.nodes import establish, forget_other_node, free_ports  # noqa: PLC0415 - keeps `kouan --help` quick
    from kouan.node.supervisor import NODES_GRACE, Supervisor, node_of  # noqa: PLC0415 - as above

    forget_other_node()
    if out is None:
        out = Path(tempfile.mkdtemp(prefix=f"kouan-demo-{name}-"))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kouan-demo-nodes-") as home:
        click.echo("Making two nodes, Hong Kong and Guangdong, each with its own keys and database…")
        ports = free_ports(6)
        nodes = establish(
            Path(home),
            {"hk": (ports[0], ports[1]), "gd": (ports[2], ports[3])},
            providers={"hk": ports[4], "gd": ports[5]},
        )
        supervisor = Supervisor(
            [*(node_of(node.path) for node in nodes), *providers_of(nodes)], grace=NODES_GRACE
        )
        supervisor.start()
        watching = threading.Thread(target=supervisor.watch, daemon=True)
        watching.start()
        try:
            _wait(nodes)
            module = importlib.import_module(DEMONSTRATIONS[name])
            if scenarios:
                module.show_papers(nodes[0], nodes[1], out, scenarios)
            else:
                module.show(nodes[0], nodes[1], out)
        except DemonstrationFailed as failure:
            click.echo(f"✗ {failure}", err=True)
            return 1
        finally:
            supervisor.ask_to_stop()
            watching.join()
            supervisor.stop()
    click.echo(f"\nWhat came out is in {out}")
    return 0


def _wait(nodes: list[DemonstrationNode]) -> None:
    from kouan.demo.up import is_up  # noqa: PLC0415 - keeps `kouan --help` quick

    deadline = time.monotonic() + _START_LIMIT
    while not all(map(is_up, nodes)):
        if time.monotonic() > deadline:
            raise ConfigError(f"The nodes did not start within {_START_LIMIT:.0f} seconds.")
        time.sleep(0.1)
