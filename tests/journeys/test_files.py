"""A large file between two real nodes: accidents in the middle of it, and how much memory it takes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from journeys import files
from journeys.nodes import memory, say, wait_until
from kouan.demo.nodes import node_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journeys.conftest import Group
    from journeys.nodes import Node

MIB = 1 << 20


def make(path: Path, size: int) -> str:
    """Write random bytes and return their SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(size // MIB):
            piece = os.urandom(MIB)
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def hash_of(path: str | Path) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bytes_here(node: Node) -> int:
    """How much of the files that it fetches lies in a node's folder."""
    folder, size = node.made.config.blobs_folder / "in", 0
    for path in folder.iterdir() if folder.exists() else ():
        with suppress(FileNotFoundError):  # it has just been cleaned away
            size += path.stat().st_size
    return size


class Watch:
    """Sees whether what had arrived is ever thrown away."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._going = True
        self.most = bytes_here(node)
        self.lost = 0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while self._going:
            now = bytes_here(self._node)
            self.most = max(self.most, now)
            self.lost = max(self.lost, self.most - now)
            time.sleep(0.002)

    def end(self) -> None:
        self._going = False
        self._thread.join()


@pytest.fixture
def slow(pair: Group) -> Iterator[None]:
    """The line to Hong Kong's door lets some megabytes a second through."""
    pair["hk"].link.delay = 0.001
    yield
    pair["hk"].link.mend()


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("slow")
def test_a_file_survives_every_accident_and_nothing_is_fetched_twice(pair: Group, tmp_path: Path) -> None:
    hk, gd = pair["hk"], pair["gd"]
    size = 60 * MIB
    digest = make(tmp_path / "records.bin", size)
    before = bytes_here(gd)
    watch = Watch(gd)
    message = hk.run(files.send, str(tmp_path / "records.bin"), "gd")

    def cut() -> None:
        hk.link.cut()
        time.sleep(1)
        hk.link.mend()
        hk.link.delay = 0.001

    def all_of(node: Node) -> Callable[[], None]:
        def kill() -> None:
            node.kill_everything()
            node.start()

        return kill

    accidents = {
        "the receiver's worker is killed": lambda: gd.kill("worker"),
        "the sender's door is killed": lambda: hk.kill("door"),
        "the link is cut": cut,
        "connections are dropped": hk.link.drop,
        "the receiver is killed whole": all_of(gd),
        "the sender is killed whole": all_of(hk),
    }
    for number, (what, happen) in enumerate(accidents.items(), 1):
        due = before + size * number // 8
        wait_until(lambda due=due: bytes_here(gd) >= due, 60, f"{due} bytes have come")
        assert bytes_here(gd) < before + size, "it was too fast for the accident"
        say(f"{(bytes_here(gd) - before) / MIB:.1f} MiB here: {what}")
        happen()
    wait_until(lambda: gd.run(files.arrived, message), 90, "the file is complete")
    watch.end()
    # A chunk that was being written when its process was killed is all that may be cut off.
    assert watch.lost <= MIB + 16
    saved = gd.run(files.save, message, str(tmp_path / "saved.bin"))
    assert hash_of(saved) == digest
    pair.put_in_order()
    wait_until(lambda: hk.run(files.stage, message)[0] == "delivered", 30, "the sender knows")
    pair.prove()


TELLING = """
import atexit, pathlib, re, sys
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: sys.stderr.write(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
from kouan.cli import main
main()
"""
"""The program, and at its end the most memory that it held, in KiB."""


@pytest.mark.timeout(600)
def test_a_file_takes_a_constant_amount_of_memory(pair: Group, tmp_path: Path) -> None:
    hk, gd = pair["hk"], pair["gd"]
    size = 300 * MIB
    digest = make(tmp_path / "large.bin", size)
    # Fresh processes: what they had at most is then this file's doing alone.
    for node in (hk, gd):
        node.stop()
    pair.put_in_order()
    pids = {
        (node.side, name, pid): memory(pid)[0]
        for node in (hk, gd)
        for name in ("door", "worker")
        for pid in node.running()[name]
    }
    # It tells its own peak: what the kernel says of a child begins with the memory of the parent.
    sent = subprocess.run(
        [sys.executable, "-c", TELLING, "file", "send", str(tmp_path / "large.bin"), "--to", "gd"],
        env=node_environment(hk.made),
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    peak = int(sent.stderr.split()[-1])
    say(f"kouan file send: at most {peak / 1024:.0f} MiB")
    message = UUID(sent.stdout.strip())
    wait_until(lambda: gd.run(files.arrived, message), 150, "the file is complete")
    for (side, name, pid), had in pids.items():
        most = memory(pid)[1]
        say(f"{side} {name}: {had / MIB:.0f} MiB before, at most {most / MIB:.0f} MiB")
        assert most - had < 48 * MIB, f"{side} {name}"
    assert peak * 1024 < 160 * MIB
    saved = gd.run(files.save, message, str(tmp_path / "saved.bin"))
    assert hash_of(saved) == digest
    wait_until(
        lambda: not list((hk.made.config.blobs_folder / "out").iterdir()), 60, "the sender's copy is removed"
    )
