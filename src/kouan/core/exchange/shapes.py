"""The shapes of the maps on the wire: exactly these keys, each with a value of exactly these types."""

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
    "from": (str,),
    "to": (str,),
    "type": (str,),
    "tv": (int,),
    "basis": (list,),
    "consent": (str, type(None)),
    "conv": (bytes,),
    "seq": (int,),
    "made": (int,),
    "until": (int,),
    "body": (bytes,),
}
STATEMENT: Final[Shape] = {
    "v": (int,),
    "suite": (int,),
    "from": (str,),
    "to": (str,),
    "first": (int,),
    "n": (int,),
    "root": (bytes,),
    "prev": (bytes,),
    "at": (int,),
    "rkid": (bytes,),
    "key": (bytes,),
    "done": (list,),
}
RECEIPT: Final[Shape] = {
    "v": (int,),
    "from": (str,),
    "to": (str,),
    "batch": (bytes,),
    "root": (bytes,),
    "status": (list,),
    "log": (int,),
    "at": (int,),
    "credits": (int,),
}


class MalformedWire(KouanError):
    """Bytes from a peer that do not have the shape of the protocol."""

    code = "malformed-wire"
    message = _("The %(what)s does not have the shape of the protocol: %(detail)s.")


def read_map(data: bytes, what: str, shape: Shape, *, max_bytes: int) -> dict[str, Any]:
    """Read a map of exactly these keys, each with a value of exactly one of these types.

    What is in a list of it the caller has yet to look at.
    """
    value = cbor.decode_unchecked(data, max_bytes=max_bytes, max_depth=_DEPTH)
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
