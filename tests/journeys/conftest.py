"""A pair of real nodes for all journeys: started once, put in order again before each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import databases
from journeys import inside
from journeys.link import Link
from journeys.nodes import Node, say, wait_until
from journeys.proof import prove
from kouan.demo.nodes import establish, free_ports
from kouan.node.layout import NewNode, create
from own_node import SERVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

EXCHANGE = {"retry_first_s": 0.1, "retry_longest_s": 0.5}
"""Patience for tests: a line that works again is noticed within half a second."""
SEVERAL = {"door": 2, "worker": 2}
"""The processes of a node whose database can take them."""
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.journey)
    # What a member may take is used up by attacks: the floods come last, as they stand in the file.
    places = [at for at, item in enumerate(items) if item.path == HERE / "test_hostile.py"]
    attacks = sorted((items[at] for at in places), key=_line)
    for at, item in zip(places, attacks, strict=True):
        items[at] = item


def _line(item: pytest.Item) -> int:
    return item.reportinfo()[1] or 0


@dataclass
class Group:
    """Nodes that know each other, each behind a link."""

    nodes: dict[str, Node]
    _greeted: set[int] = field(default_factory=set, init=False)
    """The workers that have heard from the other sides."""

    def __getitem__(self, side: str) -> Node:
        return self.nodes[side]

    def wait_at_rest(self, seconds: float = 45.0) -> None:
        """Wait until nothing is under way anywhere and both ledgers are co-signed to their ends."""
        left: dict[str, list[str]] = {}

        def at_rest() -> bool:
            left.update({side: node.run(inside.busy) for side, node in self.nodes.items()})
            return not any(left.values())

        try:
            wait_until(at_rest, seconds, "everything is at rest")
        except AssertionError:
            logs = "\n".join(f"--- {side}\n{node.log('worker')}" for side, node in self.nodes.items())
            raise AssertionError(f"not at rest within {seconds:.0f} s: {left}\n{logs}") from None

    def prove(self) -> None:
        """Wait for rest and prove that nothing was lost, doubled or rewritten.

        Nodes also send by themselves: facts between which something has crossed are read again.
        """
        for _ in range(10):
            self.wait_at_rest()
            before = self._marks()
            facts = [node.run(inside.facts) for node in self.nodes.values()]
            if self._marks() == before:
                prove(facts)
                return
        raise AssertionError("the facts of the sides never belonged together")

    def _marks(self) -> list[tuple[object, ...]]:
        return [node.run(inside.mark) for node in self.nodes.values()]

    def put_in_order(self) -> None:
        """Have every link whole, every node up, and each greeted by the others."""
        for node in self.nodes.values():
            node.link.mend()
            if node.supervisor is None or node.supervisor.poll() is not None:
                node.start()
        for node in self.nodes.values():
            node.wait_up()
        self._greet()

    def _greet(self) -> None:
        """Have a question answered in each pair: a worker seals nothing until it has heard from the peer."""
        workers = {worker for node in self.nodes.values() for worker in node.all_of("worker")}
        if workers <= self._greeted:
            return
        asked = {
            (side, other): self[side].run(inside.ask, other) for side, other in combinations(self.nodes, 2)
        }
        for (side, other), keys in asked.items():
            wait_until(
                lambda side=side, keys=keys: "" not in self[side].run(inside.outcomes, keys), 30,
                f"{side} and {other} have greeted each other",
            )  # fmt: skip
        self._greeted = workers

    def close(self) -> None:
        """End everything."""
        for node in self.nodes.values():
            node.close()
        for node in self.nodes.values():
            node.link.close()
        for node in self.nodes.values():
            if SERVER:
                databases.drop(node.made.config.database)


def make_group(
    home: Path,
    sides: tuple[str, ...],
    exchange: Mapping[str, float] = EXCHANGE,
    watch: Mapping[str, Mapping[str, float | str | list[str]]] | None = None,
    *,
    residents: bool = False,
) -> Group:
    """Lay out nodes from configuration alone, with a link before each door; nothing runs yet.

    On PostgreSQL each node has a database of its own and several doors and workers. With ``residents`` each
    side has a home provider, which is the caller's to run.
    """
    # Of several processes of a kind the first alone tells its metrics: what is watched has one of each.
    processes = {} if watch else SEVERAL
    links = {side: Link() for side in sides}
    ports = free_ports(2 * len(sides))
    places = {side: (ports[2 * at], ports[2 * at + 1]) for at, side in enumerate(sides)}
    for side, (portal, door) in places.items():
        links[side].target = door
        node = NewNode(
            side=side,
            portal=f"127.0.0.1:{portal}",
            door=f"127.0.0.1:{door}",
            door_url=f"https://127.0.0.1:{links[side].port}",
            demonstration=True,
            exchange=exchange,
            database=databases.begin(home / side),
            processes=processes if SERVER else None,
            watch=(watch or {}).get(side),
        )
        create(home / side, node)
    providers = dict(zip(sides, free_ports(len(sides)), strict=True)) if residents else None
    nodes = establish(home, places, providers=providers)
    return Group({made.side: Node(made, links[made.side]) for made in nodes})


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Group]]:
    """Makes groups of nodes, which end with their file: resting takes time too."""
    made: list[Group] = []

    def make(*sides: str) -> Group:
        group = make_group(tmp_path_factory.mktemp("nodes"), sides)
        made.append(group)
        return group

    yield make
    for group in made:
        group.close()


@pytest.fixture(scope="session")
def _both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    group = make_group(tmp_path_factory.mktemp("nodes"), ("hk", "gd"))
    yield group
    group.close()


@pytest.fixture
def pair(_both: Group) -> Group:
    """Hong Kong and Guangdong, both up, links whole."""
    _both.put_in_order()
    say(f"hk portal {_both['hk'].portal}, gd portal {_both['gd'].portal}")
    return _both
