"""Whether the fields of a PDF's form are a tree of some size, before a library walks them.

A walk that only looks out for circles goes down every path: of a field whose two children are the same one,
forty deep, for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject

if TYPE_CHECKING:
    from pyhanko.pdf_utils.reader import PdfFileReader

MOST_FIELDS: Final = 10_000


class NoTree(ValueError):
    """A form has a field in two places, or too many of them."""


def check(reader: PdfFileReader) -> None:
    """Raise ``NoTree`` for a form that must not be walked, or what the library raises on a broken file."""
    form = reader.root.get("/AcroForm")
    waiting = _each(form.get("/Fields")) if isinstance(form, DictionaryObject) else []
    seen: set[Any] = set()
    count = 0
    while waiting:
        field = waiting.pop()
        count += 1
        if isinstance(field, IndirectObject):
            if field.reference in seen:
                raise NoTree("a field is in two places")
            seen.add(field.reference)
            field = field.get_object()
        if isinstance(field, DictionaryObject):
            waiting += _each(field.get("/Kids"))
        if count + len(waiting) > MOST_FIELDS:
            raise NoTree("too many fields")


def _each(fields: object) -> list[Any]:
    return [fields.raw_get(at) for at in range(len(fields))] if isinstance(fields, ArrayObject) else []
