"""Addresses of the pages on which documents are signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from kouan.apps.signing.making import views

if TYPE_CHECKING:
    from django.urls import URLPattern

urlpatterns: list[URLPattern] = [
    path("office-sign/<uuid:order>/keep", views.by_officer(views.keep_order), name="office-keep"),
    path("office-sign/archive/", views.archive_page, name="archive"),
    path("office-sign/archive/<uuid:document>/file", views.by_officer(views.archived), name="archived"),
    path("office-sign/archive/<uuid:document>/again", views.by_officer(views.again), name="archive-again"),
]
for _kind, _base, _guard in (
    ("person", "sign", views.by_person),
    ("office", "office-sign", views.by_officer),
):
    _pages = views.guarded(_guard)
    urlpatterns += [
        path(f"{_base}/", _pages["sign"], name=f"{_kind}-sign"),
        path(f"{_base}/<uuid:order>/", _pages["order"], name=f"{_kind}-order"),
        path(f"{_base}/<uuid:order>/file", _pages["result"], name=f"{_kind}-result"),
        *(
            path(
                f"{_base}/<uuid:order>/{action}", _pages["act"], {"action": action}, name=f"{_kind}-{action}"
            )
            for action in ("wallet", "answer", "refuse")
        ),
    ]
