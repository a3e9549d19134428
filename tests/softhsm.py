"""SoftHSM2 for the tests: one folder of tokens a process, since the module reads its settings once."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "1234"
LABELS = ("kouan", "locked", "office")
"""Every token that a test asks for: one that came later would not be seen by a module that is loaded."""

marks = [
    pytest.mark.skipif(
        not MODULE.exists() or shutil.which("softhsm2-util") is None,
        reason="SoftHSM2 is not installed (apt-get install softhsm2)",
    ),
    pytest.mark.xdist_group("softhsm"),
]


@cache
def home() -> Path:
    """Return the folder, made once; from then on the module and its program look there."""
    made = Path(tempfile.mkdtemp(prefix="kouan-softhsm-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    (made / "tokens").mkdir()
    conf = made / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {made / 'tokens'}\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(conf)
    for label in LABELS:
        run("--init-token", "--free", "--label", label, "--so-pin", "0000")
    return made


def run(*arguments: str) -> None:
    """Run the token's program as its user."""
    subprocess.run(["softhsm2-util", "--pin", PIN, *arguments], check=True, capture_output=True)
