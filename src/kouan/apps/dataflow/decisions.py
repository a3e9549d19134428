"""Each decision about something that rests on a contract, written down with its case, and judged again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kouan.apps.dataflow import errors, heldback
from kouan.apps.dataflow.cases import as_json, from_json
from kouan.apps.dataflow.heldback import clause_of
from kouan.apps.dataflow.judging import judge
from kouan.apps.dataflow.models import Decision
from kouan.apps.dataflow.register import terms_with
from kouan.apps.dataflow.rules import rules_of
from kouan.core.database.rows import insert_many
from kouan.core.policy import Denied

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable
    from datetime import date

    from kouan.apps.dataflow.domain import Case
    from kouan.apps.dataflow.rules import Rules


def note(  # noqa: PLR0913 - all that is known of it, by name
    case: Case,
    *,
    type_: str,
    outgoing: bool,
    contract: uuid.UUID | None,
    message_id: uuid.UUID | None = None,
    denied: Denied | None = None,
) -> None:
    """Write a decision down."""
    row = {
        "at": case.at,
        "message_id": message_id,
        "outgoing": outgoing,
        "type": type_,
        "contract": contract,
        "sender": case.sender,
        "receiver": case.receiver,
        "allowed": denied is None,
        "code": "" if denied is None else denied.code,
        "clause": "contract scope" if denied is None else clause_of(denied),
        "rules": _rules(case),
        "case": as_json(case),
    }
    insert_many(Decision, tuple(row), [tuple(row.values())])


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
            now = _rules(case_of(decision), find=find)
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


def _rules(case: Case, *, find: Callable[[str, date], Rules] = rules_of) -> list[list[str]]:
    if case.contract is None:
        return []
    found = []
    for side in sorted(case.contract.terms.sides):
        try:
            rules = find(side, case.day)
        except LookupError:
            continue
        found.append([rules.name, rules.digest.hex()])
    return found
