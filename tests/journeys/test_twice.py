"""One side signs by SM2 as well, then both do; whoever promised it and signs once is refused and shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from journeys import inside
from journeys.nodes import say, wait_until
from journeys.test_door import context_for, own_certificate, post
from journeys.test_keys import all_know, kouan
from kouan.core.trust.keylist import LIST_NAME
from kouan.core.trust.keys import SECOND_USES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journeys.conftest import Group
    from journeys.nodes import Node

SECONDS = 90.0


@pytest.fixture
def group(groups: Callable[..., Group]) -> Iterator[Group]:
    made = groups("hk", "gd")
    made.put_in_order()
    yield made
    made.close()


def sign_twice(node: Node) -> None:
    """Write what an operator writes, start the node anew, and let the margin pass."""
    node.stop()
    path = node.made.path
    path.write_text('second_signature = "sm2"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    kouan(node, "trust", "show")
    listing = node.made.config.keys / LIST_NAME
    listed = json.loads(listing.read_text())
    for key in listed["keys"]:
        if key["use"] in {use.value for use in SECOND_USES}:
            key["from"] = datetime.now(UTC).replace(microsecond=0).isoformat()
    listing.write_text(json.dumps(listed))
    node.start()
    node.wait_up()
    wait_until(lambda: all_know(node), SECONDS, f"the other side knows the SM2 keys of {node.side}")


def flows(asker: Node, to: str) -> None:
    questions = asker.run(inside.ask_at_once, to, 3)
    for each in questions:
        wait_until(lambda each=each: asker.run(inside.outcome, each), SECONDS, "an answer")


def signs_twice(node: Node, peer: str) -> None:
    twice = {"batches": 3, "receipts": True, "checkpoint": 2}
    wait_until(lambda: node.run(inside.signed_with, peer) == twice, 20, f"{node.side} signs all twice")


@pytest.mark.timeout(900)
def test_one_side_signs_twice_and_then_both(group: Group) -> None:
    hk, gd = group["hk"], group["gd"]
    flows(hk, "gd")
    sign_twice(hk)
    flows(hk, "gd")
    flows(gd, "hk")
    signs_twice(hk, "gd")
    assert gd.run(inside.signed_with, "hk") == {"batches": 1, "receipts": False, "checkpoint": 1}
    say("hk alone signs twice")
    group.prove()

    sign_twice(gd)
    flows(hk, "gd")
    flows(gd, "hk")
    signs_twice(gd, "hk")
    say("both sign twice")
    group.prove()
    evidence = gd.made.path.parent / "proof.kouan"
    evidence.write_bytes(gd.run(inside.newest_proof))
    told = kouan(gd, "verify", str(evidence))
    assert "second signature" not in told

    once, now = hk.run(inside.batch_signed_once, "gd"), hk.run(inside.milliseconds_now)
    answer = post(gd, context_for(hk, "gd", own_certificate(hk, "gd")), once, now)
    assert (answer.status, answer.json()["code"]) == (403, "second-signature-missing")
    assert gd.run(inside.incident_kinds) == {"signed-once"}
    say("what hk signed once was refused, and gd's operator sees it")
