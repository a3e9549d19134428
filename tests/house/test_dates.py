"""A date written out in Chinese begins and ends where its sentence goes on: no space stands beside it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

SOURCE = Path(__file__).resolve().parents[2] / "src/kouan"
TEXTS = {"_", "gettext", "gettext_lazy", "ngettext", "npgettext", "pgettext"}
DATES = {"date_long", "day"}
"""What writes a date out: the filter and the function of that name, the macro, and the plans' own."""
Found = set[tuple[str, str]]


def in_templates() -> Found:
    """Return every text of a template that a date is put into, with the date's name in it."""
    env = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    env.newstyle_gettext = True  # type: ignore[attr-defined] # added by the extension
    found: Found = set()
    for path in SOURCE.rglob("jinja2/**/*.html"):
        tree = env.parse(path.read_text(encoding="utf-8"))
        dates = {
            each.target.name
            for each in tree.find_all(nodes.Assign)
            if isinstance(each.target, nodes.Name) and _writes_a_date(each.node)
        }
        for call in tree.find_all(nodes.Call):
            if not (isinstance(call.node, nodes.Name) and call.node.name in TEXTS):
                continue
            texts = [each.value for each in call.args if isinstance(each, nodes.Const)]
            for each in call.kwargs:
                named = isinstance(each.value, nodes.Name) and each.value.name in dates
                if named or _writes_a_date(each.value):
                    found |= {(text, each.key) for text in texts if f"%({each.key})" in text}
    return found


def _writes_a_date(node: nodes.Node) -> bool:
    match node:
        case nodes.Filter():
            return node.name in DATES
        case nodes.Call(node=nodes.Name(name=name)) | nodes.Call(node=nodes.Getattr(attr=name)):
            return name in DATES
        case nodes.MarkSafe(expr=inner) | nodes.MarkSafeIfAutoescape(expr=inner):
            return _writes_a_date(inner)
    return False


def in_code() -> Found:
    """Return every text of the code that a date is put into, with the date's name in it."""
    found: Found = set()
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        dates = {
            target.id
            for each in ast.walk(tree)
            if isinstance(each, ast.Assign) and _calls_date(each.value)
            for target in each.targets
            if isinstance(target, ast.Name)
        }
        for each in ast.walk(tree):
            match each:
                case ast.BinOp(left=ast.Call() as text, op=ast.Mod(), right=ast.Dict() as words):
                    texts = [arg.value for arg in text.args if isinstance(arg, ast.Constant)]
                    for key, value in zip(words.keys, words.values, strict=True):
                        named = isinstance(value, ast.Name) and value.id in dates
                        if isinstance(key, ast.Constant) and (named or _calls_date(value)):
                            found |= {(text, key.value) for text in texts if f"%({key.value})" in str(text)}
    return found


def _calls_date(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name in DATES
    return False


@pytest.fixture(scope="module")
def dated() -> Found:
    return in_templates() | in_code()


def test_the_texts_that_hold_a_date_are_found(dated: Found) -> None:
    assert ("for the department, until %(day)s", "day") in dated  # in a template
    assert ("Ends on %(day)s", "day") in dated  # in the code
    assert ("From %(first)s to %(last)s", "last") in dated  # by way of a function of the page's


@pytest.mark.parametrize("script", ["zh_Hant", "zh_Hans"])
def test_no_space_stands_beside_a_date(script: str, dated: Found) -> None:
    wrong = []
    for path in sorted(SOURCE.rglob(f"{script}/LC_MESSAGES/django.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=script)
        for message in catalogue:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            said = message.string if isinstance(message.string, tuple) else (message.string,)
            for name in {name for text, name in dated if text in ids}:
                beside = re.compile(rf"[^\x00-\x7f] %\({name}\)s|%\({name}\)s [^\x00-\x7f]")
                wrong += [f"{path.relative_to(SOURCE)}: {text}" for text in said if beside.search(text)]
    assert not wrong, "\n".join(["a space beside a date:", *wrong])
