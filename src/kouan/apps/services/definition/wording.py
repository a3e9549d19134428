"""Answers as people read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from django.utils import translation
from django.utils.translation import gettext

from kouan.apps.services.definition import shapes
from kouan.apps.services.definition.answers import clean
from kouan.apps.services.definition.shapes import Answers, Form, Kind, Line, Passage, asked, kind_of, title_of
from kouan.core.text import LANGUAGES, Localised
from kouan.web.filters import date_long, yes_no

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NO_NAMES: Mapping[str, str] = {}


def in_words(
    form: Form, answers: Answers, language: str, *, names: Mapping[str, str] = _NO_NAMES
) -> list[Passage]:
    """Return the answers as people read them: yes and no, titles of choices, dates written out.

    Plain questions that follow each other are one passage, each section and each item of a list another.
    ``names`` tells what attached files are called, by path.
    """
    whole = shapes.expanded(form)
    with translation.override(language):
        named = "x-title" in whole
        title = title_of(whole) if named else _in_all(lambda: gettext("Your answers"))
        return list(_passages(whole, clean(form, answers), "", Passage(title, (), named), names))


def _in_all(text: Any) -> Localised:
    said = []
    for language in LANGUAGES:
        with translation.override(language):
            said.append(text())
    return Localised(*said)


def _passages(
    schema: Form, answers: Answers, prefix: str, head: Passage, names: Mapping[str, str]
) -> Iterator[Passage]:
    """Yield the passages of a form or a section; those that are its own begin as ``head``."""
    lines: list[Line] = []
    for name, question in asked(schema, answers).questions.items():
        if name not in answers:
            continue
        path, value, kind = prefix + name, answers[name], kind_of(question)
        inner = list(_inner(question, value, path, kind, names))
        if inner:
            if lines:
                yield replace(head, lines=tuple(lines))
                lines = []
            yield from inner
        elif kind is Kind.LIST:
            lines.append(Line(path, title_of(question), "\n".join(_listed(question, value, path, names))))
        elif kind is not Kind.SECTION:
            lines.append(Line(path, title_of(question), said(question, value, names.get(path, ""))))
    if lines:
        yield replace(head, lines=tuple(lines))


def _inner(question: Form, value: Any, path: str, kind: Kind, names: Mapping[str, str]) -> Iterator[Passage]:
    """Yield the passages of a section, or of a list of sections."""
    if kind is Kind.SECTION:
        yield from _passages(question, value, path + ".", Passage(title_of(question), ()), names)
    elif kind is Kind.LIST and kind_of(question["items"]) is Kind.SECTION:
        for at, each in enumerate(value):
            item = question["items"]
            title = numbered(title_of(item if "x-title" in item else question), at + 1)
            yield from _passages(item, each, f"{path}.{at}.", Passage(title, ()), names)


def _listed(question: Form, value: list[Any], path: str, names: Mapping[str, str]) -> list[str]:
    return [said(question["items"], each, names.get(f"{path}.{at}", "")) for at, each in enumerate(value)]


def numbered(title: Localised, at: int) -> Localised:
    """Return the title of the n-th item of a list."""
    return Localised(*(f"{title.in_language(language)} {at}" for language in LANGUAGES))


def said(question: Form, value: Any, name: str = "") -> str:
    """Return one answer in the active language's words."""
    match kind_of(question):
        case Kind.BOOLEAN:
            return yes_no(value)
        case Kind.CHOICE:
            return _option(question, value)
        case Kind.CHOICES:
            return "\n".join(_option(question, each) for each in value)
        case Kind.DATE:
            return _day(value)
        case Kind.ATTACHMENT:
            return name or gettext("A file")
        case _:
            return str(value)


def _option(question: Form, value: Any) -> str:
    found = shapes.options_of(question).get(value)
    return str(found) if found is not None else str(value)


def _day(value: str) -> str:
    try:
        return date_long(date.fromisoformat(value))
    except ValueError:
        return value
