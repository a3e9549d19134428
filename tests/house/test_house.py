"""What the repository promises about itself, beyond what it does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kouan import __version__

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# Written as patterns, so that this file does not itself say what it looks for.
NEVER_SAID = {
    "the host of a package registry": r"p[y]pi\.org|p[y]thonhosted|n[p]mjs\.(?:org|com)|n[p]mmirror",
    "a path of somebody's machine": r"(?<![\w.])/(?:w[o]rk|r[o]ot|h[o]me)/\w",
    "a place that only its writers know": r"s[h]ared/design",
}
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
SECTIONS = ["What", "Also looked at", "Why", "Licence"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NOQA = re.compile(r"#\s*noqa\b(?P<rest>.*)")
EXPLAINED = re.compile(r": [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*,? - \S.+")


def tracked() -> list[Path]:
    """Return every file of the repository: committed, or new and not ignored."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in sorted(set(done.stdout.split("\0"))) if name and (path := ROOT / name).is_file()]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    contents = {relative(path): path.read_bytes() for path in tracked()}
    return {name: data.decode("utf-8") for name, data in contents.items() if b"\0" not in data}


def markdown() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("what", NEVER_SAID)
def test_no_file_says(what: str, texts: dict[str, str]) -> None:
    pattern = re.compile(NEVER_SAID[what])
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "\n".join([f"{what} is named:", *found])


def test_each_lint_rule_that_is_off_says_why() -> None:
    inside, bare = False, []
    for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            inside = line == "[tool.ruff.lint.per-file-ignores]"
        if line.startswith("ignore = ["):
            inside = True
        rules = re.search(r'\["[A-Z]|^\s+"[A-Z]+[0-9]*"', line)
        if inside and rules and not re.search(r"#\s+\S.{9,}", line):
            bare.append(line)
        if line == "]" and not line.startswith("["):
            inside = inside and "per-file" not in line
    assert not bare, "\n".join(bare)


def test_each_exception_in_place_says_why(texts: dict[str, str]) -> None:
    bare = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts.items()
        if name.endswith(".py") and "/migrations/" not in name and name != relative(Path(__file__))
        for number, line in enumerate(text.splitlines(), 1)
        if (noqa := NOQA.search(line)) and not EXPLAINED.match(noqa["rest"])
    ]
    assert not bare, "\n".join(bare)


def test_source_files_stay_short(texts: dict[str, str]) -> None:
    long = {
        name: lines
        for name, text in texts.items()
        if name.startswith("src/") and name.endswith(".py") and "/migrations/" not in name
        if (lines := len(text.splitlines())) > 400
    }
    assert not long


@pytest.mark.parametrize("path", markdown(), ids=relative)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target for target in LINK.findall(text) if not re.match(r"[a-z]+:", target)]
    broken = []
    for target in targets:
        name, _, anchor = target.partition("#")
        to = (path.parent / name).resolve() if name else path
        if not to.exists() or (anchor and anchor not in anchors(to)):
            broken.append(target)
    assert not broken


def anchors(path: Path) -> set[str]:
    """Return the anchors that a page's headings have."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def decisions() -> list[Path]:
    return sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("path", decisions(), ids=relative)
def test_a_decision_has_its_sections(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    assert text.startswith(f"# {path.name[:4]} ")
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == SECTIONS
    assert len(text.splitlines()) <= 40, "a decision is short"


def test_decisions_are_numbered_and_listed() -> None:
    numbers = [int(path.name[:4]) for path in decisions()]
    assert numbers == list(range(1, len(numbers) + 1))
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    assert [path.name for path in decisions()] == re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", index)


def test_each_dependency_has_its_decision() -> None:
    said = "\n".join(path.read_text(encoding="utf-8") for path in decisions())
    wanted = [Requirement(text).name for text in PYPROJECT["project"]["dependencies"]]
    wanted += [Requirement(text).name for extra in EXTRAS.values() for text in extra]
    wanted += [Requirement(text).name for group in PYPROJECT["dependency-groups"].values() for text in group]
    missing = [name for name in wanted if f"`{name}`" not in said]
    assert not missing


def test_the_version_is_in_the_change_log() -> None:
    assert PYPROJECT["project"]["version"] == __version__
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", log, flags=re.MULTILINE)
    assert released[0] == __version__


def test_the_product_imports_only_what_it_asks_for() -> None:
    wanted = PYPROJECT["project"]["dependencies"] + [text for extra in EXTRAS.values() for text in extra]
    # An extra's packages bring others of the same project under one name, such as its API.
    asked = {canonicalize_name(Requirement(text).name) for text in wanted} | {"kouan"}
    brings = packages_distributions()
    strangers = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names.append(node.module or "")
            for name in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"kouan"}:
                if not asked & {canonicalize_name(each) for each in brings.get(name, [])}:
                    strangers.add(f"{name} in {relative(path)}")
    assert not strangers


@pytest.mark.parametrize(
    ("lock", "groups", "extras"),
    [
        ("requirements.lock", ["build"], []),
        ("requirements-otel.lock", [], ["otel"]),
        ("requirements-dev.lock", ["build", "dev"], ["otel"]),
    ],
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, groups: list[str], extras: list[str]) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", text, flags=re.MULTILINE))
    asked = list(PYPROJECT["project"]["dependencies"])
    asked += [item for group in groups for item in PYPROJECT["dependency-groups"][group]]
    asked += [item for extra in extras for item in EXTRAS[extra]]
    for requirement in map(Requirement, asked):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in {lock}: run `make lock`"
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement} is {version}"


def test_each_pin_has_its_hashes() -> None:
    for lock in ("requirements.lock", "requirements-otel.lock", "requirements-dev.lock"):
        for block in re.split(r"\n(?=\S)", (ROOT / lock).read_text(encoding="utf-8").strip()):
            assert block.startswith("#") or "--hash=sha256:" in block, block[:80]


def test_both_locks_agree() -> None:
    pins = [
        dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    ]
    assert pins[0].items() <= pins[1].items()


def test_the_shell_scripts_parse() -> None:
    subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=True)
