"""How a case goes from one state to the next, and who may move it: pure rules, no framework.

A person applies at the node of their own side; the case is worked on at the node of the side that offers
the service. Both count the same states: the case's node decides, and tells the other of each step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection


class State(StrEnum):
    """Where an application stands. The first three are known at home alone."""

    DRAFT = "draft"
    """The person is still filling it in."""
    COSIGNING = "cosigning"
    """Waits for others to sign it too."""
    SENT = "sent"
    """On its way to the other side; not acknowledged yet."""
    RECEIVED = "received"
    """The other side has it, and nobody has taken it up."""
    IN_REVIEW = "in-review"
    CORRECTION = "correction"
    """Waits for the applicant to correct or add something."""
    PAYMENT = "payment"
    """Waits for the fee."""
    GRANTED = "granted"
    REFUSED = "refused"
    APPEALED = "appealed"
    """The applicant has asked for the decision to be looked at again."""
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    """What was waited for did not come in time."""
    NOT_TAKEN = "not-taken"
    """The other side's node refused the application as a message; it became no case."""


class Role(StrEnum):
    """Who moves a case."""

    APPLICANT = "applicant"
    OFFICER = "officer"
    CLOCK = "clock"
    """A deadline that has passed."""
    CASHIER = "cashier"
    """The payment provider that reports a fee as paid."""


class Action(StrEnum):
    """What is done to a case."""

    TAKE_UP = "take-up"
    ASK_CORRECTION = "ask-correction"
    CORRECT = "correct"
    ASK_PAYMENT = "ask-payment"
    PAY = "pay"
    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    APPEAL = "appeal"
    REOPEN = "reopen"
    UPHOLD = "uphold"
    """Let the decision stand after an appeal."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table: what brings a case from one state to another, and who may do it."""

    action: Action
    source: State
    target: State
    role: Role


def _rows(*rows: tuple[Action, Collection[State], State, Role]) -> tuple[Transition, ...]:
    return tuple(
        Transition(action, source, target, role)
        for action, sources, target, role in rows
        for source in sorted(sources)
    )


_OPEN: Final = (State.RECEIVED, State.IN_REVIEW, State.CORRECTION, State.PAYMENT)

FLOW: Final = _rows(
    (Action.TAKE_UP, {State.RECEIVED}, State.IN_REVIEW, Role.OFFICER),
    (Action.ASK_CORRECTION, {State.RECEIVED, State.IN_REVIEW}, State.CORRECTION, Role.OFFICER),
    (Action.CORRECT, {State.CORRECTION}, State.IN_REVIEW, Role.APPLICANT),
    (Action.ASK_PAYMENT, {State.RECEIVED, State.IN_REVIEW}, State.PAYMENT, Role.OFFICER),
    (Action.PAY, {State.PAYMENT}, State.IN_REVIEW, Role.CASHIER),
    (Action.GRANT, {State.IN_REVIEW}, State.GRANTED, Role.OFFICER),
    (Action.REFUSE, {State.IN_REVIEW}, State.REFUSED, Role.OFFICER),
    (Action.WITHDRAW, set(_OPEN), State.WITHDRAWN, Role.APPLICANT),
    (Action.LAPSE, {State.CORRECTION, State.PAYMENT}, State.LAPSED, Role.CLOCK),
    (Action.APPEAL, {State.REFUSED, State.GRANTED, State.LAPSED}, State.APPEALED, Role.APPLICANT),
    (Action.REOPEN, {State.APPEALED}, State.IN_REVIEW, Role.OFFICER),
    (Action.UPHOLD, {State.APPEALED}, State.REFUSED, Role.OFFICER),
)
"""The usual way of a case. A service that differs names its own rows (``definition.model.Step``)."""

BEGIN: Final = State.RECEIVED
WAITING_FOR_APPLICANT: Final = frozenset({State.CORRECTION, State.PAYMENT})
OVER: Final = frozenset({State.GRANTED, State.REFUSED, State.WITHDRAWN, State.LAPSED, State.NOT_TAKEN})


@dataclass(frozen=True, slots=True)
class Bounds:
    """What every row of an action keeps to, in whatever table: what is done with a case then rests on it."""

    role: Role
    targets: frozenset[State]
    sources: frozenset[State]


_UNDER_WAY: Final = frozenset({State.RECEIVED, State.IN_REVIEW})
_WITH_OFFICE: Final = _UNDER_WAY | {State.APPEALED}


def _bounds(role: Role, targets: Collection[State], sources: Collection[State]) -> Bounds:
    return Bounds(role, frozenset(targets), frozenset(sources))


BOUNDS: Final = {
    Action.TAKE_UP: _bounds(Role.OFFICER, {State.IN_REVIEW}, {State.RECEIVED}),
    Action.ASK_CORRECTION: _bounds(Role.OFFICER, {State.CORRECTION}, _WITH_OFFICE),
    Action.CORRECT: _bounds(Role.APPLICANT, _WITH_OFFICE, {State.CORRECTION}),
    Action.ASK_PAYMENT: _bounds(Role.OFFICER, {State.PAYMENT}, _WITH_OFFICE),
    Action.PAY: _bounds(Role.CASHIER, _WITH_OFFICE, {State.PAYMENT}),
    Action.GRANT: _bounds(Role.OFFICER, {State.GRANTED}, _WITH_OFFICE),
    Action.REFUSE: _bounds(Role.OFFICER, {State.REFUSED}, _WITH_OFFICE),
    Action.WITHDRAW: _bounds(Role.APPLICANT, {State.WITHDRAWN}, {*_OPEN, State.APPEALED}),
    Action.LAPSE: _bounds(Role.CLOCK, {State.LAPSED}, WAITING_FOR_APPLICANT),
    Action.APPEAL: _bounds(Role.APPLICANT, {State.APPEALED}, {State.GRANTED, State.REFUSED, State.LAPSED}),
    Action.REOPEN: _bounds(Role.OFFICER, {State.IN_REVIEW}, {State.APPEALED}),
    Action.UPHOLD: _bounds(Role.OFFICER, {State.REFUSED}, {State.APPEALED}),
}


class NoSuchStep(ValueError):
    """The table has no such row: that action is not for this role, or not in this state."""


def step(flow: Collection[Transition], state: State, action: Action, role: Role) -> State:
    """Return the state that an action brings a case to; raises ``NoSuchStep``."""
    for row in flow:
        if row.source == state and row.action == action and row.role == role:
            return row.target
    raise NoSuchStep(f"{role} cannot {action} a case that is {state}")


def may(flow: Collection[Transition], state: State, role: Role) -> list[Action]:
    """Return what a role may do to a case in a state, in the order of the table."""
    return [row.action for row in flow if row.source == state and row.role == role]


def unreachable(flow: Collection[Transition]) -> set[State]:
    """Return the states that the table names and no case can come to."""
    reached, named = {BEGIN}, {row.source for row in flow} | {row.target for row in flow}
    while more := {row.target for row in flow if row.source in reached} - reached:
        reached |= more
    return named - reached


def dead_ends(flow: Collection[Transition]) -> set[State]:
    """Return the states from which a case can never come to an end."""
    ending = {row.target for row in flow} & OVER
    while more := {row.source for row in flow if row.target in ending} - ending:
        ending |= more
    return {state for row in flow for state in (row.source, row.target)} - ending
