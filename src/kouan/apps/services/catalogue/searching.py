"""Searching the catalogue: each version's words in one text, kept in the transaction that publishes it.

Looking through these texts, of a kilobyte each, takes milliseconds for thousands of services. An index of
single words takes longer: what people ask for stands in thousands of services, and each hit is a row.

What is asked for must all be there; a service is the higher the more of it stands in its title, then in its
other names, then in the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.services import labels
from kouan.apps.services.catalogue import folding
from kouan.apps.services.models import ServiceText, ServiceVersion
from kouan.core.database.rows import engine, select
from kouan.core.sides import UnknownSideError, get_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kouan.apps.services.definition.model import Definition
    from kouan.core.text import Localised

TITLE: Final = 10_000
ALIAS: Final = 100
REST: Final = 1
MOST_TERMS: Final = 12
"""Of a question: more do not make it clearer, and each costs a look-up."""
MOST_FOUND: Final = 500
"""Services of one answer, best first."""
_SAYS_NOTHING: Final = frozenset(
    {"a", "an", "and", "at", "for", "in", "my", "of", "on", "or", "the", "to", "your"}
)
"""Left out of a question that has other words: they stand in nearly every service."""


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How a database looks for a word that stands in a text with a space before it."""

    has: str
    """Whether it is there."""
    weight: str
    """What it weighs, by where it stands first, in characters counted from one."""
    bare: bool = False
    """Whether ``has`` is first given the word with ``%`` around it."""


# SQLite passes over a text faster with LIKE than with instr, PostgreSQL with strpos than with LIKE. That the
# word begins there is looked at by SQLite only where it stands: the space is in every text a hundred times.
_DIALECTS: Final = {
    "sqlite": _Dialect(
        has="t.text LIKE %s AND instr(t.text, %s) > 0",
        weight=f"CASE WHEN instr(t.text, %s) < t.near THEN {TITLE} "
        f"WHEN instr(t.text, %s) < t.rest THEN {ALIAS} ELSE {REST} END",
        bare=True,
    ),
    "postgresql": _Dialect(
        has="strpos(t.text, %s) > 0",
        weight=f"(ARRAY[{TITLE}, {ALIAS}, {REST}])"
        "[1 + width_bucket(strpos(t.text, %s), ARRAY[t.near, t.rest])]",
    ),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader looks for; what is empty does not matter."""

    text: str = ""
    sides: Sequence[str] = ()
    category: str = ""
    event: str = ""
    audience: str = ""
    home: str = ""
    """The side whose residents must be allowed to apply."""


def index(row: ServiceVersion, definition: Definition) -> None:
    """Have a version found by its words; belongs in the transaction that publishes it."""
    text, near, rest = text_of(weights(definition))
    ServiceText.objects.update_or_create(
        version=row,
        defaults={
            "side": row.side,
            "category": row.category,
            "service": row.service,
            "text": text,
            "near": near,
            "rest": rest,
        },
    )


def text_of(found: Mapping[str, int]) -> tuple[str, int, int]:
    """Return words as ``ServiceText`` keeps them, with the places where other names and the rest begin."""
    parts = [
        "".join(f" {word}" for word, weight in found.items() if weight == wanted)
        for wanted in (TITLE, ALIAS, REST)
    ]
    near = len(parts[0]) + 1
    return "".join(parts), near, near + len(parts[1])


def forget(rows: Iterable[ServiceVersion]) -> None:
    """Have versions found no longer."""
    ServiceText.objects.filter(version__in=list(rows)).delete()


def weights(definition: Definition) -> dict[str, int]:
    """Return each word by which a service is found, and what it weighs."""
    title = _all(definition.title.text)
    near = [*definition.aliases, *_all(definition.department.name.text), *_labels(definition)]
    rest = [
        text
        for part in (definition.summary, definition.who, definition.bring, definition.ends)
        for text in _all(part.text)
    ] + [*_all(definition.legal.text), definition.service.replace("-", " ")]
    found: dict[str, int] = {}
    near += folding.with_places([*title, *near, *_all(definition.summary.text)])
    for texts, weight in ((title, TITLE), (near, ALIAS), (rest, REST)):
        for text in texts:
            for word in folding.words(text):
                found.setdefault(word, weight)
    return found


def search(wanted: Wanted) -> list[int]:
    """Return the keys of published versions that fit, best first; all of them where no text is given."""
    terms = folding.asked(wanted.text)
    terms = ([term for term in terms if term not in _SAYS_NOTHING] or terms)[:MOST_TERMS]
    if wanted.text.strip() and not terms:
        return []
    conditions, values = _conditions(wanted)
    if not terms:
        rows = ServiceVersion.objects.filter(state=ServiceVersion.State.PUBLISHED, **conditions)
        return list(rows.order_by("category", "side", "service").values_list("pk", flat=True)[:MOST_FOUND])
    dialect = _DIALECTS[engine()]
    # A cross join is done in this order: the longer rows are looked at only where all terms are.
    beside = " CROSS JOIN services_serviceversion AS v" if values.beside else ""
    statement = (
        f"SELECT t.version_id FROM services_servicetext AS t{beside} "  # noqa: S608 - text of ours
        f"WHERE {' AND '.join([dialect.has] * len(terms))}{values.sql} "
        f"ORDER BY {' + '.join([dialect.weight] * len(terms))} DESC, t.category, t.service, t.side LIMIT %s"
    )
    # The longest first: it stands in the fewest services. No term has a place holder in it.
    longest = sorted(terms, key=len, reverse=True)
    has = [given for term in longest for given in ([f"%{term}%"] * dialect.bare + [f" {term}"])]
    weigh = [f" {term}" for term in terms for _ in range(dialect.weight.count("%s"))]
    found = select(statement, (*has, *values.parameters, *weigh, MOST_FOUND))
    return [int(key) for (key,) in found]


@dataclass(frozen=True, slots=True)
class _Filters:
    sql: str
    parameters: tuple[Any, ...]
    beside: bool
    """Whether the version's own row is needed."""


def _conditions(wanted: Wanted) -> tuple[dict[str, Any], _Filters]:
    """Return the filters twice: for Django's queries, and as SQL."""
    named: dict[str, Any] = {}
    sql, parameters = "", []
    if wanted.sides:
        named["side__in"] = list(wanted.sides)
        sql += f" AND t.side IN ({', '.join(['%s'] * len(wanted.sides))})"
        parameters += list(wanted.sides)
    if wanted.category:
        named["category"] = wanted.category
        sql += " AND t.category = %s"
        parameters.append(wanted.category)
    beside = False
    for column in ("event", "audience", "home"):
        if value := getattr(wanted, column):
            named[f"{column}s__contains"] = f" {value} "
            sql += f"{'' if beside else ' AND v.id = t.version_id'} AND v.{column}s LIKE %s"
            parameters.append(f"% {_plain(value)} %")
            beside = True
    return named, _Filters(sql, tuple(parameters), beside)


def _plain(code: str) -> str:
    """Return a code without what LIKE takes for a place holder: no code has it."""
    return code.replace("%", "").replace("_", "")


def _all(text: Localised) -> tuple[str, str, str]:
    return text.en, text.zh_hant, text.zh_hans


def _labels(definition: Definition) -> list[str]:
    """Return the words that the catalogue itself shows beside a service."""
    found = [text for event in definition.events for text in labels.in_all_scripts(labels.EVENTS[event])]
    found += labels.in_all_scripts(labels.CATEGORIES[definition.category].title)
    try:
        found += _all(get_side(definition.side).name)
    except UnknownSideError:
        found.append(definition.side)
    return found
