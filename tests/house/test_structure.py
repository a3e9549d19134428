"""Who may import whom: the contracts of pyproject.toml hold, and a planted breach of each fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = [contract["name"] for contract in PYPROJECT["tool"]["importlinter"]["contracts"]]
BREACHES = {
    "The house stands on its floors": [
        ("kouan/core/text.py", "import kouan.web.filters"),
        ("kouan/web/filters.py", "import kouan.apps.validation.domain"),
        ("kouan/config.py", "import kouan.core.errors"),
        ("kouan/nowhere.py", "X = 1"),
    ],
    "The core stands on its floors": [
        ("kouan/core/ledger/queries.py", "import kouan.core.trust.queries"),
        ("kouan/core/policy/decide.py", "import kouan.core.exchange.wire"),
    ],
    "Apps do not know each other": [
        ("kouan/apps/operations/domain.py", "import kouan.apps.validation.domain"),
    ],
    "Rules are pure: no framework, no network": [
        ("kouan/apps/validation/domain.py", "from django.utils import timezone"),
        ("kouan/core/ledger/merkle.py", "import django.conf"),
    ],
    "Rules and formats reach no database": [
        ("kouan/core/exchange/wire.py", "import kouan.core.exchange.models"),
        ("kouan/core/trust/cose.py", "import kouan.core.trust.queries"),
    ],
    "Only the exchange talks to the other side": [
        ("kouan/apps/validation/errors.py", "import ssl"),
        ("kouan/core/trust/document.py", "from ssl import SSLContext"),
    ],
    "A system's client needs Python alone": [
        ("kouan/client.py", "from django.utils import timezone"),
        ("kouan/institution.py", "from kouan.core import text"),
    ],
    "One HTTP client": [
        ("kouan/core/exchange/transport.py", "import requests"),
    ],
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter with the project's contracts over the package in ``folder``."""
    program = f"import sys; sys.path.insert(0, {str(folder)!r}); from importlinter.cli import lint_imports; "
    program += f"sys.exit(lint_imports(config_filename={str(ROOT / 'pyproject.toml')!r}, no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_contracts_hold() -> None:
    done = lint(ROOT / "src")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_contract_has_a_breach_that_is_tried() -> None:
    assert sorted(BREACHES) == sorted(CONTRACTS)


@pytest.mark.parametrize(
    "contract", [pytest.param(name, id=name.split(":")[0].replace(" ", "-").lower()) for name in BREACHES]
)
def test_a_planted_breach_is_named(contract: str, tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "src/kouan", tmp_path / "kouan", ignore=shutil.ignore_patterns("__pycache__", "static")
    )
    for path, line in BREACHES[contract]:
        with (tmp_path / path).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract} BROKEN" in done.stdout, done.stdout
    report = done.stdout.partition("Broken contracts")[2]
    for path, line in BREACHES[contract]:
        planted = path.removesuffix(".py").replace("/", ".")
        assert planted in report, f"nothing is said of {planted}, where {line!r} stands"
