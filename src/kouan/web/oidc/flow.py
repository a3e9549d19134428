"""The authorization code flow with PKCE (RFC 6749, 7636, 9126, 9207, 9449; OpenID Connect Core 1.0)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from kouan.web.oidc import possession, tokens
from kouan.web.oidc.attempt import Attempt
from kouan.web.oidc.authentication import credentials
from kouan.web.oidc.discovery import Metadata, discover
from kouan.web.oidc.errors import (
    AnswerNotTrusted,
    LevelTooLow,
    ProviderUnsuitable,
    SignInExpired,
    SignInRefused,
    SignInTooOld,
)
from kouan.web.oidc.line import ask, read_object
from kouan.web.oidc.provider import Provider, claim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.web.oidc.line import Answer

_MOST_FIELDS: Final = 20
_LONGEST_QUERY: Final = 8192
_REASON: Final = re.compile(r"[a-z_]{1,60}")
_CREATED: Final = 201
_OK: Final = 200
_ANSWERS_ITSELF: Final = ("acr", "amr", "aud", "auth_time", "azp", "exp", "iat", "iss", "nonce", "sid", "sub")
"""Claims that only the ID token may say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who signed in, and how, as the provider says; every check has been made."""

    issuer: str
    subject: str
    """Unique at the issuer and never given to another."""
    acr: str
    """The level reached; empty if the provider does not say."""
    amr: tuple[str, ...]
    """The methods used (RFC 8176)."""
    auth_time: int | None
    """When the person proved who they are, in seconds since 1970."""
    sid: str
    """The provider's session, which a back-channel logout names; empty if it does not say."""
    claims: Mapping[str, Any]
    """Everything that the ID token and the userinfo say of the person."""
    attributes: Mapping[str, Any]
    """By our names, as ``Provider.claims`` maps them; what is missing is left out."""
    id_token: str = field(repr=False)
    """For ``logout_url``."""


def begin(  # noqa: PLR0913 - what OpenID Connect lets a client ask for
    provider: Provider,
    *,
    acr_values: tuple[str, ...] | None = None,
    max_age: int | None = None,
    prompt: str = "",
    login_hint: str = "",
    ui_locales: str = "",
) -> tuple[str, Attempt]:
    """Return the address to send the person to, and what to keep until they are back.

    ``acr_values`` takes the place of the provider's own; ``max_age`` is in seconds. Pushes the request
    (RFC 9126) where the provider offers it. Raises ``ProviderUnreachable``, ``ProviderUnsuitable`` or, when
    it does not take what is pushed, ``SignInRefused``.
    """
    metadata = discover(provider)
    attempt = Attempt(
        issuer=provider.issuer,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(64),
        acr_values=provider.acr_values if acr_values is None else acr_values,
        prompt=prompt,
        max_age=max_age,
        started_at=int(time.time()),
    )
    request = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": _challenge(attempt.verifier),
        "code_challenge_method": "S256",
        "acr_values": " ".join(attempt.acr_values),
        "max_age": "" if max_age is None else str(max_age),
        "prompt": prompt,
        "login_hint": login_hint,
        "ui_locales": ui_locales,
    }
    request = {name: value for name, value in request.items() if value}
    if metadata.pushed_authorization_request_endpoint:
        pushed = _push(provider, metadata, request)
        request = {"client_id": provider.client_id, "request_uri": pushed}
    return with_query(metadata.authorization_endpoint, request), attempt


def finish(provider: Provider, attempt: Attempt, query: str) -> SignedIn:
    """Return who signed in, from the query with which the provider sent the person back.

    The caller has found ``attempt`` by the person's own session and deleted it there. Raises an
    ``OidcError``: ``SignInExpired``, ``SignInRefused``, ``AnswerNotTrusted``, ``LevelTooLow``,
    ``SignInTooOld``, ``ProviderUnreachable`` or ``ProviderUnsuitable``.
    """
    if attempt.is_over:
        raise SignInExpired
    metadata = discover(provider)
    code = _code(provider, metadata, attempt, _fields(query))
    answer = _exchange(provider, metadata, code, attempt.verifier)
    id_token, access_token = answer.get("id_token"), answer.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise ProviderUnsuitable(host=provider.host, detail="token")
    header, claims = tokens.read(provider, id_token, what="id_token")
    tokens.check_times(claims, what="id_token")
    subject = tokens.text(claims, "sub", what="id_token")
    if not tokens.same(claims.get("nonce"), attempt.nonce):
        raise AnswerNotTrusted(detail="id_token: nonce")
    tokens.check_access_token_hash(header, claims, access_token)
    acr = tokens.text(claims, "acr", what="id_token") if claims.get("acr") is not None else ""
    if attempt.acr_values and acr not in attempt.acr_values:
        raise LevelTooLow
    auth_time = _auth_time(claims, attempt)
    amr = claims.get("amr", [])
    if not isinstance(amr, list) or not all(isinstance(each, str) for each in amr):
        raise AnswerNotTrusted(detail="id_token: amr")
    sid = tokens.text(claims, "sid", what="id_token") if "sid" in claims else ""
    said = {**_userinfo(provider, metadata, access_token, subject), **claims}
    attributes = {ours: value for ours, name in provider.claims.items() if (value := claim(said, name))}
    return SignedIn(
        issuer=provider.issuer,
        subject=subject,
        acr=acr,
        amr=tuple(amr),
        auth_time=auth_time,
        sid=sid,
        claims=MappingProxyType(said),
        attributes=MappingProxyType(attributes),
        id_token=id_token,
    )


def with_query(address: str, fields: Mapping[str, str]) -> str:
    """Return an address with these fields added to its query."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(fields)}"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _push(provider: Provider, metadata: Metadata, request: Mapping[str, str]) -> str:
    headers, proof = credentials(provider, metadata)
    address = metadata.pushed_authorization_request_endpoint
    headers |= possession.proof(provider, metadata, "POST", address)
    answer = ask(provider, address, form={**request, **proof}, headers=headers)
    said = _sound(provider, answer, _CREATED, "pushed authorization request")
    uri = said.get("request_uri")
    if not isinstance(uri, str) or not 0 < len(uri) <= _LONGEST_QUERY:
        raise ProviderUnsuitable(host=provider.host, detail="request_uri")
    return uri


def _fields(query: str) -> dict[str, str]:
    """Return the query's fields; one that comes twice is no answer (RFC 6749 section 3.1)."""
    if len(query) > _LONGEST_QUERY:
        raise AnswerNotTrusted(detail="query")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:  # also what is not UTF-8
        raise AnswerNotTrusted(detail="query") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise AnswerNotTrusted(detail="query")
    return found


def _code(provider: Provider, metadata: Metadata, attempt: Attempt, fields: Mapping[str, str]) -> str:
    """Return the code, when the answer is to this attempt and comes from this provider."""
    iss = fields.get("iss")
    if attempt.issuer != provider.issuer or (iss is not None and iss != provider.issuer):
        raise AnswerNotTrusted(detail="iss")
    if iss is None and metadata.authorization_response_iss_parameter_supported:
        raise AnswerNotTrusted(detail="iss")
    if not tokens.same(fields.get("state"), attempt.state):
        raise SignInExpired
    if "error" in fields:
        raise SignInRefused(reason=_reason(fields["error"]))
    if not fields.get("code"):
        raise AnswerNotTrusted(detail="code")
    return fields["code"]


def _exchange(provider: Provider, metadata: Metadata, code: str, verifier: str) -> dict[str, Any]:
    headers, proof = credentials(provider, metadata)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.redirect_uri,
        "code_verifier": verifier,
        **proof,
    }
    headers |= possession.proof(provider, metadata, "POST", metadata.token_endpoint)
    answer = ask(provider, metadata.token_endpoint, form=form, headers=headers)
    said = _sound(provider, answer, _OK, "token")
    access_token = said.get("access_token")
    # One that should have been bound to our key and was not would be anybody's.
    if str(said.get("token_type")).lower() != _scheme(provider).lower() or not _is_token(access_token):
        raise ProviderUnsuitable(host=provider.host, detail="token_type")
    return said


def _scheme(provider: Provider) -> str:
    return "Bearer" if provider.proof_key_file is None else "DPoP"


def _is_token(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]{1,16384}", value) is not None


def _sound(provider: Provider, answer: Answer, status: int, what: str) -> dict[str, Any]:
    """Return the object of an answer that went well; raises ``SignInRefused`` for the provider's own no."""
    if answer.status != status:
        if 400 <= answer.status < 500:  # noqa: PLR2004 - HTTP's classes
            said = read_object(provider, answer.body, what)
            raise SignInRefused(reason=_reason(said.get("error")))
        raise ProviderUnsuitable(host=provider.host, detail=what)
    return read_object(provider, answer.body, what)


def _reason(value: object) -> str:
    """Return an error code that may be shown; one in no standard's form is not repeated."""
    return value if isinstance(value, str) and _REASON.fullmatch(value) else "unknown"


def _auth_time(claims: Mapping[str, Any], attempt: Attempt) -> int | None:
    if attempt.max_age is None and claims.get("auth_time") is None:
        return None
    at = tokens.number(claims, "auth_time", what="id_token")
    if at > time.time() + tokens.LEEWAY:
        raise AnswerNotTrusted(detail="id_token: auth_time")
    # What counts is when the person was asked: how long they then took is theirs.
    if attempt.max_age is not None and at < attempt.started_at - attempt.max_age - tokens.LEEWAY:
        raise SignInTooOld
    return int(at)


def _userinfo(provider: Provider, metadata: Metadata, access_token: str, subject: str) -> dict[str, Any]:
    if not provider.userinfo or not metadata.userinfo_endpoint:
        return {}
    address = metadata.userinfo_endpoint
    headers = {"authorization": f"{_scheme(provider)} {access_token}"}
    headers |= possession.proof(provider, metadata, "GET", address, token=access_token)
    answer = ask(provider, address, headers=headers)
    if answer.status != _OK:
        raise ProviderUnsuitable(host=provider.host, detail="userinfo")
    if answer.content_type == "application/jwt":
        said = tokens.read(provider, answer.body.decode("ascii", "replace"), what="userinfo")[1]
    else:
        said = read_object(provider, answer.body, "userinfo")
    if said.get("sub") != subject:
        raise AnswerNotTrusted(detail="userinfo: sub")
    return {name: value for name, value in said.items() if name not in _ANSWERS_ITSELF}
