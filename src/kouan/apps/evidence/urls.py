"""Addresses of this app, by who they are for."""

from __future__ import annotations

from django.urls import path, re_path

from kouan.apps.evidence.views import mine, officers, public

_CODE = r"(?P<code>[a-z0-9.-]{1,128})"
"""Of a type, or of a kind of decision."""

app_name = "evidence"
urlpatterns = [
    path(".well-known/jwt-vc-issuer", public.issuer, name="issuer"),
    re_path(rf"^evidence/types/{_CODE}\Z", public.type_, name="type"),
    path("evidence/status/<int:number>", public.status, name="status"),
    path("evidence/", public.accepted, name="accepted"),
    path("check-credential", public.check, name="check"),
    path("my-evidence/", mine.overview, name="mine"),
    path("my-evidence/shown/", mine.shown, name="shown"),
    path("my-evidence/<uuid:key>/", mine.piece, name="piece"),
    path("my-evidence/<uuid:key>/take", mine.take, name="take"),
    path("evidence-records/", officers.listed, name="records"),
    path("evidence-records/file", officers.file, name="file"),
    re_path(rf"^evidence-records/new/{_CODE}\Z", officers.new, name="record-new"),
    path("evidence-records/<uuid:key>/", officers.record, name="record"),
    re_path(
        r"^evidence-records/(?P<key>[0-9a-f-]{36})/(?P<action>suspend|resume|revoke)$",
        officers.change,
        name="change",
    ),
]
