"""Characters that no database keeps, NUL and half a surrogate pair: refused before an app is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import RequestDataTooBig
from django.http import UnreadablePostError
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from django.http import HttpRequest

_FORM: Final = "application/x-www-form-urlencoded"


class UnkeepableText(KouanError):
    """What was sent holds a character that is none."""

    code = "unkeepable-text"
    status = 400
    message = _("What was sent holds a character that no text has (NUL, or half a character). Take it out.")


class NoSuchAddress(UnkeepableText):
    """The address itself does."""

    code = "unkeepable-address"
    status = 404
    message = _("There is nothing at this address.")


def fault_of(request: HttpRequest) -> UnkeepableText | None:
    """Return what is wrong with a request's address, or with the form that it posts."""
    if "\0" in request.path_info:
        return NoSuchAddress()
    if "%00" in request.META.get("QUERY_STRING", "") or "\0" in request.META.get("QUERY_STRING", ""):
        return UnkeepableText()
    if request.method == "POST" and request.content_type == _FORM and b"%00" in _body(request):
        return UnkeepableText()
    return None


def _body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except (RequestDataTooBig, UnreadablePostError):  # the view's own answer says so
        return b""


def require_keepable(value: Any) -> None:
    """Raise ``UnkeepableText`` for a JSON value with such a character in a name or a text."""
    level = [value]
    while level:
        below: list[Any] = []
        for each in level:
            if isinstance(each, str):
                _require(each)
            elif isinstance(each, dict):
                below += [*each, *each.values()]
            elif isinstance(each, list):
                below += each
        level = below


def _require(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnkeepableText from None
    if "\0" in text:
        raise UnkeepableText
