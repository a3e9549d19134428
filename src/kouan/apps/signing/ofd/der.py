"""ASN.1 as it stands in seals: split into values that keep their original bytes, and written.

What was signed must be hashed as it was written. Libraries that decode and encode again change what producers
wrote unusually, and stop at names in GBK or at extensions of the wrong shape; so values are split (X.690
section 8.1) and only what is asked for is decoded. Definite lengths alone, one level at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Self

from kouan.apps.signing.ofd import limits

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OID: Final = 0x06
UTF8: Final = 0x0C
PRINTABLE: Final = 0x13
T61: Final = 0x14
IA5: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
BMP: Final = 0x1E
SEQUENCE: Final = 0x30
SET: Final = 0x31
_LONG_TAG: Final = 0x1F
_MANY: Final = 0x80
_MAX_LENGTH_BYTES: Final = 4
_MAX_INTEGER_BYTES: Final = 64
_MAX_OID_BYTES: Final = 64
_BEIJING: Final = timezone(timedelta(hours=8))
_TIME: Final = re.compile(
    r"(?P<year>\d{2}|\d{4})(?P<month>\d\d)(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?"
    r"(?:[.,](?P<part>\d{1,9}))?(?P<zone>Z|[+-]\d{4})?",
    re.ASCII,
)
_CENTURY: Final = 50
"""UTCTime's years 50 to 99 are of the twentieth century (RFC 5280 section 4.1.2.5.1)."""


class NotDer(ValueError):
    """Bytes that are not the ASN.1 value that was asked for."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its tag's first byte, its contents, and all of it as it was written."""

    tag: int
    content: bytes
    raw: bytes

    def expect(self, tag: int) -> Self:
        """Return the value itself; raises ``NotDer`` if it has another tag."""
        if self.tag != tag:
            raise NotDer(f"a value of type {self.tag:#04x}, not {tag:#04x}")
        return self

    def children(self) -> list[Value]:
        """Return the values within a constructed one; raises ``NotDer``."""
        if not self.tag & 0x20:
            raise NotDer("not a constructed value")
        return split(self.content)

    def sequence(self, least: int, most: int) -> list[Value]:
        """Return the values within a SEQUENCE of that many; raises ``NotDer``."""
        found = self.expect(SEQUENCE).children()
        if not least <= len(found) <= most:
            raise NotDer(f"{len(found)} values in a SEQUENCE of {least} to {most}")
        return found

    def explicit(self, number: int) -> Value:
        """Return the one value within an explicit tag; raises ``NotDer``."""
        return one(self.expect(0xA0 | number).content)

    def integer(self) -> int:
        """Return an INTEGER; raises ``NotDer``, also beyond 64 bytes."""
        if self.tag != INTEGER or not 1 <= len(self.content) <= _MAX_INTEGER_BYTES:
            raise NotDer("not an INTEGER")
        return int.from_bytes(self.content, signed=True)

    def octets(self) -> bytes:
        """Return what an OCTET STRING holds; raises ``NotDer``."""
        return self.expect(OCTET_STRING).content

    def bits(self) -> bytes:
        """Return what a BIT STRING of whole bytes holds; raises ``NotDer``."""
        if self.tag != BIT_STRING or self.content[:1] != b"\0":
            raise NotDer("not a BIT STRING of whole bytes")
        return self.content[1:]

    def oid(self) -> str:
        """Return an OBJECT IDENTIFIER in dotted form; raises ``NotDer``."""
        if self.tag != OID or not 1 <= len(self.content) <= _MAX_OID_BYTES or self.content[-1] & _MANY:
            raise NotDer("not an OBJECT IDENTIFIER")
        arcs: list[int] = []
        arc = 0
        for byte in self.content:
            arc = arc << 7 | byte & 0x7F
            if not byte & _MANY:
                arcs.append(arc)
                arc = 0
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))

    def string(self) -> str:
        """Return a string of whatever type, in whatever encoding producers put under it; raises ``NotDer``.

        Names of Mainland certificates are found in GBK under PrintableString, T61String and UTF8String. What
        none of the encodings explains becomes U+FFFD: it is for reading, never for comparing.
        """
        if self.tag == BMP:
            return self.content.decode("utf-16-be", "replace")
        if self.tag not in (UTF8, PRINTABLE, T61, IA5, 0x12, 0x1A, 0x1B, OCTET_STRING):
            raise NotDer("not a string")
        for encoding in ("utf-8", "gb18030"):
            try:
                return self.content.decode(encoding)
            except UnicodeDecodeError:
                continue
        return self.content.decode("utf-8", "replace")

    def time(self) -> datetime:
        """Return a UTCTime or GeneralizedTime; raises ``NotDer``."""
        if self.tag not in (UTC_TIME, GENERALIZED_TIME):
            raise NotDer("not a time")
        return time_of(self.content.decode("ascii", "replace"))


def split(data: bytes) -> list[Value]:
    """Return the values that stand one after another in ``data``, to its last byte; raises ``NotDer``."""
    found: list[Value] = []
    at = 0
    while at < len(data):
        if len(found) >= limits.MAX_DER_VALUES:
            raise NotDer("too many values")
        head, end = _extent(data, at)
        found.append(Value(data[at], data[head:end], data[at:end]))
        at = end
    return found


def one(data: bytes) -> Value:
    """Return the only value in ``data``; raises ``NotDer`` if there is more or less."""
    if not data:
        raise NotDer("no value")
    head, end = _extent(data, 0)
    if end != len(data):
        raise NotDer("bytes after the value")
    return Value(data[0], data[head:end], data)


def _extent(data: bytes, at: int) -> tuple[int, int]:
    """Return where the contents of the value at ``at`` begin, and where they end."""
    if len(data) - at < 2 or data[at] & _LONG_TAG == _LONG_TAG:  # noqa: PLR2004 - a tag and a length
        raise NotDer("no tag and length")
    length, head = data[at + 1], at + 2
    if length >= _MANY:
        count = length & 0x7F
        if not 1 <= count <= _MAX_LENGTH_BYTES or len(data) - head < count:
            raise NotDer("no definite length")
        length = int.from_bytes(data[head : head + count])
        head += count
    if length > len(data) - head:
        raise NotDer("it ends too early")
    return head, head + length


def time_of(text: str) -> datetime:
    """Return a time as ASN.1 writes it, of Beijing where it names no zone; raises ``NotDer``."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise NotDer("not a time")
    year = int(match["year"])
    if len(match["year"]) == 2:  # noqa: PLR2004 - UTCTime's
        year += 1900 if year >= _CENTURY else 2000
    zone: timezone = _BEIJING
    if match["zone"] == "Z":
        zone = UTC
    elif match["zone"]:
        minutes = int(match["zone"][1:3]) * 60 + int(match["zone"][3:])
        if minutes >= 24 * 60:
            raise NotDer("not a time")
        zone = timezone(timedelta(minutes=-minutes if match["zone"][0] == "-" else minutes))
    try:
        moment = datetime(
            year,
            int(match["month"]),
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            int(match["second"] or 0),
            int((match["part"] or "0").ljust(6, "0")[:6]),
            tzinfo=zone,
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotDer("not a time") from None


def encode(tag: int, *contents: bytes) -> bytes:
    """Return a value in DER."""
    content = b"".join(contents)
    if len(content) < _MANY:
        return bytes((tag, len(content))) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes((tag, _MANY | size)) + len(content).to_bytes(size) + content


def integer(number: int) -> bytes:
    """Return an INTEGER, not negative, in DER."""
    return encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def bits(content: bytes) -> bytes:
    """Return a BIT STRING of whole bytes in DER."""
    return encode(BIT_STRING, b"\0", content)


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER in DER."""
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | _MANY)
        content += bytes(reversed(septets))
    return encode(OID, bytes(content))


def generalized_time(moment: datetime) -> bytes:
    """Return a GeneralizedTime in whole seconds of UTC in DER."""
    return encode(GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def utc_time(moment: datetime) -> bytes:
    """Return a UTCTime in whole seconds in DER."""
    return encode(UTC_TIME, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())
