"""Every address of a demonstration service."""

from __future__ import annotations

from django.urls import include, path

from kouan.demo import services
from kouan.demo.service import pages
from kouan.web import views as web

shared = [
    path("sides.css", web.side_stylesheet, name="side-stylesheet"),
    path("language", web.set_language, name="set-language"),
    path("health", web.health, name="health"),
]
urlpatterns = [
    path("", pages.start, name="start"),
    path("sign-in", pages.sign_in, name="sign-in"),
    path(services.BACK.removeprefix("/"), pages.back, name="back"),
    path("sign-out", pages.sign_out, name="sign-out"),
    path(services.LEFT.removeprefix("/"), pages.left, name="left"),
    path(services.LOGOUT.removeprefix("/"), pages.logout, name="logout"),
    path("", include((shared, "web"))),
]
