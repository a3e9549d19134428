"""All that this app lets over: what this side's files of declarations say, and nothing else.

Each file of the node's folder ``declarations/`` becomes a declaration like any other when this module is
imported, at start-up. Its messages are stored for the attached system that handles them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from kouan.apps.attached.declarations import Declaration, DeclarationError, load_declarations
from kouan.apps.attached.payloads import DeclaredPayload, payload_model
from kouan.core.exchange import LATER, Crossing, Received, registry
from kouan.core.sides import UnknownSideError, get_side

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kouan.core.exchange.crossing import Later


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration in force on this node."""

    declaration: Declaration
    crossing: Crossing[DeclaredPayload]
    path: Path


_declared: Final[dict[tuple[str, int], Declared]] = {}


def register(folder: Path) -> tuple[Declared, ...]:
    """Declare every file of ``folder``; raises ``DeclarationError``, and then nothing of it is declared."""
    coded = {str(crossing.type).partition(".")[0] for crossing in registry.all()} - {
        declared.crossing.type.partition(".")[0] for declared in _declared.values()
    }
    made: list[Declared] = []
    try:
        for path, declaration in load_declarations(folder):
            _free(path, declaration, coded)
            _known_sides(path, declaration)
            made.append(_declare(path, declaration))
    except BaseException:
        withdraw(made)
        raise
    return tuple(made)


def withdraw(declared: list[Declared] | tuple[Declared, ...]) -> None:
    """Forget declarations (a test's own, or those beside one that is wrong)."""
    for each in declared:
        registry.remove(each.crossing)
        _declared.pop((each.declaration.type, each.declaration.version), None)


def all_declared() -> tuple[Declared, ...]:
    """Return what this node's files declare, by type and version."""
    return tuple(_declared[key] for key in sorted(_declared))


def find(type_: str, version: int) -> Declared | None:
    """Return a declared type, or ``None`` if no file declares it."""
    return _declared.get((type_, version))


def types() -> frozenset[str]:
    """Return the names of all types that files declare."""
    return frozenset(type_ for type_, _ in _declared)


def _free(path: Path, declaration: Declaration, coded: set[str]) -> None:
    if declaration.type.partition(".")[0] in coded:
        raise DeclarationError(f"{path}: `type` begins with a name that an app of the node uses")


def _known_sides(path: Path, declaration: Declaration) -> None:
    for key, sides in (("senders", declaration.senders), ("receivers", declaration.receivers)):
        for side in sorted(sides) if sides != "any" else ():
            try:
                get_side(side)
            except UnknownSideError:
                raise DeclarationError(f"{path}: `{key}` names {side!r}, a side that is not known") from None


def _declare(path: Path, declaration: Declaration) -> Declared:
    name = "".join(part.capitalize() for part in declaration.type.replace("-", ".").split("."))
    fields: Mapping[str, Any] = dict(declaration.fields)
    # The texts are ``Localised``: they choose their script when they are shown, as lazy translations do.
    words: Any = declaration
    try:
        crossing: Crossing[DeclaredPayload] = Crossing(
            type=declaration.type,
            version=declaration.version,
            payload=payload_model(f"{name}{declaration.version}", declaration.schema),
            title=words.title,
            purpose=words.purpose,
            purpose_code=declaration.purpose_code,
            legal_basis=declaration.legal_basis,
            fields=fields,
            elements=declaration.elements,
            consent=declaration.consent,
            consent_reason=words.consent_reason,
            senders=declaration.senders,
            receivers=declaration.receivers,
            max_bytes=declaration.max_bytes,
            expires_after=declaration.expires_after,
        )
    except ValueError as error:
        raise DeclarationError(f"{path}: {error}") from None
    declared = Declared(declaration, crossing, path)

    @crossing.handler
    def _store(message: Received[DeclaredPayload]) -> Later | None:
        from kouan.apps.attached.receiving import store  # noqa: PLC0415 - reads what is declared here

        store(message, declared)
        return LATER if declaration.handled == "acknowledged" else None

    _declared[declaration.type, declaration.version] = declared
    return declared


register(settings.NODE.declarations)
