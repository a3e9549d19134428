"""What `deploy/` hands out to run a node: systemd's units and the containers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner

from kouan.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted((FOLDER / "systemd").iterdir())
SERVED = ("portal", "door", "worker")


def commands() -> Iterator[list[str]]:
    """Every command of a node that is written there, without the program's name."""
    for unit in UNITS:
        for line in re.findall(r"^ExecStart=\S+/kouan (.+)$", unit.read_text("utf-8"), flags=re.MULTILINE):
            yield line.replace("--node /srv/kouan/%i/node.toml ", "").split()
    for service in compose()["services"].values():
        if "command" in service:
            yield service["command"]


def compose():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))


def test_every_command_is_one_of_the_programs() -> None:
    found = list(commands())
    assert len(found) >= 10
    for words in found:
        assert CliRunner().invoke(main, [*words, "--help"]).exit_code == 0, words


@pytest.mark.parametrize("name", SERVED)
def test_a_unit_may_do_no_more_than_it_has_to(name: str) -> None:
    lines = (FOLDER / f"systemd/kouan-{name}@.service").read_text("utf-8").splitlines()
    assert {
        "User=kouan", "NoNewPrivileges=true", "ProtectSystem=strict", "ProtectHome=true", "PrivateTmp=true",
        "CapabilityBoundingSet=", "ReadWritePaths=/srv/kouan/%i", "UMask=0077",
    } <= set(lines)  # fmt: skip


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze to read the units")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/opt/kouan/.venv/bin/kouan", "/bin/true")
        (tmp_path / unit.name).write_text(text, "utf-8")
    whole = [str(tmp_path / unit.name.replace("@", "@hk")) for unit in UNITS]
    for unit, path in zip(UNITS, whole, strict=True):
        shutil.copy(tmp_path / unit.name, path)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *whole],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "kouan" in line]
    assert (done.returncode, ours) == (0, [])


def test_each_side_has_a_database_that_nobody_else_reaches() -> None:
    read = compose()
    for side, other in (("hk", "gd"), ("gd", "hk")):
        networks = read["services"][f"{side}-database"]["networks"]
        assert networks == [side]
        assert read["networks"][side]["internal"]
        for name in SERVED:
            service = read["services"][f"{side}-{name}"]
            assert side in service["networks"]
            assert other not in service["networks"]
            assert service["depends_on"] == {f"{side}-database": {"condition": "service_healthy"}}
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]
        assert read["services"][f"{side}-worker"]["deploy"]["replicas"] == 2
        assert "boundary" not in read["services"][f"{side}-portal"]["networks"]
