"""Any home provider that speaks OpenID Connect (Core 1.0, with PKCE)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings

from kouan.apps.identity.domain import HOME_SESSION_LIFE
from kouan.apps.identity.home import claims
from kouan.apps.identity.home.adapter import LOCALES, Adapter, Asked, Begun, Ended, HomeSignIn
from kouan.apps.identity.home.errors import HomeRefused, UnusableAttributes
from kouan.web import oidc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.sections import HomeSettings

_LONGEST_SUBJECT = 255


class OpenIDConnect(Adapter):
    """A relying party; ``kouan.web.oidc`` makes every check of the protocol."""

    def __init__(self, given: HomeSettings) -> None:
        super().__init__(given)
        self.names = dict(given.claims)
        self.provider()

    def provider(self) -> oidc.Provider:
        """Return the provider for ``kouan.web.oidc``; a ``ValueError`` says which setting is wrong."""
        return self._as(secret=self.settings.secret)

    def _as(self, *, secret: str) -> oidc.Provider:
        given = self.settings
        return oidc.Provider(
            issuer=given.issuer,
            client_id=given.client_id,
            redirect_uri=self.callback,
            client_secret=secret,
            key_file=given.key_file,
            scopes=given.scopes,
            ca_file=given.ca_file,
            demonstration=settings.NODE.demonstration,
        )

    def begin(self, asked: Asked) -> Begun:
        """Ask for the level and every one above it."""
        # With a max_age the answer must say when the person authenticated (Core section 3.1.2.1).
        longest = int(HOME_SESSION_LIFE.total_seconds())
        url, attempt = oidc.begin(
            self.provider(),
            acr_values=self.levels.asked_for(asked.level),
            max_age=longest if asked.max_age is None else min(asked.max_age, longest),
            prompt="login" if asked.fresh else "",
            ui_locales=LOCALES.get(asked.language, "en"),
        )
        # A level that is too low is told in this app's own words, with both levels: see `finish`.
        return Begun(url=url, state=attempt.state, kept=replace(attempt, acr_values=()).stored())

    def finish(self, kept: Mapping[str, Any], query: str) -> HomeSignIn:
        """Check the answer, and bring level and claims to ours."""
        try:
            said = oidc.finish(self.provider(), oidc.Attempt.restored(kept), query)
        except oidc.SignInRefused as refused:
            if refused.params["reason"] == "access_denied":  # the person's own no
                raise HomeRefused from None
            raise
        if len(said.subject) > _LONGEST_SUBJECT or said.auth_time is None:
            raise UnusableAttributes(claim="sub" if said.auth_time is not None else "auth_time")
        return HomeSignIn(
            subject=said.subject,
            level=self.levels.reached(self.word(said.acr), said.amr),
            authenticated_at=datetime.fromtimestamp(said.auth_time, UTC),
            amr=said.amr[:16],
            claims=claims.taken(said.claims, self.names),
            sid=said.sid[:255],
        )

    def word(self, acr: str) -> str:
        """Return a level as the settings name it."""
        return acr

    def logout_url(self, *, back_to: str) -> str:
        """Return the provider's end-session address (RP-Initiated Logout 1.0)."""
        return oidc.logout_url(self.provider(), post_logout_redirect_uri=back_to)

    def ended(self, token: str) -> Ended:
        """Check a logout token (Back-Channel Logout 1.0)."""
        notice = oidc.read_logout_token(self.provider(), token)
        return Ended(jti=notice.jti, subject=notice.subject, sid=notice.sid)
