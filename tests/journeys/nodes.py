"""Real nodes for the journeys: started, stopped and killed as an operator or an accident would."""

from __future__ import annotations

import http.client
import json
import os
import pickle
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from kouan.core.exchange import wake
from kouan.demo.nodes import DemonstrationNode, node_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from journeys.link import Link

P = ParamSpec("P")
T = TypeVar("T")

TESTS = Path(__file__).resolve().parents[1]
NAMES = ("portal", "door", "worker")


def say(text: str) -> None:
    """Tell what happens; pytest shows it with ``-s`` and beside a failure."""
    print(f"{time.strftime('%H:%M:%S')}.{int(time.time() * 1000) % 1000:03} {text}", flush=True)  # noqa: T201 - the journey's own log


PATIENCE = 4
"""How many times as long a wait may last as it should: the machine may have other work."""


def wait_until(predicate: Callable[[], T], seconds: float, what: str) -> T:
    """Return the first true value of ``predicate``; fail with ``what`` when patience ends."""
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} seconds: {what}")
        time.sleep(0.05)
    return value


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, parsed."""
        return json.loads(self.body)


@dataclass
class Node:
    """One side's node as ``kouan node`` runs it, with a station to look inside."""

    made: DemonstrationNode
    link: Link
    """What stands before this node's door."""
    supervisor: subprocess.Popen[bytes] | None = field(default=None)
    _station: subprocess.Popen[bytes] | None = field(default=None)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def side(self) -> str:
        """The side's code."""
        return self.made.side

    @property
    def token(self) -> str:
        """The institution's access token for the API."""
        return str(self.made.accounts["issuer"]["token"])

    @property
    def portal(self) -> int:
        """The portal's port."""
        return self.made.config.portal_listen.port

    @property
    def door(self) -> int:
        """The door's own port, behind the link."""
        return self.made.config.door_listen.port

    @property
    def door_host(self) -> str:
        """The address on which the door listens."""
        return self.made.config.door_listen.host

    # Where it runs

    def environment(self) -> dict[str, str]:
        """Return the environment of this node's processes."""
        return node_environment(self.made)

    def wrapped(self, *command: str) -> list[str]:
        """Return the command that runs a program of this node where the node is."""
        return list(command)

    def reached(self, question: Callable[[], T]) -> T:
        """Ask something over the network from where the node can be reached."""
        return question()

    # Processes

    def start(self) -> None:
        """Start it as ``kouan node`` does."""
        with self.log_file("node").open("ab") as log:
            self.supervisor = subprocess.Popen(
                self.wrapped(sys.executable, "-m", "kouan.cli", "--node", str(self.made.path), "node"),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def is_up(self) -> bool:
        """Whether portal, door and worker all answer."""
        return (
            self.reached(lambda: healthy(self.portal) and listens(self.door, self.door_host))
            and bool(self.running().get("worker"))
            and any(wake.bells_of(self.made.config.run).glob("*"))
        )

    def wait_up(self, seconds: float = 60.0) -> None:
        """Wait for portal, door and worker; a supervisor that gave up fails at once."""

        def up() -> bool:
            assert self.supervisor is not None
            assert self.supervisor.poll() is None, f"{self.side}: kouan node ended\n{self.log('node')}"
            return self.is_up

        try:
            wait_until(up, seconds, f"the node of {self.side} is up")
        except AssertionError as error:
            logs = "\n".join(f"--- {name}\n{self.log(name, 15)}" for name in ("node", *NAMES))
            raise AssertionError(f"{error}\n{logs}") from None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to stop, and return the seconds that it took; nothing of it may be left."""
        assert self.supervisor is not None
        left = [pid for pids in self.running().values() for pid in pids]
        started = time.monotonic()
        self.supervisor.send_signal(number)
        self.supervisor.wait(60)
        seconds = time.monotonic() - started
        wait_until(lambda: not any(map(alive, left)), 5, f"{self.side}: no process is left behind")
        self.supervisor = None
        say(f"{self.side} stopped in {seconds:.2f} s")
        return seconds

    def running(self) -> dict[str, list[int]]:
        """Return the processes that run now: name to ids, the one that the supervisor started first."""
        if self.supervisor is None:
            return {}
        return processes_of(self.supervisor.pid)

    def all_of(self, name: str) -> list[int]:
        """Return the first process of each of several, say, workers."""
        return [pids[0] for label, pids in self.running().items() if label.partition("@")[0] == name]

    def kill(self, name: str) -> None:
        """SIGKILL one of the node's processes with all that it started."""
        for leader in self.running().get(name, [])[:1]:
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGKILL)

    def kill_everything(self) -> None:
        """SIGKILL the whole node at once, what keeps it running first."""
        assert self.supervisor is not None
        leaders = [pids[0] for pids in self.running().values()]
        for leader in (self.supervisor.pid, *leaders):
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGKILL)
        self.supervisor.wait(60)
        self.supervisor = None

    def log_file(self, name: str) -> Path:
        """Return the file to which a process writes its log; the supervisor's is ``node``."""
        return self.made.path.parent / "run" / f"{name}.log"

    def log(self, name: str, lines: int = 40) -> str:
        """Return the end of a process's log."""
        path = self.log_file(name)
        return "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:]) if path.exists() else ""

    # Inside

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of ``journeys.inside`` in a process of this node and return its result."""
        with self._turn:
            if self._station is None:
                environment = self.environment()
                paths = (str(TESTS), environment.get("PYTHONPATH", ""))
                environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
                self._station = subprocess.Popen(
                    [sys.executable, "-m", "journeys.station"],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                )
            assert self._station.stdin is not None
            assert self._station.stdout is not None
            pickle.dump((function, args, kwargs), self._station.stdin)
            self._station.stdin.flush()
            returned, value = pickle.load(self._station.stdout)  # noqa: S301 - our own process
        if not returned:
            raise AssertionError(f"inside {self.side}:\n{value}")
        return value  # type: ignore[no-any-return]

    # Outside

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Answer:
        """Send one HTTP request to the portal."""
        connection = http.client.HTTPConnection("127.0.0.1", self.portal, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers={"Accept-Language": "en", **(headers or {})})
            response = connection.getresponse()
            return Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )
        finally:
            connection.close()

    def api(self, method: str, path: str, value: object = None) -> Answer:
        """Call the API as the demonstration institution's system, with JSON."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if value is None:
            return self.request(method, f"/api/v1{path}", headers=headers)
        headers["Content-Type"] = "application/json"
        return self.request(method, f"/api/v1{path}", json.dumps(value).encode(), headers)

    def upload(self, path: str, name: str, data: bytes, **fields: str) -> Answer:
        """Post a file to the API as the demonstration institution's system."""
        content_type, body = form(name, data, **fields)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        return self.request("POST", f"/api/v1{path}", body, headers)

    def close(self) -> None:
        """End everything that was started for this node."""
        if self._station is not None:
            self._station.stdin.close()  # type: ignore[union-attr]
            self._station.stdout.close()  # type: ignore[union-attr]
            try:
                self._station.wait(20)
            except subprocess.TimeoutExpired:
                self._station.kill()
                self._station.wait(60)
            self._station = None
        if self.supervisor is not None:
            with suppress(subprocess.TimeoutExpired):
                self.stop()
        if self.supervisor is not None:
            self.kill_everything()


def form(name: str, data: bytes, **fields: str) -> tuple[str, bytes]:
    """Return the content type and the body of a form with one file (RFC 7578)."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = b"".join([*parts, head.encode(), data, f"\r\n--{boundary}--\r\n".encode()])
    return f"multipart/form-data; boundary={boundary}", body


def healthy(port: int) -> bool:
    """Return whether a portal answers there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether anything accepts connections there."""
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def alive(pid: int) -> bool:
    """Return whether a process is there and not yet a zombie."""
    return _stat(pid)[0] not in {"", "Z"}


def processes_of(supervisor: int) -> dict[str, list[int]]:
    """Return the server processes below a supervisor or its nodes, each leader with its whole session."""
    table = {pid: _stat(pid) for pid in _pids()}
    above = {supervisor, *(pid for pid, (_, parent, _) in table.items() if parent == supervisor)}
    found = {}
    for pid, (_, parent, session) in table.items():
        if parent in above and session == pid and (name := _server_name(pid)):
            rest = [other for other, (_, _, session) in table.items() if session == pid and other != pid]
            label = f"{name}@{_node_of(pid)}" if f"{name}@{_node_of(pid)}" in found or name in found else name
            label = label if label not in found else f"{label}-{pid}"
            found[label] = [pid, *rest]
    return found


def memory(pid: int) -> tuple[int, int]:
    """Return the memory that a process has now and has had at most, in bytes (``proc(5)``)."""
    lines = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    )
    return tuple(int(lines[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]  # noqa: PTH208 - names alone are needed


def _stat(pid: int) -> tuple[str, int, int]:
    """Return state, parent and session of a process; empty when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return "", 0, 0
    return fields[0], int(fields[1]), int(fields[3])


def _server_name(pid: int) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_text("ascii", "replace").strip()
    except OSError:
        return ""
    return name.removeprefix("kouan-") if name.startswith("kouan-") else ""


def _node_of(pid: int) -> str:
    try:
        settings = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    paths = [item for item in settings if item.startswith(b"KOUAN_NODE=")]
    return Path(paths[0].decode()).parent.name if paths else ""
