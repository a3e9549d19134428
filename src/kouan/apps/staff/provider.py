"""The staff provider of this side: its settings, and people going there and coming back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.urls import reverse

from kouan.apps.staff import services, sessions
from kouan.web import oidc

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

_ATTEMPT: Final = "staff_attempt"


def provider() -> oidc.Provider | None:
    """Return the staff provider, or ``None`` where officers have local accounts only."""
    staff = settings.NODE.staff
    if not staff.issuer:
        return None
    return oidc.Provider(
        issuer=staff.issuer,
        client_id=staff.client_id,
        redirect_uri=settings.NODE.portal_origin + reverse("staff:provider-back"),
        client_secret=staff.client_secret,
        key_file=staff.key,
        scopes=staff.scopes,
        acr_values=staff.acr,
        claims={
            "departments": staff.department_claim,
            "roles": staff.roles_claim,
            "name": staff.name_claim,
        },
        ca_file=staff.ca,
        demonstration=settings.NODE.demonstration,
    )


def begin(*, at: oidc.Provider, session: SessionBase, next_url: str, again: bool, language: str) -> str:
    """Return where to send the officer; ``again`` asks them to prove anew who they are."""
    fresh = {"max_age": 0, "prompt": "login"} if again else {}
    url, attempt = oidc.begin(at, ui_locales=language, **fresh)  # type: ignore[arg-type] # as it takes them
    session[_ATTEMPT] = {"attempt": attempt.stored(), "next": next_url}
    return url


def finish(*, at: oidc.Provider, session: SessionBase, query: str) -> tuple[oidc.SignedIn, str]:
    """Return who came back, and where they wanted to go; raises an ``OidcError`` or ``UsedBefore``."""
    kept = session.pop(_ATTEMPT, None) or {}
    attempt = oidc.Attempt.restored(kept.get("attempt"))
    # Two requests at one moment both find the attempt in the session; only one can spend it.
    services.spend(what="oidc", value=attempt.state, keep=timedelta(seconds=2 * oidc.ATTEMPT_LIFE))
    return oidc.finish(at, attempt, query), str(kept["next"])


def leaving() -> str:
    """Return where to sign out at the provider too, or nothing when it offers that not or does not answer."""
    at = provider()
    try:
        return oidc.logout_url(at) if at is not None else ""
    except oidc.OidcError:
        return ""


def end_sessions(*, at: oidc.Provider, token: str) -> int:
    """Do what a logout token of the provider says; return how many sessions ended.

    Raises ``LogoutNotTrusted``, or ``UsedBefore`` for a token that came already.
    """
    notice = oidc.read_logout_token(at, token)
    services.spend(
        what="logout", value=f"{notice.issuer}\0{notice.jti}", keep=timedelta(seconds=oidc.LOGOUT_KEEP)
    )
    return sessions.end_by_provider(issuer=notice.issuer, subject=notice.subject, sid=notice.sid)
