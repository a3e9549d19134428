from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from django.utils import translation

from kouan.apps.operations import commands
from kouan.apps.operations.catalogue import catalogue, catalogue_markdown
from kouan.apps.operations.limits import describe

DOCUMENT = Path(__file__).parents[3] / "docs" / "catalogue.md"


def test_the_document_is_what_the_declarations_say():
    assert DOCUMENT.read_text(encoding="utf-8") == catalogue_markdown(), (
        "The declarations have changed: kouan catalogue > docs/catalogue.md"
    )


def test_the_document_is_english_whatever_the_reader_reads():
    with translation.override("zh-hant"):
        assert DOCUMENT.read_text(encoding="utf-8") == catalogue_markdown()


def test_the_document_leaves_out_what_others_declare(note):
    assert "trial.note" not in catalogue_markdown()
    assert "trial.note" in {entry.type for entry in catalogue()}


def test_the_command_prints_the_document():
    result = CliRunner().invoke(commands.catalogue)
    assert result.exit_code == 0
    assert result.output == catalogue_markdown()


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "maxLength": 1}, "text, at most 1 character"),
        ({"type": "string", "minLength": 2}, "text, at least 2 characters"),
        ({"type": "string", "pattern": "[A-Z]+"}, "text, of the form [A-Z]+"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "date-time"}, "date and time"),
        ({"type": "string", "format": "uuid"}, "identifier (UUID)"),
        ({"type": "string", "format": "binary", "minLength": 32, "maxLength": 32}, "bytes, exactly 32 bytes"),
        ({"type": "integer", "minimum": 0, "exclusiveMaximum": 5}, "whole number, from 0, below 5"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "number, above 0, up to 1"),
        ({"type": "boolean"}, "yes or no"),
        ({"const": "sha-256"}, "always “sha-256”"),
        ({"enum": ["a", "b"]}, "one of “a”, “b”"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text, or nothing"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "text or whole number"),
        (
            {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
            "list, each: whole number, at most 3 items",
        ),
        ({"$ref": "#/$defs/Place"}, "record of name (text); code (whole number)"),
        ({"type": "object"}, "record"),
        ({}, "any value"),
    ],
)
def test_limits_in_words(schema, words):
    place = {"type": "object", "properties": {"name": {"type": "string"}, "code": {"type": "integer"}}}
    with translation.override("en"):
        assert describe(schema, {"Place": place}) == words


def test_a_question_stands_before_its_answer():
    types = [entry.type for entry in catalogue(own_declarations_only=True)]
    assert types.index("validation.question") < types.index("validation.answer")
    assert [kind.partition(".")[0] for kind in types] == sorted(kind.partition(".")[0] for kind in types)
