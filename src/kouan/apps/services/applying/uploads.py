"""Files that a person attaches: bounded, in memory only until they are sealed, and what they say they are."""

from __future__ import annotations

import hashlib
import io
import re
import uuid
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.db.models import Sum
from django.http import HttpRequest, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from kouan.apps.services.applying import errors
from kouan.apps.services.domain import State
from kouan.apps.services.models import Application, ApplicationFile
from kouan.apps.services.payloads import MAX_FILE, MAX_FILES
from kouan.apps.services.sealing import seal, unseal
from kouan.core.database.locks import take_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

P = ParamSpec("P")
KINDS: Final = {"application/pdf": "PDF", "image/png": "PNG", "image/jpeg": "JPEG"}
MOST_KEPT: Final = 200 << 20
"""Bytes of all files in one person's drafts; what was sent does not count."""
_OPEN: Final = (State.DRAFT, State.COSIGNING)
_ROOM: Final = 1 << 20
"""What a form may add to its files, in bytes."""
_TAIL: Final = 1024
_MOST_NAME: Final = 120
_UNSOUND: Final = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u202a-\u202e\u2066-\u2069]+")


class BoundedHandler(FileUploadHandler):
    """Keeps a form's files in memory, and stops at what an application may carry."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self._all = 0
        self.too_big = False
        self._file = io.BytesIO()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; Django calls this for each."""
        super().new_file(*args, **kwargs)
        self._file = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece."""
        self._all += len(raw_data)
        if start + len(raw_data) > MAX_FILE or self._all > MAX_FILE + _ROOM:
            self.too_big = True
            raise StopUpload(connection_reset=True)
        self._file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[Any]:  # noqa: ARG002 - Django's signature
        """Hand the file on."""
        return SimpleUploadedFile(self.file_name or "file", self._file.getvalue(), "application/octet-stream")


def taking_files(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Prepare a view whose form may bring files: limits first, then the CSRF check, which reads the body.

    What is larger than an application may carry, or breaks off, raises ``FileTooBig`` or ``FileEmpty``.
    """
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def prepared(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method == "POST" and request.content_type == "multipart/form-data":
            length = str(request.META.get("CONTENT_LENGTH") or 0)
            if not length.isdecimal() or int(length) > MAX_FILE + _ROOM:
                raise errors.FileTooBig(limit=MAX_FILE >> 20)
            handler = BoundedHandler(request)
            request.upload_handlers = [handler]
            try:
                _ = request.POST
            except (UnreadablePostError, MultiPartParserError):
                raise errors.FileEmpty from None
            if handler.too_big:
                raise errors.FileTooBig(limit=MAX_FILE >> 20)
        return protected(request, *args, **kwargs)

    return prepared


def kind_of(data: bytes) -> str:
    """Return what bytes are, by their beginning and end; empty for none of the kinds that are taken."""
    tail = data[-_TAIL:]
    if data.startswith(b"%PDF-") and b"%%EOF" in tail:
        return "application/pdf"
    if data.startswith(b"\x89PNG\r\n\x1a\n") and b"IEND" in tail:
        return "image/png"
    if data.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in tail:
        return "image/jpeg"
    return ""


def taken(file: UploadedFile[Any], media: Collection[str]) -> tuple[str, str, bytes]:
    """Return a file's name, kind and bytes; raises ``FileEmpty``, ``FileTooBig`` or ``WrongFile``."""
    name, data = sound_name(file.name or ""), file.read()
    if not data:
        raise errors.FileEmpty
    if len(data) > MAX_FILE:
        raise errors.FileTooBig(limit=MAX_FILE >> 20)
    kind = kind_of(data)
    if kind not in media:
        raise errors.WrongFile(name=name, kinds=", ".join(KINDS[each] for each in KINDS if each in media))
    return name, kind, data


def sound_name(name: str) -> str:
    """Return a file's name without what could mislead whoever opens it."""
    name = _UNSOUND.sub("_", name).strip(". ") or "file"
    if len(name) <= _MOST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{(stem or name)[: _MOST_NAME - 10]}{dot}{ending[:9]}"


def keep(row: Application, *, place: str, name: str, media_type: str, data: bytes) -> ApplicationFile:
    """Seal a file into an application, in the caller's transaction.

    Raises ``TooManyFiles``, or ``TooMuchKept`` for more than a person's drafts may hold together.
    """
    if row.files.count() >= MAX_FILES:
        raise errors.TooManyFiles(most=MAX_FILES)
    take_turn(f"files of {row.person}")
    kept = ApplicationFile.objects.filter(application__person=row.person, application__state__in=_OPEN)
    if (kept.aggregate(all=Sum("size"))["all"] or 0) + len(data) > MOST_KEPT:
        raise errors.TooMuchKept(limit=MOST_KEPT >> 20)
    key = uuid.uuid4()
    return ApplicationFile.objects.create(
        key=key,
        application=row,
        place=place[:120],
        name=name,
        media_type=media_type,
        size=len(data),
        sha256=hashlib.sha256(data).digest(),
        content=seal(data, of=f"application file {key}"),
        added_at=timezone.now(),
    )


def content_of(file: ApplicationFile) -> bytes:
    """Return a file as it was attached."""
    return unseal(file.content, of=f"application file {file.key}")


def prune(row: Application, named: Mapping[str, str]) -> None:
    """Erase files to questions that no answer names any more (``named``: digests by path)."""
    digests = set(named.values())
    for file in row.files.filter(place__startswith="answers.").only("id", "sha256"):
        if bytes(file.sha256).hex() not in digests:
            file.delete()
