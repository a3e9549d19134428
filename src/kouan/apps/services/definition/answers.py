"""Answers against a form: which do not fit, what is left of them when only what is asked counts."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext, ngettext
from jsonschema import Draft202012Validator, ValidationError, validators
from pydantic import ValidationError as NotOfTheForm

from kouan.apps.services.definition import shapes
from kouan.apps.services.definition.shapes import MAX_NUMBER, Answers, Form, Kind, Wrong, asked, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+")
_MAX_EMAIL: Final = 254
_TEL: Final = re.compile(r"\+?[0-9][0-9 ()-]{4,24}", re.ASCII)
_EARLIEST: Final = date(1850, 1, 1)
_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.NUMBER})


def wrong(form: Form, answers: Answers) -> list[Wrong]:
    """Return which answers do not fit, in the form's order; nothing where all do.

    An answer to what is not asked, given the others, does not fit either: ``clean`` takes those out.
    """
    whole = shapes.expanded(form)
    found = list(_section(whole, answers, ""))
    if not found and not _Validator(whole).is_valid(answers):
        found = [
            Wrong("", "does-not-fit", gettext("These answers do not fit the form. Go through it again."))
        ]
    return found


def clean(form: Form, answers: Answers) -> dict[str, Any]:
    """Return the answers without what the form does not ask, given the others.

    What is empty is no answer; a section that must be there is, even where nothing in it is answered.
    """
    return _kept(shapes.expanded(form), answers)


def kinds(form: Form, answers: Answers) -> frozenset[str]:
    """Return the kinds of data that the answers hold."""
    return frozenset(
        element
        for _path, question, _value in given(form, answers)
        for element in question.get("x-element", "").split()
    )


def files(form: Form, answers: Answers) -> dict[str, str]:
    """Return the SHA-256 (hexadecimal) of each file that the answers name, by path."""
    return {
        path: value
        for path, question, value in given(form, answers)
        if kind_of(question) is Kind.ATTACHMENT and isinstance(value, str)
    }


def given(form: Form, answers: Answers) -> Iterator[tuple[str, Form, Any]]:
    """Yield each question that is answered: its path, itself (references followed), and the answer."""
    whole = shapes.expanded(form)
    return _given(whole, _kept(whole, answers), "")


def _given(schema: Form, answers: Answers, prefix: str) -> Iterator[tuple[str, Form, Any]]:
    for name, question in asked(schema, answers).questions.items():
        if name not in answers:
            continue
        path, value, kind = prefix + name, answers[name], kind_of(question)
        if kind is Kind.SECTION:
            yield from _given(question, value, path + ".")
        elif kind is Kind.LIST:
            item = question["items"]
            for at, each in enumerate(value):
                if kind_of(item) is Kind.SECTION:
                    yield from _given(item, each, f"{path}.{at}.")
                else:
                    yield f"{path}.{at}", {**question, **item}, each
        else:
            yield path, question, value


def problem(question: Form, value: Any) -> str:
    """Return what is wrong with one answer, whatever the others are; nothing for one that fits."""
    return next((each.message for each in _answer(question, value, "")), "")


# Cleaning


def is_empty(value: Any) -> bool:
    """Whether this is no answer at all."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def _kept(schema: Form, answers: Any) -> dict[str, Any]:
    if not isinstance(answers, dict):
        answers = {}
    answers = {name: value for name, value in answers.items() if not is_empty(value)}
    now = asked(schema, answers)
    kept = {}
    for name, question in now.questions.items():
        value, kind = answers.get(name), kind_of(question)
        if kind is Kind.SECTION:
            if value is not None and not isinstance(value, dict):
                kept[name] = value
                continue
            inner = _kept(question, value)
            if _says_something(inner) or name in now.required:
                kept[name] = inner
        elif kind is Kind.LIST and isinstance(value, list) and kind_of(question["items"]) is Kind.SECTION:
            kept[name] = [
                _kept(question["items"], each or {}) if is_empty(each) or isinstance(each, dict) else each
                for each in value
            ]
        elif kind is Kind.LIST and isinstance(value, list):
            if said := [each for each in value if not is_empty(each)]:
                kept[name] = said
        elif value is not None:
            kept[name] = value
    return kept


def _says_something(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_says_something(each) for each in value.values())
    return not is_empty(value)


# What does not fit


def _section(schema: Form, answers: Any, prefix: str) -> Iterator[Wrong]:
    if not isinstance(answers, dict):
        yield Wrong(prefix.removesuffix("."), "wrong-kind", _not_of_the_form(schema))
        return
    now = asked(schema, answers)
    for name, question in now.questions.items():
        path = prefix + name
        if name in answers:
            yield from _answer(question, answers[name], path)
        elif name in now.required:
            if kind_of(question) is Kind.SECTION:
                yield from _section(question, {}, path + ".")
            else:
                yield Wrong(path, "missing", _missing(question))
    for name in answers:
        if name not in now.questions:
            yield Wrong(prefix + str(name)[:64], "not-asked", gettext("This is not asked. Take it out."))


def _answer(question: Form, value: Any, path: str) -> Iterator[Wrong]:
    kind = kind_of(question)
    if kind is Kind.SECTION:
        yield from _section(question, value, path + ".")
    elif kind is Kind.LIST:
        yield from _list(question, value, path)
    elif is_empty(value):
        yield Wrong(path, "missing", _missing(question))
    else:
        found = _CHECKS.get(kind, _text)(question, value)
        if found is not None:
            yield Wrong(path, *found)


def _list(question: Form, value: Any, path: str) -> Iterator[Wrong]:
    if not isinstance(value, list):
        yield Wrong(path, "wrong-kind", _not_of_the_form(question))
        return
    found = _how_many(question, value)
    if found is not None:
        yield Wrong(path, *found)
    if found is not None and found[0] == "too-many":
        return
    item = question["items"]
    for at, each in enumerate(value):
        yield from _answer({**question, **item} if "x-title" not in item else item, each, f"{path}.{at}")


Found = tuple[str, str] | None


def _how_many(question: Form, value: list[Any]) -> Found:
    title, least, most = _title(question), int(question.get("minItems", 0)), shapes.most(question)
    if len(value) < least:
        text = ngettext(
            "“%(title)s”: give at least %(least)s.", "“%(title)s”: give at least %(least)s.", least
        )
        return "too-few", text % {"title": title, "least": least}
    if len(value) > most:
        text = ngettext("“%(title)s”: give at most %(most)s.", "“%(title)s”: give at most %(most)s.", most)
        return "too-many", text % {"title": title, "most": most}
    return None


def _choice(question: Form, value: Any) -> Found:
    if not isinstance(value, str) or value not in shapes.options_of(question):
        return "not-a-choice", gettext("Choose one of the answers to “%(title)s”.") % {
            "title": _title(question)
        }
    return None


def _choices(question: Form, value: Any) -> Found:
    options = shapes.options_of(question)
    if not isinstance(value, list) or any(not isinstance(each, str) or each not in options for each in value):
        return "not-a-choice", gettext("Tick only what “%(title)s” offers.") % {"title": _title(question)}
    if len(set(value)) != len(value):
        return "repeated", gettext("“%(title)s”: tick each answer once.") % {"title": _title(question)}
    return _how_many(question, value)


def _boolean(question: Form, value: Any) -> Found:
    if not isinstance(value, bool):
        return "not-a-choice", gettext("Answer “%(title)s” with yes or no.") % {"title": _title(question)}
    return None


def _number(question: Form, value: Any) -> Found:
    title = _title(question)
    whole = kind_of(question) is Kind.INTEGER
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or _endless(value):
        if whole:
            return "not-a-whole-number", gettext("“%(title)s”: enter a whole number, such as 12.") % {
                "title": title
            }
        return "not-a-number", gettext("“%(title)s”: enter a number, such as 12.5.") % {"title": title}
    least, most = question.get("minimum"), question.get("maximum")
    if least is not None and value < least:
        text = gettext("“%(title)s”: the number must be %(least)s or more.")
        return "too-small", text % {"title": title, "least": least}
    if most is not None and value > most:
        text = gettext("“%(title)s”: the number must be %(most)s or less.")
        return "too-large", text % {"title": title, "most": most}
    return None


def _endless(value: float) -> bool:
    return abs(value) > MAX_NUMBER if isinstance(value, int) else not math.isfinite(value)


def _attachment(question: Form, value: Any) -> Found:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        return "no-file", gettext("Attach a file for “%(title)s”.") % {"title": _title(question)}
    return None


def _text(question: Form, value: Any) -> Found:
    title, kind = _title(question), kind_of(question)
    if not isinstance(value, str):
        return "wrong-kind", _not_of_the_form(question)
    most, least = shapes.longest(question), int(question.get("minLength", 0))
    if len(value) > most:
        text = ngettext(
            "“%(title)s”: use %(most)s character or fewer; you have used %(count)s.",
            "“%(title)s”: use %(most)s characters or fewer; you have used %(count)s.",
            most,
        )
        return "too-long", text % {"title": title, "most": most, "count": len(value)}
    if len(value) < least:
        text = ngettext(
            "“%(title)s”: use at least %(least)s character.",
            "“%(title)s”: use at least %(least)s characters.",
            least,
        )
        return "too-short", text % {"title": title, "least": least}
    if not value.strip():
        return "missing", _missing(question)
    if any(not _shown(each, lines=kind is Kind.TEXTAREA) for each in value):
        return "characters", gettext("“%(title)s”: take out characters that cannot be seen.") % {
            "title": title
        }
    found = _FORMATS[kind](title, value) if kind in _FORMATS else None
    return found or _pattern(question, value)


def _shown(character: str, *, lines: bool) -> bool:
    if character in "\r\n\t":
        return lines
    # Joiners are part of how names and emoji are written; surrogates and controls are part of nothing.
    return character.isprintable() or character in "\u200c\u200d\u3000\u00a0"


def _pattern(question: Form, value: str) -> Found:
    pattern = question.get("pattern")
    if pattern is None or fits(pattern, value):
        return None
    if "x-error" in question:
        return "pattern", str(shapes.localised(question["x-error"]))
    return "pattern", gettext("“%(title)s”: this is not written as it must be. Look at the hint.") % {
        "title": _title(question)
    }


def fits(pattern: str, value: str) -> bool:
    """Whether a text holds what a pattern describes; in time that grows no faster than the text."""
    try:
        shapes.matcher(pattern).validate_python(value, strict=True)
    except NotOfTheForm:
        return False
    return True


def _date(title: str, value: str) -> Found:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or day.isoformat() != value or day < _EARLIEST:
        return "not-a-date", gettext("“%(title)s”: enter a real date, such as 27 3 2026.") % {"title": title}
    return None


def _email(title: str, value: str) -> Found:
    if len(value) > _MAX_EMAIL or not _EMAIL.fullmatch(value):
        text = gettext("“%(title)s”: enter an e-mail address, such as name@example.com.")
        return "not-an-email", text % {"title": title}
    return None


def _uri(title: str, value: str) -> Found:
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", value)
    except ValueError:
        good = False
    if good:
        return None
    text = gettext("“%(title)s”: enter a web address, such as https://www.example.com.")
    return "not-a-web-address", text % {"title": title}


def _tel(title: str, value: str) -> Found:
    if _TEL.fullmatch(value):
        return None
    text = gettext("“%(title)s”: enter a telephone number, such as +852 2345 6789.")
    return "not-a-telephone-number", text % {"title": title}


_FORMATS: Final[Mapping[Kind, Callable[[str, str], Found]]] = {
    Kind.DATE: _date,
    Kind.EMAIL: _email,
    Kind.URI: _uri,
    Kind.TEL: _tel,
}
_CHECKS: Final[Mapping[Kind, Callable[[Form, Any], Found]]] = {
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _number,
    Kind.NUMBER: _number,
    Kind.ATTACHMENT: _attachment,
}


def _title(question: Form) -> str:
    return str(shapes.title_of(question)) if "x-title" in question else ""


def _missing(question: Form) -> str:
    title = _title(question)
    match kind_of(question):
        case Kind.CHOICE | Kind.CHOICES | Kind.BOOLEAN:
            return gettext("Choose an answer to “%(title)s”.") % {"title": title}
        case Kind.ATTACHMENT:
            return gettext("Attach a file for “%(title)s”.") % {"title": title}
        case Kind.LIST:
            return gettext("“%(title)s”: add at least one.") % {"title": title}
        case _:
            return gettext("Answer “%(title)s”.") % {"title": title}


def _not_of_the_form(question: Form) -> str:
    return gettext("“%(title)s”: this is not the kind of answer that is asked for.") % {
        "title": _title(question)
    }


# The whole, by the standard's own rules


def _run_pattern(
    _validator: Any, pattern: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not fits(pattern, instance):
        yield ValidationError("not of the form")


_extend: Final[Any] = validators.extend
_Validator: Final[Any] = _extend(Draft202012Validator, {"pattern": _run_pattern})
