"""What no log may hold, taken out of it: a net under the rule that we do not log it in the first place.

A number that looks like an identity document's is replaced, and so is what follows the ``?`` of an
address. Bytes and collections that are logged as such could be a message's content: only what they are
is told. Better a harmless number too many is taken out than a person's too few.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Final
from uuid import UUID

IDENTITY: Final = "[identity number]"
QUERY: Final = "?[query]"

_NUMBERS: Final = (
    r"[0-9]{17}[0-9X]",  # resident identity card (GB 11643), residence permit
    r"[0-9]{6}[ ][0-9]{8}[ ][0-9]{3}[0-9X]",  # the same in groups
    r"[A-Z]{1,2}[0-9]{6}[ ]?[(（]?[0-9A][)）]?",  # Hong Kong identity card
    r"[157][0-9]{6}[ ]?[/(（]?[0-9][)）]?",  # Macao resident identity card
    r"[A-Z]{1,2}[0-9]{7,10}",  # travel permits, passports
)
_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_DIGEST: Final = r"[0-9a-f]{32,}|[0-9a-f]{2}(?::[0-9a-f]{2}){7,}"
_FIND: Final = re.compile(
    # First what looks alike and is none: ids and digests.
    rf"(?P<keep>{_UUID}|{_DIGEST})"
    r"|(?P<query>\?[^\s\"'<>]*=[^\s\"'<>]*)"
    rf"|(?<![0-9A-Za-z])(?:{'|'.join(_NUMBERS)})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_PLAIN: Final = (
    str, int, float, bool, type(None), BaseException, datetime, date, timedelta, Decimal, UUID, PurePath,
    type,
)  # fmt: skip


def clean(text: str) -> str:
    """Return a text without identity numbers and without the queries of addresses."""
    return _FIND.sub(_instead, text)


def _instead(found: re.Match[str]) -> str:
    if found["keep"] is not None:
        return found["keep"]
    return QUERY if found["query"] is not None else IDENTITY


def plain(value: object) -> object:
    """Return a value that may stand in a log line; of anything that could be content, only its kind."""
    if isinstance(value, _PLAIN):
        return value
    size = f", {len(value)}" if isinstance(value, (bytes, bytearray, memoryview)) else ""
    return f"[{type(value).__name__}{size}]"
