"""Writing a service as the folder that a department keeps: ``service.toml`` and ``form.json``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.services.definition.reading import FORM, SERVICE, Source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kouan.apps.services.definition.model import Definition

_TEXTS: Final = ("en", "zh_hant", "zh_hans")
_WRITTEN_ELSEWHERE: Final = frozenset({"form", "version"})
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def source_of(definition: Definition) -> Source:
    """Return the two files of a definition; read again, they are the same definition."""
    value = definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return source_from(value, definition.form)


def source_from(value: Mapping[str, Any], form: Mapping[str, Any]) -> Source:
    """Return the two files of what may not be complete yet."""
    tables = {key: each for key, each in value.items() if key not in _WRITTEN_ELSEWHERE and each is not None}
    return Source(_toml(tables), json.dumps(form, ensure_ascii=False, indent=2) + "\n")


def to_folder(source: Source, folder: Path) -> None:
    """Write both files; the folder is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SERVICE).write_text(source.service, encoding="utf-8")
    (folder / FORM).write_text(source.form, encoding="utf-8")


def _toml(tables: Mapping[str, Any]) -> str:
    lines: list[str] = []
    _table(tables, "", lines)
    return "\n".join(lines).strip() + "\n"


def _table(value: Mapping[str, Any], name: str, lines: list[str]) -> None:
    """Write a table: what stands on a line first, then the tables in it."""
    simple = {key: each for key, each in value.items() if not _is_table(each)}
    if name and (simple or not value):
        lines += ["", f"[{name}]"]
    lines += [f"{key} = {_value(each)}" for key, each in simple.items()]
    for key, each in value.items():
        below = f"{name}.{key}" if name else key
        if isinstance(each, dict) and key not in simple:
            _table(each, below, lines)
        elif isinstance(each, list) and key not in simple:
            for item in each:
                lines += ["", f"[[{below}]]"]
                _items(item, below, lines)


def _items(item: Mapping[str, Any], name: str, lines: list[str]) -> None:
    """Write one table of an array: whatever is in it stands on a line."""
    for key, each in item.items():
        if isinstance(each, list) and each and isinstance(each[0], dict):
            for inner in each:
                lines += ["", f"[[{name}.{key}]]"]
                _items(inner, f"{name}.{key}", lines)
        else:
            lines.append(f"{key} = {_value(each)}")


def _is_table(value: object) -> bool:
    if isinstance(value, dict):
        return set(value) != set(_TEXTS) or any(len(str(each)) > 40 for each in value.values())  # noqa: PLR2004 - a line's width
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case list():
            return f"[{', '.join(_value(each) for each in value)}]"
        case dict():
            return f"{{ {', '.join(f'{key} = {_value(each)}' for key, each in value.items())} }}"
        case _:
            return f'"{"".join(_escaped(char) for char in str(value))}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() or char > "\x9f" else f"\\u{ord(char):04x}"
