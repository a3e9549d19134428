"""Taking in files of a request, each in a temporary file, bounded in number and in all."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final, cast

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from kouan.apps.signing.validating.errors import FileForSignatures

if TYPE_CHECKING:
    from django.http import HttpRequest

MAX_TOTAL: Final = 50 << 20
"""Bytes of all files of a request."""
MOST_FILES: Final = 100
_FORM: Final = 256 << 10


class _Bounded(TemporaryFileUploadHandler):
    """Keeps files until they are too many or too large together, then stops reading."""

    def __init__(self, request: HttpRequest, most: int) -> None:
        super().__init__(request)
        self._most = most
        self._files = 0
        self._kept = 0
        self.broken = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; Django calls this for each."""
        self._files += 1
        if self._files > self._most:
            self._stop()
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Keep a piece of it."""
        self._kept += len(raw_data)
        if self._kept > MAX_TOTAL:
            self._stop()
        super().receive_data_chunk(raw_data, start)
        return None

    def _stop(self) -> None:
        self.broken = True
        raise StopUpload(connection_reset=True)


def with_document(request: HttpRequest) -> tuple[IO[bytes], IO[bytes] | None]:
    """Return the one ``file``, and the ``document`` that it is about if that came too.

    Raises ``FileForSignatures``.
    """
    (file,) = taken(request, "file", beside="document")
    given = request.FILES.getlist("document")
    return file, cast("IO[bytes]", given[0].file) if given else None


def taken(request: HttpRequest, field: str, *, most: int = 1, beside: str = "") -> list[IO[bytes]]:
    """Return the files of a field, open, at least one; raises ``FileForSignatures``.

    One file may come in the field ``beside``.
    """
    refusal = FileForSignatures(most=most, limit=MAX_TOTAL >> 20)
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if (
        request.content_type != "multipart/form-data"
        or not length.isdecimal()
        or int(length) > MAX_TOTAL + _FORM
    ):
        raise refusal
    handler = _Bounded(request, most + bool(beside))
    request.upload_handlers = [handler]
    try:
        files = request.FILES.getlist(field)
        others = request.FILES.getlist(beside) if beside else []
    except (UnreadablePostError, MultiPartParserError):
        raise refusal from None
    many = len(files) > most or len(others) > 1
    if handler.broken or not files or many or any(not each.size for each in (*files, *others)):
        raise refusal
    return [cast("IO[bytes]", each.file) for each in files if isinstance(each, TemporaryUploadedFile)]
