"""One page of a form as fields: made from the schema, filled with answers, read back from what was posted.

The one validator is the form engine (``definition.answers``), which the other side runs too; here is only how
each kind of question is written as HTML and read again, without JavaScript.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.services.definition import shapes
from kouan.apps.services.definition.shapes import Kind, asked, kind_of, title_of
from kouan.apps.services.definition.wording import numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from django.http import QueryDict

    from kouan.apps.services.definition.shapes import Form

FEW: Final = 8
"""Options up to which a choice is radio buttons; beyond it is a list."""
_MOST_STEPS: Final = 12
_MOST_DIGITS: Final = 4
_MOST_NUMBER: Final = 2**53 - 1
_AUTOCOMPLETE: Final = {
    "person.name": "name",
    "person.email": "email",
    "person.birthdate": "bday",
    "person.phone_number": "tel",
    "person.phone": "tel",
}


@dataclass(frozen=True, slots=True)
class Node:
    """One question, section or list as a page shows it."""

    path: str
    kind: Kind
    title: str
    hint: str
    required: bool
    value: Any = None
    error: str = ""
    options: tuple[tuple[str, str, str], ...] = ()
    """Value, text and hint of each."""
    children: tuple[Node, ...] = ()
    longest: int = 0
    parts: tuple[str, str, str] = ("", "", "")
    """Day, month and year."""
    media: tuple[str, ...] = ()
    file: Any = None
    autocomplete: str = ""
    room: bool = False
    """Whether a list takes one more."""
    source: str = ""
    """Where the value came from: ``person`` or ``evidence``."""

    @property
    def id(self) -> str:
        """The control's id: what error links lead to."""
        return "q-" + self.path.replace(".", "-")

    @property
    def few(self) -> bool:
        """Whether all options are shown at once."""
        return len(self.options) <= FEW


@dataclass(frozen=True, slots=True)
class Filled:
    """What a page is filled with."""

    answers: Mapping[str, Any]
    errors: Mapping[str, str] = field(default_factory=dict)
    posted: QueryDict | None = None
    files: Mapping[str, Any] = field(default_factory=dict)
    """Attached files by their digests in hexadecimal."""
    sources: Mapping[str, Any] = field(default_factory=dict)
    """What was known beforehand, by path."""


def page_names(form: Form, answers: Mapping[str, Any]) -> list[str]:
    """Return the pages that are to be filled in, in order."""
    return list(asked(shapes.expanded(form), answers).questions)


def node_of(form: Form, page: str, filled: Filled) -> Node:
    """Return a page's question with all that is in it; raises ``KeyError`` for a page that is not asked."""
    now = asked(shapes.expanded(form), filled.answers)
    return _node(now.questions[page], page, filled.answers.get(page), page in now.required, filled)


def _node(question: Form, path: str, value: Any, required: bool, filled: Filled) -> Node:  # noqa: FBT001 - one call
    kind = kind_of(question)
    common: dict[str, Any] = {
        "path": path,
        "kind": kind,
        "title": str(title_of(question)) if "x-title" in question else "",
        "hint": str(shapes.localised(question["x-hint"])) if "x-hint" in question else "",
        "required": required,
        "value": value,
        "error": filled.errors.get(path, ""),
    }
    if kind is Kind.SECTION:
        return Node(**common, children=tuple(_section(question, path, value, filled)))
    if kind is Kind.LIST:
        items = list(value) if isinstance(value, list) else []
        if not items and required:
            items = [None]
        return Node(
            **common,
            children=tuple(_items(question, path, items, filled)),
            room=len(items) < shapes.most(question),
        )
    prefill = question.get("x-prefill", "")
    known = path in filled.sources and filled.sources[path] == value
    return Node(
        **common,
        options=_options(question, kind),
        longest=shapes.longest(question) if question.get("type") == "string" else 0,
        parts=_parts(path, value, filled.posted) if kind is Kind.DATE else ("", "", ""),
        media=tuple(question.get("x-media", ())) if kind is Kind.ATTACHMENT else (),
        file=filled.files.get(value) if kind is Kind.ATTACHMENT and isinstance(value, str) else None,
        autocomplete=_AUTOCOMPLETE.get(prefill, ""),
        source=prefill.partition(".")[0] if known else "",
    )


def _section(schema: Form, path: str, value: Any, filled: Filled) -> Iterator[Node]:
    answers = value if isinstance(value, dict) else {}
    now = asked(schema, answers)
    for name, question in now.questions.items():
        yield _node(question, f"{path}.{name}", answers.get(name), name in now.required, filled)


def _items(question: Form, path: str, items: list[Any], filled: Filled) -> Iterator[Node]:
    item = question["items"]
    for at, each in enumerate(items):
        title = numbered(title_of(item if "x-title" in item else question), at + 1).as_mapping()
        titled = {**item, "x-title": {name.replace("-", "_"): text for name, text in title.items()}}
        yield _node(titled, f"{path}.{at}", each, True, filled)  # noqa: FBT003 - an item that is there is required


def _options(question: Form, kind: Kind) -> tuple[tuple[str, str, str], ...]:
    if kind not in {Kind.CHOICE, Kind.CHOICES}:
        return ()
    holder = question if kind is Kind.CHOICE else question["items"]
    return tuple(
        (
            option["const"],
            str(title_of(option)),
            str(shapes.localised(option["x-hint"])) if "x-hint" in option else "",
        )
        for option in holder["oneOf"]
    )


def _parts(path: str, value: Any, posted: QueryDict | None) -> tuple[str, str, str]:
    if posted is not None and f"{path}-day" in posted:
        return (
            posted.get(f"{path}-day", ""),
            posted.get(f"{path}-month", ""),
            posted.get(f"{path}-year", ""),
        )
    year, _dash, rest = str(value or "").partition("-")
    month, _dash, day = rest.partition("-")
    return (day.lstrip("0"), month.lstrip("0"), year)


# Reading


def read(
    form: Form,
    page: str,
    posted: QueryDict,
    *,
    before: Any,
    attach: Callable[[str, Form], str | None],
) -> Any:
    """Return what was posted for a page as an answer, right or wrong.

    ``before`` is the answer that was there; ``attach`` takes a file that came for a path and returns its
    digest.
    """
    question = _anywhere(shapes.expanded(form), page)
    return _read(question, page, posted, before, attach)


def _anywhere(schema: Form, name: str) -> Form:
    """Return a question of a section, whatever answer raises it; raises ``KeyError``."""
    return dict(_all(schema))[name]


def _all(schema: Form) -> Iterator[tuple[str, Form]]:
    yield from schema.get("properties", {}).items()
    for _condition, _name, branch in shapes.branches(schema):
        yield from _all(branch)


def _read(  # noqa: PLR0911 - one a kind
    question: Form, path: str, posted: QueryDict, before: Any, attach: Callable[[str, Form], str | None]
) -> Any:
    match kind_of(question):
        case Kind.SECTION:
            known = before if isinstance(before, dict) else {}
            return {
                name: _read(each, f"{path}.{name}", posted, known.get(name), attach)
                for name, each in _all(question)
            }
        case Kind.LIST:
            return _read_list(question, path, posted, before, attach)
        case Kind.CHOICES:
            return posted.getlist(path)
        case Kind.BOOLEAN:
            return {"yes": True, "no": False}.get(posted.get(path, ""))
        case Kind.INTEGER | Kind.NUMBER as kind:
            return _number(posted.get(path, "").strip(), whole=kind is Kind.INTEGER)
        case Kind.DATE:
            return _date(*(posted.get(f"{path}-{part}", "").strip() for part in ("year", "month", "day")))
        case Kind.ATTACHMENT:
            return attach(path, question) or (before if isinstance(before, str) else None)
        case Kind.TEXTAREA:
            return posted.get(path, "").replace("\r\n", "\n").strip()
        case _:
            return posted.get(path, "").strip()


def _read_list(
    question: Form, path: str, posted: QueryDict, before: Any, attach: Callable[[str, Form], str | None]
) -> list[Any]:
    count = posted.get(f"{path}-count", "0")
    many = min(int(count), shapes.MOST_ITEMS) if count.isascii() and count.isdigit() and len(count) < 4 else 0  # noqa: PLR2004 - no list is that long
    known = before if isinstance(before, list) else []
    return [
        _read(question["items"], f"{path}.{at}", posted, known[at] if at < len(known) else None, attach)
        for at in range(many)
    ]


def _number(text: str, *, whole: bool) -> Any:
    plain = text.replace(",", "")
    try:
        value = int(plain) if whole or plain.lstrip("-").isdigit() else float(plain)
    except ValueError:
        return text
    # RFC 8785 knows no other numbers: what is beyond them stays as it was typed, and is wrong.
    return value if abs(value) <= _MOST_NUMBER else text


def _date(year: str, month: str, day: str) -> str:
    if not (year or month or day):
        return ""
    if all(each.isascii() and each.isdigit() for each in (year, month, day)):
        return f"{int(year[:6]):04}-{int(month[:4]):02}-{int(day[:4]):02}"
    return f"{year}-{month}-{day}"


def added(value: Any, path: list[str]) -> Any:
    """Return an answer with one more item in the list at a path within it."""
    return _at(value, path, lambda items: [*items, None])


def removed(value: Any, path: list[str]) -> Any:
    """Return an answer without the item at a path within it, which ends in its number."""
    last = path[-1] if path else ""
    at = int(last) if last.isascii() and last.isdecimal() and len(last) <= _MOST_DIGITS else -1
    return _at(value, path[:-1], lambda items: [each for place, each in enumerate(items) if place != at])


def _at(value: Any, path: list[str], do: Callable[[list[Any]], list[Any]]) -> Any:
    if len(path) > _MOST_STEPS:
        return value  # no form is so deep
    if not path:
        return do(value if isinstance(value, list) else [])
    head, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_at(each, rest, do) if str(at) == head else each for at, each in enumerate(value)]
    inner = value if isinstance(value, dict) else {}
    return {**inner, head: _at(inner.get(head), rest, do)}
