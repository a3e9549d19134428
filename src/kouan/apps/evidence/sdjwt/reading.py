"""Reading SD-JWTs from anybody (RFC 9901 section 7): bounded in size and depth, and never half understood."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.evidence.sdjwt.making import BINDING, digest
from kouan.apps.evidence.sdjwt.signing import (
    MAX_TEXT,
    Malformed,
    decoded,
    payload_of,
    public_key,
    read_json,
    verified,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DISCLOSURES: Final = 128
MAX_DEPTH: Final = 12
_NAMED: Final = 3
_UNNAMED: Final = 2


class BadBinding(ValueError):
    """The proof of the holder's key is missing, is another's, or is about something else."""


@dataclass(frozen=True, slots=True)
class Parts:
    """An SD-JWT taken apart; nothing of it is verified."""

    token: str
    disclosures: tuple[str, ...]
    binding: str
    """The key-binding JWT; empty where there is none."""

    @property
    def shown(self) -> str:
        """What a binding is about: all before it."""
        return "".join(f"{part}~" for part in (self.token, *self.disclosures))


def looks_like(text: str) -> bool:
    """Whether a text may be an SD-JWT at all, at a glance."""
    return text.startswith("eyJ") and "~" in text and "." in text.partition("~")[0] and text.isascii()


def split(text: str) -> Parts:
    """Take an SD-JWT apart; raises ``Malformed``."""
    if not text.isascii() or len(text) > MAX_TEXT:
        raise Malformed("the text's length")
    token, *rest = text.split("~")
    if not rest or token.count(".") != 2:  # noqa: PLR2004 - between three parts
        raise Malformed("no SD-JWT")
    *disclosures, binding = rest
    if len(disclosures) > MAX_DISCLOSURES or not all(disclosures):
        raise Malformed("the disclosures")
    return Parts(token, tuple(disclosures), binding)


def disclosed(payload: dict[str, Any], disclosures: tuple[str, ...]) -> dict[str, Any]:
    """Return what a payload says with its disclosures in place (RFC 9901 section 7.1), or ``Malformed``."""
    if payload.get("_sd_alg", "sha-256") != "sha-256":
        raise Malformed("another digest than SHA-256")
    held: dict[str, list[Any]] = {}
    for text in disclosures:
        parts = read_json(decoded(text), "a disclosure")
        if (
            not isinstance(parts, list)
            or len(parts) not in {_NAMED, _UNNAMED}
            or not isinstance(parts[0], str)
        ):
            raise Malformed("a disclosure")
        if held.setdefault(digest(text), parts) is not parts:
            raise Malformed("a disclosure twice")
    reader = _Reader(held)
    said = reader.object(payload, 0)
    said.pop("_sd_alg", None)
    if held:
        raise Malformed("a disclosure that belongs nowhere")
    return said


class _Reader:
    def __init__(self, held: dict[str, list[Any]]) -> None:
        self._held = held
        self._met: set[str] = set()

    def value(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise Malformed("nested too deeply")
        if isinstance(value, dict):
            return self.object(value, depth)
        return list(self._elements(value, depth)) if isinstance(value, list) else value

    def object(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        if "..." in value:
            raise Malformed("a name that is reserved")
        said = {name: self.value(each, depth + 1) for name, each in value.items() if name != "_sd"}
        digests = value.get("_sd", [])
        if not isinstance(digests, list):
            raise Malformed("the digests")
        for each in digests:
            parts = self._take(each)
            if parts is None:
                continue
            if len(parts) != _NAMED or not isinstance(parts[1], str) or parts[1] in {"_sd", "..."}:
                raise Malformed("a disclosure")
            if parts[1] in said or parts[1] in value:
                raise Malformed("a claim twice")
            said[parts[1]] = self.value(parts[2], depth + 1)
        return said

    def _elements(self, values: list[Any], depth: int) -> Iterator[Any]:
        for each in values:
            if not (isinstance(each, dict) and set(each) == {"..."}):
                yield self.value(each, depth + 1)
                continue
            parts = self._take(each["..."])
            if parts is not None:
                if len(parts) != _UNNAMED:
                    raise Malformed("a disclosure")
                yield self.value(parts[1], depth + 1)

    def _take(self, found: Any) -> list[Any] | None:
        if not isinstance(found, str) or found in self._met:
            raise Malformed("a digest")
        self._met.add(found)
        return self._held.pop(found, None)


def bound(parts: Parts, payload: dict[str, Any]) -> dict[str, Any]:
    """Return what the binding of a verified credential says; raises ``BadBinding`` (RFC 9901 section 7.3)."""
    cnf = payload.get("cnf")
    try:
        key = public_key(cnf.get("jwk") if isinstance(cnf, dict) else None)
        said = verified(parts.binding, key, types=(BINDING,))
    except ValueError:
        raise BadBinding("the binding's signature") from None
    stated = said.get("sd_hash")
    if not isinstance(stated, str) or not hmac.compare_digest(stated.encode(), digest(parts.shown).encode()):
        raise BadBinding("another credential's binding")
    if (
        not is_time(said.get("iat"))
        or not isinstance(said.get("aud"), str)
        or not isinstance(said.get("nonce"), str)
    ):
        raise BadBinding("the binding's claims")
    return said


def is_time(value: object) -> bool:
    """Whether a JSON value is a time that can be (RFC 7519 section 2)."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 37


def unverified(parts: Parts) -> dict[str, Any]:
    """Return what the credential says of itself, so as to look for its issuer; raises ``Malformed``."""
    return payload_of(parts.token)
