"""A file of many documents on a real node: large, and with everything killed while it is taken."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from journeys.nodes import say, wait_until
from journeys.test_uploads import portal_memory
from kouan.apps.validation.domain import Reference

if TYPE_CHECKING:
    from journeys.conftest import Group
    from journeys.nodes import Node

ROWS = 60_000
PADDING = b" " * 800
"""Spaces around a field mean nothing; with them the file is larger than a document may be."""


def send(node: Node, data: bytes) -> Any:
    headers = {"Authorization": f"Bearer {node.token}", "Content-Type": "text/csv"}
    answer = node.request("POST", "/api/v1/bulk/registrations", data, headers)
    assert answer.status == 202, answer.body
    return answer.json()


def job(node: Node, key: str) -> Any:
    return node.api("GET", f"/bulk/{key}").json()


def further(node: Node, key: str, percent: int) -> int:
    """Return how far a file is once it is further than it was, else nothing."""
    now: int = job(node, key)["percent"]
    return now if now > percent else 0


def done(node: Node, key: str) -> Any:
    """Return a file that has been taken, else nothing."""
    found = job(node, key)
    return found if found["state"] == "done" else None


@pytest.mark.timeout(900)
def test_a_large_file_is_taken_once_whatever_is_killed_meanwhile(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    references = [str(Reference.new("hk")) for _ in range(ROWS)]
    digests = [hashlib.sha256(reference.encode()).hexdigest() for reference in references]
    rows = [
        f"{reference},kyc-report,{digest}".encode() + PADDING
        for reference, digest in zip(references, digests, strict=True)
    ]
    data = b"reference,type,fingerprint\n" + b"\n".join(rows)
    assert len(data) > 50 << 20
    before = portal_memory(hk)[0]
    key = send(hk, data)["id"]
    say(f"the portal grew by {(portal_memory(hk)[1] - before) >> 20} MB at most")
    question = {"reference": references[0], "algorithm": "sha-256", "digest": digests[0]}
    killed, last = 0, 0
    while killed < 3:
        percent = wait_until(lambda last=last: further(hk, key, last), 60, "more rows are taken")
        if percent == 100:
            break
        assert hk.api("POST", "/validations?wait=0", question).json()["outcome"] == "unknown"
        hk.kill_everything()
        say(f"killed at {percent} %")
        killed, last = killed + 1, percent
        hk.start()
        hk.wait_up()
    assert killed, "the file was taken before anything could be killed"
    found = wait_until(lambda: done(hk, key), 120, "the whole file is taken")
    assert (found["good"], found["unchanged"], found["bad"]) == (ROWS, 0, 0)
    answer = gd.api("POST", "/validations?wait=5", question)
    assert answer.json()["outcome"] in {"match", None}
    assert not list((hk.made.config.blobs_folder / "bulk").iterdir())
    again = send(hk, data[: 1 << 20].rpartition(b"\n")[0])["id"]
    found = wait_until(lambda: done(hk, again), 60, "it is no news")
    assert found["good"] == 0
    assert found["unchanged"] > 0
