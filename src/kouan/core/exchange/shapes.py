"""The shapes of the maps on the wire: exactly these keys, each with a value of exactly these types.

The keys stand in the order in which they are encoded (RFC 8949 section 4.2.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from kouan.core import cbor
from kouan.core.errors import KouanError

Shape = Mapping[str, tuple[type, ...]]
_DEPTH: Final = 4
HEADER: Final[Shape] = {
    "v": (int,),
    "id": (bytes,),
    "to": (str,),
    "tv": (int,),
    "seq": (int,),
    "body": (bytes,),
    "conv": (bytes,),
    "from": (str,),
    "made": (int,),
    "type": (str,),
    "basis": (list,),
    "until": (int,),
    "consent": (str, type(None)),
}
STATEMENT: Final[Shape] = {
    "n": (int,),
    "v": (int,),
    "at": (int,),
    "to": (str,),
    "key": (bytes,),
    "done": (list,),
    "from": (str,),
    "prev": (bytes,),
    "rkid": (bytes,),
    "root": (bytes,),
    "first": (int,),
    "suite": (int,),
}
RECEIPT: Final[Shape] = {
    "v": (int,),
    "at": (int,),
    "to": (str,),
    "log": (int,),
    "from": (str,),
    "root": (bytes,),
    "batch": (bytes,),
    "status": (list,),
    "credits": (int,),
}


class MalformedWire(KouanError):
    """Bytes from a peer that do not have the shape of the protocol."""

    code = "malformed-wire"
    message = _("The %(what)s does not have the shape of the protocol: %(detail)s.")


def read_map(data: bytes, what: str, shape: Shape, *, max_bytes: int) -> dict[str, Any]:
    """Read a map of exactly these keys, each with a value of exactly one of these types.

    What is in a list of it the caller has yet to look at: no list on the wire holds a map or a float.
    """
    value = cbor.decode_unchecked(data, max_bytes=max_bytes, max_depth=_DEPTH, keys=tuple(shape))
    if not isinstance(value, dict) or value.keys() != shape.keys():
        raise MalformedWire(what=what, detail="its keys")
    for key, kinds in shape.items():
        if type(value[key]) not in kinds:
            raise MalformedWire(what=what, detail=key)
    return value


def require(holds: bool, what: str, detail: str) -> None:  # noqa: FBT001 - a guard's first word
    """Raise ``MalformedWire`` unless something ``holds``."""
    if not holds:
        raise MalformedWire(what=what, detail=detail)
