"""Where a run of faults takes place: network namespaces, memory disks and a folder, all of them its own.

Everything bears the run's name, which holds the process id and start time of the test that made it. So
what a killed run left behind can be told from what belongs to one that is going on: ``sweep`` removes it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PREFIX = "kouan-faults"
_NAME = re.compile(rf"{PREFIX}-(?P<pid>\d+)-(?P<start>\d+)(-[a-z0-9]+)?")
NAMESPACES = Path("/run/netns")
FOLDERS = Path(tempfile.gettempdir())
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def missing() -> str:
    """Return what a run of faults lacks on this machine, in one line; nothing if it can take place."""
    if os.geteuid() != 0:
        return "network namespaces and memory disks need root"
    for program in ("ip", "mount", "umount", "setpriv", "cc"):
        if shutil.which(program) is None:
            return f"the program {program} is not installed"
    if not Path("/dev/net/tun").exists():
        return "the kernel offers no /dev/net/tun"
    probe = f"{this_run()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip()}"
    _delete_namespace(probe)
    return ""


def this_run() -> str:
    """Return the name of all that this process makes."""
    return f"{PREFIX}-{os.getpid()}-{_started(os.getpid())}"


def make_folder() -> Path:
    """Make this run's folder, where its nodes live."""
    folder = FOLDERS / this_run()
    folder.mkdir(mode=0o700)
    return folder


def mount_memory(place: Path, megabytes: int) -> None:
    """Have a disk of so many megabytes at ``place``, in memory."""
    place.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", this_run(), str(place))


def make_namespace(name: str) -> str:
    """Make a network namespace of this run, with nothing but its own loopback, and return its full name."""
    full = f"{this_run()}-{name}"
    _run("ip", "netns", "add", full)
    _run("ip", "-n", full, "link", "set", "lo", "up")
    return full


def inside(namespace: str, function: Callable[[], T]) -> T:
    """Run a function on a thread in the network namespace; the sockets that it opens stay there."""
    result: list[T] = []
    fault: list[BaseException] = []

    def run() -> None:
        try:
            _enter(namespace)
            result.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            fault.append(error)

    thread = threading.Thread(target=run, name=f"in {namespace}")
    thread.start()
    thread.join()
    if fault:
        raise fault[0]
    return result[0]


def _enter(namespace: str) -> None:
    with (NAMESPACES / namespace).open("rb") as handle:
        if _libc.setns(handle.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns({namespace})")


def remove(run: str) -> None:
    """Remove everything that bears a run's name; what is gone already is no error."""
    for namespace in _namespaces():
        if namespace.startswith(f"{run}-"):
            _end_processes_in(namespace)
            _delete_namespace(namespace)
    folder = FOLDERS / run
    for place in reversed(_mounts_below(folder)):
        subprocess.run(["umount", "--lazy", place], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def sweep() -> list[str]:
    """Remove what runs left behind whose test has ended; return their names."""
    names = {*_namespaces(), *(path.name for path in FOLDERS.glob(f"{PREFIX}-*"))}
    left = set()
    for name in names:
        found = _NAME.fullmatch(name)
        if found and _started(int(found["pid"])) != int(found["start"]):
            left.add(f"{PREFIX}-{found['pid']}-{found['start']}")
    for run in sorted(left):
        remove(run)
    return sorted(left)


def leftovers() -> list[str]:
    """Return what bears this run's name."""
    run = this_run()
    return [
        *(name for name in _namespaces() if name.startswith(run)),
        *_mounts_below(FOLDERS / run),
        *(str(path) for path in [FOLDERS / run] if path.exists()),
    ]


def _namespaces() -> list[str]:
    return [path.name for path in NAMESPACES.glob(f"{PREFIX}-*")] if NAMESPACES.exists() else []


def _delete_namespace(name: str) -> None:
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _end_processes_in(namespace: str) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        listed = subprocess.run(
            ["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False
        )
        pids = [int(word) for word in listed.stdout.split()]
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _mounts_below(folder: Path) -> list[str]:
    lines = Path("/proc/mounts").read_text("utf-8", "replace").splitlines()
    places = [line.split()[1] for line in lines]
    return [place for place in places if place.startswith(f"{folder}/")]


def _started(pid: int) -> int:
    """Return when a process started, in ticks since the machine did (``proc(5)``); 0 when there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19])
    except OSError:
        return 0


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
