"""Identity documents: their names, the forms of their numbers, and a number that keeps itself private.

A ``DocumentNumber`` exists only after its format has accepted it. It does not appear in ``repr``,
``str``, logs or tracebacks, cannot be pickled, and leaves only through ``reveal()``, ``written()``
or, for pages, ``masked()``.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import date, datetime
from string import ascii_lowercase
from typing import TYPE_CHECKING, Final, NoReturn, Self, final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from kouan.core.sides.checks import Check, Fault
from kouan.core.sides.named import NamedError

if TYPE_CHECKING:
    from kouan.core.text import Localised

MAX_INPUT: Final = 64
"""The longest text that is looked at, in characters; every number is far shorter."""

SHOWN: Final = 3
"""How many leading characters a masked number shows."""

_CHINA_TIME: Final = ZoneInfo("Asia/Shanghai")

# Full-width forms are what an input method for Chinese leaves behind. Only these are folded: general
# compatibility folding would also turn ① or ² into digits that nobody wrote.
_FOLD: Final[dict[int, str]] = {
    **{code: chr(code - 0xFEE0).upper() for code in range(0xFF01, 0xFF5F)},
    **{ord(letter): letter.upper() for letter in ascii_lowercase},
}
_SEPARATORS: Final = re.compile(r"[\s()\[\]{}（）【】〔〕/·.\-\u2010-\u2015\u2212\u200b\ufeff]+")


class DocumentNumberError(NamedError):
    """A text is not a number of the document asked for. The text itself is in no part of the error."""

    code = "document-number"
    status = 422
    message = _("This is not a valid number of the %(name)s.")

    def __init__(self, document: DocumentFormat) -> None:
        super().__init__(document.name, document=document.code, example=document.example)


class DocumentFormError(DocumentNumberError):
    """Too long, too short, or letters and digits in the wrong places."""

    code = "document-number-form"
    message = _(
        "The number of the %(name)s is incomplete or has too many characters. It is written like %(example)s."
    )


class CheckCharacterError(DocumentNumberError):
    """The check character does not fit the rest: a digit is wrong or two are swapped."""

    code = "document-number-check"
    message = _(
        "The last character of the number does not fit the others. Compare each digit with the %(name)s."
    )


class BirthDateError(DocumentNumberError):
    """The date of birth inside the number does not exist or is yet to come."""

    code = "document-number-birth-date"
    message = _(
        "The date of birth in the number of the %(name)s is not possible. Compare it with the document."
    )


class DivisionError(DocumentNumberError):
    """The first six digits are no place that this document's numbers begin with."""

    code = "document-number-division"
    message = _(
        "Numbers of the %(name)s do not begin with these six digits. Check the kind of document chosen."
    )


_ERRORS: Final = {
    Fault.CHECK_CHARACTER: CheckCharacterError,
    Fault.BIRTH_DATE: BirthDateError,
    Fault.DIVISION: DivisionError,
}


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """One kind of identity document that a side issues."""

    code: str
    """Stable across all sides, such as ``hkid``."""
    name: Localised
    pattern: re.Pattern[str]
    """The normalised number. A group called ``number``, where there is one, is the part that identifies."""
    check: Check
    check_in_brackets: bool
    """Whether the last character is written in brackets, as in A123456(3)."""
    example: str
    """A published specimen, as it is written."""
    source: str
    """Where the form and the check are published, and what is not known."""

    def parse(self, text: str, *, today: date | None = None) -> DocumentNumber:
        """Return the number that ``text`` holds, as a person may have typed it.

        Full-width characters, spaces, hyphens, brackets and lower case are all accepted. ``today``
        bounds dates of birth (China Standard Time's day when not given). Raises a subclass of
        ``DocumentNumberError`` that says what is wrong without repeating the text.
        """
        match = self.pattern.fullmatch(normalise(text))
        if match is None:
            raise DocumentFormError(self)
        value = match["number"] if "number" in self.pattern.groupindex else match[0]
        fault = self.check(value, today or datetime.now(_CHINA_TIME).date())
        if fault is not None:
            raise _ERRORS[fault](self)
        return DocumentNumber(self, value)

    def accepts(self, text: str, *, today: date | None = None) -> bool:
        """Return whether ``parse`` would accept ``text``."""
        try:
            self.parse(text, today=today)
        except DocumentNumberError:
            return False
        return True


@final
class DocumentNumber:
    """The number of one person's document. Made by ``DocumentFormat.parse`` alone."""

    __slots__ = ("_value", "document")

    def __init__(self, document: DocumentFormat, value: str) -> None:
        self.document = document
        self._value = value

    def reveal(self) -> str:
        """Return the normalised number: upper case, nothing between its characters."""
        return self._value

    def written(self) -> str:
        """Return the number as the document prints it, such as A123456(3)."""
        return self._bracketed(self._value)

    def masked(self) -> str:
        """Return the number with all but its first three characters hidden, such as A12****(*)."""
        return self._bracketed(self._value[:SHOWN] + "*" * (len(self._value) - SHOWN))

    def _bracketed(self, text: str) -> str:
        return f"{text[:-1]}({text[-1]})" if self.document.check_in_brackets else text

    def __repr__(self) -> str:
        return f"<DocumentNumber {self.document.code}, hidden>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DocumentNumber):
            return NotImplemented
        same = hmac.compare_digest(self._value.encode(), other._value.encode())
        return same and self.document.code == other.document.code

    def __hash__(self) -> int:
        return hash((self.document.code, self._value))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a document number is not pickled, for it would be stored in clear")


def normalise(text: str) -> str:
    """Return ``text`` in half-width upper case without spaces, hyphens, slashes and brackets.

    More than ``MAX_INPUT`` characters give an empty text, which no format accepts.
    """
    return _SEPARATORS.sub("", text.translate(_FOLD)) if len(text) <= MAX_INPUT else ""
