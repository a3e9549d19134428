"""An authorization request, from bare parameters to a ``Request`` of which nothing is unchecked.

OpenID Connect Core sections 3.1.2.1 and 5.5, RFC 7636 (S256 alone), RFC 9449 section 10, RFC 9396 between
nodes. The same for a request that is pushed and for one in the browser's address.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from kouan.apps.identity.domain import CLAIMS, Level, asked_for, least_asked
from kouan.apps.identity.nodes import details
from kouan.apps.identity.nodes.record import require_agreement
from kouan.apps.identity.provider import hints
from kouan.apps.identity.provider.errors import (
    InvalidAuthorizationDetails,
    InvalidRequest,
    InvalidScope,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UnknownRedirect,
    UnmetRequirements,
    UnsupportedResponseType,
)
from kouan.apps.identity.provider.parameters import json_object, required
from kouan.apps.identity.provider.requests import Request
from kouan.apps.identity.provider.telling import TRUST_FRAMEWORK, VERIFIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.identity.provider.clients import Client

CHALLENGE: Final = re.compile("[A-Za-z0-9_-]{43}")
_THUMBPRINT: Final = CHALLENGE
_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
_LOCALE: Final = re.compile("[A-Za-z0-9-]{1,35}")
_MOST_LOCALES: Final = 10
_AGE: Final = re.compile("[0-9]{1,9}")
_VISIBLE: Final = re.compile(r"[\x20-\x7e]*")


def redirect_of(client: Client, params: Mapping[str, str]) -> str:
    """Return where the answer goes: letter by letter one of those registered; raises ``UnknownRedirect``."""
    uri = params.get("redirect_uri", "")
    if uri not in client.redirect_uris:
        raise UnknownRedirect
    return uri


def check(client: Client, params: Mapping[str, str], *, jkt: str = "") -> Request:
    """Return a checked request; ``jkt`` is the key of the proof that it came with, if any.

    Raises ``UnknownRedirect`` first, and then whatever else is wrong, which the client may be told.
    """
    redirect_uri = redirect_of(client, params)
    _refuse_unsupported(params)
    if params.get("response_type") != "code" or params.get("response_mode", "query") != "query":
        raise UnsupportedResponseType
    scopes = tuple(dict.fromkeys(params.get("scope", "").split()))
    if "openid" not in scopes:
        raise InvalidScope
    challenge = required(params, "code_challenge", CHALLENGE)
    if params.get("code_challenge_method") != "S256":
        raise InvalidRequest(parameter="code_challenge_method")
    for name in ("state", "nonce"):
        if not _VISIBLE.fullmatch(params.get(name, "")):
            raise InvalidRequest(parameter=name)
    wanted = _claims(params.get("claims", ""))
    asked = asked_for(scopes, wanted.names)
    told = _details(client, params.get("authorization_details"))
    return Request(
        client_id=client.id,
        redirect_uri=redirect_uri,
        scopes=scopes,
        claims=tuple(name for name in asked if name in client.claims),
        level=max(client.level, _level(client, params, wanted.acr)),
        service=told.service,
        code_challenge=challenge,
        state=params.get("state", ""),
        nonce=params.get("nonce", ""),
        dpop_jkt=_jkt(params, jkt),
        max_age=_max_age(params),
        prompt=_prompt(params),
        ui_locales=_locales(params),
        side=_side(client, params),
        link=told.link,
        link_subject=told.link_subject,
        link_document=told.link_document,
        verified=tuple(name for name in asked if name in wanted.verified),
        subject=hints.subject_of(client, params.get("id_token_hint")),
    )


def _refuse_unsupported(params: Mapping[str, str]) -> None:
    if "request" in params:
        raise RequestNotSupported
    if "request_uri" in params:
        raise RequestUriNotSupported
    if "registration" in params:
        raise RegistrationNotSupported


class _Wanted:
    """What a ``claims`` parameter asks for (OpenID Connect Core section 5.5)."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.verified: set[str] = set()
        """Names that are wanted with how they were verified (OpenID Connect for Identity Assurance)."""
        self.acr: tuple[str, ...] = ()
        """The values of an essential ``acr``."""


def _claims(text: str) -> _Wanted:
    wanted = _Wanted()
    if not text:
        return wanted
    value = json_object(text, parameter="claims")
    for place in ("userinfo", "id_token"):
        members = value.get(place)
        if members is None:
            continue
        if not isinstance(members, dict):
            raise InvalidRequest(parameter="claims")
        # Whatever place they are asked for in, claims about the person are told at the userinfo endpoint: an
        # ID token is shown to others as a hint.
        wanted.names |= members.keys() & CLAIMS.keys()
        verified = _verified(members.get("verified_claims"))
        wanted.names |= verified
        wanted.verified |= verified
        wanted.acr += _essential_acr(members.get("acr"))
    return wanted


def _essential_acr(member: Any) -> tuple[str, ...]:
    if member is None:
        return ()
    if not isinstance(member, dict):
        raise InvalidRequest(parameter="claims")
    values = member.get("values", [member["value"]] if "value" in member else [])
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise InvalidRequest(parameter="claims")
    return tuple(values)


def _verified(member: Any) -> set[str]:
    """Return the names under ``verified_claims``; none where the trust framework would be another one.

    A condition that this provider cannot promise to meet has the whole element left out, as OpenID Connect
    for Identity Assurance has it.
    """
    if member is None:
        return set()
    found: set[str] = set()
    for each in member if isinstance(member, list) else [member]:
        if not isinstance(each, dict):
            raise InvalidRequest(parameter="claims")
        verification, claims = each.get("verification"), each.get("claims")
        if not isinstance(verification, dict) or not isinstance(claims, dict):
            raise InvalidRequest(parameter="claims")
        if _promised(verification):
            found |= claims.keys() & VERIFIABLE
    return found


def _promised(verification: Mapping[str, Any]) -> bool:
    for name, condition in verification.items():
        if condition is None or condition == {}:
            continue
        if name != "trust_framework" or not isinstance(condition, dict):
            return False
        allowed = condition.get("values", [condition.get("value", TRUST_FRAMEWORK)])
        if not isinstance(allowed, list) or TRUST_FRAMEWORK not in allowed:
            return False
    return "trust_framework" in verification


def _level(client: Client, params: Mapping[str, str], essential: tuple[str, ...]) -> Level:
    """Return the lowest level that the request takes. A value that is unknown here is never ignored."""
    try:
        level = least_asked(params.get("acr_values", "").split(), otherwise=client.level)
    except ValueError:
        raise InvalidRequest(parameter="acr_values") from None
    try:
        return max(level, least_asked(essential, otherwise=level))
    except ValueError:
        raise UnmetRequirements from None


def _details(client: Client, text: str | None) -> details.Details:
    if client.peer is None:
        if text is not None or client.service is None:
            raise InvalidAuthorizationDetails
        return details.Details(client.service)
    try:
        told = details.read(text or "", peer=client.peer)
    except ValueError:
        raise InvalidAuthorizationDetails from None
    require_agreement(home=settings.NODE.side, service=client.peer)
    return told


def _jkt(params: Mapping[str, str], jkt: str) -> str:
    named = params.get("dpop_jkt", "")
    if named and (not _THUMBPRINT.fullmatch(named) or named != (jkt or named)):
        raise InvalidRequest(parameter="dpop_jkt")
    return jkt or named


def _max_age(params: Mapping[str, str]) -> int | None:
    text = params.get("max_age")
    if text is None:
        return None
    if not _AGE.fullmatch(text):
        raise InvalidRequest(parameter="max_age")
    return int(text)


def _prompt(params: Mapping[str, str]) -> tuple[str, ...]:
    prompt = tuple(dict.fromkeys(params.get("prompt", "").split()))
    if not _PROMPTS.issuperset(prompt) or ("none" in prompt and len(prompt) > 1):
        raise InvalidRequest(parameter="prompt")
    return prompt


def _locales(params: Mapping[str, str]) -> tuple[str, ...]:
    tags = params.get("ui_locales", "").split()[:_MOST_LOCALES]
    return tuple(tag for tag in tags if _LOCALE.fullmatch(tag))


def _side(client: Client, params: Mapping[str, str]) -> str:
    side = params.get("kouan_side", "")
    if side and side not in client.sides:
        raise InvalidRequest(parameter="kouan_side")
    return side
