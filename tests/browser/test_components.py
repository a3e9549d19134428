"""One page with every component in every state, looked at as the real pages are."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.template import engines
from django.urls import include, path

GALLERY = Path(__file__).with_name("gallery.html")


class GalleryForm(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the document")
    secret = forms.CharField(label="Password")
    words = forms.CharField(label="Remarks", required=False)
    kind = forms.ChoiceField(label="Kind", choices=[("", ""), ("x", "X")])
    reason = forms.ChoiceField(label="Reason", choices=[("a", "Withdrawn"), ("b", "Wrong")])
    several = forms.MultipleChoiceField(label="Several", choices=[("a", "One"), ("b", "Two")])
    file = forms.FileField(label="File")
    search = forms.CharField(label="Reference", required=False)
    kind2 = forms.ChoiceField(label="State", required=False, choices=[("", "All"), ("x", "Expired")])


def gallery(request):
    at = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)
    context = {
        "form": GalleryForm({}, {}),
        "at": at,
        "verdicts": [
            ("match", "The document is genuine 文件真確"),
            ("mismatch", "The document was changed"),
            ("unknown", "The document is not known"),
            ("expired", "The document has expired"),
            ("revoked", "The document was revoked"),
        ],
        "steps": [
            {"state": "done", "title": "Question sent", "at": at},
            {"state": "failed", "title": "Link lost", "text": "The other side did not answer."},
            {"state": "current", "title": "Received by the other side", "text": "Waiting for the answer"},
            {"state": "waiting", "title": "Answered"},
        ],
        "rows": [
            [{"text": "HK-7Q3F-8K2M-ABCD-EFGH-JKMN", "href": "/"}, "Question", "1.2 KB", "Sent"],
            [{"text": "GD-7Q3F-8K2M-ABCD-EFGH-JKMN", "href": "/"}, "Answer", "512 bytes", "Waits"],
        ],
        "page": Paginator(range(300), 10).page(4),
    }
    return HttpResponse(
        engines["jinja2"].from_string(GALLERY.read_text(encoding="utf-8")).render(context, request)
    )


@pytest.fixture
def with_gallery(settings):
    urls = ModuleType("gallery_urls")
    urls.urlpatterns = [path("gallery", gallery), path("", include(settings.ROOT_URLCONF))]
    sys.modules[urls.__name__] = urls
    settings.ROOT_URLCONF = urls.__name__
    yield
    del sys.modules[urls.__name__]


def test_every_component_is_accessible_and_fits(with_gallery, visit, language):
    visitor = visit(language=language)
    visitor.open("/gallery")
    visitor.check("gallery")
