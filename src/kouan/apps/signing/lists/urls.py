"""Addresses of trust lists: what is public, then what is for officers."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, path, re_path

from kouan.apps.signing.lists.views import officers, public

_SIDE: Final = r"(?P<side>[a-z]{2,16})"
_CODE: Final = r"(?P<code>[a-z0-9][a-z0-9-]{0,39})"

urlpatterns: list[URLPattern] = [
    path("trust-lists/", public.lists, name="lists"),
    re_path(rf"^trust-lists/{_SIDE}/\Z", public.editions, name="editions"),
    re_path(rf"^trust-lists/{_SIDE}\.jws\Z", public.newest, name="newest"),
    re_path(rf"^trust-lists/{_SIDE}/entries/{_CODE}/\Z", public.entry, name="entry"),
    re_path(
        rf"^trust-lists/{_SIDE}/(?P<sequence>[1-9][0-9]{{0,8}})\.(?P<form>jws|json|xml|sm2)\Z",
        public.download,
        name="download",
    ),
    path("trust-list-exchange", officers.exchange, name="exchange"),
    path("trust-list/", officers.overview, name="draft"),
    path("trust-list/new", officers.new, name="new"),
    path("trust-list/import", officers.import_, name="import"),
    re_path(rf"^trust-list/entries/{_CODE}/\Z", officers.edit, name="edit"),
    re_path(rf"^trust-list/entries/{_CODE}/remove\Z", officers.remove, name="remove"),
    re_path(
        rf"^trust-list/entries/{_CODE}/(?P<status>recognised|superseded|withdrawn)\Z",
        officers.status,
        name="status",
    ),
    re_path(r"^trust-list/(?P<action>begin|submit|take-back|drop|publish)\Z", officers.act, name="act"),
]
