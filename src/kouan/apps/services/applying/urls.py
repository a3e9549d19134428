"""Addresses of applicants and their cosigners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path
from django.views.generic import RedirectView

from kouan.apps.services.applying.views import beginning, checking, cosigning, evidence, filling, following

if TYPE_CHECKING:
    from django.urls import URLPattern

_ONE = "applications/<uuid:key>/"
urlpatterns: list[URLPattern] = [
    path("apply/", RedirectView.as_view(pattern_name="web:home"), name="apply-any"),
    path("apply/<slug:side>/<slug:service>/", beginning.apply, name="apply"),
    path("applications/", following.mine, name="mine"),
    path("applications/who-has-read/", following.readers, name="readers"),
    path(_ONE, following.application, name="application"),
    path(_ONE + "for", beginning.for_whom, name="for"),
    path(_ONE + "answers/<slug:name>", filling.answer, name="answer"),
    path(_ONE + "evidence/<slug:requirement>", evidence.evidence, name="evidence"),
    path(_ONE + "cosigners", cosigning.cosigners, name="cosigners"),
    path(_ONE + "cosigners/<uuid:cosigner>/take-back", cosigning.take_back, name="cosigner-take-back"),
    path(_ONE + "check", checking.check, name="check"),
    path(_ONE + "copy.pdf", checking.copy, name="copy"),
    path(_ONE + "files/<uuid:which>", checking.file, name="file"),
    path(_ONE + "news-to", beginning.news_to, name="news-to"),
    path(_ONE + "discard", beginning.discard, name="discard"),
    path(_ONE + "again", beginning.again, name="again"),
    path(_ONE + "correct", following.correct, name="correct"),
    path(_ONE + "result.pdf", following.result, name="result"),
    path(_ONE + "result.sd-jwt", following.credential, name="credential"),
    path(_ONE + "receipt", following.receipt, name="receipt"),
    path(_ONE + "who-has-read", following.readers_of, name="readers-of"),
    path(_ONE + "proof/<uuid:message>", following.proof, name="proof"),
    path(_ONE + "act/<slug:action>", following.act, name="act"),
    path("cosign/<uuid:key>/", cosigning.cosign, name="cosign"),
    path("cosign/<uuid:key>/files/<uuid:which>", cosigning.file, name="cosign-file"),
]
