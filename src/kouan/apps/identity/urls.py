"""Addresses of this app, by the part that answers them."""

from __future__ import annotations

from django.urls import path

from kouan.apps.identity.views import home, provider

app_name = "identity"
urlpatterns = [
    path(".well-known/openid-configuration", provider.discovery, name="discovery"),
    path("oidc/jwks", provider.jwks, name="jwks"),
    path("oidc/par", provider.pushed, name="par"),
    path("oidc/authorize", provider.authorize, name="authorize"),
    path("oidc/token", provider.redeemed, name="token"),
    path("oidc/userinfo", provider.told, name="userinfo"),
    path("oidc/end_session", provider.end_session, name="end-session"),
    path("identity/sign-in/<uuid:key>", provider.next_step, name="next"),
    path("identity/sign-in/<uuid:key>/done", provider.done, name="done"),
    path("identity/sign-in/<uuid:key>/home", home.home, name="home"),
    path("identity/sign-in/<uuid:key>/stop", home.stop, name="stop"),
    path("identity/home/<slug:provider>/callback", home.callback, name="home-callback"),
    path("identity/home/<slug:provider>/logout", home.ended, name="home-ended"),
    path("identity/enter", home.enter, name="enter"),
    path("identity/leave", home.leave, name="leave"),
    path("identity/left", home.left, name="left"),
]
