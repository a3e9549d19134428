"""The Makefile's own promises, tried on a stand-in for the program: no setup twice, and a clean stop."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """#!/bin/sh
echo "$*" >> python.log
"""
# What `kouan up` does as far as make can see: it runs until a signal, and says so when it ends.
PROGRAM = f"""#!{sys.executable}
import os, signal, sys, time
asked = []
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: asked.append(True))
open("up.new", "w").write(" ".join(sys.argv[1:]))
os.rename("up.new", "up.args")
while not asked:
    time.sleep(0.05)
open("up.ended", "w").write("yes")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the real Makefile and an environment in which every program is a stand-in."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "src").mkdir()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/messages.py").touch()
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    for name, text in (("python", PYTHON), ("kouan", PROGRAM)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return tmp_path


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_help_explains_every_command(checkout: Path) -> None:
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert phony
    shown = make(checkout).stdout
    assert re.findall(r"^  make (\w+) +\S", shown, flags=re.MULTILINE) == phony[1].split()


def test_setup_installs_once(checkout: Path) -> None:
    assert make(checkout, "setup").returncode == 0
    first = (checkout / "python.log").read_text()
    assert "--require-hashes -r requirements.lock" in first
    assert "--editable ." in first
    (checkout / "python.log").unlink()
    assert make(checkout, "setup").returncode == 0
    assert (checkout / "python.log").read_text() == "tools/assets.py\n"


def test_setup_installs_again_when_a_lock_changed(checkout: Path) -> None:
    make(checkout, "setup")
    (checkout / "python.log").unlink()
    later = time.time() + 5
    os.utime(checkout / "requirements.lock", (later, later))
    make(checkout, "setup")
    assert "--require-hashes -r requirements.lock" in (checkout / "python.log").read_text()


def test_an_environment_from_another_folder_is_made_anew(checkout: Path) -> None:
    (checkout / ".venv/pyvenv.cfg").write_text("command = /usr/bin/python3 -m venv /elsewhere/.venv\n")
    done = make(checkout, "--dry-run", "setup", f"PYTHON={sys.executable}")
    assert "was made in another folder" in done.stdout
    assert f"{sys.executable} -m venv .venv" in done.stdout


def test_a_machine_without_a_fit_python_is_told_so(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    done = make(checkout, "setup", "PYTHON=")
    assert done.returncode != 0
    assert "python3-venv" in done.stderr


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    ("number", "whom"), [(signal.SIGTERM, "make"), (signal.SIGTERM, "group"), (signal.SIGINT, "group")]
)
def test_a_signal_stops_what_make_runs(checkout: Path, number: int, whom: str, *, reset: bool) -> None:
    make(checkout, "setup")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    running = subprocess.Popen(
        ["make", "run", *(["RESET=1"] if reset else [])],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (checkout / "up.args").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (checkout / "up.args").read_text() == ("up --reset" if reset else "up")
        (os.kill if whom == "make" else os.killpg)(running.pid, number)
        running.wait(timeout=60)
        deadline = time.monotonic() + 60
        while not (checkout / "up.ended").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
