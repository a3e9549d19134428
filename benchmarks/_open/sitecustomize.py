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
    _answers: dict[tuple[str, str, str], Allowed] = {}

    def _nothing(*_given: Any, **_named: Any) -> tuple[str, ...]:
        return ()

    def _decide(self: Policy, proposal: Proposal) -> Allowed:
        key = (proposal.type, proposal.sender, proposal.receiver)
        if key not in _answers:
            from kouan.apps.dataflow import decisions  # noqa: PLC0415 - its models are loaded by now

            decisions.note = _nothing  # type: ignore[assignment]
            _answers[key] = _really(self, proposal)
        return _answers[key]

    Policy.decide = _decide  # type: ignore[method-assign]
    judging.judge = _nothing
