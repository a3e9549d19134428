"""Deterministic CBOR (RFC 8949 section 4.2.1), and a reader that trusts nothing.

Only the types that messages need cross: integers, text, bytes, booleans, null, floats, arrays and
maps whose keys are text or integers from -24 to 23 (for these the older length-first order and RFC
8949's bytewise order are the same). What is read must be exactly what this module would write, so that
one value has one encoding and a hash over it means something.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import cbor2

from kouan.core.errors import KouanError

Value: TypeAlias = (
    "int | str | bytes | bool | float | list[Value] | dict[str, Value] | dict[int, Value] | None"
)

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = (1 << 64) - 1
"""The largest integer without a tag; the smallest is ``-1 - MAX_INTEGER``."""


class NotDeterministicCBOR(KouanError):
    """Bytes that are not one deterministic CBOR item of the permitted types."""

    code = "not-deterministic-cbor"
    message = "The bytes are not deterministic CBOR (RFC 8949 section 4.2.1): %(detail)s."


class _NoTags(dict[int, Callable[[Any, bool], Any]]):
    """Decoders for semantic tags, of which there are none.

    A tag never belongs in what crosses, and the library's own decoders for some are a danger in bytes
    that nobody has verified: shared references make cycles, rationals and big numbers cost much.
    """

    def __missing__(self, tag: int) -> Callable[[Any, bool], Any]:
        return self._refuse

    @staticmethod
    def _refuse(*_: object) -> Any:
        raise ValueError("a tag")


_NO_TAGS: Final = _NoTags()


def encode(value: object) -> bytes:
    """Return the deterministic encoding of ``value`` (see ``Value`` for what it may hold)."""
    return cbor2.dumps(value, canonical=True)


def encode_in_order(value: object) -> bytes:
    """Do what ``encode`` does, in half the time, for a value without floats whose maps' keys are in order."""
    return cbor2.dumps(value)


def decode(data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Value:
    """Return the value of exactly one deterministic CBOR item of at most ``max_bytes`` bytes.

    Raises ``NotDeterministicCBOR`` for anything else: too long, too deep, trailing bytes,
    indefinite lengths, duplicate keys, tags, or an encoding other than the shortest.
    """
    value = decode_unchecked(data, max_bytes=max_bytes, max_depth=max_depth)
    check_types(value)
    return value  # type: ignore[no-any-return]


def decode_unchecked(
    data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, keys: tuple[str, ...] = ()
) -> Any:
    """Do what ``decode`` does but for the types: a caller looks at the exact type of all that it uses.

    ``keys`` are those of the map that is expected, in their order: such a map is read in less time. What
    it holds must then be neither map nor float, which only the caller can tell.
    """
    if len(data) > max_bytes:
        raise NotDeterministicCBOR(detail=f"{len(data)} bytes where {max_bytes} are allowed")
    try:
        value = cbor2.loads(
            data,
            max_depth=max_depth,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=False,
            semantic_decoders=_NO_TAGS,
        )
        # What is in order need not be sorted to be written in order.
        in_order = type(value) is dict and tuple(value) == keys and cbor2.dumps(value) == data
        again = data if in_order else cbor2.dumps(value, canonical=True)
    except Exception as error:  # noqa: BLE001 - whatever the parser raises, the bytes are at fault
        raise NotDeterministicCBOR(detail=type(error).__name__) from None
    if again != data:
        raise NotDeterministicCBOR(detail="another encoding of the same value was expected")
    return value


def check_types(value: object) -> None:
    """Raise ``NotDeterministicCBOR`` for a value, without cycles, that ``decode`` would never return."""
    stack = [value]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is int:
            if not -1 - MAX_INTEGER <= item <= MAX_INTEGER:  # type: ignore[operator]
                raise NotDeterministicCBOR(detail="an integer of more than 64 bits")
        elif kind is dict:
            for key, inner in item.items():  # type: ignore[attr-defined]
                if not (type(key) is str or (type(key) is int and -24 <= key < 24)):  # noqa: PLR2004 - CBOR in one byte
                    raise NotDeterministicCBOR(detail="a map key that is neither text nor a small integer")
                stack.append(inner)
        elif kind is list:
            stack.extend(item)  # type: ignore[arg-type]
        elif kind not in (str, bytes, bool, float, type(None)):
            raise NotDeterministicCBOR(detail=f"a value of type {kind.__name__}")
