"""Translations without GNU gettext: collect, update, compile and check, with Babel.

    python tools/messages.py extract            list every string, package by package
    python tools/messages.py update [PACKAGE]   bring the .po files up to what the source says
    python tools/messages.py compile            write the .mo files that Django reads (only what is stale)
    python tools/messages.py check              fail, naming each string, unless both scripts are complete
                                                and translate each text in one way

English is the source. The template stays in memory; the .po files are kept in the repository, the .mo
files are made at set-up and when a wheel is built.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src/kouan"
SCRIPTS: Final = {"zh_Hant": "big5", "zh_Hans": "gb2312"}
"""Each script, and a character set that holds what is written in it and hardly any of the other's."""

METHODS: Final = [("**.py", "python"), ("**/jinja2/**.html", "jinja2"), ("**/jinja2/**.txt", "jinja2")]
OPTIONS: Final = {
    "**/jinja2/**.html": {
        "extensions": "jinja2.ext.i18n",
        "trimmed": "true",
        "newstyle_gettext": "true",
        "silent": "false",
    },
    "**/jinja2/**.txt": {
        "extensions": "jinja2.ext.i18n",
        "trimmed": "true",
        "newstyle_gettext": "true",
        "silent": "false",
    },
}
KEYWORDS: Final[dict[str, Any]] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
LONGEST_JOINT: Final = 3
"""Characters of the longest text that only joins others, such as " or "."""
_PLACE: Final = re.compile(r"%\([a-zA-Z_]\w*\)[sd]|\{[a-zA-Z_]\w*\}")
_HEADER_NOISE: Final = re.compile(rb'"(?:Report-Msgid-Bugs-To|Generated-By|Language-Team): [^"]*"\n')
_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Stands in the .po files' header for the times that tools like to write there, each time another."""


@dataclass(frozen=True)
class Package:
    """A part of the source that has its own ``locale`` folder."""

    name: str
    folders: tuple[Path, ...]
    locale: Path

    def po(self, script: str) -> Path:
        """Return where its translation into ``script`` is kept."""
        return self.locale / script / "LC_MESSAGES/django.po"


def packages() -> list[Package]:
    """Return core (with everything beside apps and web), web, and each app."""
    apps = sorted(path for path in (SOURCE / "apps").iterdir() if (path / "__init__.py").is_file())
    others = tuple(
        path
        for path in sorted(SOURCE.iterdir())
        if path.is_dir() and path.name not in {"apps", "web", "__pycache__"}
    )
    return [
        Package("core", others, SOURCE / "core/locale"),
        Package("web", (SOURCE / "web",), SOURCE / "web/locale"),
        *(Package(path.name, (path,), path / "locale") for path in apps),
    ]


def template(package: Package) -> Catalog:
    """Collect every string of a package, in the order of files and lines."""
    catalog = _empty()
    for folder in package.folders:
        found = extract_from_dir(
            folder,
            method_map=METHODS,
            options_map=OPTIONS,
            keywords=KEYWORDS,
            comment_tags=("Translators:",),
            strip_comment_tags=True,
        )
        for name, line, message, comments, context in found:
            where = (folder / name).relative_to(SOURCE).as_posix()
            catalog.add(message, locations=[(where, line)], auto_comments=comments, context=context)
    return catalog


def _empty(script: str | None = None) -> Catalog:
    return Catalog(
        locale=script,
        project="Kouan",
        version="1",
        header_comment=f"# Kouan, {script or 'template'}. Made up to date by tools/messages.py.",
        creation_date=_BEGINNING,
        revision_date=_BEGINNING,
        last_translator="Kouan",
        language_team=script or "en",
        fuzzy=False,
    )


def read(package: Package, script: str) -> Catalog:
    """Return a package's translation into a script, empty when there is none yet."""
    path = package.po(script)
    if not path.is_file():
        return _empty(script)
    with path.open("rb") as file:
        return read_po(file, locale=script)


def update(package: Package) -> None:
    """Bring a package's .po files up to its source: new strings empty, strings no longer used gone."""
    wanted = template(package)
    if not len(wanted):
        return
    for script in SCRIPTS:
        old = read(package, script)
        new = _empty(script)
        for message in wanted:
            if message.id:
                known = old.get(message.id, message.context)
                string = known.string if known is not None else ("",) if message.pluralizable else ""
                new.add(
                    message.id,
                    string,
                    locations=[(name, None) for name in dict.fromkeys(name for name, _ in message.locations)],
                    auto_comments=message.auto_comments,
                    flags=(known.flags - {"python-format"} if known is not None else ()),
                    context=message.context,
                )
        buffer = BytesIO()
        write_po(buffer, new, width=110, include_lineno=False, ignore_obsolete=True)
        text = _HEADER_NOISE.sub(b"", buffer.getvalue())
        path = package.po(script)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_bytes() != text:
            path.write_bytes(text)
            print(f"{path.relative_to(ROOT)}: {len(new)} strings")


def compile_stale() -> int:
    """Write each .mo that is older than its .po; returns how many."""
    written = 0
    for package in packages():
        for script in SCRIPTS:
            po = package.po(script)
            mo = po.with_suffix(".mo")
            if po.is_file() and (not mo.is_file() or mo.stat().st_mtime_ns <= po.stat().st_mtime_ns):
                fresh = mo.with_suffix(".mo.new")
                with fresh.open("wb") as file:
                    write_mo(file, read(package, script))
                fresh.replace(mo)
                written += 1
    return written


def problems() -> Iterator[str]:
    """Yield everything that is missing or wrong, one line each."""
    for package in packages():
        wanted = template(package)
        ids = {(message.context, _singular(message)) for message in wanted if message.id}
        for script, characters in SCRIPTS.items():
            catalog = read(package, script)
            where = f"{package.name} {script}"
            for message in wanted:
                if message.id:
                    for fault in _faults(message, catalog.get(message.id, message.context), characters):
                        yield f"{where}: {fault}: {_singular(message)!r}"
            for message in catalog:
                if message.id and (message.context, _singular(message)) not in ids:
                    yield f"{where}: no longer used (run `tools/messages.py update`): {_singular(message)!r}"
    for script in SCRIPTS:
        yield from _differing(script)


def _differing(script: str) -> Iterator[str]:
    """Yield each text that two packages translate differently: a node has one translation of it for all.

    Where two meanings are meant, the text has a context in one of the places (``pgettext``).
    """
    found: dict[tuple[str | None, str], dict[tuple[str, ...], list[str]]] = {}
    for package in packages():
        for message in read(package, script):
            if message.id and (strings := tuple(_strings(message))):
                known = found.setdefault((message.context, _singular(message)), {})
                known.setdefault(strings, []).append(package.name)
    for (_context, singular), ways in found.items():
        if len(ways) > 1:
            told = "; ".join(f"{' / '.join(way)} in {', '.join(names)}" for way, names in ways.items())
            name = next(iter(ways.values()))[0]
            yield f"{name} {script}: one text, several translations ({told}): {singular!r}"


def _singular(message: Message) -> str:
    return message.id[0] if isinstance(message.id, (tuple, list)) else message.id


def _faults(source: Message, translation: Message | None, characters: str) -> Iterator[str]:
    strings = _strings(translation)
    if not strings or not all(text.strip() for text in strings):
        yield "missing"
        return
    if translation is not None and translation.fuzzy:
        yield "fuzzy"
    # Chinese has one plural form, so its text answers for the plural's places.
    original = source.id[-1] if isinstance(source.id, (tuple, list)) else source.id
    for text in strings:
        if _places(text) != _places(original):
            yield f"places {_listed(_places(text))} instead of {_listed(_places(original))}"
        foreign = "".join(sorted({char for char in text if not _written_in(char, characters)}))
        if foreign:
            yield f"characters of the other script ({foreign})"
        # Words that only join others ("; ", " or ") stand in Chinese without the spaces they have in English.
        if not _joins(original) and (
            text[:1].isspace() != original[:1].isspace() or text[-1:].isspace() != original[-1:].isspace()
        ):
            yield "space at an end"


def _strings(message: Message | None) -> list[str]:
    if message is None or not message.string:
        return []
    return [message.string] if isinstance(message.string, str) else list(message.string)


def _places(text: str) -> Counter[str]:
    return Counter(_PLACE.findall(text))


def _listed(places: Iterable[str]) -> str:
    return ", ".join(sorted(places)) or "none"


def _joins(text: str) -> bool:
    return len(text.strip()) <= LONGEST_JOINT


def _written_in(char: str, characters: str) -> bool:
    if not "\u4e00" <= char <= "\u9fff":
        return True
    try:
        char.encode(characters)
    except UnicodeEncodeError:
        return False
    return True


def main() -> int:
    """Do what the command line asks; returns the exit code."""
    parser = argparse.ArgumentParser(description="Translations without GNU gettext.")
    parser.add_argument("action", choices=["extract", "update", "compile", "check"])
    parser.add_argument("package", nargs="?", help="only this one (core, web, or an app's name)")
    arguments = parser.parse_args()
    chosen = [package for package in packages() if arguments.package in (None, package.name)]
    if not chosen:
        print(f"tools/messages.py: there is no package {arguments.package!r}", file=sys.stderr)
        return 2
    if arguments.action == "extract":
        for package in chosen:
            for message in template(package):
                if message.id:
                    print(f"{package.name}\t{message.context or ''}\t{_singular(message)}")
    elif arguments.action == "update":
        for package in chosen:
            update(package)
    elif arguments.action == "compile":
        compile_stale()
    else:
        found = [line for line in problems() if arguments.package in (None, line.split()[0])]
        print("\n".join(found) or "All strings are there in both scripts.")
        return 1 if found else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
