"""Taking in a file: never more than the limit is kept, and a broken one is never taken for a whole one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import IO, TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, cast

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from kouan.apps.validation.bulk.errors import BulkTooLarge
from kouan.apps.validation.errors import EmptyFile, NoFile, UploadTooLarge, UploadTruncated
from kouan.apps.validation.marks import MAX_CARRIED, MAX_FILE
from kouan.apps.validation.sizes import MAX_BULK

if TYPE_CHECKING:
    from typing import BinaryIO

    from django.utils.datastructures import MultiValueDict

    from kouan.core.errors import KouanError

FORM_ROOM: Final = 64 << 10
"""What a form may add to its file, in bytes."""
_DRAINED: Final = 4 * MAX_CARRIED
"""A larger body is refused unread; up to this one is read to its end so that a browser shows our answer."""
_CHUNK: Final = 1 << 16
_LARGE: Final = {"/documents/bulk", "/api/v1/bulk/registrations", "/api/v1/bulk/revocations"}
"""The addresses that take files of many rows."""
_TAIL: Final = 512
"""The closing delimiter of a form (RFC 2046 section 5.1.1) stands within this many last bytes."""

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class _WatchedStream:
    """The request's body, remembering how much was read of it and how it ended."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.count = 0
        self.tail = b""

    def read(self, size: int = -1) -> bytes:
        """Read as the stream below does."""
        return self._note(self._stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        """Read as the stream below does."""
        return self._note(self._stream.readline(size))

    def _note(self, data: bytes) -> bytes:
        self.count += len(data)
        self.tail = (self.tail + data[-_TAIL:])[-_TAIL:]
        return data


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Keeps each file of a form in a temporary file, the first ``most`` of them, and stops at the limit.

    Further files, and what comes after the limit, are read and dropped.
    """

    def __init__(self, request: HttpRequest, limit: int = MAX_CARRIED, most: int = 1) -> None:
        super().__init__(request)
        self._limit = limit
        self._most = most
        self._files = 0
        self._received = 0
        self._kept: list[UploadedFile[Any]] = []

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; Django calls this for each."""
        self._files += 1
        self._received = 0
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Keep a piece of the file, unless it passes the limit."""
        self._received = start + len(raw_data)
        if self._files <= self._most and self._received <= self._limit:
            super().receive_data_chunk(raw_data, start)
        return None

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        """Finish a file; one above the limit keeps its true size, and ``taken_file`` refuses it."""
        if self._files > self._most:
            self.file.close()
            return None
        file = super().file_complete(file_size)
        if file is not None:
            self._kept.append(file)
        return file

    def discard(self) -> None:
        """Close and remove a file that broke off, and those before it."""
        for file in (*self._kept, getattr(self, "file", None)):
            if file is not None:
                file.close()


def taking_files(view: View[P]) -> View[P]:
    """Prepare a view that takes one file: limits, and the CSRF check after them.

    Reading the body is what runs the upload handlers, and Django's CSRF check reads the body; so
    the handlers are put in place first.
    """
    return _prepared(view, MAX_CARRIED, 1)


def taking_signed_files(view: View[P]) -> View[P]:
    """Prepare a view that takes a file and a signature apart from it, in the same way."""
    return _prepared(view, MAX_CARRIED, 2)


def taking_large_files(view: View[P]) -> View[P]:
    """Prepare a view that takes one file of many rows, in the same way."""
    return _prepared(view, MAX_BULK, 1)


def _prepared(view: View[P], limit: int, most: int) -> View[P]:
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def prepared(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method == "POST":
            receive(request, limit=limit, most=most)
        return protected(request, *args, **kwargs)

    return prepared


def takes_large(path: str) -> bool:
    """Say whether an address takes files of many rows, which may be larger than documents."""
    return path in _LARGE


def receive(request: HttpRequest, *, limit: int = MAX_CARRIED, most: int = 1) -> None:
    """Read a form's body within the limits; ``most`` files of it are kept, all together within ``limit``.

    Raises ``UploadTooLarge`` or ``UploadTruncated``. Afterwards ``request.POST`` and ``request.FILES`` are
    ready.
    """
    length = _length(request)
    if length > limit + FORM_ROOM:
        _drain(request, length)
        raise too_large(limit)
    if request.content_type != "multipart/form-data":
        return
    watched = _WatchedStream(request._stream)  # noqa: SLF001 - Django has no other place to see how much came
    request._stream = cast("BinaryIO", watched)  # noqa: SLF001 - as above
    handler = BoundedUploadHandler(request, limit, most)
    request.upload_handlers = [handler]
    try:
        _ = request.POST
    except (UnreadablePostError, MultiPartParserError):
        handler.discard()
        raise UploadTruncated from None
    closing = b"--" + (request.content_params or {}).get("boundary", "").encode("ascii", "replace") + b"--"
    if watched.count < length or closing not in watched.tail:
        raise UploadTruncated


def too_large(limit: int) -> KouanError:
    """Return the error of a file above ``limit`` bytes."""
    if limit == MAX_CARRIED:
        return UploadTooLarge(limit=MAX_FILE >> 20)
    return BulkTooLarge(limit=limit >> 20)


def taken_file(
    files: MultiValueDict[str, UploadedFile[Any]], field: str, *, limit: int = MAX_CARRIED
) -> UploadedFile[Any]:
    """Return the uploaded file; raises ``NoFile``, ``EmptyFile`` or the error of one that is too large."""
    file = files.get(field)
    if file is None:
        raise NoFile
    return checked(file, limit=limit)


def checked(file: UploadedFile[Any], *, limit: int = MAX_CARRIED) -> UploadedFile[Any]:
    """Return an uploaded file; raises ``EmptyFile`` or the error of one that is too large."""
    if (file.size or 0) > limit:
        raise too_large(limit)
    if not file.size:
        raise EmptyFile
    return file


def opened(file: UploadedFile[Any]) -> IO[bytes]:
    """Return the uploaded file as a plain readable, seekable file."""
    if isinstance(file, TemporaryUploadedFile):
        return cast("IO[bytes]", file.file)
    return cast("IO[bytes]", file)


def _length(request: HttpRequest) -> int:
    try:
        return max(0, int(request.META.get("CONTENT_LENGTH") or 0))
    except ValueError:
        return 0


def _drain(request: HttpRequest, length: int) -> None:
    if length > _DRAINED:
        return
    try:
        while request.read(_CHUNK):
            pass
    except (OSError, AssertionError):
        return
