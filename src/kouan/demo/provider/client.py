"""The provider's only client: the node beside it."""

from __future__ import annotations

import base64
import binascii
import hmac
import http.client
import logging
import secrets
import threading
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus, urlsplit

from django.conf import settings

from kouan.apps.identity.home.adapter import AFTER_LOGOUT, BACK_CHANNEL, CALLBACK
from kouan.apps.identity.home.demonstration import client_secret
from kouan.core.text import Localised
from kouan.demo.provider.desk import desk
from kouan.sections import DEMONSTRATION_KIND
from kouan.web.oidc.logout import EVENT

if TYPE_CHECKING:
    from kouan.demo.provider.desk import Visit
    from kouan.sections import HomeSettings

log = logging.getLogger(__name__)
_PATIENCE: Final = 5.0


def home() -> HomeSettings:
    """Return this provider as the node's settings have it."""
    homes: tuple[HomeSettings, ...] = settings.NODE.homes
    return next(each for each in homes if each.kind == DEMONSTRATION_KIND)


def name() -> Localised:
    """Return what people call this provider."""
    return Localised.from_mapping(home().name, where="home.name")


def issuer() -> str:
    """Return this provider's name."""
    return home().issuer


def callback() -> str:
    """Return where the node takes answers."""
    origin: str = settings.NODE.portal_origin
    return origin + CALLBACK.format(home().id)


def after_logout() -> str:
    """Return where the node takes people who have signed out."""
    origin: str = settings.NODE.portal_origin
    return origin + AFTER_LOGOUT


def is_client(authorization: str) -> bool:
    """Say whether a header is the node's (RFC 6749 section 2.3.1, ``client_secret_basic``)."""
    kind, _, given = authorization.partition(" ")
    try:
        client_id, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    right = hmac.compare_digest(unquote_plus(secret).encode(), client_secret().encode())
    return kind.lower() == "basic" and unquote_plus(client_id) == home().client_id and right


def tell_of_end(visit: Visit) -> None:
    """Tell the node that a session is over (OpenID Connect Back-Channel Logout 1.0), without waiting."""
    now = int(time.time())
    claims = {
        "iss": issuer(),
        "aud": home().client_id,
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_urlsafe(16),
        "sub": visit.subject,
        "sid": visit.sid,
        "events": {EVENT: {}},
    }
    token = desk.sign(claims, kind="logout+jwt")
    threading.Thread(target=_post, args=(token,), daemon=True).start()


def _post(token: str) -> None:
    where = urlsplit(settings.NODE.portal_origin)
    path = BACK_CHANNEL.format(home().id)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=_PATIENCE)
    try:
        connection.request(
            "POST", path, f"logout_token={token}", {"Content-Type": "application/x-www-form-urlencoded"}
        )
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            log.warning("the node answered %s to a logout token", answer.status)
    except (OSError, http.client.HTTPException) as error:
        log.warning("the node was not told of a sign-out: %s", type(error).__name__)
    finally:
        connection.close()
