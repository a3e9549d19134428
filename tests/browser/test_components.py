"""One page with every component in every state, looked at as the real pages are."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from types import ModuleType

import pytest
from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.template import engines
from django.urls import include, path

GALLERY = """
{% extends "web/base.html" %}
{% from "web/components/page.html" import page_header, empty_state, summary_card, key_value, status_tag, card %}
{% from "web/components/verdict.html" import verdict %}
{% from "web/components/progress.html" import timeline, progress %}
{% from "web/components/table.html" import data_table, pagination %}
{% from "web/components/code.html" import code, copyable, fingerprint, when %}
{% from "web/components/forms.html" import error_summary, text_field, password_field, textarea, select, radios, checkboxes, file_upload, submit, filters %}
{% from "web/components/live.html" import live_script, live_region %}
{% block page_title %}Components{% endblock %}
{% block content %}
{{ error_summary(form) }}
{{ page_header("Components", "Every part in every state.", "Gallery") }}
<form method="post" novalidate>
{{ text_field(form["name"]) }}{{ password_field(form["secret"]) }}{{ textarea(form["words"]) }}{{ select(form["kind"]) }}
{{ radios(form["reason"], {"a": "A hint"}) }}{{ checkboxes(form["several"]) }}{{ file_upload(form["file"], "Up to 50 MB") }}
{{ submit("Continue") }}{{ submit("Cancel", "secondary") }}{{ submit("Revoke", "warning") }}
</form>
{% for kind, words in verdicts %}{% call verdict(kind, words) %}<p class="govuk-body">Some words about it, 與一些說明。</p>{% endcall %}{% endfor %}
{{ timeline(steps) }}
{{ progress("Fetched", 3, 12) }}
{% call filters("Search") %}{{ text_field(form["search"], plain=true) }}{{ select(form["kind2"], plain=true) }}{% endcall %}
{{ data_table("Crossings", [{"text": "Reference"}, {"text": "Type"}, {"text": "Size", "number": true}, {"text": "State"}], rows) }}
{{ pagination(page, "q=x") }}
<h2 class="govuk-heading-l">Large heading 大標題</h2>
{{ empty_state("Nothing waits", "All messages were sent.", "/", "Home") }}
{{ summary_card("Document", [{"key": "Issued", "html": when(at)}, {"key": "Reference", "html": code("HK-7Q3F-8K2M-ABCD-EFGH")}, {"key": "State", "html": status_tag("Revoked", "purple")}], [{"text": "Change", "href": "/"}]) }}
{{ key_value([{"key": "One", "value": "Two"}]) }}
<h2 class="govuk-heading-m">Fingerprint</h2>
{{ fingerprint("00ff" * 16, "fingerprint") }}
<ul class="kouan-cards">{{ card("Validate a document", "Check a file from the other side.", "/", "check", true) }}{{ card("Register", "Register a document.", "/", "document") }}</ul>
{% call live_region("/health", 60, "State") %}<p class="govuk-body">Waiting</p>{% endcall %}
{% endblock %}
{% block scripts %}{{ live_script() }}{% endblock %}
"""


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
    return HttpResponse(engines["jinja2"].from_string(GALLERY).render(context, request))


@pytest.fixture
def with_gallery(settings):
    urls = ModuleType("gallery_urls")
    urls.urlpatterns = [path("gallery", gallery), path("", include("kouan.web.urls"))]
    sys.modules[urls.__name__] = urls
    settings.ROOT_URLCONF = urls.__name__
    yield
    del sys.modules[urls.__name__]


def test_every_component_is_accessible_and_fits(with_gallery, visit, language, width):
    visitor = visit(language=language, width=width)
    visitor.open("/gallery")
    visitor.check("gallery")
