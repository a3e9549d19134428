"""What differs between two joint texts, in the reader's words: titles for ids, names for codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.apps.programme.plan import labels
from kouan.apps.programme.plan.comparing import Span, changes, name_of
from kouan.core.sides import side_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.utils.functional import _StrOrPromise

    from kouan.apps.programme.plan.comparing import Change, Kind
    from kouan.apps.programme.plan.domain import Agreed

_FIELDS: Final[Mapping[str, _StrOrPromise]] = {
    "title": _("Title"),
    "deliverable": _("Deliverable"),
    "department": _("Department"),
    "due": _("Due"),
    "unit": _("Unit"),
    "baseline": _("Baseline"),
    "target": _("Target"),
    "reported_by": _("Reported by"),
    "combined": _("How both sides' figures come to one"),
    "feed": _("Counted by the node"),
    "first_day": pgettext_lazy("plan", "First day"),
    "last_day": pgettext_lazy("plan", "Last day"),
    "held_on": _("Held on"),
    "place": pgettext_lazy("meeting", "Place"),
    "mode": _("How it was held"),
    "office": _("Office"),
    "said": _("Said and agreed"),
    "state": _("State"),
    "order": _("Order"),
    "owner": pgettext_lazy("action", "Owner"),
    "side": _("Side"),
}
"""Fields by their names; what only holds parts (areas, items, …) is not said."""
_WORDS: Final[Mapping[str, Mapping[str, _StrOrPromise]]] = {
    "combined": labels.COMBINED,
    "mode": labels.MODES,
    "state": labels.ACTIONS,
}
_DAYS: Final = frozenset({"due", "first_day", "last_day", "held_on"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One place that differs, as a page shows it."""

    kind: Kind
    place: tuple[str, ...]
    """What leads there: titles of the area and the item, and the field's name."""
    spans: Mapping[str, tuple[Span, ...]]


def differences(old: Agreed, new: Agreed) -> list[Difference]:
    """Return what differs, in the order of the new version and in the reader's language."""
    texts = [each.model_dump(by_alias=True) for each in (new, old)]
    return [_shown(change, texts) for change in changes(old, new)]


def _shown(change: Change, texts: Sequence[dict[str, Any]]) -> Difference:
    place = []
    nodes: list[Any] = list(texts)
    parts: list[Any] = []
    for step in change.path:
        parts = [part for node in nodes if isinstance(node, list) for part in node]
        found = [part for part in parts if name_of(part) == step]
        if found:
            place.append(_title(found[0]))
            nodes = found
            continue
        if step in _FIELDS:
            place.append(str(_FIELDS[step]))
        nodes = [node[step] for node in nodes if isinstance(node, dict) and step in node] or nodes
    last = change.path[-1]
    if "" not in change.spans:
        return Difference(change.kind, tuple(place), change.spans)
    spans = tuple(Span(each.kind, _said(last, each.text, parts)) for each in change.spans[""])
    return Difference(change.kind, tuple(place), {"": spans})


def _title(part: Any) -> str:
    """Return what a reader knows a part by."""
    if "title" in part:
        return labels.words(part["title"])
    side = side_name(part["side"])
    return f"{part['name']} ({side})" if "name" in part else side


def _said(field: str, text: str, parts: Sequence[Any]) -> str:
    """Return a bare value in words."""
    if field == "order":
        titles = {name_of(part): _title(part) for part in parts}
        return ", ".join(titles.get(name, name) for name in text.split(", "))
    if field in _WORDS:
        return str(_WORDS[field].get(text, text))
    if field in _DAYS:
        return labels.day(text)
    if field in {"reported_by", "side"}:
        return ", ".join(side_name(side) for side in text.split(", "))
    return text
