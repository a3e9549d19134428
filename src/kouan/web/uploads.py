"""Taking in files with a form: bounded, never on a disk, refused where it broke off or is too large."""

from __future__ import annotations

import io
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt, csrf_protect

if TYPE_CHECKING:
    from collections.abc import Callable

    from kouan.core.errors import KouanError

P = ParamSpec("P")
H = TypeVar("H", bound=FileUploadHandler)
_FORM: Final = 256 << 10
"""What a form may add to its file, in bytes."""
_ATTRIBUTE: Final = "_kouan_upload"


class FirstFile(FileUploadHandler):
    """Passes a form's first file on, piece by piece; others are read past."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self._files = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; Django calls this for each."""
        self._files += 1
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's signature
        """Pass a piece of the first one on."""
        if self._files == 1:
            self.take(raw_data)

    def take(self, piece: bytes) -> None:
        """Take the next piece of the file."""
        raise NotImplementedError

    def file_complete(self, file_size: int) -> InMemoryUploadedFile | None:  # noqa: ARG002 - as above
        """Finish a file; the first one is what the form gets."""
        return self.done() if self._files == 1 else None

    def done(self) -> InMemoryUploadedFile | None:
        """Return the file as the form gets it; nothing where it was only read past."""
        return None


class InMemory(FirstFile):
    """Keeps the file up to one byte above the limit: so that whoever reads it sees that it is too large."""

    def __init__(self, request: HttpRequest, limit: int) -> None:
        super().__init__(request)
        self._limit = limit
        self._kept = io.BytesIO()

    def take(self, piece: bytes) -> None:
        """Keep a piece."""
        self._kept.write(piece[: self._limit + 1 - self._kept.tell()])

    def done(self) -> InMemoryUploadedFile:
        """Hand it on."""
        size = self._kept.tell()
        self._kept.seek(0)
        return InMemoryUploadedFile(
            self._kept, self.field_name, self.file_name or "", self.content_type or "", size, self.charset
        )


class EveryFile(FileUploadHandler):
    """Keeps all files of a form in memory: together they are no larger than the form may be."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self._kept = io.BytesIO()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; Django calls this for each."""
        super().new_file(*args, **kwargs)
        self._kept = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's signature
        """Keep a piece."""
        self._kept.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Hand the file on."""
        self._kept.seek(0)
        return InMemoryUploadedFile(
            self._kept,
            self.field_name,
            self.file_name or "",
            self.content_type or "",
            file_size,
            self.charset,
        )


def taking_file(
    limit: int,
    refusal: Callable[[], KouanError],
    handler: Callable[[HttpRequest], FileUploadHandler] | None = None,
    broken: Callable[[], KouanError] | None = None,
) -> Callable[
    [Callable[Concatenate[HttpRequest, P], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, P], HttpResponseBase],
]:
    """Prepare a view whose form may bring one file of at most ``limit`` bytes, or several as large together.

    What is larger with its form than both may be raises what ``refusal`` returns, and what broke off what
    ``broken`` does, where that is another error. Without a ``handler`` the one file is kept in memory.
    Django's CSRF check reads the body, which runs the handlers; so they are put in place before it.
    """
    unread = broken or refusal

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        protected = csrf_protect(view)

        @csrf_exempt
        @wraps(view)
        def prepared(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method == "POST" and request.content_type == "multipart/form-data":
                length = str(request.META.get("CONTENT_LENGTH") or 0)
                if not length.isdecimal() or int(length) > limit + _FORM:
                    raise refusal()
                used = InMemory(request, limit) if handler is None else handler(request)
                request.upload_handlers = [used]
                try:
                    _ = request.POST
                except (UnreadablePostError, MultiPartParserError):
                    raise unread() from None
                setattr(request, _ATTRIBUTE, used)
            return protected(request, *args, **kwargs)

        return prepared

    return decorate


def handler_of(request: HttpRequest, kind: type[H]) -> H | None:
    """Return the handler of that kind that the form's file went through, if a form came with one."""
    found = getattr(request, _ATTRIBUTE, None)
    return found if isinstance(found, kind) else None
