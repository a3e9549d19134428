"""Whose document an institution means: a number counts together with the kind of document that has it.

Documents of two kinds may have the same number, and are two people's. An institution may say which kind it
means; where it gives the number alone, the kind is told by the number if only one can have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from kouan.core.errors import KouanError
from kouan.core.sides import get_document
from kouan.core.sides.documents import normalise
from kouan.core.sides.recognising import recognised

if TYPE_CHECKING:
    from kouan.web.persons import Person


def meant(document_number: str, kind: str = "") -> str:
    """Return whom an institution means by a number: with the document's kind, where that is said or clear.

    Nothing for no number. With ``kind``, a document's code, raises ``UnknownDocumentError`` or a
    ``DocumentNumberError`` for what is no number of such a document.
    """
    if kind:
        if not normalise(document_number):
            return ""
        number = get_document(kind).parse(document_number)
        return f"{number.document.code}:{number.reveal()}"
    return _with_kind(document_number) or normalise(document_number)


def shown_by(person: Person) -> list[str]:
    """Return each text by which ``meant`` may mean this person; none without a document.

    The number alone is among them: it stands where the kind could not be told.
    """
    found = (_with_kind(person.document_number, person.document_type), normalise(person.document_number))
    return [each for each in found if each]


def _with_kind(text: str, kind: str = "") -> str:
    try:
        number = recognised(text, side=settings.NODE.side, kind=kind)
    except KouanError:  # several kinds have such numbers, or this one does not
        return ""
    return "" if number is None else f"{number.document.code}:{number.reveal()}"
