"""Large files: megabytes a second from one node to another, and the most memory that each process took.

One file of 2 GB of random bytes. "Seal" is ``kouan file send`` up to its return, "fetch" from there until
the receiver's handler has run, "save" writes the opened file. A node's processes are fresh.
"""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from _table import figures
from kouan.demo.nodes import DemonstrationNode, establish, free_ports, node_environment
from kouan.node.supervisor import Supervisor, processes_of

SIZE = int(os.environ.get("KOUAN_BENCH_BLOB", str(2_000_000_000)))
PIECE = 1 << 20
WITHIN = 1800.0


def main() -> dict[str, float]:
    """Measure and return the figures."""
    with tempfile.TemporaryDirectory(prefix="kouan-bench-", dir=os.environ.get("KOUAN_BENCH_DIR")) as home:
        ports = free_ports(4)
        nodes = establish(Path(home), {"hk": (ports[0], ports[1]), "gd": (ports[2], ports[3])})
        supervisor = Supervisor(
            process for node in nodes for process in processes_of(node.path, ("door", "worker"))
        )
        supervisor.start()
        watching = threading.Thread(target=supervisor.watch, daemon=True)
        watching.start()
        try:
            return measure(*nodes, Path(home))
        finally:
            supervisor.ask_to_stop()
            watching.join()
            supervisor.stop()


def measure(hk: DemonstrationNode, gd: DemonstrationNode, home: Path) -> dict[str, float]:
    """Send one file and return the figures."""
    source, target = home / "source", home / "target"
    digest = make(source)
    values: dict[str, float] = {"size_mb": SIZE / 1e6}
    began = time.perf_counter()
    message = kouan(hk, "file", "send", str(source), "--to", "gd").strip()
    sealed = time.perf_counter()
    values["seal_mb_per_s"] = SIZE / 1e6 / (sealed - began)
    values["seal_process_peak_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    wait(gd, message)
    values["fetch_mb_per_s"] = SIZE / 1e6 / (time.perf_counter() - sealed)
    for node in (hk, gd):
        for name in ("door", "worker"):
            values[f"{node.side}_{name}_peak_mb"] = max(peaks(node, name)) / 1e6
    source.unlink()
    began = time.perf_counter()
    kouan(gd, "file", "save", message, "--out", str(target))
    values["save_mb_per_s"] = SIZE / 1e6 / (time.perf_counter() - began)
    with target.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest  # noqa: S101 - the figure would be worth nothing
    return values


def make(path: Path) -> str:
    """Write random bytes and return their SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        left = SIZE
        while left:
            piece = os.urandom(min(PIECE, left))
            digest.update(piece)
            file.write(piece)
            left -= len(piece)
    return digest.hexdigest()


def kouan(node: DemonstrationNode, *arguments: str) -> str:
    """Run the program on a node and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "kouan.cli", *arguments],
        env=node_environment(node),
        check=True,
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )
    return done.stdout


_WAIT = """
import sys, time, uuid, django
django.setup()
from kouan.apps.files.models import ReceivedFile
while not ReceivedFile.objects.filter(message_id=uuid.UUID(sys.argv[1])).exists():
    time.sleep(0.1)
"""


def wait(node: DemonstrationNode, message: str) -> None:
    """Wait until a node has handled the message whose file it fetches."""
    subprocess.run(
        [sys.executable, "-c", _WAIT, message], env=node_environment(node), check=True, timeout=WITHIN
    )


def peaks(node: DemonstrationNode, name: str) -> list[int]:
    """Return the most memory that each process of a kind has had, in bytes (``VmHWM`` of proc(5))."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            called = (process / "comm").read_text("ascii", "replace").strip()
            environment = (process / "environ").read_bytes().split(b"\0")
            lines = (process / "status").read_text("ascii", "replace").splitlines()
        except OSError:
            continue
        ours = f"KOUAN_NODE={node.path}".encode() in environment
        if ours and called == f"kouan-{name}":
            found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return found


if __name__ == "__main__":
    figures("blobs", main())
