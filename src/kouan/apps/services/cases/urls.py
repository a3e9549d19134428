"""Addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from kouan.apps.services.cases.views import acting, paying, reading

if TYPE_CHECKING:
    from django.urls import URLPattern

urlpatterns: list[URLPattern] = [
    path("cases/", reading.listed, name="cases"),
    path("cases/figures/", reading.figures, name="figures"),
    path("cases/figures/cases.csv", reading.figures_csv, name="figures-csv"),
    path("cases/<str:reference>/", reading.case, name="case"),
    path("cases/<str:reference>/result.pdf", reading.result, name="case-result"),
    path("cases/<str:reference>/files/<uuid:key>", reading.file, name="case-file"),
    path("cases/<str:reference>/<slug:name>", acting.act, name="case-act"),
    path("pay/<uuid:key>/", paying.pay, name="pay"),
    path("pay/<uuid:key>/done", paying.done, name="pay-done"),
    path("pay/<uuid:key>/demonstration", paying.demonstration, name="pay-demonstration"),
]
