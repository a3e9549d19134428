"""Addresses of this app, by the part that answers them."""

from __future__ import annotations

from django.urls import path

from kouan.apps.identity.views import (
    home,
    links,
    nodes,
    operators,
    pages,
    provider,
    register,
    resident,
)

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
    path("identity/sign-in/<uuid:key>/side", pages.side, name="side"),
    path("identity/sign-in/<uuid:key>/consent", pages.consent, name="consent"),
    path("identity/", resident.overview, name="mine"),
    path("identity/news/read", resident.read, name="read"),
    path("identity/sign-ins/", resident.sign_ins, name="my-sign-ins"),
    path("identity/sign-ins/<uuid:key>/", resident.sign_in, name="my-sign-in"),
    path("identity/consents/", resident.my_consents, name="my-consents"),
    path("identity/consents/<uuid:key>/", resident.my_consent, name="my-consent"),
    path("identity/consents/<uuid:key>/receipt", resident.receipt, name="receipt"),
    path("identity/consents/<uuid:key>/withdraw", resident.withdraw, name="withdraw"),
    path("identity/links/", links.links, name="my-links"),
    path("identity/links/begin", links.link_begin, name="link-begin"),
    path("identity/links/<uuid:key>/end", links.link_end, name="link-end"),
    path("registered-services/", register.services, name="services"),
    path("registered-services/new", register.add, name="service-new"),
    path("registered-services/<slug:client_id>/", register.service, name="service"),
    path("registered-services/<slug:client_id>/change", register.change, name="service-change"),
    path("registered-services/<slug:client_id>/keys", register.keys, name="service-keys"),
    path("registered-services/<slug:client_id>/<slug:action>", register.switch, name="service-switch"),
    path("identity-providers/", operators.providers, name="providers"),
    path("identity/sign-in/<uuid:key>/home", home.home, name="home"),
    path("identity/sign-in/<uuid:key>/stop", home.stop, name="stop"),
    path("identity/home/<slug:provider>/callback", home.callback, name="home-callback"),
    path("identity/home/<slug:provider>/logout", home.ended, name="home-ended"),
    path("identity/sign-in/<uuid:key>/peer", nodes.peer, name="peer"),
    path("identity/relay/callback", nodes.callback, name="relay-callback"),
    path("identity/enter", home.enter, name="enter"),
    path("identity/leave", home.leave, name="leave"),
    path("identity/left", home.left, name="left"),
]
