"""Addresses of the catalogue: everybody's, and those of who publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from kouan.apps.services.catalogue import views
from kouan.apps.services.catalogue.publishers import trying
from kouan.apps.services.catalogue.publishers import views as publishers

if TYPE_CHECKING:
    from django.urls import URLPattern

urlpatterns: list[URLPattern] = [
    path("services/", views.find, name="find"),
    path("services/catalogue.jsonld", views.catalogue, {"form": "json-ld"}, name="catalogue-jsonld"),
    path("services/catalogue.ttl", views.catalogue, {"form": "turtle"}, name="catalogue-turtle"),
    path("services/<slug:side>/<slug:service>/", views.service, name="service"),
    path("publishing/", publishers.listed, name="publishing"),
    path("publishing/upload", publishers.upload, name="publishing-upload"),
    path("publishing/<slug:service>/", publishers.versions, name="publishing-service"),
    path("publishing/<slug:service>/publish", publishers.publish, name="publishing-publish"),
    path("publishing/<slug:service>/withdraw", publishers.withdraw, name="publishing-withdraw"),
    path("publishing/<slug:service>/<int:version>/", publishers.preview, name="publishing-preview"),
    path("publishing/<slug:service>/<int:version>/try", trying.try_form, name="publishing-try"),
    path("publishing/<slug:service>/<int:version>/changes", publishers.changes, name="publishing-changes"),
    path("publishing/<slug:service>/<int:version>/folder.zip", publishers.folder, name="publishing-folder"),
]
