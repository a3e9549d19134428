"""Signing out: at the provider (RP-Initiated Logout 1.0), and because of it (Back-Channel Logout 1.0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.web.oidc import tokens
from kouan.web.oidc.discovery import discover
from kouan.web.oidc.errors import AnswerNotTrusted, LogoutNotTrusted
from kouan.web.oidc.flow import with_query

if TYPE_CHECKING:
    from kouan.web.oidc.provider import Provider

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
KEEP: Final = 900
"""Seconds after which a logout token is refused for its age, so that its ``jti`` may be forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutNotice:
    """The provider ended a session (``sid``), or all sessions of a person (``subject``)."""

    issuer: str
    subject: str
    """Empty if only the session is named."""
    sid: str
    """Empty if only the person is named."""
    jti: str
    """The token's id. The caller keeps it for ``KEEP`` seconds and refuses one that it knows."""


def logout_url(
    provider: Provider,
    *,
    id_token_hint: str = "",
    post_logout_redirect_uri: str = "",
    state: str = "",
    ui_locales: str = "",
) -> str:
    """Return where a person signs out at the provider as well; empty if it offers no such thing.

    Without ``id_token_hint`` no token stands in the address, and the provider asks the person first.
    """
    metadata = discover(provider)
    if not metadata.end_session_endpoint:
        return ""
    fields = {
        "client_id": provider.client_id,
        "id_token_hint": id_token_hint,
        "post_logout_redirect_uri": post_logout_redirect_uri,
        "state": state,
        "ui_locales": ui_locales,
    }
    return with_query(metadata.end_session_endpoint, {name: value for name, value in fields.items() if value})


def read_logout_token(provider: Provider, token: str) -> LogoutNotice:
    """Return what a logout token says; raises ``LogoutNotTrusted`` or what fetching the keys raises."""
    try:
        header, claims = tokens.read(provider, token, what="logout_token")
        tokens.check_times(claims, what="logout_token", expiry=False)
        jti = tokens.text(claims, "jti", what="logout_token")
        subject = tokens.text(claims, "sub", what="logout_token") if "sub" in claims else ""
        sid = tokens.text(claims, "sid", what="logout_token") if "sid" in claims else ""
    except AnswerNotTrusted as error:
        raise LogoutNotTrusted(**error.params) from None
    if str(header.get("typ", "JWT")).lower() not in {"logout+jwt", "jwt"}:
        raise LogoutNotTrusted(detail="logout_token: typ")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise LogoutNotTrusted(detail="logout_token: events")
    if "nonce" in claims:
        raise LogoutNotTrusted(detail="logout_token: nonce")
    if not subject and not sid:
        raise LogoutNotTrusted(detail="logout_token: sub")
    return LogoutNotice(issuer=provider.issuer, subject=subject, sid=sid, jti=jti)
