"""Addresses of the officers who keep the records of the co-operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from kouan.apps.programme.records import reread_views as rereading
from kouan.apps.programme.records import views

if TYPE_CHECKING:
    from django.urls import URLPattern

urlpatterns: list[URLPattern] = [
    path("programme/records/", views.listed, name="records"),
    path("programme/records/reread", rereading.outdated, name="records-reread"),
    path("programme/records/<uuid:key>/", views.record, name="record"),
    path("programme/records/<uuid:key>/reread", rereading.again, name="record-reread"),
    path("programme/records/<uuid:key>/reject-gone", rereading.reject_gone, name="record-reject-gone"),
    path("programme/records/<uuid:key>/confirm", views.confirm, name="record-confirm"),
    path("programme/records/<uuid:key>/values/<uuid:claim>", views.claim, name="claim"),
]
