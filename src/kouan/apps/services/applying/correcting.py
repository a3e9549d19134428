"""What of an application may be changed: all of a draft; later what was asked for, and what follows."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from kouan.apps.services.applying import copies, drafts
from kouan.apps.services.applying.fields import page_names
from kouan.apps.services.definition.form import wrong
from kouan.apps.services.domain import State
from kouan.apps.services.sealing import unseal_json

if TYPE_CHECKING:
    from kouan.apps.services.applying.copies import Sent
    from kouan.apps.services.applying.drafts import Draft
    from kouan.apps.services.models import Application


def asked_places(row: Application) -> list[str]:
    """Return what the department asked to have corrected or added; empty in any other state."""
    if State(row.state) is not State.CORRECTION:
        return []
    event = row.events.filter(ours=False, kind="ask-correction").order_by("-seq").first()
    with contextlib.suppress(TypeError, KeyError):
        told = unseal_json(event.told, of=f"application {row.key} event") if event else {}
        return [str(place) for place in told.get("ask", ())]
    return []


def places(draft: Draft) -> list[str]:
    """Return what may be corrected now, and goes over again: what was asked for, then what that raises.

    A new answer may raise a question, or make another answer wrong: whoever is asked for the one may answer
    the other, and change it again until the correction is sent.
    """
    asked = asked_places(draft.row)
    tops = {_top(each) for each in asked}
    return asked + [f"answers.{name}" for name in _raised(draft) if asked and f"answers.{name}" not in tops]


def _raised(draft: Draft) -> list[str]:
    form, sent = draft.definition.form, copies.sent_of(draft.row)
    names = page_names(form, draft.answers)
    found = {each.path.split(".")[0] for each in wrong(form, draft.answers)}
    if sent is not None:
        found |= set(names) - set(page_names(form, sent.answers))
        found |= {name for name in names if draft.answers.get(name) != sent.answers.get(name)}
    return [name for name in names if name in found]


def may_edit(draft: Draft, place: str) -> bool:
    """Whether a page (``answers.NAME``) or a requirement (``needs.NAME``) may be changed now."""
    if State(draft.row.state) in drafts.OPEN:
        return not draft.withdrawn
    return _top(place) in {_top(each) for each in places(draft)}


def _top(place: str) -> str:
    return ".".join(place.split(".")[:2])


def is_lacking(draft: Draft) -> bool:
    """Whether something that was asked for is as it was, or the department asked for an answer in words."""
    asked, sent = asked_places(draft.row), copies.sent_of(draft.row)
    if sent is None:  # sent before what went was kept
        return not asked
    return not asked or not all(_touched(draft, sent, place) for place in asked)


def _touched(draft: Draft, sent: Sent, place: str) -> bool:
    """Whether an answer is another one, or evidence is shown anew; a file must be another file."""
    what, _dot, path = place.partition(".")
    if what == "answers":
        return bool(_at(draft.answers, path) != _at(sent.answers, path))
    pick = draft.picks.get(path, {})
    if pick.get("upload"):
        digests = {bytes(each.sha256).hex() for each in draft.row.files.filter(place=place).only("sha256")}
        return not digests <= {sent.files.get(place, ("", ""))[1]}
    return "offer" in pick


def _at(answers: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(answers, list) and name.isdecimal() and int(name) < len(answers):
            answers = answers[int(name)]
        elif isinstance(answers, dict):
            answers = answers.get(name)
        else:
            return None
    return answers
