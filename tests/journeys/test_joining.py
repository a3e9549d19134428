"""A third side joins two that are running, by configuration and commands alone; a key is replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from journeys import inside
from journeys.link import Link
from journeys.nodes import Node, say, wait_until
from kouan.config import load
from kouan.demo.nodes import DemonstrationNode, free_ports
from kouan.node.layout import environment_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journeys.conftest import Group


def kouan(*words: object) -> subprocess.Popen[str]:
    """Begin a command as an operator types it, with nothing but what its words say."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("KOUAN_", "DJANGO_"))
    }
    return subprocess.Popen(
        [sys.executable, "-m", "kouan.cli", *map(str, words)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def done(*commands: subprocess.Popen[str]) -> list[str]:
    """Wait for commands that run beside each other; return what each printed."""
    printed = [command.communicate(timeout=240)[0] for command in commands]
    assert not any(command.returncode for command in commands), printed
    return printed


def export(node: Path, to: Path) -> subprocess.Popen[str]:
    return kouan("--node", node, "trust", "export", "--out", to)


def import_(node: Path, document: Path, fingerprint: str) -> subprocess.Popen[str]:
    return kouan("--node", node, "trust", "import", document, "--fingerprint", fingerprint)


def wait_for_answers(group: Group, asked: dict[tuple[str, str], list[object]]) -> None:
    for (side, other), keys in asked.items():

        def all_here(side: str = side, keys: list[object] = keys) -> bool:
            return set(group[side].run(inside.outcomes, keys)) == {"unknown"}

        wait_until(all_here, 60, f"{other} answers {side}")


@pytest.mark.timeout(600)
def test_macao_joins_and_a_key_gets_a_successor(groups: Callable[..., Group], tmp_path: Path) -> None:
    three = groups("hk", "gd")
    three.put_in_order()
    try:
        _join(three, tmp_path)
        _exchange_in_every_pair(three)
        _rotate(three, tmp_path)
        three.prove()
    finally:
        three.close()


def _join(three: Group, folder: Path) -> None:
    portal, door = free_ports(2)
    home = folder / "mo"
    done(
        kouan("init", home, "--side", "mo", "--portal", f"127.0.0.1:{portal}", "--door", f"127.0.0.1:{door}")
    )
    nodes = {side: node.made.path for side, node in three.nodes.items()} | {"mo": home / "node.toml"}
    for agreement in three["hk"].made.config.agreements.iterdir():
        (home / "agreements" / agreement.name).write_bytes(agreement.read_bytes())
    done(kouan("--node", nodes["mo"], "migrate"))
    documents = {side: folder / f"{side}.trust" for side in nodes}
    shown = done(*(export(nodes[side], documents[side]) for side in nodes))
    told = {side: text.strip().splitlines()[-1] for side, text in zip(nodes, shown, strict=True)}
    say(f"mo's fingerprint: {told['mo']}")
    refused = import_(nodes["hk"], documents["mo"], told["gd"])
    assert "fingerprint" in refused.communicate(timeout=240)[0]
    assert refused.returncode == 1
    done(
        import_(nodes["hk"], documents["mo"], told["mo"]),
        import_(nodes["gd"], documents["mo"], told["mo"]),
        import_(nodes["mo"], documents["hk"], told["hk"]),
    )
    done(import_(nodes["mo"], documents["gd"], told["gd"]))
    link = Link()
    link.target = door
    made = DemonstrationNode(nodes["mo"], load(nodes["mo"], environment_of(nodes["mo"], {})))
    three.nodes["mo"] = Node(made, link)
    three.put_in_order()


def _exchange_in_every_pair(three: Group) -> None:
    asked = {
        (side, other): three[side].run(inside.ask, other, 3) for side, other in permutations(three.nodes, 2)
    }
    assert len(asked) == 6
    wait_for_answers(three, asked)
    three.prove()


def _rotate(three: Group, folder: Path) -> None:
    """A key that had to be replaced at once: peers refuse what it signs, and it waits, until they know it."""
    hk, gd, mo = (three[side] for side in ("hk", "gd", "mo"))
    done(kouan("--node", hk.made.path, "trust", "rotate", "sign", "--overlap-days", "0"))
    asked = {("hk", "gd"): hk.run(inside.ask, "gd", 2)}
    wait_until(lambda: "refused" in hk.run(inside.line, "gd").last_error, 20, "gd refuses the unknown key")
    assert set(hk.run(inside.outcomes, asked["hk", "gd"])) == {""}
    newer = folder / "hk-2.trust"
    done(export(hk.made.path, newer))
    # Under the same anchor nobody need compare a fingerprint again.
    done(*(kouan("--node", node.made.path, "trust", "import", newer) for node in (gd, mo)))
    wait_for_answers(three, asked)
    asked = {
        (side, other): three[side].run(inside.ask, other, 2) for side, other in permutations(three.nodes, 2)
    }
    wait_for_answers(three, asked)
