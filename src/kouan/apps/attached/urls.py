"""Addresses of this app's pages."""

from __future__ import annotations

from django.urls import path

from kouan.apps.attached import views

app_name = "attached"
urlpatterns = [
    path("attached/", views.systems, name="systems"),
    path("attached/<slug:name>/", views.system, name="system"),
    path("attached/<slug:name>/<slug:action>", views.change, name="change"),
    path("attached/<slug:name>/deliveries/<uuid:key>/again", views.redeliver, name="redeliver"),
]
