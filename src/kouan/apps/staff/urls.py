"""Addresses of this app's pages."""

from __future__ import annotations

from django.urls import path

from kouan.apps.staff import mine_views, people_views, views

app_name = "staff"
urlpatterns = [
    path("sign-in", views.SignIn.as_view(), name="sign-in"),
    path("sign-in/second-step", views.second_step, name="second-step"),
    path("sign-in/passkey/ask", views.passkey_ask, name="passkey-ask"),
    path("sign-in/passkey", views.passkey_sign_in, name="passkey-sign-in"),
    path("sign-in/provider", views.provider, name="provider"),
    path("sign-in/provider/back", views.provider_back, name="provider-back"),
    path("sign-in/provider/logout", views.provider_logout, name="provider-logout"),
    path("sign-out", views.SignOut.as_view(), name="sign-out"),
    path("account/", mine_views.mine, name="mine"),
    path("account/app", mine_views.set_up_app, name="set-up-app"),
    path("account/passkey", mine_views.set_up_passkey, name="set-up-passkey"),
    path("account/passkey/make", mine_views.passkey_make, name="passkey-make"),
    path("account/passkey/<int:key>", mine_views.passkey, name="passkey"),
    path("account/codes", mine_views.codes, name="codes"),
    path("staff/", people_views.people, name="people"),
    path("staff/<int:number>/", people_views.officer, name="officer"),
]
