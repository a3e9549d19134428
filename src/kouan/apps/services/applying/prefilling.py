"""First values of answers: what the sign-in says, and what departments of this side already hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kouan.apps.services.applying.offers import offers_for
from kouan.apps.services.definition import shapes
from kouan.apps.services.definition.answers import problem
from kouan.apps.services.definition.shapes import Kind, kind_of
from kouan.core.credentials import NobodyKeepsCredentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kouan.apps.services.definition.model import Definition
    from kouan.apps.services.definition.shapes import Form
    from kouan.core.credentials import Holder

_NAMES: Final = {
    "phone": "phone_number",
    "tel": "phone_number",
    "birth_date": "birthdate",
    "name.zh_hant": "name#zh-Hant",
    "name.zh_hans": "name#zh-Hans",
}
"""What a form calls an attribute where the sign-in calls it otherwise."""


def prefilled(definition: Definition, holder: Holder, attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return first answers: only such as fit their questions; the person sees and may change each."""
    answers: dict[str, Any] = {}
    for path, value in sources(definition, holder, attributes).items():
        at, names = answers, path.split(".")
        for name in names[:-1]:
            at = at.setdefault(name, {})
        at[names[-1]] = value
    return answers


def sources(definition: Definition, holder: Holder, attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return what is known for each question that says where its first value comes from, by path."""
    held: dict[str, dict[str, str]] = {}
    found = {}
    for path, question in _questions(shapes.expanded(definition.form), ""):
        source, _dot, rest = question["x-prefill"].partition(".")
        if source == "person":
            text = attributes.get(_NAMES.get(rest, rest), "")
        else:
            requirement, _dot, claim = rest.partition(".")
            if requirement not in held:
                held[requirement] = _claims(definition, holder, requirement)
            text = held[requirement].get(claim, "")
        value = _as_answer(question, text)
        if value is not None:
            found[path] = value
    return found


def _claims(definition: Definition, holder: Holder, requirement: str) -> dict[str, str]:
    """Return what is asked and may be shown for a requirement, by claim; the newest evidence counts."""
    need = next((each for each in definition.needs if each.requirement == requirement), None)
    if need is None:
        return {}
    try:
        offers = offers_for(need, holder, to=definition.side)
    except NobodyKeepsCredentials:
        return {}
    newest = max(offers, key=lambda each: each["offer"].issued_at, default=None)
    return {} if newest is None else {claim.name: claim.value for claim, _must in newest["claims"]}


def _questions(schema: Form, prefix: str) -> Iterator[tuple[str, Form]]:
    for name, question in schema.get("properties", {}).items():
        if kind_of(question) is Kind.SECTION:
            yield from _questions(question, f"{prefix}{name}.")
        elif "x-prefill" in question:
            yield prefix + name, question


def _as_answer(question: Form, text: str) -> Any:
    if not text:
        return None
    value: Any = text
    if kind_of(question) is Kind.INTEGER and text.isascii() and text.isdigit():
        value = int(text)
    return None if problem(question, value) else value
