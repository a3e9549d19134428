"""Addresses of the pages to look at, which are everybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from kouan.apps.programme.look import views

if TYPE_CHECKING:
    from django.urls import URLPattern

urlpatterns: list[URLPattern] = [
    path("programme/", views.history, name="history"),
    path("programme/areas/", views.areas, name="areas"),
    path("programme/people/", views.people, name="people"),
    path("programme/meetings/<uuid:key>", views.meeting, name="meeting"),
    path("programme/meetings.json", views.meetings_json, name="meetings-json"),
    path("programme/meetings.jsonld", views.meetings_jsonld, name="meetings-jsonld"),
    path("programme/meetings.csv", views.meetings_csv, name="meetings-csv"),
    path("programme/meetings.ics", views.meetings_ics, name="meetings-ics"),
]
