"""The userinfo endpoint (OpenID Connect Core section 5.3): what the person agreed to have told.

A token that is bound to a key is shown with a proof (RFC 9449 section 7.1), and never as a bearer token.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from django.db import transaction
from django.utils import timezone

from kouan.apps.identity import keys
from kouan.apps.identity.models import AccessToken, Service, SignIn, SigningKey
from kouan.apps.identity.provider import jose, limits, proofs, telling
from kouan.apps.identity.provider.asked import NO_STORE, Answer, Asked, answering, as_json, refusal, word_of
from kouan.apps.identity.provider.clients import NODE_PREFIX
from kouan.apps.identity.provider.errors import InvalidProof, InvalidToken
from kouan.core.database.rows import fetch_joined

JWT: Final = "application/jwt"
_SHOWN: Final = re.compile("(DPoP|Bearer) +([A-Za-z0-9_-]{43})", re.IGNORECASE)
_UNAUTHORIZED: Final = 401
_NEEDED: Final = (
    (AccessToken, "t", ("jkt", "expires_at")),
    (SignIn, "s", ("id", "key", "client", "subject", "level", "told", "ended_at")),
    (Service, "c", ("id",)),
)
_SHOWN_WITH: Final = (
    f"FROM {AccessToken._meta.db_table} t JOIN {SignIn._meta.db_table} s ON s.id = t.sign_in_id "
    f"LEFT JOIN {Service._meta.db_table} c ON c.client_id = s.client AND c.disabled_at IS NULL "
    "WHERE t.digest = %s"
)
"""A token, what it is for, and the service, if that is registered and not switched off."""


@answering
def userinfo(asked: Asked) -> Answer:
    """Tell what a token is for."""
    if asked.peer is None:
        limits.take_address(asked.address)
    try:
        return _told(asked)
    except (InvalidToken, InvalidProof) as error:
        algorithms = f'algs="{" ".join(jose.ALGORITHMS)}"'
        said = f'error="{word_of(error)}"' if "authorization" in asked.headers else ""
        challenge = ", ".join(filter(None, [said, algorithms]))
        return refusal(error, status=_UNAUTHORIZED, headers={"www-authenticate": f"DPoP {challenge}"})


def _told(asked: Asked) -> Answer:
    scheme, token = _token(asked)
    digest = hashlib.sha256(token.encode()).digest()
    found = fetch_joined(_NEEDED, _SHOWN_WITH, (digest,))
    if not found:
        raise InvalidToken
    ((kept, sign_in, service),) = found
    if kept.expires_at <= timezone.now():
        raise InvalidToken
    if sign_in.ended_at is not None or sign_in.told is None:
        raise InvalidToken
    if sign_in.client.startswith(NODE_PREFIX) and sign_in.client != f"{NODE_PREFIX}{asked.peer}":
        raise InvalidToken
    if asked.peer is not None and sign_in.client != f"{NODE_PREFIX}{asked.peer}":
        raise InvalidToken
    if asked.peer is None and service.id is None:
        raise InvalidToken
    _prove(asked, scheme, token, kept.jkt)
    return _answer(asked, sign_in)


def _token(asked: Asked) -> tuple[str, str]:
    shown = _SHOWN.fullmatch(asked.headers.get("authorization", ""))
    if shown is None:
        raise InvalidToken
    return shown[1].lower(), shown[2]


def _prove(asked: Asked, scheme: str, token: str, jkt: str) -> None:
    """Raise unless the token is shown as it has to be: a bound one with a proof by its key, made for it."""
    if bool(jkt) != (scheme == "dpop"):
        raise InvalidToken
    if not jkt:
        return
    proof = proofs.shown(asked, token=token)
    if proof is None:
        raise InvalidProof(reason="missing")
    if proof.jkt != jkt:
        raise InvalidToken
    with transaction.atomic():
        proof.spend()


def _answer(asked: Asked, sign_in: SignIn) -> Answer:
    told = telling.unsealed(sign_in.key, bytes(sign_in.told or b""))
    if told["userinfo"]:
        return Answer(200, told["userinfo"].encode(), {**NO_STORE, "content-type": JWT})
    said = telling.claims_of(sign_in.subject, sign_in.level, told)
    if JWT not in asked.headers.get("accept", ""):
        return as_json(said)
    now = timezone.now()
    key = keys.current(SigningKey.Use.TOKEN, now=now)
    signed = telling.signed_userinfo(said, audience=sign_in.client, key=key, now=now)
    return Answer(200, signed.encode(), {**NO_STORE, "content-type": JWT})
