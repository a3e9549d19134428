from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from kouan.apps.operations import labels
from kouan.apps.operations.health import (
    Finding,
    FindingKind,
    Level,
    LineFacts,
    NodeFacts,
    assess,
    level_of,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
JUST = NOW - timedelta(seconds=5)
LONG = NOW - timedelta(seconds=61)
FINE = LineFacts("gd", last_contact_at=JUST)


def kinds(facts):
    return [finding.kind for finding in assess(facts, NOW)]


def test_all_is_well_when_what_is_under_way_is_young():
    line = LineFacts(
        "gd", waiting=3, oldest_waiting_at=JUST, in_doubt_since=JUST, unwitnessed_since=JUST, in_doubt_tries=1
    )
    facts = NodeFacts(lines=(line,), unsigned_since=JUST, unhandled_since=JUST)
    assert assess(facts, NOW) == ()
    assert level_of(()) is Level.WELL


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (LineFacts("gd", failing=True, failed_at=JUST), FindingKind.LINE_DOWN),
        (LineFacts("gd", in_doubt_since=LONG), FindingKind.IN_DOUBT),
        (LineFacts("gd", waiting=1, oldest_waiting_at=LONG), FindingKind.WAITING_LONG),
        (LineFacts("gd", unwitnessed_since=LONG), FindingKind.WITNESS_LATE),
    ],
)
def test_each_fault_of_a_line_is_one_finding(line, kind):
    assert kinds(NodeFacts(lines=(line,))) == [kind]


@pytest.mark.parametrize(
    ("facts", "kind", "level"),
    [
        ({"dead_letters": 2}, FindingKind.DEAD_LETTERS, Level.ATTENTION),
        ({"recent_incidents": 1}, FindingKind.INCIDENTS, Level.PROBLEM),
        ({"equivocations": 1}, FindingKind.EQUIVOCATION, Level.PROBLEM),
        ({"unsigned_since": LONG}, FindingKind.WORKER_SILENT, Level.PROBLEM),
        ({"unhandled_since": LONG}, FindingKind.HANDLING_LATE, Level.PROBLEM),
    ],
)
def test_each_fault_of_the_node_is_one_finding(facts, kind, level):
    findings = assess(NodeFacts(lines=(FINE,), **facts), NOW)
    assert [finding.kind for finding in findings] == [kind]
    assert level_of(findings) is level


def test_waiting_behind_a_line_that_is_down_is_no_news_of_its_own():
    line = LineFacts("gd", failing=True, failed_at=JUST, waiting=9, oldest_waiting_at=LONG)
    assert kinds(NodeFacts(lines=(line,))) == [FindingKind.LINE_DOWN]


def test_the_gravest_comes_first():
    line = LineFacts("gd", in_doubt_since=LONG)
    found = kinds(NodeFacts(lines=(line,), dead_letters=1, equivocations=1))
    assert found == [FindingKind.EQUIVOCATION, FindingKind.IN_DOUBT, FindingKind.DEAD_LETTERS]


def test_a_node_that_knows_nobody_says_so():
    assert kinds(NodeFacts()) == [FindingKind.NO_PEERS]


@pytest.mark.parametrize("kind", FindingKind)
@pytest.mark.parametrize("count", [1, 2])
def test_every_finding_is_a_sentence_that_names_side_and_number(kind, count):
    with translation.override("en"):
        sentence = labels.finding_sentence(Finding(kind, "gd", count, LONG))
        assert sentence.endswith((".", "?"))
        assert "%(" not in sentence
        assert labels.FINDING_KINDS[kind]
        assert labels.headline((Finding(kind),))


def test_the_headline_counts():
    with translation.override("en"):
        assert labels.headline(()).startswith("All is well")
        two = (Finding(FindingKind.IN_DOUBT, "gd"), Finding(FindingKind.DEAD_LETTERS, count=1))
        assert labels.headline(two) == "2 things need your attention."
        assert labels.headline(two[1:]) == "Everything works. One matter waits for your decision."
