from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.apps.services.cases.clock import Turn, turn_of
from kouan.apps.services.cases.labels import ACTIONS, COLOURS, EVENTS, STATES
from kouan.apps.services.domain import (
    BEGIN,
    BOUNDS,
    FLOW,
    OVER,
    Action,
    NoSuchStep,
    Role,
    State,
    dead_ends,
    may,
    step,
    unreachable,
)

CASE_STATES = {row.source for row in FLOW} | {row.target for row in FLOW}


def test_every_state_can_be_reached_and_every_case_can_end():
    assert unreachable(FLOW) == set()
    assert dead_ends(FLOW) == set()


@given(st.lists(st.sampled_from(FLOW), max_size=30))
def test_whatever_is_tried_a_case_stays_in_the_table(tried):
    state = BEGIN
    for row in tried:
        try:
            state = step(FLOW, state, row.action, row.role)
        except NoSuchStep:
            continue
        assert row.action in {each.action for each in FLOW if each.target == state}
    assert state in CASE_STATES


@pytest.mark.parametrize("state", sorted(CASE_STATES))
def test_who_may_act_is_whose_turn_it_is(state):
    officers, turn = may(FLOW, state, Role.OFFICER), turn_of(state)
    if turn is Turn.OFFICE:
        assert officers
    else:
        assert officers == []
    assert (turn is Turn.NOBODY) == (state in OVER)
    assert (turn is Turn.APPLICANT) == bool(may(FLOW, state, Role.CLOCK))


def test_an_applicant_never_decides():
    assert {row.action for row in FLOW if row.role is Role.APPLICANT} == {
        Action.CORRECT, Action.WITHDRAW, Action.APPEAL,
    }  # fmt: skip
    with pytest.raises(NoSuchStep):
        step(FLOW, State.IN_REVIEW, Action.GRANT, Role.APPLICANT)


def test_the_usual_way_keeps_to_what_every_table_must():
    assert BOUNDS.keys() == set(Action)
    for row in FLOW:
        bounds = BOUNDS[row.action]
        assert (row.role, row.source in bounds.sources, row.target in bounds.targets) == (
            bounds.role, True, True,
        )  # fmt: skip


def test_every_state_step_and_button_has_a_name():
    assert STATES.keys() >= CASE_STATES
    assert COLOURS.keys() >= CASE_STATES
    assert {row.action for row in FLOW} <= EVENTS.keys()
    assert {row.action for row in FLOW if row.role is Role.OFFICER} <= ACTIONS.keys()
