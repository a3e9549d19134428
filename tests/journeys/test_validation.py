"""A document validated across the boundary, both ways, with every answer there is, and what proves it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from journeys import inside
from journeys.nodes import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from journeys.conftest import Group
    from journeys.nodes import Node

WAYS = [("hk", "gd"), ("gd", "hk")]
DEGREE = {"degree": "BSc", "class": "First", "year": 2025}


def register(
    node: Node, content: dict[str, Any] | bytes, name: str = "degree.json", **fields: str
) -> tuple[str, bytes]:
    """Register a document; return its reference and the carried file."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    answer = node.upload("/documents", name, data, type="academic-qualification", **fields)
    assert answer.status == 201, answer.body
    return answer.headers["kouan-reference"], answer.body


def validate(node: Node, carried: bytes, **fields: str) -> dict[str, Any]:
    """Validate a file and wait for the answer."""
    answer = node.upload("/validations?wait=5", "file", carried, **fields)
    assert answer.status in {200, 202}, answer.body
    result: dict[str, Any] = answer.json()
    return wait_until(lambda: answered(node, result["id"]), 30, "the answer")


def answered(node: Node, key: str) -> dict[str, Any] | None:
    result: dict[str, Any] = node.api("GET", f"/validations/{key}").json()
    return None if result["state"] == "waiting" else result


def evidence(node: Node, result: dict[str, Any]) -> bytes:
    """Fetch the evidence bundle as soon as it can be had."""

    def ready() -> bytes | None:
        answer = node.request("GET", f"/api/v1{result['evidence']}")
        assert answer.status in {200, 409}, answer.body
        return answer.body if answer.status == 200 else None

    return wait_until(ready, 30, "the evidence")


def verify_offline(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``kouan verify`` with no node, no settings and, where the machine can do that, no network."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("KOUAN_", "DJANGO_"))
    }
    program = [sys.executable, "-m", "kouan.cli", "verify", str(path), *options]
    for alone in (["unshare", "-n"], ["unshare", "-rn"], []):
        if not alone or (
            shutil.which("unshare") and subprocess.run([*alone, "true"], check=False).returncode == 0
        ):
            break
    return subprocess.run(
        [*alone, *program],
        cwd=path.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize(("issuing", "asking"), WAYS)
def test_every_outcome(pair: Group, issuing: str, asking: str) -> None:
    issuer, asker = pair[issuing], pair[asking]
    reference, carried = register(issuer, DEGREE)
    assert reference.startswith(issuing.upper())

    match = validate(asker, carried)
    assert match["outcome"] == "match"
    assert match["issuer"]["code"] == issuer.made.accounts["issuer"]["institution"]
    assert (match["document_type"], match["issuing_side"], match["crossed"]) == (
        "academic-qualification",
        issuing,
        True,
    )

    mismatch = validate(asker, carried.replace(b"First", b"Third"))
    assert (mismatch["outcome"], mismatch["issuer"], mismatch["issued_on"]) == ("mismatch", None, None)

    unknown = validate(asker, b"no mark at all", reference=issuer.run(inside.new_reference, issuing))
    assert (unknown["outcome"], unknown["issuer"]) == ("unknown", None)

    other_reference, other = register(issuer, {**DEGREE, "year": 2020}, expires_on="2999-12-31")
    assert validate(asker, other)["outcome"] == "match"
    issuer.run(inside.let_expire, other_reference)
    assert validate(asker, other)["outcome"] == "expired"

    assert (
        issuer.api("POST", f"/documents/{reference}/revocation", {"reason": "issued-in-error"}).status == 200
    )
    revoked = validate(asker, carried)
    assert (revoked["outcome"], bool(revoked["revoked_on"])) == ("revoked", True)
    assert "issued-in-error" not in json.dumps(revoked), "the reason stays with the issuer"


@pytest.mark.parametrize(("issuing", "asking"), WAYS)
def test_evidence_holds_offline_and_a_changed_bit_does_not(
    pair: Group, tmp_path: Path, issuing: str, asking: str
) -> None:
    _, carried = register(pair[issuing], DEGREE)
    data = evidence(pair[asking], validate(pair[asking], carried))
    path = tmp_path / "evidence.bundle"
    path.write_bytes(data)
    trust = [f"{side}={pair[side].run(inside.fingerprint)}" for side in (issuing, asking)]

    holds = verify_offline(path, *(word for each in trust for word in ("--trust", each)))
    assert holds.returncode == 0, holds.stdout + holds.stderr
    assert "The evidence holds. Messages proved: 2." in holds.stdout

    chance = random.Random(7)  # noqa: S311 - which bit it is keeps no secret
    for at in (len(data) // 3, chance.randrange(len(data))):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
        changed = verify_offline(path)
        assert changed.returncode == 1, (at, changed.stdout)
        assert "does NOT hold" in changed.stdout
        assert "Traceback" not in changed.stderr

    path.write_bytes(data)
    wrong = verify_offline(path, "--trust", f"{issuing}={'0' * 64}")
    assert (wrong.returncode, "is not the one you trust" in wrong.stdout) == (1, True)
