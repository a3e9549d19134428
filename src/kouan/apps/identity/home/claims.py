"""What a provider says of a person, brought to this app's claims: bounded, checked, and nothing else kept."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.identity.domain import CLAIMS
from kouan.apps.identity.home.errors import UnusableAttributes
from kouan.core.sides import DocumentNumberError, UnknownDocumentError, get_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST: Final = 300
"""Characters of a claim's text."""
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}")
_PHONE: Final = re.compile(r"\+?[0-9 ()-]{5,24}")
_GENDERS: Final = {"female", "male", "other"}


def taken(said: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """Return this app's claims out of a provider's; ``names`` has the provider's name where it is another.

    What is missing is left out. What is there must be sound: raises ``UnusableAttributes`` with the claim's
    name, never with what it says.
    """
    found: dict[str, str] = {}
    for name in CLAIMS:
        value = said.get(names.get(name, name))
        if value is None or value == "":
            continue
        if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable() or not value.strip():
            raise UnusableAttributes(claim=name)
        found[name] = value.strip()
    for name, sound in _SOUND.items():
        if name in found and not sound(found[name]):
            raise UnusableAttributes(claim=name)
    _take_document(found)
    return found


def _take_document(found: dict[str, str]) -> None:
    """Bring a document's number to the form in which it is compared; a number without its kind is none."""
    kind, number = found.get("document_type"), found.get("document_number")
    if kind is None and number is None:
        return
    try:
        document = get_document(kind or "")
        if number is not None:
            found["document_number"] = document.parse(number).reveal()
    except UnknownDocumentError:
        raise UnusableAttributes(claim="document_type") from None
    except DocumentNumberError:
        raise UnusableAttributes(claim="document_number") from None


def _is_date(text: str) -> bool:
    """OpenID Connect Core section 5.1: YYYY-MM-DD, or YYYY alone."""
    if re.fullmatch(r"(19|20)[0-9]{2}", text):
        return True
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


_SOUND: Final[dict[str, Callable[[str], bool]]] = {
    "birthdate": _is_date,
    "gender": lambda text: text in _GENDERS,
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "phone_number": lambda text: _PHONE.fullmatch(text) is not None,
}
