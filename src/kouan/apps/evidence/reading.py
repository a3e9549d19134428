"""The page about a credential that somebody brings, wherever on the portal they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from kouan.apps.evidence import labels
from kouan.apps.evidence.checking import examine
from kouan.apps.evidence.sdjwt.reading import looks_like
from kouan.core.credentials import Verdict

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

TRUSTED_TO_SHOW = frozenset(
    {Verdict.GOOD, Verdict.EXPIRED, Verdict.REVOKED, Verdict.SUSPENDED, Verdict.STATUS_UNKNOWN}
)
"""Where what the credential says is what its issuer signed, and may be shown as such."""


def answer(request: HttpRequest, data: bytes) -> HttpResponse | None:
    """Return what a credential came to; ``None`` for what is none."""
    try:
        text = data.decode("ascii").strip()
    except UnicodeDecodeError:
        return None
    if not looks_like(text):
        return None
    found = examine(text, now=timezone.now())
    context = {
        "found": found,
        "words": labels,
        "sign": labels.sign(found.verdict),
        "shown": found.verdict in TRUSTED_TO_SHOW,
        "claims": [(str(found.titles.get(name, name)), value) for name, value in found.claims.items()],
        "own_side": settings.NODE.side,
    }
    response = render(request, "evidence/checked.html", context)
    add_never_cache_headers(response)
    return response
