"""What the rules know by name: groups, bodies with the dates of their names, places, areas, offices.

Data files (``data/*.toml``) in the package; a node may lay files of its own beside them, which add to these.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.programme.errors import BadDictionary
from kouan.apps.programme.records.reading.text import HAN, fold
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILES: Final = ("groups", "bodies", "places", "areas", "offices")


class DictionaryError(ValueError):
    """A dictionary that cannot be used; says the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group in which the sides meet."""

    code: str
    kind: str
    name: Localised
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class BodyName:
    """A name that a body bore, with its first and last day as far as they are known (ISO, any precision)."""

    name: Localised
    since: str
    until: str

    def borne_on(self, day: str) -> bool:
        """Say whether it was borne on a day (``2010-07-09``, ``2010-07`` or ``2010``)."""
        return (not self.since or self.since <= day or day.startswith(self.since)) and (
            not self.until or day[: len(self.until)] <= self.until
        )


@dataclass(frozen=True, slots=True)
class Body:
    """A body through its names, the present one first."""

    code: str
    side: str
    names: tuple[BodyName, ...]

    def name_on(self, day: str) -> Localised:
        """Return the name that it bore on a day; the present one where none is known for it."""
        return next((each.name for each in self.names if day and each.borne_on(day)), self.names[0].name)


@dataclass(frozen=True, slots=True)
class Place:
    """A place, or a venue in one."""

    code: str
    within: str
    name: Localised


@dataclass(frozen=True, slots=True)
class Theme:
    """What areas of co-operation are about."""

    code: str
    name: Localised
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Dictionary:
    """All of it, with what finds it in a folded text."""

    groups: dict[str, Group]
    bodies: dict[str, Body]
    places: dict[str, Place]
    themes: dict[str, Theme]
    body_names: dict[str, tuple[str, int]]
    """A folded name in lower case → the body's code and which of its names."""
    body_pattern: re.Pattern[str]
    place_names: dict[str, str]
    place_pattern: re.Pattern[str]
    office_head: re.Pattern[str]
    titles: str
    office_ending: str
    surnames: str
    vocabulary: frozenset[str]
    """English words of names of bodies, groups, places and offices, in lower case: none is a person's."""
    faults: frozenset[str]
    """Folded names that are mistakes, however often they are written."""

    def body_called(self, words: str) -> tuple[Body, Localised] | None:
        """Return the body with just this name, and the spelling of it that is right."""
        found = self.body_names.get(key_of(words))
        if found is None:
            return None
        body = self.bodies[found[0]]
        return body, body.names[found[1]].name

    def spelling_of(self, written: str, name: Localised, side: str, script: str) -> str:
        """Return a body's name as a list should have it: as it is written, unless that is short or a mistake."""
        key = key_of(written)
        han = bool(re.match(f"[{HAN}]", fold(written)))
        short = len(key) <= 4 if han else " " not in key
        half = side == "gd" and not re.search("guangdong|广|深圳|海关", key)
        return (
            name.in_language(script)
            if short or half or key in self.faults
            else re.sub(r"^[Tt]he ", "", written)
        )

    def theme_of(self, words: str) -> str:
        """Return what an area is about; empty where no theme fits."""
        plain = fold(words)
        return next((each.code for each in self.themes.values() if each.pattern.search(plain)), "")


def key_of(words: str) -> str:
    """Return a name as names are compared: folded, in lower case, without an article.

    >>> key_of("The Digital  Policy Office")
    'digital policy office'
    """
    plain = re.sub(r"\s+", " ", fold(words)).strip(" ,.;:\"'").casefold()
    return plain.removeprefix("the ")


def alternatives(names: Sequence[str]) -> str:
    """Return a pattern that finds any of these names, the longest first, as whole words."""
    return "|".join(
        re.escape(name) if re.match(f"[{HAN}]", name) else rf"(?<![\w-]){re.escape(name)}(?![\w-])"
        for name in sorted(names, key=lambda name: (-len(name), name))
    )


@cache
def load(folder: Path | None = None) -> Dictionary:
    """Return the dictionary, with what ``folder`` adds. Raises ``DictionaryError`` for what cannot be used."""
    data: dict[str, dict[str, Any]] = {}
    for name in FILES:
        file = resources.files("kouan.apps.programme") / "data" / f"{name}.toml"
        data[name] = tomllib.loads(file.read_text(encoding="utf-8"))
    for path in sorted(folder.glob("*.toml")) if folder else ():
        if path.stem not in FILES:
            raise DictionaryError(f"{path}: no dictionary is called so; there are {', '.join(FILES)}")
        try:
            more = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DictionaryError(f"{path}: {error}") from None
        for key, value in more.items():
            known = data[path.stem].get(key)
            data[path.stem][key] = (
                [*value, *known] if isinstance(known, list) and isinstance(value, list) else value
            )
    try:
        return _built(data)
    except (KeyError, TypeError, AttributeError, ValueError, re.error) as error:
        raise DictionaryError(f"{folder or 'data'}: {error!r}") from None


def of_node(home: Path | None) -> Dictionary:
    """Return the package's dictionary, with the files in ``programme`` of a node's home. Raises ``BadDictionary``."""
    folder = home / "programme" if home else None
    try:
        return load(folder if folder and folder.is_dir() else None)
    except DictionaryError as error:
        raise BadDictionary(detail=str(error)) from None


def _built(data: Mapping[str, dict[str, Any]]) -> Dictionary:
    macros = data["groups"].get("macros", {})
    groups = {}
    for each in data["groups"]["groups"]:
        pattern = "|".join(f"(?:{one})" for one in each["patterns"])
        for name, text in macros.items():
            pattern = pattern.replace("{" + name + "}", text)
        groups[each["code"]] = Group(
            each["code"], each["kind"], _words(each["name"], each["code"]), re.compile(pattern)
        )
    bodies, body_names = _bodies(data["bodies"]["bodies"])
    places: dict[str, Place] = {}
    place_names: dict[str, str] = {}
    for each in data["places"]["places"]:
        places[each["code"]] = Place(each["code"], each.get("in", ""), _words(each["name"], each["code"]))
        place_names |= {fold(name): each["code"] for name in each["names"]}
    themes = {
        each["code"]: Theme(
            each["code"],
            _words(each["name"], each["code"]),
            re.compile("|".join(each["patterns"]), re.IGNORECASE),
        )
        for each in data["areas"]["themes"]
    }
    offices = data["offices"]
    faults = {
        key_of(name)
        for row in data["bodies"]["bodies"]
        for each in row["names"]
        for name in each.get("faults", ())
    }
    spelt = [name for name in body_names if len(name) > 1]
    english = " ".join(
        [
            *body_names,
            *place_names,
            *(each.name.en for each in groups.values()),
            *offices["heads"],
            offices["no_names"],
        ]
    )
    return Dictionary(
        groups, bodies, places, themes,
        body_names=body_names,
        body_pattern=re.compile(alternatives(spelt), re.IGNORECASE),
        place_names=place_names,
        place_pattern=re.compile(alternatives([name for name in place_names if len(name) > 1])),
        office_head=re.compile(rf"\b(?:{'|'.join(map(re.escape, offices['heads']))})\b"),
        titles="(?:" + "|".join(offices["titles"]) + r")\b\.?",
        office_ending="(?:" + "|".join(sorted(offices["endings"], key=len, reverse=True)) + ")",
        surnames="".join(sorted(set(re.findall(f"[{HAN}]", fold(offices["surnames"]))))),
        vocabulary=frozenset(re.findall(r"[a-z][a-z']+", english.casefold())),
        faults=frozenset(faults),
    )  # fmt: skip


def _bodies(rows: Sequence[dict[str, Any]]) -> tuple[dict[str, Body], dict[str, tuple[str, int]]]:
    bodies: dict[str, Body] = {}
    names: dict[str, tuple[str, int]] = {}
    for row in rows:
        code = row["code"]
        borne = []
        for number, each in enumerate(row["names"]):
            words = _words({key: each[key] for key in ("en", "zh-hant", "zh-hans")}, code)
            borne.append(BodyName(words, each.get("from", ""), each.get("until", "")))
            for name in (
                words.en,
                words.zh_hant,
                words.zh_hans,
                *each.get("also", ()),
                *each.get("faults", ()),
            ):
                names.setdefault(key_of(name), (code, number))
        bodies[code] = Body(code, row["side"], tuple(borne))
    return bodies, names


def _words(value: Mapping[str, object], where: str) -> Localised:
    return Localised.from_mapping(value, where=where)
