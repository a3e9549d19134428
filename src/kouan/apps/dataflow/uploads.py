"""Taking an assessment's digest: the file is read past, piece by piece, and kept nowhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from kouan.apps.dataflow.errors import AssessmentNotRead

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 50 << 20
"""Bytes of an assessment."""
_PDF: Final = b"%PDF-"
_END: Final = b"%%EOF"
_TAIL: Final = 1024

P = ParamSpec("P")


@dataclass(slots=True)
class Seen:
    """What went by of one file."""

    size: int = 0
    digest: str = ""
    pdf: bool = False
    """Whether it begins and ends as a PDF file does."""


class DigestHandler(FileUploadHandler):
    """Computes the SHA-256 of the form's one file and keeps nothing of it."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.seen = Seen()
        self._hash = hashlib.sha256()
        self._head = self._tail = b""
        self._files = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; Django calls this for each, and only the first one counts."""
        self._files += 1
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's signature
        """Take a piece into the digest."""
        if self._files == 1:
            self.seen.size += len(raw_data)
            self._head = (self._head + raw_data)[: len(_PDF)]
            self._tail = (self._tail + raw_data[-_TAIL:])[-_TAIL:]
            self._hash.update(raw_data)

    def file_complete(self, file_size: int) -> None:  # noqa: ARG002 - Django's signature
        """Note what it was; return no file."""
        if self._files == 1 and self.seen.size:
            self.seen.digest = self._hash.hexdigest()
            self.seen.pdf = self._head == _PDF and _END in self._tail


def taking_digest(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Prepare a view whose form may bring a file: ``seen_in`` then knows it.

    Django's CSRF check reads the body, which runs the handlers; so they are put in place before it.
    """
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def prepared(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method == "POST" and request.content_type == "multipart/form-data":
            handler = DigestHandler(request)
            request.upload_handlers = [handler]
            length = str(request.META.get("CONTENT_LENGTH") or 0)
            if not length.isdecimal() or int(length) > MOST + (1 << 16):
                raise AssessmentNotRead(megabytes=MOST >> 20)
            try:
                _ = request.POST
            except (UnreadablePostError, MultiPartParserError):
                raise AssessmentNotRead(megabytes=MOST >> 20) from None
            request._kouan_seen = handler.seen  # type: ignore[attr-defined] # noqa: SLF001 - for one request
        return protected(request, *args, **kwargs)

    return prepared


def seen_in(request: HttpRequest) -> Seen:
    """Return what went by of the form's file; nothing of it where none came."""
    found = getattr(request, "_kouan_seen", None)
    return found if isinstance(found, Seen) else Seen()
