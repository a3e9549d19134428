"""``kouan demo file``: 100 MB from Hong Kong to Guangdong, with a process killed half-way."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kouan.demo import DemonstrationFailed
from kouan.demo.nodes import node_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from kouan.demo.nodes import DemonstrationNode

SIZE: Final = 100_000_000
_MIB: Final = 1 << 20
_CUT_AT: Final = 20 * _MIB
_WITHIN: Final = 120.0


def show(hk: DemonstrationNode, gd: DemonstrationNode, out: Path) -> None:
    """Walk through it; raises ``DemonstrationFailed`` naming the step that went wrong."""
    _step(1, f"A department in Hong Kong sends a file of {SIZE // 1_000_000} MB, made of random bytes.")
    source = out / "records.bin"
    digest = _make(source)
    started = time.perf_counter()
    message = _kouan(hk, "file", "send", str(source), "--to", "gd").strip()
    click.echo(f"   sealed and queued as message {message}; SHA-256 {digest}")

    _step(2, "Guangdong's worker fetches it. In the middle of it, that process is killed (SIGKILL).")
    place = gd.config.blobs_folder / "in"
    _until("the file is on its way", lambda: _bytes_in(place) >= _CUT_AT)
    for pid in _workers(gd):
        os.kill(pid, signal.SIGKILL)
    here = _bytes_in(place)
    if here >= SIZE:
        raise DemonstrationFailed("the file had come before the process could be killed")
    click.echo(f"   killed with {here / 1e6:.1f} MB of {SIZE / 1e6:.1f} MB here")
    _list(gd, message)

    _step(3, "The node starts its worker again, which goes on where the killed one stopped.")
    least = here

    def arrived() -> bool:
        nonlocal least
        least = min(least, _bytes_in(place))
        return _state(gd, message) == "here"

    _until("the file is complete", arrived)
    if least < here - 2 * _MIB:
        raise DemonstrationFailed("what was here was thrown away")
    seconds = time.perf_counter() - started
    click.echo(f"   complete after {seconds:.1f} s; never less than {least / 1e6:.1f} MB were here")
    _list(gd, message)

    _step(4, "Guangdong saves it. It is the file that Hong Kong signed for.")
    target = out / "received.bin"
    _kouan(gd, "file", "save", message, "--out", str(target))
    if _hash(target) != digest:
        raise DemonstrationFailed("the file is another one")
    click.echo(f"   {target.stat().st_size} bytes, SHA-256 {digest}")

    _step(5, "Hong Kong learns that it was handled, and keeps no copy for the other side any longer.")
    _until("the sender knows", lambda: _state(hk, message) == "delivered")
    _until("the sender's copy is gone", lambda: not _bytes_in(hk.config.blobs_folder / "out"))
    _list(hk, message)
    source.unlink()
    target.unlink()


def _step(number: int, text: str) -> None:
    click.echo(f"\n{number}. {text}")


def _make(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for size in [_MIB] * (SIZE // _MIB) + [SIZE % _MIB]:
            piece = secrets.token_bytes(size)
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kouan(node: DemonstrationNode, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "kouan.cli", *arguments],
        env=node_environment(node),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemonstrationFailed(f"`kouan {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return done.stdout


def _row(node: DemonstrationNode, message: str) -> list[str]:
    for line in _kouan(node, "file", "list").splitlines():
        if line.startswith(message):
            return line.split("\t")
    return []


def _state(node: DemonstrationNode, message: str) -> str:
    row = _row(node, message)
    return row[3].split()[0] if row else ""


def _list(node: DemonstrationNode, message: str) -> None:
    click.echo(f"   kouan file list, {node.side}:  {'  '.join(_row(node, message)[1:6])}")


def _bytes_in(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.iterdir())
    except FileNotFoundError:
        return 0


def _until(what: str, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN
    while not true():
        if time.monotonic() > deadline:
            raise DemonstrationFailed(f"not within {_WITHIN:.0f} seconds: {what}")
        time.sleep(0.005)


def _workers(node: DemonstrationNode) -> list[int]:
    """Return the ids of the node's worker processes: those that were started with its settings."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "comm").read_text("ascii", "replace").strip()
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is another user's
            continue
        ours = f"KOUAN_NODE={node.path}".encode() in environment
        if ours and name == "kouan-worker":
            found.append(int(process.name))
    return found
