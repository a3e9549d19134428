"""Template filters: times, sizes and fingerprints as a person reads them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import ngettext, pgettext

from kouan.core.policy.elements import element_name
from kouan.core.sides import get_side, side_name
from kouan.web.persons import level_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_KIB: Final = 1024
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _chinese() -> bool:
    return (translation.get_language() or "en").startswith("zh")


def side_zone() -> ZoneInfo:
    """Return the time zone in which this side's pages show times."""
    return get_side(settings.NODE.side).zone


def date_long(value: date) -> str:
    """Return ``22 November 2026`` or ``2026年11月22日``; a datetime is first moved to the side's zone."""
    if isinstance(value, datetime):
        value = _local(value)
    if _chinese():
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def days_written(value: str) -> str:
    """Return what evidence says, with a day such as ``2026-11-22`` written out as ``date_long`` does."""
    if not _DAY.fullmatch(value):
        return value
    try:
        return date_long(date.fromisoformat(value))
    except ValueError:
        return value


def datetime_long(value: datetime) -> str:
    """Return the date and the time to the second with its offset: ``22 November 2026, 14:05:09 (UTC+8)``."""
    local = _local(value)
    return f"{date_long(local)}{' ' if _chinese() else ', '}{local:%H:%M:%S} ({_offset(local)})"


def datetime_short(value: datetime) -> str:
    """Return ``2026-11-22 14:05:09``, the sortable form for tables, in the side's zone."""
    return f"{_local(value):%Y-%m-%d %H:%M:%S}"


def iso(value: date) -> str:
    """Return ISO 8601 for the ``datetime`` attribute of ``<time>``, times in UTC to the second."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value.isoformat()


def file_size(value: int) -> str:
    """Return a size as ``512 bytes``, ``1.5 KB`` or ``50 MB`` (1 KB is 1,024 bytes)."""
    if value < _KIB:
        return ngettext("%(count)s byte", "%(count)s bytes", value) % {"count": value}
    size = float(value)
    for unit in ("KB", "MB", "GB"):
        size /= _KIB
        if size < _KIB or unit == "GB":
            break
    return f"{size:.1f}".removesuffix(".0") + f" {unit}"


def hex_groups(value: str | bytes, group: int = 8) -> str:
    """Return hexadecimal in groups, so that two people can compare it aloud: ``0f3a91c2 77…``."""
    text = value.hex() if isinstance(value, bytes) else value
    return " ".join(text[i : i + group] for i in range(0, len(text), group))


def number(value: int) -> str:
    """Return a whole number with thousands separated by commas, as all three scripts do."""
    return f"{value:,}"


def yes_no(value: object) -> str:
    """Return the word for a truth value in the active language."""
    return pgettext("answer", "Yes") if value else pgettext("answer", "No")


def _local(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be shown: nobody would know when it was")
    try:
        return value.astimezone(side_zone())
    except OverflowError:  # the last hours of the year 9999, as a peer may write them, have no local time
        return value.astimezone(UTC)


def _offset(value: datetime) -> str:
    minutes = int((value.utcoffset() or value - value).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


ALL: Final[Mapping[str, Callable[..., Any]]] = {
    "date_long": date_long,
    "days_written": days_written,
    "datetime_long": datetime_long,
    "datetime_short": datetime_short,
    "element_name": element_name,
    "iso": iso,
    "file_size": file_size,
    "hex_groups": hex_groups,
    "level_name": level_name,
    "number": number,
    "side_name": side_name,
    "yes_no": yes_no,
}
