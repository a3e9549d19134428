"""The whole way of an application on two real nodes, both ways, as ``kouan demo service`` walks it."""

from __future__ import annotations

import subprocess
import sys


def test_an_application_is_made_at_home_and_decided_on_the_other_side(tmp_path):
    shown = subprocess.run(
        [sys.executable, "-m", "kouan.cli", "demo", "service", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert shown.returncode == 0, shown.stdout[-3000:] + shown.stderr[-3000:]
    for side in ("hk", "gd"):
        assert (tmp_path / f"result-{side}.pdf").read_bytes().startswith(b"%PDF")
        assert (tmp_path / f"result-{side}.sd-jwt").stat().st_size > 0
        assert (tmp_path / f"application-{side}.bundle").stat().st_size > 0
    assert shown.stdout.count("credential: genuine and counts") == 2
    assert shown.stdout.count("PDF: match") == 2
