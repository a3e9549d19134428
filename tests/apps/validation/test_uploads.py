"""Uploads as a server hands them over, the broken ones among them."""

from __future__ import annotations

import io

import pytest
from django.core.handlers.wsgi import WSGIRequest

from kouan.apps.validation import uploads
from kouan.apps.validation.errors import EmptyFile, NoFile, UploadTooLarge, UploadTruncated
from kouan.apps.validation.marks import MAX_CARRIED

BOUNDARY = "boundary"


def body(data: bytes, field: str = "file", *, copies: int = 1) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="a"\r\n\r\n'.encode()
    return (head + data + b"\r\n") * copies + f"--{BOUNDARY}--\r\n".encode()


def request(sent: bytes, *, length: int | None = None, boundary: str = BOUNDARY, stream=None) -> WSGIRequest:
    return WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/validate",
            "CONTENT_TYPE": f"multipart/form-data; boundary={boundary}",
            "CONTENT_LENGTH": str(len(sent) if length is None else length),
            "wsgi.input": stream or io.BytesIO(sent),
        }
    )


def taken(sent: bytes, **options) -> bytes:
    made = request(sent, **options)
    try:
        uploads.receive(made)
        return uploads.opened(uploads.taken_file(made.FILES, "file")).read()
    finally:
        made.close()


def test_a_whole_upload_is_taken():
    data = bytes(range(256)) * 1000
    assert taken(body(data)) == data


@pytest.mark.parametrize("lost", [1, 10, 500, 100_000])
def test_an_upload_that_broke_off_is_refused(lost):
    sent = body(bytes(200_000))
    with pytest.raises(UploadTruncated):
        taken(sent[:-lost], length=len(sent))


def test_of_several_files_those_before_the_one_that_broke_off_are_closed_too():
    class BreaksOff(io.BytesIO):
        def read(self, *args):
            if self.tell() > 250_000:
                raise OSError("gone")
            return super().read(*args)

    sent = body(bytes(100_000), copies=3)
    made = request(sent, stream=BreaksOff(sent))
    with pytest.raises(UploadTruncated):
        uploads.receive(made, most=3)
    (handler,) = made.upload_handlers
    assert len(handler._kept) == 2
    assert all(each.file.closed for each in handler._kept)


def test_no_more_files_are_kept_than_were_asked_for():
    made = request(body(b"data", copies=3))
    try:
        uploads.receive(made, most=2)
        assert len(made.FILES.getlist("file")) == 2
    finally:
        made.close()


def test_a_form_without_its_end_is_refused():
    sent = body(bytes(200_000))
    with pytest.raises(UploadTruncated):
        taken(sent[:-5])


def test_a_form_of_another_boundary_is_refused():
    with pytest.raises((UploadTruncated, NoFile)):
        taken(body(b"data"), boundary="another")


def test_a_form_without_boundary_is_refused():
    with pytest.raises(UploadTruncated):
        taken(body(b"data"), boundary="")


def test_a_connection_that_breaks_is_refused():
    class BreaksOff(io.BytesIO):
        def read(self, *args):
            if self.tell() > 100_000:
                raise OSError("gone")
            return super().read(*args)

    with pytest.raises(UploadTruncated):
        taken(body(bytes(200_000)), stream=BreaksOff(body(bytes(200_000))))


def test_the_announced_length_alone_can_be_too_much():
    with pytest.raises(UploadTooLarge):
        taken(b"", length=1 << 40)


def test_a_file_above_the_limit_is_dropped_while_it_is_read():
    made = request(body(bytes(MAX_CARRIED + 1)))
    uploads.receive(made)
    assert made.FILES["file"].file.seek(0, 2) <= MAX_CARRIED
    with pytest.raises(UploadTooLarge, match="50 MB"):
        uploads.taken_file(made.FILES, "file")
    made.close()


def test_only_the_first_of_several_files_is_kept():
    assert taken(body(b"data", copies=5)) == b"data"


def test_no_file_and_an_empty_file_are_named():
    with pytest.raises(NoFile):
        taken(body(b"data", "other"))
    with pytest.raises(EmptyFile):
        taken(body(b""))
