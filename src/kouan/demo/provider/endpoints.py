"""What programs ask the provider: its description, its keys, tokens, and the issuer's word on documents."""

from __future__ import annotations

import hmac
import json
import os
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from kouan.demo.homes import ISSUER_TOKEN
from kouan.demo.provider import client, issuing, people
from kouan.demo.provider.desk import LIFE, challenge_of, desk, half_digest

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kouan.demo.provider.desk import Asked, Visit


@require_GET
def metadata(_request: HttpRequest) -> JsonResponse:
    """Describe the provider (OpenID Connect Discovery 1.0 section 3)."""
    issuer = client.issuer().rstrip("/")
    return JsonResponse(
        {
            "issuer": client.issuer(),
            "authorization_endpoint": issuer + reverse("authorize"),
            "token_endpoint": issuer + reverse("token"),
            "userinfo_endpoint": issuer + reverse("userinfo"),
            "jwks_uri": issuer + reverse("jwks"),
            "end_session_endpoint": issuer + reverse("leave"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile"],
            "acr_values_supported": list(people.levels_of(settings.NODE.side)),
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
        }
    )


@require_GET
def jwks(_request: HttpRequest) -> JsonResponse:
    """Return the key that signs."""
    return JsonResponse(desk.jwks())


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> JsonResponse:
    """Exchange a code, once (RFC 6749 section 4.1.3)."""
    if not client.is_client(request.headers.get("authorization", "")):
        return _refused("invalid_client", 401)
    if request.POST.get("grant_type") != "authorization_code":
        return _refused("unsupported_grant_type", 400)
    held = desk.codes.take(request.POST.get("code", ""))
    if held is None:
        return _refused("invalid_grant", 400)
    asked, visit = held
    verifier = challenge_of(request.POST.get("code_verifier", ""))
    if request.POST.get("redirect_uri") != asked.redirect_uri or not hmac.compare_digest(
        verifier, asked.challenge
    ):
        return _refused("invalid_grant", 400)
    access = desk.tokens.keep(visit)
    return _private(
        {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(LIFE["token"]),
            "id_token": _id_token(asked, visit, access),
        }
    )


def _id_token(asked: Asked, visit: Visit, access: str) -> str:
    now = int(time.time())
    return desk.sign(
        {
            "iss": client.issuer(),
            "sub": visit.subject,
            "aud": client.home().client_id,
            "iat": now,
            "exp": now + int(LIFE["token"]),
            "auth_time": visit.auth_time,
            "nonce": asked.nonce,
            "acr": visit.acr,
            "amr": list(visit.amr),
            "sid": visit.sid,
            "at_hash": half_digest(access),
        }
    )


@csrf_exempt
def userinfo(request: HttpRequest) -> JsonResponse:
    """Say who somebody is (OpenID Connect Core section 5.3)."""
    kind, _, access = request.headers.get("authorization", "").partition(" ")
    visit = desk.tokens.see(access) if kind.lower() == "bearer" else None
    person = people.find(settings.NODE.side, visit.subject) if visit is not None else None
    if visit is None or person is None:
        response = _refused("invalid_token", 401)
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return response
    return _private({"sub": visit.subject, **person.claims()})


@csrf_exempt
@require_POST
def match(request: HttpRequest) -> JsonResponse:
    """Say whether two documents are one person's: ``match``, ``no-match`` or ``not-held``."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    right = os.environ.get(ISSUER_TOKEN, "")
    if kind.lower() != "bearer" or not right or not hmac.compare_digest(given.encode(), right.encode()):
        return _refused("invalid_token", 401)
    try:
        question = issuing.Question.read(json.loads(request.body))
    except (ValueError, KeyError, TypeError, RecursionError):
        return _refused("invalid_request", 400)
    return _private({"outcome": issuing.outcome(settings.NODE.side, question)})


def _private(value: dict[str, Any]) -> JsonResponse:
    return JsonResponse(value, headers={"Cache-Control": "no-store"})


def _refused(error: str, status: int) -> JsonResponse:
    return JsonResponse({"error": error}, status=status, headers={"Cache-Control": "no-store"})
