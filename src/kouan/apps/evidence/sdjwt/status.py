"""Token Status Lists: one or more bits for each credential, compressed and signed (IETF OAuth)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.evidence.sdjwt.reading import is_time
from kouan.apps.evidence.sdjwt.signing import Malformed, decoded, encoded, sign, verified

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

TYPE: Final = "statuslist+jwt"
VALID: Final = 0
INVALID: Final = 1
SUSPENDED: Final = 2
BITS: Final = 2
SIZE: Final = 1 << 14
"""Credentials of one list."""
MAX_BYTES: Final = 1 << 17
"""Of a list, unpacked."""
_BYTE: Final = 8


@dataclass(frozen=True, slots=True)
class StatusList:
    """A verified list."""

    uri: str
    bits: int
    data: bytes
    issued_at: int
    expires_at: int | None
    ttl: int | None
    """Seconds after which a newer one should be asked for."""

    def at(self, index: int) -> int | None:
        """Return the status of one credential; ``None`` beyond the list's end."""
        return status_at(self.data, self.bits, index)


def empty() -> bytes:
    """Return a list in which all are valid."""
    return bytes(SIZE * BITS // _BYTE)


def status_at(data: bytes, bits: int, index: int) -> int | None:
    """Return a status; the first stands in the lowest bits of the first byte."""
    if index < 0:
        return None
    place, shift = divmod(index * bits, _BYTE)
    return data[place] >> shift & ((1 << bits) - 1) if place < len(data) else None


def with_status(data: bytes, index: int, status: int) -> bytes:
    """Return a list with one status set."""
    changed = bytearray(data)
    place, shift = divmod(index * BITS, _BYTE)
    changed[place] = changed[place] & ~(((1 << BITS) - 1) << shift) & 0xFF | status << shift
    return bytes(changed)


def written(  # noqa: PLR0913 - all that a list is, by name
    data: bytes, *, uri: str, key: ECKey, kid: str, at: int, ttl: int, expires: int
) -> str:
    """Return the signed list."""
    payload = {
        "sub": uri,
        "iat": at,
        "exp": expires,
        "ttl": ttl,
        "status_list": {"bits": BITS, "lst": encoded(zlib.compress(data, 9))},
    }
    return sign({"typ": TYPE, "kid": kid}, payload, key)


def read(token: str, key: ECKey) -> StatusList:
    """Return a list that ``key`` signed; raises ``Malformed`` or ``BadSignature``."""
    said = verified(token, key, types=(TYPE,))
    uri, held, ttl, exp = said.get("sub"), said.get("status_list"), said.get("ttl"), said.get("exp")
    if not isinstance(uri, str) or not isinstance(held, dict) or not is_time(said.get("iat")):
        raise Malformed("the list's claims")
    if not all(each is None or is_time(each) for each in (ttl, exp)):
        raise Malformed("the list's times")
    bits, text = held.get("bits"), held.get("lst")
    if type(bits) is not int or bits not in {1, 2, 4, 8} or not isinstance(text, str):
        raise Malformed("the list")
    return StatusList(uri, bits, _unpacked(decoded(text)), said["iat"], exp, ttl)


def reference_of(payload: dict[str, Any]) -> tuple[str, int] | None:
    """Return where a credential's status stands: the list and the place; ``None`` where it has none."""
    status = payload.get("status")
    if status is None:
        return None
    held = status.get("status_list") if isinstance(status, dict) else None
    uri, index = (held.get("uri"), held.get("idx")) if isinstance(held, dict) else (None, None)
    if not isinstance(uri, str) or type(index) is not int or not 0 <= index < 1 << 31:
        raise Malformed("the status")
    return uri, index


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, MAX_BYTES + 1)
    except zlib.error:
        raise Malformed("the list's packing") from None
    if len(found) > MAX_BYTES or not unpacker.eof or unpacker.unused_data:
        raise Malformed("the list's packing")
    return found
