"""A person's sign-in on another side, for an interaction here: there and back.

``begin`` pushes the request to the peer's provider and says where the browser goes. ``returned`` takes the
answer: the ``state`` counts once, in the browser that began, for the issuer that was asked. The code is
redeemed through the door, outside any transaction; a node that is killed in between has used up a code, and
the person begins again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language

from kouan.apps.identity import linking
from kouan.apps.identity.domain import Level
from kouan.apps.identity.errors import NoPeerProvider, NotThisStep, UnreadableSecret
from kouan.apps.identity.models import Interaction, PeerProvider, Relay
from kouan.apps.identity.nodes import asking, details
from kouan.apps.identity.nodes.announcing import key_set
from kouan.apps.identity.nodes.checks import Expected, Person, check_tokens
from kouan.apps.identity.nodes.errors import AnotherIssuer, BadPeerAnswer, RelayOver
from kouan.apps.identity.nodes.record import require_agreement
from kouan.apps.identity.provider import interactions
from kouan.apps.identity.provider.clients import CALLBACK, node_id
from kouan.apps.identity.provider.errors import (
    AccessDenied,
    ConsentRequired,
    InteractionRequired,
    LoginRequired,
    UnmetRequirements,
)
from kouan.apps.identity.provider.jose import DoesNotVerify, encoded
from kouan.core.database.rows import execute, insert
from kouan.core.sides import side_name
from kouan.core.vault import Unsealable, Vault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kouan.apps.identity.provider.errors import OAuthError
    from kouan.apps.identity.provider.requests import Request

log = logging.getLogger(__name__)

AUTHORIZE: Final = "/oidc/authorize"
"""Where a provider's authorization endpoint is, below its node's origin."""
RELAY_LIFE: Final = timedelta(minutes=12)
"""How long a person may take on the other side; less than an interaction lasts."""
MAX_PARAM: Final = 2048
_FOR_CLIENTS: Final[Mapping[str, type[OAuthError]]] = {
    error.error: error
    for error in (AccessDenied, ConsentRequired, InteractionRequired, LoginRequired, UnmetRequirements)
}
_VERIFIERS: Final = Vault("identity/relays/1")
_REQUEST_URI: Final = 300
_DELETE: Final = f"DELETE FROM {Relay._meta.db_table} WHERE id = %s"  # noqa: S608 - the table's own name
_DELETE_OF: Final = f"DELETE FROM {Relay._meta.db_table} WHERE interaction_id = %s"  # noqa: S608 - the same


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser brought back (RFC 6749 section 4.1.2, RFC 9207)."""

    state: str
    code: str
    iss: str
    error: str

    @classmethod
    def of_query(cls, query: Mapping[str, list[str]]) -> Answer:
        """Return the answer; raises ``RelayOver`` for parameters that no provider sends."""
        found = {}
        for name in ("state", "code", "iss", "error"):
            values = query.get(name, [])
            if len(values) > 1 or any(len(value) > MAX_PARAM for value in values):
                raise RelayOver
            found[name] = values[0] if values else ""
        return cls(**found)


class Refused(Exception):
    """The other side's provider said no: ``interaction`` is still at its step, ``error`` is its own word."""

    def __init__(self, interaction: Interaction, error: str) -> None:
        self.interaction = interaction
        self.error = error
        super().__init__(error)


def begin(*, interaction: Interaction) -> str:
    """Push the request to the provider of the interaction's side and return where the browser goes.

    Beginning again drops what was begun before. Raises ``NotThisStep``, ``InteractionOver``,
    ``NoPeerProvider``, a ``Denied``, or what ``asking.post`` raises.
    """
    if interaction.stage != Interaction.Stage.PEER:
        raise NotThisStep
    side = interaction.side
    require_agreement(home=side, service=settings.NODE.side)
    provider = _provider(side)
    request = interactions.request_of(interaction)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    answer = asking.post(
        side,
        asking.PAR,
        _parameters(request, state=state, nonce=nonce, verifier=verifier),
        issuer=provider.issuer,
        expected=HTTPStatus.CREATED,
    )
    request_uri = answer.get("request_uri")
    if not isinstance(request_uri, str) or not 0 < len(request_uri) <= _REQUEST_URI:
        raise BadPeerAnswer(side=side_name(side), detail="request-uri")
    with transaction.atomic():
        interactions.hold(interaction)
        execute(_DELETE_OF, (interaction.pk,))
        insert(
            Relay(
                interaction=interaction,
                side=side,
                issuer=provider.issuer,
                state=_digest(state),
                nonce=nonce,
                verifier=_VERIFIERS.seal(verifier.encode(), of=nonce),
                level=int(request.level),
                expires_at=min(timezone.now() + RELAY_LIFE, interaction.expires_at),
            )
        )
    query = urlencode({"client_id": node_id(settings.NODE.side), "request_uri": request_uri})
    return f"{provider.issuer}{AUTHORIZE}?{query}"


def returned(*, answer: Answer, browser: bytes) -> Interaction:
    """Take what another side's provider answered and return the interaction, one step further.

    Raises ``RelayOver``, ``AnotherIssuer``, ``BadPeerAnswer``, or what a refusal reads as
    (``asking.refusal``); ``Refused`` where that is the person's own or the service's to hear.
    """
    relay = _taken(answer.state, browser)
    if answer.iss != relay.issuer:
        raise AnotherIssuer
    if answer.error or not answer.code:
        raise Refused(relay.interaction, answer.error)
    provider = _provider(relay.side)
    if provider.issuer != relay.issuer:
        raise AnotherIssuer
    request = interactions.request_of(relay.interaction)
    person = _redeemed(relay, request, provider, answer.code)
    foreign = _foreign(relay, person)
    if request.link:
        linking.returned(interaction=relay.interaction, browser=browser, foreign=foreign)
        return relay.interaction
    return interactions.relayed(
        key=relay.interaction.key, browser=browser, foreign=foreign, level=person.level
    )


def for_client(word: str) -> OAuthError | None:
    """Return a refusal that the service has to hear of; nothing for one that only the person can mend."""
    error = _FOR_CLIENTS.get(word)
    return error() if error is not None else None


def give_up(*, interaction: Interaction, browser: bytes) -> Request:
    """End an interaction that came to nothing on the other side, and return what it was about."""
    request = interactions.abandoned(key=interaction.key, browser=browser)
    if request.link:
        linking.abandoned(key=request.link)
    return request


def _taken(state: str, browser: bytes) -> Relay:
    """Use up a ``state``: of two answers that bring it, one is too late."""
    relay = Relay.objects.select_related("interaction").filter(state=_digest(state)).first()
    # Another browser's is left alone: its own person is still on the way.
    if relay is None or bytes(relay.interaction.browser) != browser:
        raise RelayOver
    if not execute(_DELETE, (relay.pk,)) or relay.expires_at <= timezone.now():
        raise RelayOver
    return relay


def _redeemed(relay: Relay, request: Request, provider: PeerProvider, code: str) -> Person:
    """Redeem a code, fetch what was told, and check both."""
    try:
        verifier = _VERIFIERS.unseal(bytes(relay.verifier), of=relay.nonce).decode()
    except Unsealable:
        raise UnreadableSecret from None
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": settings.NODE.portal_origin + CALLBACK,
        "code_verifier": verifier,
    }
    tokens = asking.post(relay.side, asking.TOKEN, form, issuer=provider.issuer, expected=HTTPStatus.OK)
    id_token, access = tokens.get("id_token"), tokens.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access, str) or not access.isascii():
        raise BadPeerAnswer(side=side_name(relay.side), detail="tokens")
    if str(tokens.get("token_type", "")).lower() != "dpop":
        raise BadPeerAnswer(side=side_name(relay.side), detail="token-type")
    expected = Expected(
        issuer=provider.issuer,
        client_id=node_id(settings.NODE.side),
        nonce=relay.nonce,
        level=Level(relay.level),
        keys=key_set(provider, "token"),
        claims=request.claims,
        not_before=_not_before(request, relay.interaction.began_at),
        tolerance=timedelta(seconds=settings.NODE.exchange.clock_tolerance_s),
    )
    told = asking.userinfo(relay.side, access)
    try:
        return check_tokens(id_token, access, told, expected, now=timezone.now())
    except DoesNotVerify as error:
        log.warning("the tokens of %s do not hold: %s", relay.side, error)
        raise BadPeerAnswer(side=side_name(relay.side), detail=str(error)) from None


def _foreign(relay: Relay, person: Person) -> dict[str, Any]:
    """Return what is kept of a foreign person until the service has its tokens: see ``interactions``.

    A link that counts is kept by its name alone: it must still count when the sign-in is made.
    """
    resident = linking.resident_of(side=relay.side, link=person.link) if person.link else None
    return {
        "side": relay.side,
        "subject": person.subject,
        "sid": person.sid,
        "level": int(person.level),
        "amr": list(person.amr),
        "auth_time": person.authenticated_at,
        "claims": dict(person.claims),
        "link": person.link if resident is not None else "",
        "id_token_digest": person.id_token_digest.hex(),
        "userinfo_digest": person.userinfo_digest.hex(),
    }


def _parameters(request: Request, *, state: str, nonce: str, verifier: str) -> dict[str, str]:
    levels = [level.acr for level in Level if level >= request.level and level.crosses]
    asked: dict[str, Any] = {
        "userinfo": dict.fromkeys(request.claims),
        "id_token": {"acr": {"essential": True, "values": levels}},
    }
    locales = request.ui_locales or (_locale(),)
    parameters = {
        "response_type": "code",
        "redirect_uri": settings.NODE.portal_origin + CALLBACK,
        "scope": "openid",
        "state": state,
        "nonce": nonce,
        "code_challenge": encoded(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
        "acr_values": " ".join(levels),
        "claims": json.dumps(asked),
        "ui_locales": " ".join(locales),
        "authorization_details": details.written(request),
    }
    if request.prompt:
        parameters["prompt"] = " ".join(request.prompt)
    if request.max_age is not None:
        parameters["max_age"] = str(request.max_age)
    return parameters


def _locale() -> str:
    return {"zh-hant": "zh-Hant", "zh-hans": "zh-Hans"}.get(get_language() or "", "en")


def _not_before(request: Request, began_at: datetime) -> datetime | None:
    """Return when the person must have authenticated at the earliest, seen from when it was asked for."""
    if "login" in request.prompt:
        return began_at
    return None if request.max_age is None else began_at - timedelta(seconds=request.max_age)


def _provider(side: str) -> PeerProvider:
    provider = PeerProvider.objects.filter(side=side).first()
    if provider is None:
        raise NoPeerProvider(side=side_name(side))
    return provider


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
