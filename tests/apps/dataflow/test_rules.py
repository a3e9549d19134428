"""The rules of law as files: one for each day on which they changed."""

from __future__ import annotations

import shutil
from datetime import date
from functools import partial

import pytest

from apps.dataflow.made import case
from kouan.apps.dataflow import errors
from kouan.apps.dataflow.judging import judge
from kouan.apps.dataflow.rules import FOLDER, NoRules, rules_of


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "rules")


def changed(folder, day, *, without='    "gd:shenzhen",\n', side="gd"):
    """Have the law of a side change on a day."""
    newest = max((folder / side).glob("*.toml"))
    text = newest.read_text(encoding="utf-8")
    assert without in text
    (folder / side / f"{day}.toml").write_text(text.replace(without, ""), encoding="utf-8")
    return partial(rules_of, folder=folder)


@pytest.mark.parametrize(
    ("side", "day", "name"),
    [
        ("gd", date(2023, 12, 10), "gd/2023-12-10"),
        ("gd", date(2024, 9, 9), "gd/2023-12-10"),
        ("gd", date(2024, 9, 10), "gd/2024-09-10"),
        ("gd", date(2099, 1, 1), "gd/2026-01-01"),
        ("gd", date(2025, 12, 31), "gd/2024-09-10"),
        ("hk", date(2025, 12, 31), "hk/2023-12-10"),
        ("hk", date(2026, 1, 1), "hk/2026-01-01"),
        ("mo", date(2024, 9, 10), "mo/2024-09-10"),
    ],
)
def test_the_newest_that_has_begun_counts(side, day, name):
    assert rules_of(side, day).name == name


@pytest.mark.parametrize(
    ("side", "day"),
    [
        ("gd", date(2023, 12, 9)),
        ("mo", date(2024, 9, 9)),
        ("xx", date(2026, 1, 1)),
        ("../gd", date(2026, 1, 1)),
    ],
)
def test_where_there_are_none_nothing_is_guessed(side, day):
    with pytest.raises(NoRules):
        rules_of(side, day)


def test_hong_kong_alone_asks_for_no_consent_and_guangdong_does():
    here, there = (rules_of(side, date(2026, 1, 1)).bases["gba-standard-contract"] for side in ("hk", "gd"))
    assert (here.consent, there.consent) == (False, True)
    assert (here.filing_working_days, there.filing_working_days) == (10, 10)
    assert {each.id for each in there.documents} == {"undertaking", "contract", "assessment", "identity"}
    assert here.places == there.places
    assert len(there.places) == 10


def test_a_change_of_law_counts_from_its_day(folder):
    find = changed(folder, "2026-09-15")
    with pytest.raises(errors.OutsideArea) as caught:
        judge(case(), find=find)
    assert caught.value.params["clause"] == "gd/2026-09-15 gba-standard-contract places"


def test_a_change_of_law_after_the_day_changes_nothing(folder):
    assert judge(case(), find=changed(folder, "2026-09-16")) == judge(case())


def test_another_file_has_another_digest(folder):
    path = folder / "gd" / "2026-01-01.toml"
    path.write_bytes(path.read_bytes() + b"\n")
    found, ours = (rules_of("gd", date(2026, 1, 1), **more) for more in ({"folder": folder}, {}))
    assert found.name == ours.name
    assert found.digest != ours.digest
