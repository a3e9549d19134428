"""The text of a contract of two institutions, as far as whoever checks a message that rests on one needs it.

An agreement of the sides is deterministic CBOR; a contract is canonical JSON (RFC 8785). Its one clause is
its scope. What else it says is for the app that keeps contracts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import rfc8785

if TYPE_CHECKING:
    from collections.abc import Mapping

LEGAL_BASIS: Final = "data-contract"
"""What a message that rests on a contract is declared with; the contract's law is named in its terms."""
SCOPE: Final = "scope"
"""The one clause of a contract that lets something cross: its scope."""


class NoContractText(ValueError):
    """Bytes that are no contract's text."""


def is_contract(data: bytes) -> bool:
    """Whether a text is a contract's and no agreement's, whose CBOR never begins like this."""
    return data[:1] == b"{"


def read_contract(data: bytes) -> dict[str, Any]:
    """Return what a contract's text says, with its number as ``id`` too; raises ``NoContractText``."""
    try:
        value = json.loads(data)
        canonical = rfc8785.dumps(value)
    except (RecursionError, ValueError):
        raise NoContractText("not JSON") from None
    if canonical != data or not isinstance(value, dict):
        raise NoContractText("not in the canonical form (RFC 8785)")
    return value | {"id": value.get("contract")}


def scope_covers(
    contract: Mapping[str, Any], *, clause: str, legal_basis: object, way: tuple[str, str]
) -> bool:
    """Whether a message from one side to another is of the kind that a contract's scope is about."""
    sides = tuple(_side(contract.get(party)) for party in ("exporter", "importer"))
    return (clause, legal_basis, sides) == (SCOPE, LEGAL_BASIS, way)


def _side(party: object) -> str:
    place = party.get("place") if isinstance(party, dict) else None
    return place.partition(":")[0] if isinstance(place, str) else ""
