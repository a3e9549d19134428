"""What the documentation says of the program is what the program does."""

from __future__ import annotations

import dataclasses
import re
import shlex
from datetime import date
from pathlib import Path

import click
import pytest

from kouan import config
from kouan.apps.operations.alarms import AlarmKind
from kouan.cli import main
from kouan.core.policy import load_agreements
from kouan.core.sides.loader import load_sides
from kouan.core.trust.keys import KeyUse
from kouan.core.watch.logs import FIELDS
from kouan.sections.shape import SHAPE

DOCS = Path(__file__).resolve().parents[2] / "docs"
OPERATE = (DOCS / "operate.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^kouan [^\n]+", flags=re.MULTILINE)


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the rows of the first table under a heading, each as its cells."""
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = section.partition("\n|")[2].partition("\n\n")[0]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]


def test_each_key_of_the_settings_is_explained() -> None:
    known = {f"{table}.{key}" if table else key for table, keys in SHAPE.items() for key in keys}
    assert {row[0] for row in rows(OPERATE, "node.toml")} == known


def test_what_settings_are_needed_and_their_defaults_are_right() -> None:
    told = {row[0]: row for row in rows(OPERATE, "node.toml")}
    assert {key for key, row in told.items() if row[1] == "yes"} == config._REQUIRED
    defaults = config.ExchangeSettings()
    for key, row in told.items():
        if key.startswith("exchange."):
            assert row[2] == str(getattr(defaults, key.removeprefix("exchange.")))
        if key.startswith("watch."):
            default = getattr(config.WatchSettings(), key.removeprefix("watch."))
            assert row[2] == ("none" if default in {None, "", ()} else str(default))
        if key.startswith("blobs.") and key != "blobs.folder":
            assert row[2] == str(getattr(config.BlobSettings(), key.removeprefix("blobs.")))


def test_every_alarm_is_explained_with_its_limit() -> None:
    section = OPERATE.partition("\n**Alarms** are")[2].partition("```")[0]
    table = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    told = {cells[0].strip("`"): cells[2].strip("`") for cells in table}
    assert set(told) == {kind.value for kind in AlarmKind}
    known = {field.name for field in dataclasses.fields(config.WatchSettings)}
    assert {limit for limit in told.values() if limit != "none"} <= known


def test_every_field_of_the_log_is_explained() -> None:
    section = OPERATE.partition("\n**Logs** as JSON")[2].partition("\n\nWhatever")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)) == FIELDS


def test_each_use_of_a_key_is_explained() -> None:
    assert {row[0] for row in rows(OPERATE, "Keys")} == {use.value for use in KeyUse}


@pytest.mark.parametrize("line", EXAMPLE.findall(OPERATE) + re.findall(r"`(kouan [^`]+)`", OPERATE))
def test_a_command_in_the_guide_exists(line: str) -> None:
    words = shlex.split(line.partition("#")[0])[1:]
    command: click.Command = main
    while words:
        word = words.pop(0)
        options = {name for each in command.params for name in each.opts}
        if word.startswith("--"):
            assert word in options | {"--help"}, f"{command.name} has no {word}"
            flag = any(getattr(each, "is_flag", False) for each in command.params if word in each.opts)
            if words and not flag:
                words.pop(0)
        elif isinstance(command, click.Group):
            assert word in command.commands, f"{command.name} has no {word}"
            command = command.commands[word]
        else:
            assert any(isinstance(each, click.Argument) for each in command.params)


def test_the_agreement_in_the_guide_is_one(tmp_path: Path) -> None:
    text = OPERATE.partition("\n## Agreements\n")[2].partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "example.toml").write_text(text, encoding="utf-8")
    (agreement,) = load_agreements(tmp_path)
    assert agreement.clauses[0].covers(
        type_="validation.question", legal_basis="document-validation", sender="hk", receiver="gd"
    )


def test_the_calendar_in_the_guide_is_one(tmp_path: Path) -> None:
    text = OPERATE.partition("\n## Calendars\n")[2].partition("```toml\n")[2].partition("```")[0]
    file = tmp_path / "calendars/gd/2030.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    found = load_sides(tmp_path)["gd"].calendar
    # The 5th is a Saturday that is worked; the 6th is a plain Sunday.
    assert [day for day in range(1, 8) if found.is_working_day(date(2030, 1, day))] == [4, 5, 7]


def test_the_attached_system_in_the_guide_is_the_example() -> None:
    guide = (DOCS / "api.md").read_text(encoding="utf-8")
    example = (DOCS.parent / "examples/attached_system.py").read_text(encoding="utf-8")
    assert guide.partition("```python\n")[2].partition("```")[0] in example


def test_the_institutions_system_in_the_guide_is_the_example() -> None:
    guide = (DOCS / "api.md").read_text(encoding="utf-8")
    example = (DOCS.parent / "examples/institution_system.py").read_text(encoding="utf-8")
    block = guide.partition("## An institution's system")[2].partition("```python\n")[2].partition("```")[0]
    assert "DataFlow(url, token)" in block
    assert block in example


def test_the_addresses_in_the_guide_to_the_api_exist() -> None:
    from kouan.api import api  # noqa: PLC0415 - the other tests here need no API

    text = (DOCS / "api.md").read_text(encoding="utf-8")
    paths = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items()
        for method in methods
    }
    told = {row[0] for row in rows(text, "Addresses")}
    exact = {each for each in told if not each.endswith("…")}
    assert exact <= paths
    unexplained = {
        path for path in paths - exact if not any(path.startswith(each[:-1]) for each in told - exact)
    }
    assert {path for path in unexplained if "/operations/" not in path} == set()
