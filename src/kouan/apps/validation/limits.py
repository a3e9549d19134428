"""How much is taken at once, and how often each who asks may ask.

An address and an institution are counted in the database, for all processes together. A system with a token
may ask so often that this would cost more than the question: it is counted in each portal process.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.apps.validation.models import AccessToken, Membership
from kouan.web.access import has_role
from kouan.web.throttle import Bucket, Throttle, subscriber

if TYPE_CHECKING:
    from django.http import HttpRequest

_MINUTE: Final = timedelta(minutes=1)

TOKENS: Final = Bucket()


def take_one(request: HttpRequest, token: object = None, *, count: int = 1) -> None:
    """Count one question of whoever asks, or ``count`` of a token; raises ``TooManyTriesError``.

    That is the token of a system, the institution of a signed-in officer, or the address of anybody else.
    """
    most = settings.NODE.validation
    if isinstance(token, AccessToken):
        TOKENS.take(token.pk, most.token_per_minute, count)
        return
    institution = _institution(request)
    if institution is not None:
        limit = Throttle("validation-institution", limit=most.institution_per_minute, window=_MINUTE)
        limit.take(str(institution))
        return
    limit = Throttle("validation", limit=most.anonymous_per_minute, window=_MINUTE)
    limit.take(subscriber(str(request.META.get("REMOTE_ADDR", ""))))


def _institution(request: HttpRequest) -> int | None:
    """Return the institution for which a signed-in officer asks; a session alone has no say in it."""
    user = getattr(request, "user", None)
    if user is None or not has_role(user, "issuer"):
        return None
    return (
        Membership.objects.filter(user_id=user.pk)
        .order_by("institution_id")
        .values_list("institution_id", flat=True)
        .first()
    )
