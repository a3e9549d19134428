"""Turns deciding off in the processes of ``decided.py``: Python loads a module of this name when it starts.

It is on the path of those processes alone, and in no package: a node has no setting that could do this.
"""

from __future__ import annotations

import sys
from typing import Any

if "kouan" in " ".join(sys.orig_argv):
    from kouan.apps.dataflow import judging
    from kouan.core.policy.decide import Allowed, Policy, Proposal

    _really = Policy.decide
    _answers: dict[tuple[str, str, str], tuple[Allowed, list[Any]]] = {}

    def _nothing(*_given: Any, **_named: Any) -> tuple[str, ...]:
        return ()

    def _decide(self: Policy, proposal: Proposal) -> Allowed:
        from kouan.apps.dataflow import decisions, register  # noqa: PLC0415 - its models are loaded by now

        latest = register._latest  # noqa: SLF001 - what would be judged is handed out from there
        key = (proposal.type, proposal.sender, proposal.receiver)
        if key not in _answers:
            decisions.note = decisions.note_sent = _nothing  # type: ignore[assignment]
            allowed = _really(self, proposal)
            _answers[key] = allowed, latest.cases[-1:]
            return allowed
        if latest.moment is not proposal.at:
            latest.begin(proposal.at)
        allowed, case = _answers[key]
        latest.cases += case
        return allowed

    Policy.decide = _decide  # type: ignore[method-assign]
    judging.judge = _nothing
