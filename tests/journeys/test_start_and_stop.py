"""``kouan up`` as a visitor uses it: started, stopped in two ways, started again, cleared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from journeys.nodes import PATIENCE, TESTS, alive, healthy, listens, processes_of, say, wait_until
from kouan.demo.nodes import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.sqlite
SOON = 3 * PATIENCE
"""Seconds within which everything has ended that was asked to."""


class Up:
    """Both sides in one terminal, on ports of this test's own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ports = free_ports(8)
        self.process: subprocess.Popen[bytes] | None = None
        self._said = home.with_name("said")

    def start(self, *options: str) -> None:
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("KOUAN_", "DJANGO_"))
        }
        paths = (str(TESTS), environment.get("PYTHONPATH", ""))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "journeys.up", str(self.home), *map(str, self.ports), *options],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        wait_until(self._answers, 60, "both portals answer")
        address = f"http://127.0.0.1:{self.ports[0]}"
        wait_until(lambda: address in self._said.read_text(), 10, "it says where to go")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self._said.read_text()
        return healthy(self.ports[0]) and healthy(self.ports[4])

    def stop(self, number: signal.Signals) -> tuple[float, str]:
        """Signal as a terminal or a service manager does; return the seconds it took and what was printed."""
        assert self.process is not None
        servers = [pid for pids in processes_of(self.process.pid).values() for pid in pids]
        assert len(servers) >= 6
        started = time.monotonic()
        if number is signal.SIGINT:
            os.killpg(self.process.pid, number)  # Ctrl-C reaches all that the terminal runs in front
        else:
            self.process.send_signal(number)
        self.process.wait(60)
        seconds = time.monotonic() - started
        output = self._said.read_text()
        assert self.process.returncode == 0, output
        self.process = None
        wait_until(lambda: not any(map(alive, servers)), 5, "no process is left behind")
        assert not any(listens(port) for port in self.ports)
        say(f"stopped by {number.name} in {seconds:.2f} s")
        return seconds, output

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    made = Up(tmp_path / "home")
    yield made
    made.close()


@pytest.mark.timeout(600)
def test_start_stop_start_again_and_reset(up: Up) -> None:
    up.start()
    secret = (up.home / "hk" / "node.env").read_text()
    keys = sorted((up.home / "hk" / "keys").iterdir())
    held = [key.read_bytes() for key in keys if key.is_file()]
    seconds, output = up.stop(signal.SIGTERM)
    assert seconds < SOON
    assert "Traceback" not in output
    up.start()
    assert (up.home / "hk" / "node.env").read_text() == secret
    assert [key.read_bytes() for key in keys if key.is_file()] == held
    seconds, output = up.stop(signal.SIGINT)
    assert seconds < SOON
    assert "Your data is kept" in output
    assert "Traceback" not in output
    up.start("--reset")
    assert (up.home / "hk" / "node.env").read_text() != secret
    assert up.stop(signal.SIGTERM)[0] < SOON
