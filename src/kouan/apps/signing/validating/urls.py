"""Addresses of reports on signed documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from kouan.apps.signing.validating import views

if TYPE_CHECKING:
    from django.urls import URLPattern

urlpatterns: list[URLPattern] = [
    path("signatures/<uuid:key>", views.report, name="report"),
    path("signatures/<uuid:key>/page-<int:number>", views.page, name="report-page"),
    path("signatures/<uuid:key>/report.json", views.as_json, name="report-json"),
    path("signatures/<uuid:key>/report.xml", views.as_xml, name="report-xml"),
    path("signatures/<uuid:key>/report.pdf", views.as_pdf, name="report-pdf"),
]
