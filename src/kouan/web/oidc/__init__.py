"""Signing people in through an OpenID provider: an OpenID Connect relying party for any app.

It knows no framework beyond translations, keeps nothing about people, and is strict: what is not
checked does not come out of it. A caller does this:

1. ``provider = Provider(issuer=…, client_id=…, redirect_uri=…, client_secret=… or key_file=…)``; a
   ``ValueError`` says which setting is wrong.
2. ``url, attempt = begin(provider)``; keep ``attempt.stored()`` in the person's own session, on this
   side, and send the person to ``url`` (from a link: the pages' policy lets no form lead elsewhere).
3. When they are back at ``redirect_uri``: take the stored value *out of* the session, and
   ``signed_in = finish(provider, Attempt.restored(value), request.META["QUERY_STRING"])``.
   ``signed_in.issuer`` with ``signed_in.subject`` is who it is; ``acr``, ``amr``, ``auth_time`` and
   ``sid`` are how; ``attributes`` are the claims by the caller's own names. The levels that were asked
   for (``acr_values``) and ``max_age`` are enforced, not hoped for.
4. To sign out at the provider too, link to ``logout_url(provider)``. For its back channel give the
   posted ``logout_token`` to ``read_logout_token(provider, token)``, refuse a ``jti`` that was seen
   within ``LOGOUT_KEEP`` seconds, and end the sessions of ``notice.sid`` or ``notice.subject``.

All that goes wrong is an ``OidcError``, a ``KouanError`` in the reader's language. ``discover`` and the
keys are remembered by each process for an hour; ``public_jwks(key_file)`` is what to register at a
provider for ``private_key_jwt``.
"""

from __future__ import annotations

from kouan.web.oidc.attempt import LIFE as ATTEMPT_LIFE
from kouan.web.oidc.attempt import Attempt
from kouan.web.oidc.authentication import public_jwks
from kouan.web.oidc.discovery import discover, forget
from kouan.web.oidc.errors import (
    AnswerNotTrusted,
    LevelTooLow,
    LogoutNotTrusted,
    OidcError,
    ProviderUnreachable,
    ProviderUnsuitable,
    SignInExpired,
    SignInRefused,
    SignInTooOld,
)
from kouan.web.oidc.flow import SignedIn, begin, finish
from kouan.web.oidc.logout import KEEP as LOGOUT_KEEP
from kouan.web.oidc.logout import LogoutNotice, logout_url, read_logout_token
from kouan.web.oidc.provider import Provider

__all__ = [
    "ATTEMPT_LIFE",
    "LOGOUT_KEEP",
    "AnswerNotTrusted",
    "Attempt",
    "LevelTooLow",
    "LogoutNotTrusted",
    "LogoutNotice",
    "OidcError",
    "Provider",
    "ProviderUnreachable",
    "ProviderUnsuitable",
    "SignInExpired",
    "SignInRefused",
    "SignInTooOld",
    "SignedIn",
    "begin",
    "discover",
    "finish",
    "forget",
    "logout_url",
    "public_jwks",
    "read_logout_token",
]
