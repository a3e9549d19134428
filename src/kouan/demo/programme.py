"""``kouan demo programme``: a plan proposed, countered, signed by both, reported on, reviewed; both ways."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

import click

from kouan.demo import DemonstrationFailed
from kouan.demo.nodes import node_environment
from kouan.demo.plans import OFFICERS, made_up

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kouan.demo.nodes import DemonstrationNode

_WITHIN: Final = 60.0
_ZONE: Final = timezone(timedelta(hours=8))


def show(hk: DemonstrationNode, gd: DemonstrationNode, out: Path) -> None:
    """Walk through it both ways; raises ``DemonstrationFailed`` naming the step that went wrong.

    The second way is the plan of the year before: a plan has one number on both sides, its sides' and year's.
    """
    today = datetime.now(_ZONE).date()
    for first, second, year in ((hk, gd, today.year), (gd, hk, today.year - 1)):
        click.echo(f"\n━━ {first.side} → {second.side}, {year} ━━")
        _one_way(first, second, year, out)


def _one_way(first: DemonstrationNode, second: DemonstrationNode, year: int, out: Path) -> None:
    value = _of_year(year)
    _step("One side drafts the plan of the year, signs it and puts it before the other.")
    path = out / f"plan-{year}-{first.side}.json"
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), "utf-8")
    proposal = _propose(first, second, year, path)
    click.echo(f"   proposed by {OFFICERS[first.side]}: {proposal[:16]}…")

    _step("The other side puts a text of its own in its place: one more milestone, another target.")
    _until("the proposal is on the other side", lambda: proposal in _list(second))
    countered = copy.deepcopy(value)
    item = countered["areas"][0]["items"][0]
    item["measures"][0]["target"] = "100"
    path = out / f"plan-{year}-{second.side}.json"
    path.write_text(json.dumps(countered, ensure_ascii=False, indent=2), "utf-8")
    counter = _propose(second, first, year, path)
    _until("the first proposal is countered", lambda: _state(first, proposal) == "countered")
    click.echo(f"   countered by {OFFICERS[second.side]}: {counter[:16]}…")
    said = _refused(first, "accept", proposal, "--officer", OFFICERS[first.side])
    click.echo(f"   the first proposal can be signed no more: {said}")

    _step("The first side signs it; from then on both are bound by the same text.")
    _plan(first, "accept", counter, "--officer", OFFICERS[first.side])
    _until("both have signed", lambda: _state(second, counter) == "signed")
    click.echo(f"   in effect on both sides: {counter}")

    _step("Both sides report: how an item stands, and its figures.")
    for node, other, figure in ((first, second, "21"), (second, first, "13")):
        about = (
            "--peer",
            other.side,
            "--year",
            str(year),
            "--source",
            "made-up return",
            "--on",
            f"{year}-03-01",
        )
        _plan(node, "report", "e-locks", "state", "under-way", *about)
        _plan(node, "report", "e-locks", "measure", figure, "--part", "count", *about)
    for node, other in ((first, second), (second, first)):
        _until(f"both figures are known in {node.side}", lambda n=node, o=other: _figure(n, o, year) == "34")  # type: ignore[misc]
        click.echo(f"   {node.side}: 34, of two reports")

    _step("Either side makes the annual review: each figure names its reports and their crossings.")
    for node, other in ((first, second), (second, first)):
        pdf = out / f"review-{year}-{node.side}.pdf"
        shown = _show(node, other, year, "--pdf", str(pdf))
        for report in shown["reports"]:
            if report["ledger_index"] is None:
                raise DemonstrationFailed(f"a report of {report['side']} is in no ledger of {node.side}")
        click.echo(f"   {pdf.name}, {pdf.stat().st_size} bytes, {len(shown['reports'])} reports")


def _of_year(year: int) -> dict[str, Any]:
    value = made_up(datetime(year, 6, 1, tzinfo=_ZONE).date())
    for area in value["areas"]:
        for item in area["items"]:
            for measure in item["measures"]:
                measure["feed"] = ""
    return value


def _propose(node: DemonstrationNode, other: DemonstrationNode, year: int, path: Path) -> str:
    officer = OFFICERS[node.side]
    return _plan(node, "propose", str(path), "--peer", other.side, "--year", str(year), "--officer", officer)


def _list(node: DemonstrationNode) -> str:
    return _plan(node, "list")


def _state(node: DemonstrationNode, digest: str) -> str:
    rows = (line.split("\t") for line in _list(node).splitlines())
    return next((row[4] for row in rows if row[5] == digest), "")


def _show(node: DemonstrationNode, other: DemonstrationNode, year: int, *more: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(_plan(node, "show", "--peer", other.side, "--year", str(year), *more))
    return shown


def _figure(node: DemonstrationNode, other: DemonstrationNode, year: int) -> str | None:
    items = {each["id"]: each for each in _show(node, other, year)["items"]}
    value: str | None = items["e-locks"]["measures"][0]["value"]
    return value


def _plan(node: DemonstrationNode, *arguments: str) -> str:
    done = _run(node, arguments)
    if done.returncode:
        raise DemonstrationFailed(f"kouan programme plan {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _refused(node: DemonstrationNode, *arguments: str) -> str:
    done = _run(node, arguments)
    if not done.returncode:
        raise DemonstrationFailed(f"kouan programme plan {arguments[0]} was not refused")
    return done.stderr.strip().removeprefix("Error: ")


def _run(node: DemonstrationNode, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "kouan.cli", "--node", str(node.path), "programme", "plan", *arguments],
        env=node_environment(node),
        capture_output=True,
        text=True,
        check=False,
    )


def _until(what: str, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN
    while not done():
        if time.monotonic() > deadline:
            raise DemonstrationFailed(f"not within {_WITHIN:.0f} seconds: {what}")
        time.sleep(0.3)


def _step(text: str) -> None:
    click.echo(f"\n• {text}")
