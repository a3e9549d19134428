"""What was denied before it left and rests on no contract: written down as decisions are, and judged again.

The rules that counted are the agreements between the two sides, by the digests of their texts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from kouan.apps.dataflow.cases import as_json
from kouan.apps.dataflow.crossings import DATA_RECORD
from kouan.apps.dataflow.denials import NoLongerDeclared
from kouan.apps.dataflow.domain import Case
from kouan.apps.dataflow.models import Decision
from kouan.core.database.rows import insert
from kouan.core.exchange.crossing import Consent as Asked
from kouan.core.exchange.crossing import UndeclaredCrossing, registry
from kouan.core.policy import Denied, Proposal, policy_of
from kouan.core.policy.decide import term_day

if TYPE_CHECKING:
    from kouan.core.exchange.refusals import HeldBack

MOST: Final = 50
"""Of one kind of message to one side with one reason so many are written down in a day: an app may try again
each minute for as long as an agreement is missing, and more of them tell nothing new."""
KEY: Final = "agreement"
"""What the case of such a decision has and no other: which agreement it was to rest on."""


def note(message: HeldBack) -> None:
    """Write down what was not let out; a record under a contract has its decision already (``records``)."""
    if message.type == DATA_RECORD.type:
        return
    code = message.denied.code
    same = Decision.objects.filter(
        allowed=False,
        at__gt=message.at - timedelta(days=1),
        outgoing=True,
        type=message.type,
        receiver=message.receiver,
        code=code,
    )
    if same.count() >= MOST:
        return
    case = Case(
        at=message.at,
        day=term_day(message.at),
        sender=settings.NODE.side,
        receiver=message.receiver,
        elements=message.told.elements,
        purpose=message.told.purpose,
        subject=message.told.subject,
        contract=None,
        named=None,
        consent=None,
    )
    more = {KEY: message.agreement, "version": message.version, "reference": message.consent}
    insert(
        Decision(
            at=message.at,
            outgoing=True,
            type=message.type,
            sender=settings.NODE.side,
            receiver=message.receiver,
            allowed=False,
            code=code,
            clause=clause_of(message.denied),
            rules=rules({settings.NODE.side, message.receiver}),
            case=as_json(case) | more,
        )
    )


def again(decision: Decision) -> Denied | None:
    """Return why it would be denied again by the agreements that this side holds now, if it would."""
    case: dict[str, Any] = decision.case
    try:
        crossing = registry.get(decision.type, case["version"])
    except UndeclaredCrossing as error:
        return NoLongerDeclared(clause="declaration", **error.params)
    proposal = Proposal(
        type=decision.type,
        legal_basis=crossing.legal_basis,
        sender=decision.sender,
        receiver=decision.receiver,
        declared_senders=crossing.senders,
        declared_receivers=crossing.receivers,
        consent_required=crossing.consent is Asked.REQUIRED,
        consent_reference=case["reference"],
        at=decision.at,
        agreement=case[KEY],
        elements=frozenset(case["elements"]),
        purpose=case["purpose"],
        subject=case["subject"],
    )
    try:
        policy_of(settings.NODE.agreements).decide(proposal)
    except Denied as denied:
        return denied
    return None


def clause_of(denied: Denied) -> str:
    """Return the rule that decided, as a decision keeps it."""
    return str(denied.params["clause"])[:120]


def rules(sides: set[str]) -> list[list[str]]:
    """Return the names and digests of the agreements between these sides, as decisions keep them."""
    held = policy_of(settings.NODE.agreements).agreements
    return [[each.id, each.digest.hex()] for each in held if sides <= each.parties]
