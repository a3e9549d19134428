"""Which kind of identity document a number is of, where nobody has said it.

Two documents of two kinds may have the same number, and are two people's: a number is compared only
together with its kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.sides.registry import all_sides, get_document, get_side

if TYPE_CHECKING:
    from kouan.core.sides.documents import DocumentFormat, DocumentNumber


class DocumentUnclear(KouanError):
    """A number that documents of several kinds may have."""

    code = "document-unclear"
    status = 422
    message = _("Documents of several kinds have such numbers: %(kinds)s. Say which one it is.")

    def __init__(self, formats: list[DocumentFormat]) -> None:
        super().__init__(kinds=", ".join(str(each.name) for each in formats))


def recognised(text: str, *, side: str, kind: str = "") -> DocumentNumber | None:
    """Return the number that a text holds, with its kind; ``None`` where no known document has such a number.

    Without ``kind`` (a document's code) the documents of ``side`` are tried first, then those of all sides.
    Raises ``DocumentUnclear`` where several have such a number; with ``kind``, what ``get_document`` and
    ``DocumentFormat.parse`` raise.
    """
    if kind:
        return get_document(kind).parse(text)
    every = [each for one in all_sides() for each in one.documents]
    for formats in (get_side(side).documents, every):
        found = [each for each in formats if each.accepts(text)]
        if len(found) > 1:
            raise DocumentUnclear(found)
        if found:
            return found[0].parse(text)
    return None


def kinds(side: str) -> list[tuple[str, str]]:
    """Return the kinds of document that a form offers: code and name, those of ``side`` first."""
    every = [*get_side(side).documents, *(each for one in all_sides() for each in one.documents)]
    return list({each.code: (each.code, str(each.name)) for each in every}.values())
