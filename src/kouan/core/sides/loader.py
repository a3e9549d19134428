"""From data files to sides: everything is checked once, when a node starts.

A folder of sides holds ``CODE.toml`` for each side and ``calendars/CODE/YEAR.toml`` for each year.
The package brings one; an operator may add a second, in which a side of a new code joins, and a
calendar year is added to any side or replaces the package's, for notices change within the year.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kouan.core.sides.calendars import WEEKDAYS, Calendar, CalendarYear, read_year
from kouan.core.sides.checks import CHECKS
from kouan.core.sides.documents import DocumentFormat, DocumentNumberError
from kouan.core.sides.model import SUITES, Accent, City, Side
from kouan.core.sides.tables import SideDataError, Table
from kouan.core.text import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILT_IN: Final = Path(__file__).resolve().parent / "data"
MIN_CONTRAST: Final = 4.5
"""WCAG 2.2, success criterion 1.4.3, for text of ordinary size."""

_SIDE_CODE: Final = re.compile(r"[a-z]{2,8}")
_CODE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_DIVISION: Final = re.compile(r"[0-9]{6}")


def load_sides(extra: Path | None = None) -> Mapping[str, Side]:
    """Return the package's sides and those of the folder ``extra``, by code.

    ``extra`` may be missing or empty. Raises ``SideDataError`` naming file and key.
    """
    folders = [BUILT_IN, extra] if extra is not None and extra.is_dir() else [BUILT_IN]
    files: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            if path.stem in files:
                raise SideDataError(
                    f"{path}: the side `{path.stem}` is part of Kouan; a further side needs a new code."
                )
            files[path.stem] = path
    for path in (entry for folder in folders for entry in sorted((folder / "calendars").glob("*"))):
        if path.name not in files:
            raise SideDataError(f"{path}: there is no side `{path.name}` for this calendar.")
    sides = {code: _side(code, path, folders) for code, path in files.items()}
    _refuse_documents_twice(sides)
    return MappingProxyType(sides)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _side(code: str, path: Path, folders: list[Path]) -> Side:
    table = Table.read(path)
    if table.text("code") != code or not _SIDE_CODE.fullmatch(code):
        raise table.fault("code", "must be two to eight small letters, the same as the file's name")
    languages = table.texts("languages")
    if set(languages) - set(LANGUAGES):
        raise table.fault("languages", f"may hold {', '.join(LANGUAGES)} only")
    suites = table.numbers("suites")
    if set(suites) - set(SUITES):
        raise table.fault("suites", f"may hold {', '.join(map(str, SUITES))} only")
    weekend = table.texts("weekend")
    if set(weekend) - set(WEEKDAYS):
        raise table.fault("weekend", f"may hold {', '.join(WEEKDAYS)} only")
    days_off = frozenset(WEEKDAYS.index(day) for day in weekend)
    name = table.localised("name")
    side = Side(
        code=code,
        name=name,
        short_name=table.localised("short_name"),
        full_name=table.localised("full_name"),
        languages=languages,
        time_zone=_time_zone(table),
        accent=_accent(table.table("accent")),
        suites=tuple(SUITES[number] for number in suites),
        cities=tuple(_city(entry) for entry in table.tables("cities")),
        documents=tuple(_document(entry) for entry in table.tables("documents")),
        calendar=Calendar(side=code, name=name, weekend=days_off, by_year=_years(code, days_off, folders)),
    )
    if len({city.code for city in side.cities}) != len(side.cities):
        raise table.fault("cities", "names a city twice")
    table.close()
    return side


def _time_zone(table: Table) -> str:
    name = table.text("time_zone")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise table.fault("time_zone", "is not a zone of the IANA database, such as Asia/Hong_Kong") from None
    return name


def _accent(table: Table) -> Accent:
    accent = Accent(name=table.localised("name"), colour=table.text("colour"), tint=table.text("tint"))
    table.close()
    for key, colour in (("colour", accent.colour), ("tint", accent.tint)):
        if not _COLOUR.fullmatch(colour):
            raise table.fault(key, "must be written #rrggbb in small letters")
    if min(contrast(accent.colour, "#ffffff"), contrast(accent.colour, accent.tint)) < MIN_CONTRAST:
        raise table.fault("colour", f"must have a contrast of {MIN_CONTRAST} to 1 against white and the tint")
    return accent


def _city(table: Table) -> City:
    city = City(code=_code(table), name=table.localised("name"), division=table.text("division"))
    if not _DIVISION.fullmatch(city.division):
        raise table.fault("division", "must be the six digits of GB/T 2260")
    table.close()
    return city


def _document(table: Table) -> DocumentFormat:
    check = table.text("check")
    if check not in CHECKS:
        raise table.fault("check", f"must be one of {', '.join(CHECKS)}")
    try:
        pattern = re.compile(table.text("pattern"), re.ASCII)
    except re.error as error:
        raise table.fault("pattern", f"is not a regular expression ({error})") from None
    document = DocumentFormat(
        code=_code(table),
        name=table.localised("name"),
        pattern=pattern,
        check=CHECKS[check],
        check_in_brackets=table.flag("check_in_brackets"),
        example=table.text("example"),
        source=table.text("source"),
    )
    table.close()
    try:
        written = document.parse(document.example).written()
    except DocumentNumberError as error:
        raise table.fault("example", f"is refused by its own pattern or check ({error.code})") from None
    if written != document.example:
        raise table.fault("example", "is not written as the numbers will be shown")
    return document


def _code(table: Table) -> str:
    code = table.text("code")
    if not _CODE.fullmatch(code):
        raise table.fault("code", "must be small letters, digits and single hyphens")
    return code


def _years(side: str, weekend: frozenset[int], folders: list[Path]) -> Mapping[int, CalendarYear]:
    years: dict[int, CalendarYear] = {}
    for path in (path for folder in folders for path in sorted((folder / "calendars" / side).glob("*.toml"))):
        if not re.fullmatch(r"[0-9]{4}", path.stem):
            raise SideDataError(f"{path}: a calendar's file is named after its year, such as 2026.toml.")
        years[int(path.stem)] = read_year(Table.read(path), int(path.stem), weekend)
    return MappingProxyType(years)


def _refuse_documents_twice(sides: Mapping[str, Side]) -> None:
    owner: dict[str, str] = {}
    for side in sides.values():
        for code in (document.code for document in side.documents):
            if code in owner:
                raise SideDataError(
                    f"The document `{code}` of side `{side.code}` is already one of `{owner[code]}`."
                )
            owner[code] = side.code


def _luminance(colour: str) -> float:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]  # noqa: PLR2004 - sRGB
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
