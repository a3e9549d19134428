"""Each decision about something that rests on a contract, written down with its case, and judged again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from kouan.apps.dataflow import errors, heldback
from kouan.apps.dataflow.cases import as_text, from_json
from kouan.apps.dataflow.heldback import clause_of
from kouan.apps.dataflow.judging import judge
from kouan.apps.dataflow.models import Decision
from kouan.apps.dataflow.register import terms_with
from kouan.apps.dataflow.rules import rules_of
from kouan.core.database.gathered import insert_at_end
from kouan.core.database.rows import insert_many
from kouan.core.database.values import Written
from kouan.core.policy import Denied

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Sequence
    from datetime import date

    from kouan.apps.dataflow.domain import Case, ContractFacts
    from kouan.apps.dataflow.rules import Rules


_FIELDS: Final = (
    "at", "message_id", "outgoing", "type", "contract", "sender", "receiver", "allowed", "code", "clause",
    "rules", "case",
)  # fmt: skip


def note(  # noqa: PLR0913 - all that is known of it, by name
    case: Case,
    *,
    type_: str,
    outgoing: bool,
    contract: uuid.UUID | None,
    message_id: uuid.UUID | None = None,
    denied: Denied | None = None,
) -> None:
    """Write a decision down; those of messages that are handled together are written together."""
    row = _row(case, message_id, type_=type_, outgoing=outgoing, contract=contract, denied=denied)
    insert_at_end(Decision, _FIELDS, row)


def note_sent(cases: Sequence[Case], ids: Sequence[uuid.UUID], *, type_: str, contract: uuid.UUID) -> None:
    """Write down that messages under one contract were let out."""
    insert_many(
        Decision,
        _FIELDS,
        [
            _row(case, id_, type_=type_, outgoing=True, contract=contract)
            for case, id_ in zip(cases, ids, strict=True)
        ],
    )


def _row(  # noqa: PLR0913 - all that is known of it, by name
    case: Case,
    message_id: uuid.UUID | None,
    *,
    type_: str,
    outgoing: bool,
    contract: uuid.UUID | None,
    denied: Denied | None = None,
) -> tuple[object, ...]:
    """Return the values of ``_FIELDS``."""
    return (
        case.at,
        message_id,
        outgoing,
        type_,
        contract,
        case.sender,
        case.receiver,
        denied is None,
        "" if denied is None else denied.code,
        "contract scope" if denied is None else clause_of(denied),
        _rules_text(case.contract, case.day),
        as_text(case),
    )


def case_of(decision: Decision) -> Case:
    """Return the case of a past decision; raises ``NoContract`` where its terms are not here any more."""
    try:
        return from_json(decision.case, terms=terms_with)
    except LookupError:
        raise errors.NoContract(clause="contract") from None


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a past decision comes out when it is judged again by the rules of its day."""

    allowed: bool
    code: str
    clause: str
    same: bool
    """Whether that is what was decided."""
    same_rules: bool
    """Whether the rules' files are those that counted then, bit for bit."""


def replay(decision: Decision, *, find: Callable[[str, date], Rules] = rules_of) -> Replayed:
    """Judge a decision's case again, by the rules that count for its day.

    Of what rests on an agreement between the sides, by the agreements that this side holds now.
    """
    denied = reason_of(decision, find=find)
    code, clause = ("", "contract scope") if denied is None else (denied.code, clause_of(denied))
    if heldback.KEY in decision.case:
        now = heldback.rules({decision.sender, decision.receiver})
    else:
        try:
            case = case_of(decision)
            now = _rules_of(case.contract, case.day, find=find)
        except Denied:
            now = []
    return Replayed(
        allowed=not code,
        code=code,
        clause=clause,
        same=(code, clause) == (decision.code, decision.clause),
        same_rules=now == decision.rules,
    )


def reason_of(decision: Decision, *, find: Callable[[str, date], Rules] = rules_of) -> Denied | None:
    """Return why a decision's case is denied when it is judged again; None if it is let pass."""
    if heldback.KEY in decision.case:
        return heldback.again(decision)
    try:
        judge(case_of(decision), find=find)
    except Denied as denied:
        return denied
    return None


@lru_cache(1024)
def _rules_text(contract: ContractFacts | None, day: date) -> Written:
    """Return the rules in force as a row keeps them: a process reads their files once."""
    return Written(json.dumps(_rules_of(contract, day)))


def _rules_of(
    contract: ContractFacts | None, day: date, *, find: Callable[[str, date], Rules] = rules_of
) -> list[list[str]]:
    if contract is None:
        return []
    found = []
    for side in sorted(contract.terms.sides):
        try:
            rules = find(side, day)
        except LookupError:
            continue
        found.append([rules.name, rules.digest.hex()])
    return found
