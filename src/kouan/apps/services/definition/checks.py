"""All that is wrong with a service as a department wrote it, each with the file and the line.

A folder without a fault can be published. What a fault says is English, as the folder's own keys are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from kouan.apps.services.definition import form as forms
from kouan.apps.services.definition import lines
from kouan.apps.services.definition.model import MAX_DEFINITION, Definition
from kouan.apps.services.definition.questions import paths, prefills
from kouan.apps.services.definition.reading import FORM, SERVICE, Source, Unreadable, from_folder
from kouan.apps.services.domain import BOUNDS, WAITING_FOR_APPLICANT, Action, State, dead_ends, unreachable
from kouan.core.credentials import known_requirements
from kouan.core.sides import all_sides

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from kouan.apps.services.domain import Transition

CASE_SOURCES: Final = ("reference", "received", "decided", "service", "department", "home")
"""What a line of the result may take from the case."""
_SCRIPTS: Final = ("en", "zh_hant", "zh_hans")
_SELF: Final = "self"
_REPRESENTATION: Final = "representation"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong, and where it stands."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"

    def as_mapping(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        return asdict(self)


def check(folder: Path, *, departments: Collection[str] | None = None) -> list[Fault]:
    """Return all that is wrong with a folder, by line; nothing for one that can be published.

    ``departments`` are the codes that this side knows; without them any will do.
    """
    try:
        source = from_folder(folder)
    except Unreadable as error:
        return [Fault(error.file, error.line, error.what)]
    return check_source(source, departments=departments)


def check_source(source: Source, *, departments: Collection[str] | None = None) -> list[Fault]:
    """Return all that is wrong with a folder's two files; see ``check``."""
    found, readable = [], []
    for read in (source.tables, source.schema):
        try:
            readable.append(read())
        except Unreadable as error:
            found.append(Fault(error.file, error.line, error.what))
    if found:
        return found
    tables, schema = readable
    places = _Places(lines.of_toml(source.service), lines.of_json(source.form))
    found += [places.in_form(fault) for fault in forms.faults(schema)]
    try:
        definition = Definition.model_validate({"version": 1} | tables | {"form": schema})
    except ValidationError as error:
        found += [
            places.of(each["loc"], _said(each))
            for each in error.errors(include_url=False, include_input=False)
        ]
    else:
        found += [places.of(where, what) for where, what in broken(definition)]
        found += _department(definition, departments, places)
        if len(definition.canonical()) > MAX_DEFINITION:
            found.append(Fault(SERVICE, 1, f"the whole is larger than {MAX_DEFINITION >> 10} KB"))
    return sorted(set(found), key=lambda each: (each.file != SERVICE, each.line, each.what))


@dataclass(frozen=True, slots=True)
class _Places:
    toml: Mapping[lines.Path, int]
    json: Mapping[lines.Path, int]

    def of(self, where: Sequence[object], what: str) -> Fault:
        """Return a fault at a place of the definition."""
        if where[:1] == ("form",):
            return Fault(FORM, lines.nearest(self.json, where[1:]), what)
        return Fault(SERVICE, lines.nearest(self.toml, where), f"{_dotted(where)}: {what}" if where else what)

    def in_form(self, fault: forms.Fault) -> Fault:
        """Return a form's own fault, which says its place as a JSON pointer (RFC 6901)."""
        parts = [part.replace("~1", "/").replace("~0", "~") for part in fault.where.split("/")[1:]]
        return Fault(FORM, lines.nearest(self.json, parts), f"{fault.where or '/'}: {fault.what}")


def _dotted(where: Sequence[object]) -> str:
    return ".".join(str(part) for part in where)


def _said(error: ErrorDetails) -> str:
    """Return pydantic's fault in the words of the folder."""
    last = error["loc"][-1] if error["loc"] else ""
    match error["type"]:
        case "missing" if last in _SCRIPTS:
            return f"there is no text in {last}"
        case "missing":
            return "it is missing"
        case "string_too_short" if last in _SCRIPTS:
            return f"the text in {last} is empty"
        case "extra_forbidden":
            return "there is no such key"
        case _:
            return error["msg"][:1].lower() + error["msg"][1:]


Found = tuple[tuple[object, ...], str]


def broken(definition: Definition) -> Iterator[Found]:
    """Yield which rules a definition breaks that its model cannot say, whoever wrote it: place and reason."""
    for rule in (_sides, _flow, _needs, _result):
        yield from rule(definition)


def _sides(definition: Definition) -> Iterator[Found]:
    known = {side.code for side in all_sides()}
    if definition.side not in known:
        yield ("side",), f"no side is called {definition.side}"
    for place, home in enumerate(definition.homes):
        if home not in known:
            yield ("homes", place), f"no side is called {home}"
        elif home == definition.side:
            yield ("homes", place), "residents of the side that offers it need no other side's node"


def _department(definition: Definition, known: Collection[str] | None, places: _Places) -> list[Fault]:
    code = definition.department.code
    if known is None or code in known:
        return []
    return [places.of(("department", "code"), f"no department of this side is called {code}")]


def _flow(definition: Definition) -> Iterator[Found]:
    if not definition.flow:
        return
    flow = definition.transitions
    for state in sorted(unreachable(flow)):
        yield ("flow", _row(definition, state)), f"no case can come to the state {state}"
    for state in sorted(dead_ends(flow) - unreachable(flow)):
        yield ("flow", _row(definition, state)), f"from the state {state} no case comes to an end"
    if not any(row.action is Action.GRANT for row in flow):
        yield ("flow",), "no case can be granted"
    yield from _waits(definition)
    if definition.fee is not None and not any(row.action is Action.ASK_PAYMENT for row in flow):
        yield ("fee",), f"it is never asked for: no row of the flow has {Action.ASK_PAYMENT}"
    seen = set()
    for place, row in enumerate(flow):
        key = (row.action, row.source, row.role)
        if key in seen:
            yield ("flow", place), f"{row.role} can {row.action} a case that is {row.source} in two ways"
        seen.add(key)
        yield from ((("flow", place), what) for what in _beyond(row))


def _waits(definition: Definition) -> Iterator[Found]:
    """Yield where a case would wait for its applicant for ever, or for what they cannot do."""
    flow = definition.transitions
    named = {row.target for row in flow} & WAITING_FOR_APPLICANT
    for state in sorted(named - {row.source for row in flow if row.action is Action.LAPSE}):
        yield ("flow", _row(definition, state)), f"a case may wait in {state} for ever: it never lapses"
    for state, answer in ((State.CORRECTION, Action.CORRECT), (State.PAYMENT, Action.PAY)):
        if state in named and not any(row.action is answer for row in flow):
            yield ("flow", _row(definition, state)), f"a case waits in {state} in vain: no row has {answer}"


def _beyond(row: Transition) -> Iterator[str]:
    """Yield what a row lets an action be that it cannot: done by somebody else, from or to another state."""
    bounds = BOUNDS[row.action]
    if row.role is not bounds.role:
        yield f"{row.action} is done by the {bounds.role} alone, and not by the {row.role}"
    for what, state, states in (("from", row.source, bounds.sources), ("to", row.target, bounds.targets)):
        if state not in states:
            yield f"{row.action} goes {what} {' or '.join(sorted(states))} alone, and not {what} {state}"


def _row(definition: Definition, state: State) -> int:
    """Return the row of the table that first names a state."""
    return next(place for place, row in enumerate(definition.flow) if state in {row.source, row.target})


def _needs(definition: Definition) -> Iterator[Found]:
    known = known_requirements()
    seen: set[str] = set()
    for place, need in enumerate(definition.needs):
        if need.requirement not in known:
            yield (
                ("needs", place, "requirement"),
                f"no requirement is called {need.requirement}; there are: {', '.join(sorted(known))}",
            )
        if need.requirement in seen:
            yield ("needs", place, "requirement"), f"{need.requirement} is asked for twice"
        seen.add(need.requirement)
        for claim in sorted(set(need.optional) - set(need.claims)):
            yield ("needs", place, "optional"), f"{claim} is not among the claims that are asked for"
    if set(definition.acts_for) - {_SELF} and _REPRESENTATION not in seen:
        yield (
            ("acts_for",),
            "who acts for another shows that they may: there is no need called representation",
        )
    if definition.cosigners.least > definition.cosigners.most:
        yield ("cosigners", "least"), "more must sign than may"
    claims = {need.requirement: set(need.claims) for need in definition.needs}
    for where, requirement, claim in prefills(definition.form):
        if claim not in claims.get(requirement, set()):
            yield (
                ("form", *where, "x-prefill"),
                f"x-prefill: the service does not ask for {requirement}.{claim}",
            )


def _result(definition: Definition) -> Iterator[Found]:
    asked = paths(definition.form)
    seen: set[str] = set()
    for place, claim in enumerate(definition.result.claims):
        where = ("result", "claims", place)
        kind, _dot, name = claim.source.partition(".")
        if kind == "case" and name not in CASE_SOURCES:
            yield (*where, "source"), f"a case knows {', '.join(CASE_SOURCES)}, and no {name}"
        if kind == "answers" and _numberless(name) not in asked:
            yield (*where, "source"), f"the form asks no {name}"
        if claim.name in seen:
            yield (*where, "name"), f"{claim.name} is there twice"
        seen.add(claim.name)


def _numberless(path: str) -> str:
    """Return an answer's path without the numbers of its items, as ``paths`` gives it."""
    return ".".join("*" if part.isdecimal() else part for part in path.split("."))
