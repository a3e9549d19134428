"""Who signed an application beside its applicant, and whether they have seen it as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kouan.apps.services import sealing
from kouan.apps.services.cases import telling
from kouan.apps.services.domain import Role

if TYPE_CHECKING:
    from kouan.apps.services.models import Case


def of_case(case: Case) -> tuple[dict[str, Any], ...]:
    """Return who signed: ``name``, ``level``, ``at``, and ``before``: that something was changed after that.

    A cosigner signs what is sent first. What the applicant corrects or adds later goes without them, so that
    no case lapses because one of them cannot be reached; whether their name is needed, the officer says.
    """
    told = sealing.unseal_json(case.told, of=f"case {case.key} told") or {}
    signed = told.get("cosigners", ())
    before = bool(signed) and _changed(case)
    return tuple({**each, "before": before} for each in signed)


def _changed(case: Case) -> bool:
    """Whether answers are others than were sent first, or evidence or files came later."""
    now = sealing.unseal_json(case.answers, of=f"case {case.key} answers")
    first = None
    for event in case.events.filter(role=Role.APPLICANT.value).exclude(told=b"").order_by("pk"):
        told = telling.said(case, event)
        if told.get("evidence") or told.get("files"):
            return True
        first = told.get("before") if first is None else first
    return first is not None and first != now
