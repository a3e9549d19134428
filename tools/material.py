"""Fetch the signed documents that others made, for the tests: NIST PKITS and the PDFs of pyHanko's own tests.

They are inside the source distributions of ``pyhanko`` and ``pyhanko-certvalidator``, which pip downloads by
name, in the versions that are installed. Nothing of them is part of this project.

    python tools/material.py [FOLDER]      (.material, if left out)
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

PACKAGES: Final = ("pyhanko", "pyhanko-certvalidator")
HERE: Final = Path(__file__).resolve().parent.parent
MOST: Final = 200 << 20
"""Bytes of a distribution unpacked."""


def fetch(folder: Path) -> None:
    """Download and unpack what is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        release = f"{name.replace('-', '_')}-{version(name)}"
        if (folder / release).is_dir():
            continue
        subprocess.run(
            [
                sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                "--no-binary", name, "--dest", str(folder), f"{name}=={version(name)}",
            ],
            check=True,
        )  # fmt: skip
        with tarfile.open(folder / f"{release}.tar.gz") as archive:
            if sum(each.size for each in archive) > MOST:
                raise SystemExit(f"{release} is larger than expected")
            archive.extractall(folder, filter="data")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / ".material"
    fetch(target)
    print(f"Signed documents of others in {target}: {sum(1 for _ in target.rglob('*.pdf'))} PDFs")
