"""Two real nodes compare what they sent and received: it agrees, and what somebody planted is found."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from journeys import comparing
from journeys.nodes import say, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from journeys.conftest import Group


@pytest.fixture(scope="module")
def lived(groups: Callable[..., Group]) -> Group:
    """A pair of its own, since its records will not be sound for long."""
    group = groups("hk", "gd")
    group.put_in_order()
    group["hk"].run(comparing.probe, "gd", 900)
    group["gd"].run(comparing.probe, "hk", 30)
    group.wait_at_rest(120)
    return group


def compare(group: Group, side: str) -> dict:
    """Compare today from one side, and return the outcome, which both sides must have alike."""
    other = "gd" if side == "hk" else "hk"
    run = group[side].run(comparing.begin, other, group[side].run(comparing.today))
    outcomes = [
        wait_until(lambda node=node: node.run(comparing.outcome, run), 90, f"{node.side} has an outcome")
        for node in group.nodes.values()
    ]
    for name in ("state", "counts", "found", "unnamed", "started_by"):
        assert outcomes[0][name] == outcomes[1][name], name
    say(str(outcomes[0]))
    return outcomes[0]


@pytest.mark.timeout(600)
def test_what_agrees_and_what_was_planted(lived: Group) -> None:
    done = compare(lived, "hk")
    assert (done["state"], done["found"], done["unnamed"]) == ("agrees", [], 0)
    assert done["counts"]["hk"] >= 900
    assert done["counts"]["gd"] >= 30
    assert done["logged"] == 1
    assert done["incidents"] == 0
    for node in lived.nodes.values():
        assert node.run(comparing.audited) == [], node.side
    hk, gd = lived["hk"], lived["gd"]
    gd.run(comparing.lose_received, 17)
    gd.run(comparing.make_up_received, 605)
    gd.run(comparing.change_received, 300)
    hk.run(comparing.lose_sent, 871)
    hk.run(comparing.lose_received, 5)
    expected = sorted([
        ("gd", 5, "not-received"),
        ("hk", 17, "not-received"),
        ("hk", 300, "other-content"),
        ("hk", 301, "other-outcome"),
        ("hk", 605, "not-sent"),
        ("hk", 871, "not-sent"),
    ])  # fmt: skip
    # Each side's own audit names what is missing or made up there, by itself.
    assert any("605" not in each and "missing" in each for each in gd.run(comparing.audited))
    assert any("columns" in each for each in hk.run(comparing.audited))
    for side in ("gd", "hk"):
        done = compare(lived, side)
        assert (done["state"], done["found"], done["unnamed"]) == ("differs", expected, 0)
        assert done["incidents"] >= 1
    # A closed day is compared by itself, once, and begun by one side.
    day = hk.run(comparing.today) - timedelta(days=2)
    for node in (gd, hk):
        node.run(comparing.forget)
    gd.run(comparing.days_ago, 2)
    wait_until(lambda: hk.run(comparing.compared, day), 90, "the other side has heard that it has begun")
    hk.run(comparing.days_ago, 2)
    wait_until(lambda: "differs" in gd.run(comparing.compared, day), 90, "the closed day is compared")
    wait_until(lambda: "differs" in hk.run(comparing.compared, day), 30, "and both know")
    assert gd.run(comparing.compared, day) == hk.run(comparing.compared, day) == ["differs"]
