"""A reader of CBOR frames that makes nothing of the bytes but what it is asked for.

A general decoder builds whatever the bytes describe before anybody can look at it: millions of empty
arrays in a few megabytes. Bytes that nobody has verified yet are read with this instead.
"""

from __future__ import annotations

from kouan.core.trust.cose import COUNTERSIGNATURE


class Frame:
    """Reads arrays and byte strings of deterministic CBOR (RFC 8949 section 3), one head after the other.

    Each method raises ``ValueError`` with what is wrong.
    """

    _UNSIGNED, _BYTES, _ARRAY, _MAP = 0, 2, 4, 5

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def array(self, *, exactly: int | None = None, at_most: int | None = None) -> int:
        """Enter an array and return the number of its items."""
        count = self._head(self._ARRAY)
        if (exactly is not None and count != exactly) or (at_most is not None and count > at_most):
            raise ValueError("the number of its items")
        return count

    def byte_string(self) -> bytes:
        """Return the next byte string."""
        length = self._head(self._BYTES)
        end = self._at + length
        if end > len(self._data):
            raise ValueError("it ends early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def pairs(self, count: int) -> list[tuple[bytes, bytes]]:
        """Return ``count`` arrays of two byte strings."""
        found = []
        for _ in range(count):
            self.array(exactly=2)
            found.append((self.byte_string(), self.byte_string()))
        return found

    def signed(self) -> bytes:
        """Return a whole COSE_Sign1: an array of a byte string, a map and two byte strings.

        The map is empty or has one countersignature (RFC 9338): an array of a byte string, an empty map and a
        byte string.
        """
        start = self._at
        self.array(exactly=4)
        self.byte_string()
        if countersignatures := self._head(self._MAP):
            if countersignatures != 1 or self._head(self._UNSIGNED) != COUNTERSIGNATURE:
                raise ValueError("something else than one countersignature in a map")
            self.array(exactly=3)
            self.byte_string()
            if self._head(self._MAP):
                raise ValueError("something in an empty map")
            self.byte_string()
        self.byte_string()
        self.byte_string()
        return self._data[start : self._at]

    def end(self) -> None:
        """See that nothing follows."""
        if not self.ended:
            raise ValueError("bytes after its end")

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self._at == len(self._data)

    def _head(self, major: int) -> int:
        data, at = self._data, self._at
        if at >= len(data):
            raise ValueError("it ends early")
        first = data[at]
        if first >> 5 != major:
            raise ValueError("an item of another kind")
        info = first & 0x1F
        self._at = at = at + 1
        if info < 24:  # noqa: PLR2004 - RFC 8949 section 3: the argument itself
            return info
        if info > 27:  # noqa: PLR2004 - the same: reserved, or an indefinite length
            raise ValueError("a length")
        size = 1 << info - 24
        argument = int.from_bytes(data[at : at + size])
        self._at = at + size
        if self._at > len(data):
            raise ValueError("it ends early")
        if argument < (24 if size == 1 else 1 << 4 * size):
            raise ValueError("a length longer than it need be")
        return argument
