"""A machine's clock that can be stepped while its programs run (see ``clock.c``)."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


def build_library(folder: Path) -> Path:
    """Compile what is preloaded into a machine's programs, and return its path."""
    made = folder / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(made), str(_SOURCE)], check=True)
    return made


@dataclass(frozen=True, slots=True)
class Clock:
    """One machine's clock."""

    file: Path = field(default_factory=Path)
    library: Path = field(default_factory=Path)

    def step(self, seconds: float) -> None:
        """Have every program of the machine see a wall clock that is so many seconds off, at once."""
        mode = "r+b" if self.file.exists() else "wb"
        with self.file.open(mode) as output:
            output.write(round(seconds * 1e9).to_bytes(8, "little", signed=True))

    def environment(self) -> dict[str, str]:
        """Return what a program of the machine needs in its environment."""
        return {"LD_PRELOAD": str(self.library), "KOUAN_FAULTS_CLOCK": str(self.file)}
