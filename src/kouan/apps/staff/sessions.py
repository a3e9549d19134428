"""Sessions of officers: how they began, how long they last, and what they may still do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from kouan.apps.staff.domain import FRESH, why_over
from kouan.apps.staff.errors import LastFactor
from kouan.apps.staff.models import Officer, Passkey, SignIn
from kouan.web.access import came_from
from kouan.web.throttle import subscriber

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

KEY: Final = "staff_sign_in"
"""Where a session keeps the number of its sign-in."""
_MINUTE: Final = timedelta(minutes=1)
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def has_factor(user: User) -> bool:
    """Say whether a local account has a second factor."""
    return has_app(user) or Passkey.objects.filter(user=user).exists()


def has_app(user: User) -> bool:
    """Say whether an authenticator app is in use."""
    return Officer.objects.filter(user=user).exclude(totp_secret=None).exists()


def is_from_provider(user: User) -> bool:
    """Say whether the staff provider vouches for the account, which then has no way of its own to sign in."""
    return Officer.objects.filter(user=user).exclude(issuer="").exists()


def keep_a_factor(user: User, *, without_app: bool = False, without_passkey: int = 0) -> None:
    """Raise ``LastFactor`` when nothing would be left of what the node asks for."""
    if not settings.NODE.staff.require_second_factor:
        return
    passkeys = Passkey.objects.filter(user=user).exclude(pk=without_passkey)
    if not passkeys.exists() and (without_app or not has_app(user)):
        raise LastFactor


def begin(request: HttpRequest, user: User, *, way: str, sid: str = "") -> SignIn:
    """Sign ``user`` in: a new session key, and a record of the sign-in. A session before it ends."""
    now = timezone.now()
    with transaction.atomic():
        _end(SignIn.objects.filter(pk=request.session.get(KEY) or 0), now)
        made = SignIn.objects.create(
            user=user,
            way=way,
            address=subscriber(str(request.META.get("REMOTE_ADDR", "")))[:45],
            began_at=now,
            proved_at=now,
            seen_at=now,
            limited=way == "password" and settings.NODE.staff.require_second_factor and not has_factor(user),
            sid=sid,
        )
        login(request, user, backend=_BACKEND)
        # Django keeps the key when the same account signs in again; what was done before is then over.
        request.session.cycle_key()
        request.session[KEY] = made.pk
    request.kouan_sign_in = made  # type: ignore[attr-defined] # for what follows in this request
    return made


def current(request: HttpRequest) -> SignIn | None:
    """Return the sign-in that the request's session began with."""
    found: SignIn | None = getattr(request, "kouan_sign_in", None)
    return found


def resume(request: HttpRequest) -> SignIn | None:
    """Return the sign-in of a session that goes on, and note its use; ``None`` when it is over."""
    number, now = request.session.get(KEY), timezone.now()
    if number is None:
        if settings.NODE.staff.require_second_factor:
            return None
        return _unrecorded(request, now)
    found = SignIn.objects.filter(pk=number, user=request.user.pk, ended_at=None).first()
    if found is None:
        return None
    staff = settings.NODE.staff
    idle, absolute = timedelta(minutes=staff.idle_minutes), timedelta(hours=staff.absolute_hours)
    if why_over(now, began=found.began_at, seen=found.seen_at, idle=idle, absolute=absolute):
        _end(SignIn.objects.filter(pk=found.pk), now)
        return None
    if found.renew:
        request.session.cycle_key()
        SignIn.objects.filter(pk=found.pk).update(renew=False)
    if now - found.seen_at >= _MINUTE:
        SignIn.objects.filter(pk=found.pk).update(seen_at=now)
    return found


def _unrecorded(request: HttpRequest, now: datetime) -> SignIn:
    """Begin the record of a session that is older than these records; it counts as no fresh sign-in."""
    made = SignIn.objects.create(
        user=request.user,  # type: ignore[misc] # the middleware asks for accounts alone
        way="unrecorded",
        address=subscriber(str(request.META.get("REMOTE_ADDR", "")))[:45],
        began_at=now,
        proved_at=now - FRESH,
        seen_at=now,
    )
    request.session[KEY] = made.pk
    return made


def end(request: HttpRequest) -> None:
    """Note that the request's session ends; Django's logout ends it."""
    _end(SignIn.objects.filter(pk=request.session.get(KEY) or 0), timezone.now())


def end_others(user: User, *, keep: SignIn | None) -> int:
    """End all sessions of an account but one; return how many."""
    return _end(SignIn.objects.filter(user=user).exclude(pk=keep.pk if keep else 0), timezone.now())


def end_by_provider(*, issuer: str, subject: str, sid: str) -> int:
    """End the sessions that the staff provider names; return how many."""
    rows = SignIn.objects.filter(way="provider", user__officer__issuer=issuer)
    if subject:
        rows = rows.filter(user__officer__subject=subject)
    if sid:
        rows = rows.filter(sid=sid)
    return _end(SignIn.objects.filter(pk__in=[*rows.values_list("pk", flat=True)]), timezone.now())


def renew(user: User) -> None:
    """Let all sessions of an account go on under new keys."""
    SignIn.objects.filter(user=user, ended_at=None).update(renew=True)


def unlock(request: HttpRequest) -> None:
    """Let a session that waited for a second factor do everything, now that there is one."""
    sign_in = current(request)
    if sign_in is not None:
        SignIn.objects.filter(pk=sign_in.pk).update(limited=False)


def _end(rows: QuerySet[SignIn], now: datetime) -> int:
    return rows.filter(ended_at=None).update(ended_at=now)


def is_fresh(request: HttpRequest) -> bool:
    """Say whether the officer proved who they are within the last ten minutes.

    A session that waits for a second factor has proved a password alone: once there is one, set up in another
    session, that is not enough.
    """
    sign_in = current(request)
    if sign_in is None or timezone.now() - sign_in.proved_at >= FRESH:
        return False
    return not (sign_in.limited and has_factor(sign_in.user))


def signing_in_again(path: str) -> str:
    """Return where to prove again who one is, and go on at ``path``."""
    return f"{reverse('staff:sign-in')}?{urlencode({'again': 1, 'next': path})}"


def require_account(view: View[P]) -> View[P]:
    """Let only people who are signed in reach a view."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not isinstance(request.user, User):
            return redirect_to_login(came_from(request))
        return view(request, *args, **kwargs)

    return guarded


def require_fresh(view: View[P]) -> View[P]:
    """Let a form through only within ten minutes of a sign-in; else one is asked for, and the page again."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method == "POST" and not is_fresh(request):
            return HttpResponseRedirect(signing_in_again(request.path))
        return view(request, *args, **kwargs)

    return guarded
