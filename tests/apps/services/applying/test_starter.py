"""Each service of the starter catalogue can be filled in: every page is built, and read back."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from django.http import QueryDict

from kouan.apps.services.applying import fields
from kouan.apps.services.applying.fields import Filled
from kouan.apps.services.definition.form import clean, faults, wrong
from kouan.apps.services.definition.reading import definition_of, from_folder
from kouan.apps.services.definition.shapes import Kind

STARTER = Path(str(resources.files("kouan.apps.services"))) / "data" / "starter"
FOLDERS = sorted(path for side in ("hk", "gd") for path in (STARTER / side).iterdir())


PLAIN = {
    Kind.BOOLEAN: "yes",
    Kind.EMAIL: "chan@example.com",
    Kind.TEL: "+852 2345 6789",
    Kind.URI: "https://www.example.com",
    Kind.INTEGER: "1",
    Kind.NUMBER: "1",
    Kind.TEXT: "x",
    Kind.TEXTAREA: "x",
}


def posted(node, values):
    """Write into what a page shows, as a browser would, an answer that fits each question."""
    if node.kind is Kind.LIST:
        values.append((f"{node.path}-count", str(len(node.children))))
    for child in node.children:
        posted(child, values)
    if node.options:
        values.append((node.path, node.options[0][0]))
    elif node.kind is Kind.DATE:
        values += [
            (f"{node.path}-{part}", text) for part, text in (("day", "3"), ("month", "2"), ("year", "2001"))
        ]
    elif node.kind in PLAIN:
        values.append((node.path, PLAIN[node.kind]))


def filled_in(form):
    """Fill in page by page, until no further page is raised."""
    answers, done = {}, set()
    while left := [name for name in fields.page_names(form, answers) if name not in done]:
        name = left[0]
        for _again in range(3):  # an answer may raise more on the same page
            node = fields.node_of(form, name, Filled(answers))
            assert node.title
            values = []
            posted(node, values)
            query = QueryDict(mutable=True)
            for key, value in values:
                query.appendlist(key, value)
            value = fields.read(
                form, name, query, before=answers.get(name), attach=lambda _path, _question: "0f" * 32
            )
            answers = clean(form, {**answers, name: value})
        done.add(name)
    return answers


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_it_is_filled_in_from_the_first_page_to_the_last(folder):
    form = definition_of(from_folder(folder), version=1).form
    assert faults(form) == []
    found = wrong(form, filled_in(form))
    # Everything but what is written after a pattern or is of a certain size fits.
    assert {each.code for each in found} <= {"pattern", "too-short", "too-small"}
