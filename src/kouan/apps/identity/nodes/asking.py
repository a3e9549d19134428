"""This node as a client of another side's provider: what it asks through the door, and how a refusal reads.

Every request proves who asks three times over: by the TLS certificate, by an assertion, and by a proof of the
key that the tokens are bound to.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from kouan.apps.identity import keys
from kouan.apps.identity.models import SigningKey
from kouan.apps.identity.nodes import proofs
from kouan.apps.identity.nodes.errors import (
    BadPeerAnswer,
    PeerLevelNotReached,
    PeerSaysNo,
    PeerUnavailable,
    RelayOver,
)
from kouan.apps.identity.provider.clients import node_id
from kouan.core.exchange.calling import address_of, ask
from kouan.core.sides import side_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.core.errors import KouanError
    from kouan.core.exchange.calls import CallAnswer

PAR: Final = "/identity/par"
TOKEN: Final = "/identity/token"  # noqa: S105 - a path
USERINFO: Final = "/identity/userinfo"
FORM: Final = "application/x-www-form-urlencoded"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

UNMET: Final = "unmet_authentication_requirements"
"""The error where the level that was asked for was not reached (OpenID Connect's own specification of it)."""
_WAIT: Final = frozenset({"server_error", "temporarily_unavailable", "slow_down"})
_KNOWN: Final = _WAIT | {
    UNMET, "access_denied", "account_selection_required", "consent_required", "interaction_required",
    "invalid_authorization_details", "invalid_client", "invalid_dpop_proof", "invalid_grant",
    "invalid_request", "invalid_scope", "invalid_token", "login_required", "unauthorized_client",
    "unsupported_grant_type", "unsupported_response_type",
}  # fmt: skip
"""What an error may be called where it is shown: never a word of the peer's own making."""


def post(side: str, path: str, form: Mapping[str, str], *, issuer: str, expected: int) -> dict[str, Any]:
    """Send a form to a peer's provider as this node and return its JSON.

    Raises ``PeerSaysNo`` or one of its kind, ``BadPeerAnswer``, or what the line raises.
    """
    now = timezone.now()
    me = node_id(settings.NODE.side)
    body = {
        **form,
        "client_id": me,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": proofs.client_assertion(
            me, issuer, keys.current(SigningKey.Use.CLIENT, now=now), now=now
        ),
    }
    headers = {"content-type": FORM, "dpop": _proof(side, path)}
    answer = _asked(side, path, urlencode(body).encode(), headers)
    value = json_of(side, answer)
    if answer.status != expected:
        raise refusal(side, value.get("error"), status=answer.status)
    return value


def userinfo(side: str, token: str) -> str:
    """Fetch what the person agreed to have told, as the JWT that the peer signed."""
    headers = {
        "authorization": f"DPoP {token}",
        "content-type": FORM,
        "dpop": _proof(side, USERINFO, token=token),
    }
    answer = _asked(side, USERINFO, b"", headers)
    if answer.status != HTTPStatus.OK:
        raise refusal(side, json_of(side, answer).get("error"), status=answer.status)
    if answer.headers.get("content-type", "").partition(";")[0].strip() != "application/jwt":
        raise BadPeerAnswer(side=side_name(side), detail="userinfo-not-signed")
    return text_of(side, answer.body)


def refusal(side: str, error: object, *, status: int = HTTPStatus.BAD_REQUEST) -> KouanError:
    """Return what a person is told of a peer's refusal."""
    word = error if isinstance(error, str) and error in _KNOWN else "unknown_error"
    if word in _WAIT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return PeerUnavailable(side=side_name(side), error=word)
    if word == UNMET:
        return PeerLevelNotReached(side=side_name(side), error=word)
    if word == "invalid_grant":  # a code that was used or has grown too old
        return RelayOver()
    return PeerSaysNo(side=side_name(side), error=word)


def json_of(side: str, answer: CallAnswer) -> dict[str, Any]:
    """Return the JSON object of an answer; raises ``BadPeerAnswer``."""
    try:
        value = json.loads(text_of(side, answer.body))
    except (ValueError, RecursionError):
        raise BadPeerAnswer(side=side_name(side), detail="not-json") from None
    if not isinstance(value, dict):
        raise BadPeerAnswer(side=side_name(side), detail="not-json")
    return value


def text_of(side: str, data: bytes) -> str:
    """Return an answer's text; raises ``BadPeerAnswer``."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadPeerAnswer(side=side_name(side), detail="not-text") from None


def _asked(side: str, path: str, body: bytes, headers: Mapping[str, str]) -> CallAnswer:
    return ask(side, path, body, headers=headers)


def _proof(side: str, path: str, *, token: str = "") -> str:
    now = timezone.now()
    key = keys.current(SigningKey.Use.DPOP, now=now)
    return proofs.proof(key, method="POST", address=address_of(side, path), now=now, token=token)
