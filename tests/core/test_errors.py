"""The one tree of errors: stable codes, sound statuses, sentences whose places are always filled."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections import defaultdict
from pathlib import Path

import pytest
from django.utils import translation

import kouan
from kouan.core.errors import KouanError

SOURCE = Path(kouan.__file__).parent
PLACE = re.compile(r"%\((\w+)\)")


def tree(base=KouanError):
    for error in base.__subclasses__():
        if error.__module__.startswith("kouan."):
            yield error
            yield from tree(error)


for _module in pkgutil.walk_packages(kouan.__path__, "kouan."):
    if not {"migrations", "__main__", "base"} & set(_module.name.split(".")):
        importlib.import_module(_module.name)
ERRORS = sorted(set(tree()), key=lambda error: (error.__module__, error.__name__))


def places(error):
    return set(PLACE.findall(str(error.message)))


def test_there_are_errors():
    assert len(ERRORS) > 60


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_has_a_code_a_status_and_a_sentence(error):
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", error.code)
    assert len(error.code) <= 64
    assert 400 <= error.status < 600
    params = dict.fromkeys(places(error), "¤")
    for language in ("en", "zh-hant", "zh-hans"):
        with translation.override(language):
            text = str(error.message) % params
            assert "%" not in text
            assert text.count("¤") >= len(params)


def test_a_code_stands_for_one_error():
    """In the core, in the portal and in each app: an app's codes are its own."""
    by_code = defaultdict(set)
    for error in ERRORS:
        parts = error.__module__.split(".")
        by_code[(*parts[1 : 3 if parts[1] == "apps" else 2], error.code)].add(error)
    assert {code: errors for code, errors in by_code.items() if len(errors) > 1} == {}


def raised():
    """Every place where an error of ours is made: (file, line, name, keywords)."""
    names = {error.__name__ for error in ERRORS}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and node.exc is not None:
                call = node.exc
                named = call.func if isinstance(call, ast.Call) else call
                name = named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")
                if name in names:
                    keywords = call.keywords if isinstance(call, ast.Call) else []
                    yield path.relative_to(SOURCE), node.lineno, name, keywords


def test_whoever_raises_an_error_fills_its_places():
    by_name = defaultdict(list)
    for error in ERRORS:
        by_name[error.__name__].append(error)
    found = 0
    for path, line, name, keywords in raised():
        found += 1
        given = {keyword.arg for keyword in keywords}
        if None in given or any(error.__init__ is not KouanError.__init__ for error in by_name[name]):
            continue  # its parameters come from elsewhere
        missing = min((places(error) - given for error in by_name[name]), key=len)
        assert not missing, f"{path}:{line} raises {name} without {sorted(missing)}"
    assert found > 100


def test_an_error_is_a_sentence_for_a_person_and_fields_for_a_program():
    class Sample(KouanError):
        code = "sample"
        status = 418
        message = "There are %(count)s of %(what)s."

    error = Sample(count=3, what="them")
    assert str(error) == "There are 3 of them."
    assert error.params == {"count": 3, "what": "them"}
    assert str(KouanError()) == "Something went wrong."
