from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.apps.operations.domain import (
    NEWEST,
    STATES_OF,
    Cursor,
    Direction,
    Outcome,
    State,
    StepKind,
    StepState,
    Times,
    bar,
    id_range,
    merge,
    steps,
    tally,
)

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    at: datetime
    name: str


def rows(prefix, seconds):
    return [Row(BEGAN + timedelta(seconds=each), f"{prefix}{place}") for place, each in enumerate(seconds)]


@given(st.lists(st.integers(0, 50)), st.lists(st.integers(0, 50)), st.integers(1, 60), st.booleans())
def test_merging_keeps_each_lists_own_order_and_takes_nothing_twice(one, two, limit, newest_first):
    first, second = rows("a", one), rows("b", two)
    taken, from_first, from_second = merge(first, second, limit, newest_first=newest_first)
    assert len(taken) == min(limit, len(first) + len(second)) == from_first + from_second
    assert [row for row in taken if row.name[0] == "a"] == first[:from_first]
    assert [row for row in taken if row.name[0] == "b"] == second[:from_second]


@given(st.lists(st.integers(0, 50)), st.lists(st.integers(0, 50)))
def test_sorted_lists_merge_to_a_sorted_list(one, two):
    first, second = rows("a", sorted(one, reverse=True)), rows("b", sorted(two, reverse=True))
    taken = merge(first, second, 1000, newest_first=True)[0]
    assert [row.at for row in taken] == sorted((row.at for row in taken), reverse=True)


@given(st.integers(0, NEWEST), st.integers(0, NEWEST))
def test_a_cursor_survives_its_text(outbound, inbound):
    assert Cursor.parse(str(Cursor(outbound, inbound))) == Cursor(outbound, inbound)


@pytest.mark.parametrize(
    "text", ["", "1", "1.", ".1", "1.2.3", "-1.2", "١.٢", "1.99999999999999999999", "9" * 19 + ".1"]
)
def test_a_damaged_cursor_is_refused(text):
    with pytest.raises(ValueError, match=r"cursor|largest"):
        Cursor.parse(text)


@given(st.uuids(), st.integers(8, 32))
def test_an_id_lies_in_the_range_of_each_of_its_beginnings(identifier, digits):
    low, high = id_range(identifier.hex[:digits].upper())
    assert low <= identifier <= high
    assert id_range(str(identifier)) == (identifier, identifier)


@pytest.mark.parametrize("text", ["", "0192", "xyzxyzxyz", "0" * 33, "0192abcd'; --"])
def test_what_is_no_beginning_of_an_id_has_no_range(text):
    assert id_range(text) is None


def test_an_id_range_is_closed_at_both_ends():
    low, high = id_range("0192abcd")
    assert (low, high) == (uuid.UUID("0192abcd" + "0" * 24), uuid.UUID("0192abcd" + "f" * 24))


@pytest.mark.parametrize("direction", Direction)
def test_every_state_of_a_direction_has_steps_and_an_end_that_fits(direction):
    for state in STATES_OF[direction]:
        found = steps(state, direction, Times(made=BEGAN))
        assert found[0].kind is StepKind.MADE
        assert found[0].state is StepState.DONE
        ended = {step.state for step in found} <= {StepState.DONE, StepState.FAILED}
        assert ended == (state not in (State.WAITING, State.SEALED, State.ACCEPTED))
        assert sum(step.state is StepState.CURRENT for step in found) == (not ended)


def test_a_message_in_doubt_waits_for_its_acceptance():
    found = steps(State.SEALED, Direction.OUT, Times(made=BEGAN, sealed=BEGAN))
    assert [(step.kind.value, step.state.value) for step in found] == [
        ("made", "done"),
        ("sealed", "done"),
        ("accepted", "current"),
        ("handled", "waiting"),
    ]


@pytest.mark.parametrize(
    ("at_door", "kinds"),
    [(True, ["made", "sealed", "refused-at-door"]), (False, ["made", "sealed", "accepted", "refused-later"])],
)
def test_a_refusal_stands_where_it_happened(at_door, kinds):
    found = steps(State.REFUSED, Direction.OUT, Times(made=BEGAN), refused_at_door=at_door)
    assert [step.kind.value for step in found] == kinds


def test_every_state_counts_as_one_outcome():
    counted = tally(Direction.OUT, {state.value: 1 for state in State})
    assert counted.total == len(State)
    assert set(counted.counts) == set(Outcome)


@given(st.lists(st.integers(0, 10**6), min_size=4, max_size=4))
def test_a_bars_pieces_adjoin_and_none_is_invisible(counts):
    counted = tally(
        Direction.IN, dict(zip(("handled", "waiting", "refused", "cancelled"), counts, strict=True))
    )
    segments = bar(counted, counted.total, 600)
    assert [segment.outcome for segment in segments] == [
        key for key, count in counted.counts.items() if count
    ]
    for before, after in itertools.pairwise(segments):
        assert after.start == pytest.approx(before.start + before.length, abs=0.2)
    assert all(segment.length >= 3 for segment in segments)
    assert not segments or segments[-1].start + segments[-1].length <= 600 + 3 * len(segments)
