"""Addresses of the base pages."""

from __future__ import annotations

from django.urls import path

from kouan.web import views

app_name = "web"
urlpatterns = [
    path("", views.home, name="home"),
    path("language", views.set_language, name="set-language"),
    path("accessibility", views.accessibility, name="accessibility"),
    path("health", views.health, name="health"),
    path("sides.css", views.side_stylesheet, name="side-stylesheet"),
]
