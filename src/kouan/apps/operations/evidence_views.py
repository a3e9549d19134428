"""The public page that checks an evidence bundle: what ``kouan verify`` does, for whoever has a browser."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from kouan.apps.operations.errors import BundleTooLarge, NoBundle
from kouan.apps.operations.forms import EvidenceForm
from kouan.apps.operations.proof import Proof, examined
from kouan.apps.operations.views import page_of
from kouan.core.errors import KouanError
from kouan.core.exchange import story
from kouan.core.exchange.bundle import MAX_BUNDLE
from kouan.web.throttle import Throttle, TooManyTriesError, subscriber

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

CHECKS: Final = Throttle("evidence", limit=20, window=timedelta(minutes=1))
"""For each address: a large bundle takes seconds of a processor."""
_FORM_ROOM: Final = 64 << 10


class OneBundle(FileUploadHandler):
    """Keeps the form's one file in memory, and of it a byte more than a bundle may have."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self._kept: bytearray | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin with the file that the form asks for and pass over any other."""
        super().new_file(*args, **kwargs)
        if self.field_name != "file" or self._kept is not None:
            raise SkipFile
        self._kept = bytearray()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece of the file."""
        del start
        assert self._kept is not None  # noqa: S101 - Django begins a file before its first piece
        self._kept += raw_data[: MAX_BUNDLE + 1 - len(self._kept)]

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Return the file."""
        data = BytesIO(bytes(self._kept or b""))
        return InMemoryUploadedFile(data, self.field_name, self.file_name or "", None, file_size, None)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def evidence_check(request: HttpRequest) -> HttpResponse:
    """Ask for a bundle, or tell what one proves. It is checked in memory and dropped."""
    if request.method == "POST":
        # Before the CSRF check, which reads the body.
        request.upload_handlers = [OneBundle(request)]
    return _checked(request)


@csrf_protect
def _checked(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, EvidenceForm())
    CHECKS.take(subscriber(str(request.META.get("REMOTE_ADDR", ""))))
    form = EvidenceForm({}, MultiValueDict())
    try:
        proof = examined(_bundle(request))
    except TooManyTriesError:
        raise
    except KouanError as error:
        form.errors.clear()
        form.add_error("file", str(error))
        return _page(request, form, status=error.status)
    return _page(request, EvidenceForm(), proof=proof)


def _bundle(request: HttpRequest) -> bytes:
    too_large = BundleTooLarge(most=MAX_BUNDLE >> 20)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BUNDLE + _FORM_ROOM:
        raise too_large
    file = request.FILES.get("file")
    data = file.read() if file is not None else b""
    if not data:
        raise NoBundle
    if len(data) > MAX_BUNDLE:
        raise too_large
    return data


def _page(
    request: HttpRequest, form: EvidenceForm, status: int = 200, proof: Proof | None = None
) -> HttpResponse:
    response = page_of(
        request,
        "evidence",
        status=status,
        form=form,
        proof=proof,
        story=story,
        translated=gettext,
    )
    response.headers["Cache-Control"] = "no-store"
    return response
