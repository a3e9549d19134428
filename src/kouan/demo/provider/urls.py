"""Every address of a demonstration provider."""

from __future__ import annotations

from django.urls import include, path

from kouan.demo.provider import endpoints, pages
from kouan.web import views as web

shared = [
    path("sides.css", web.side_stylesheet, name="side-stylesheet"),
    path("language", web.set_language, name="set-language"),
    path("health", web.health, name="health"),
]
urlpatterns = [
    path(".well-known/openid-configuration", endpoints.metadata),
    path("jwks", endpoints.jwks, name="jwks"),
    path("token", endpoints.token, name="token"),
    path("userinfo", endpoints.userinfo, name="userinfo"),
    path("issuer/match", endpoints.match, name="match"),
    path("authorize", pages.authorize, name="authorize"),
    path("who", pages.who, name="who"),
    path("leave", pages.leave, name="leave"),
    path("", pages.start, name="start"),
    path("", include((shared, "web"))),
]
