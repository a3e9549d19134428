"""Addresses of this app, by the part that answers them."""

from __future__ import annotations

from django.urls import path

from kouan.apps.identity.views import home

app_name = "identity"
urlpatterns = [
    path("identity/sign-in/<uuid:key>/home", home.home, name="home"),
    path("identity/sign-in/<uuid:key>/stop", home.stop, name="stop"),
    path("identity/home/<slug:provider>/callback", home.callback, name="home-callback"),
    path("identity/home/<slug:provider>/logout", home.ended, name="home-ended"),
    path("identity/enter", home.enter, name="enter"),
    path("identity/leave", home.leave, name="leave"),
    path("identity/left", home.left, name="left"),
]
