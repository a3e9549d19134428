"""One file comes with a form: bounded, in memory, and refused where it broke off."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import RequestFactory

from kouan.core.errors import KouanError
from kouan.web.uploads import FirstFile, handler_of, taking_file

LIMIT = 1000


class TooMuch(KouanError):
    code = "too-much"
    status = 413
    message = "Too much."


class Counting(FirstFile):
    size = 0

    def take(self, piece):
        self.size += len(piece)


def view(request):
    given = request.FILES.get("file")
    return HttpResponse(f"{request.POST.get('name')} {None if given is None else len(given.read())}")


def posted(data, handler=None, **extra):
    request = RequestFactory(enforce_csrf_checks=False).post("/", data, **extra)
    request._dont_enforce_csrf_checks = True
    return request, taking_file(LIMIT, TooMuch, handler)(view)


@pytest.mark.parametrize(("size", "got"), [(0, 0), (LIMIT, LIMIT), (LIMIT + 1, LIMIT + 1), (9000, LIMIT + 1)])
def test_a_file_comes_whole_or_one_byte_above_the_limit(size, got):
    request, run = posted({"name": "a", "file": SimpleUploadedFile("a.txt", b"x" * size)})
    assert run(request).content.decode() == f"a {got}"


def test_only_the_first_file_counts():
    files = {"name": "a", "file": SimpleUploadedFile("a", b"xx"), "other": SimpleUploadedFile("b", b"yyy")}
    request, run = posted(files)
    run(request)
    assert list(request.FILES) == ["file"]


def test_a_handler_of_its_own_sees_the_file_and_the_form_does_not():
    request, run = posted({"name": "a", "file": SimpleUploadedFile("a", b"x" * 5000)}, Counting)
    assert run(request).content == b"a None"
    assert handler_of(request, Counting).size == 5000
    assert handler_of(RequestFactory().get("/"), Counting) is None


@pytest.mark.parametrize("length", [str(LIMIT + (1 << 20)), "-1", "many"])
def test_what_is_far_too_large_is_refused_unread(length):
    request, run = posted({"file": SimpleUploadedFile("a", b"x")}, CONTENT_LENGTH=length)
    with pytest.raises(TooMuch):
        run(request)


def test_a_form_that_broke_off_is_refused():
    request, run = posted(b"nothing", content_type="multipart/form-data")
    with pytest.raises(TooMuch):
        run(request)
