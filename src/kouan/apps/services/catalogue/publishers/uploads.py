"""Taking in a folder as a ZIP file: no more of it than the limit is kept, in memory."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from kouan.apps.services.catalogue.errors import NoFolder
from kouan.apps.services.definition.reading import MAX_ZIP

if TYPE_CHECKING:
    from collections.abc import Callable

_FORM_ROOM: Final = 64 << 10
_ATTRIBUTE: Final = "_kouan_folder"

P = ParamSpec("P")


class FolderHandler(FileUploadHandler):
    """Keeps the form's first file, up to the limit; others are read past."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.kept = bytearray()
        self._files = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; Django calls this for each."""
        self._files += 1
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's signature
        """Keep a piece."""
        if self._files == 1 and len(self.kept) <= MAX_ZIP:
            self.kept += raw_data

    def file_complete(self, file_size: int) -> None:
        """Return no file: the bytes are here."""


def taking_folder(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Prepare a view whose form brings a ZIP file: ``folder_in`` then has it.

    Django's CSRF check reads the body, which runs the handlers; so they are put in place before it.
    """
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def prepared(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method == "POST" and request.content_type == "multipart/form-data":
            handler = FolderHandler(request)
            request.upload_handlers = [handler]
            length = str(request.META.get("CONTENT_LENGTH") or 0)
            if not length.isdecimal() or int(length) > MAX_ZIP + _FORM_ROOM:
                raise NoFolder
            try:
                _ = request.POST
            except (UnreadablePostError, MultiPartParserError):
                raise NoFolder from None
            setattr(request, _ATTRIBUTE, bytes(handler.kept))
        return protected(request, *args, **kwargs)

    return prepared


def folder_in(request: HttpRequest) -> bytes:
    """Return the ZIP file that the form brought; empty where none came."""
    found = getattr(request, _ATTRIBUTE, b"")
    return found if isinstance(found, bytes) else b""
