"""A decision is written down with its case, and comes out the same when it is judged again."""

from __future__ import annotations

import shutil
from functools import partial

import pytest

from apps.dataflow.made import case
from apps.dataflow.test_judging import REFUSED
from apps.dataflow.test_rules import changed
from kouan.apps.dataflow import decisions
from kouan.apps.dataflow.judging import judge
from kouan.apps.dataflow.models import Decision
from kouan.apps.dataflow.rules import FOLDER, rules_of
from kouan.core.policy import Denied

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "rules")


def note(it, denied=None):
    decisions.note(it, type_="dataflow.record", outgoing=True, contract=None, denied=denied)
    return Decision.objects.latest("pk")


def test_what_was_allowed_is_allowed_again():
    replayed = decisions.replay(note(case()))
    assert (replayed.allowed, replayed.same, replayed.same_rules) == (True, True, True)
    assert replayed.clause == "contract scope"


@pytest.mark.parametrize("name", REFUSED)
def test_what_was_denied_is_denied_again_by_the_same_clause(name):
    it, error, clause = REFUSED[name]
    with pytest.raises(Denied) as caught:
        judge(it)
    replayed = decisions.replay(note(it, caught.value))
    assert (replayed.allowed, replayed.code, replayed.clause) == (False, error.code, clause)
    assert replayed.same
    assert replayed.same_rules


def test_a_law_that_came_later_changes_no_past_decision(folder):
    decision = note(case())
    replayed = decisions.replay(decision, find=changed(folder, "2026-09-16"))
    assert (replayed.allowed, replayed.same, replayed.same_rules) == (True, True, True)


def test_another_law_of_that_day_shows(folder):
    replayed = decisions.replay(note(case()), find=changed(folder, "2026-09-15"))
    assert (replayed.allowed, replayed.code) == (False, "outside-area")
    assert replayed.clause == "gd/2026-09-15 gba-standard-contract places"
    assert (replayed.same, replayed.same_rules) == (False, False)


def test_a_file_that_was_changed_afterwards_shows_though_it_decides_the_same(folder):
    path = folder / "hk" / "2026-01-01.toml"
    path.write_bytes(path.read_bytes() + b"# a word more\n")
    replayed = decisions.replay(note(case()), find=partial(rules_of, folder=folder))
    assert (replayed.allowed, replayed.same, replayed.same_rules) == (True, True, False)


def test_a_decision_that_was_changed_afterwards_shows():
    decision = note(case())
    decision.case["consent"]["level"] = 1
    replayed = decisions.replay(decision)
    assert (replayed.allowed, replayed.clause, replayed.same) == (False, "consent level", False)


def test_the_rules_that_counted_are_named_by_digest():
    rules = note(case()).rules
    assert [name for name, _digest in rules] == ["gd/2026-01-01", "hk/2026-01-01"]
    assert all(len(bytes.fromhex(digest)) == 32 for _name, digest in rules)
