"""The end of a person's way: a sign-in and a code, in one transaction."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.identity import linking, residents
from kouan.apps.identity.domain import CLOCKS, CODE_LIFE, Level, may_be_told, pairwise_subject
from kouan.apps.identity.errors import InteractionOver, NotThisStep
from kouan.apps.identity.models import AuthorizationCode, Interaction, SignIn
from kouan.apps.identity.provider import interactions, telling
from kouan.apps.identity.provider.authorizing import deny, location_of
from kouan.apps.identity.provider.clients import get_client
from kouan.apps.identity.provider.errors import LoginRequired, OAuthError, UnknownRedirect, UnmetRequirements
from kouan.apps.identity.subjects import subject_key, subject_of
from kouan.core.database.rows import insert, insert_many

if TYPE_CHECKING:
    import uuid

    from kouan.apps.identity.provider.clients import Client
    from kouan.apps.identity.provider.requests import Request


@dataclass(frozen=True, slots=True)
class _Person:
    """Who came, whichever side they are of."""

    side: str
    subject: str
    level: Level
    authenticated_at: datetime
    columns: dict[str, Any]
    """What else a ``SignIn`` keeps."""
    claims: dict[str, str]


def finish(*, key: uuid.UUID, browser: bytes) -> str:
    """Turn an interaction that is done into a sign-in and a code; return where the browser takes it.

    What was asked for is held against what is there once more: whoever is let in by mistake on the way is
    not let through here. The client then hears so. Raises ``InteractionOver``, ``NotThisStep`` or
    ``UnknownRedirect``.
    """
    with transaction.atomic():
        row = interactions.locked(key=key, browser=browser)
        if row.stage != Interaction.Stage.DONE:
            raise NotThisStep
        client, request = get_client(row.client), interactions.request_of(row)
        if request.redirect_uri not in client.redirect_uris:  # any more
            raise UnknownRedirect
        try:
            location = conclude(row, client, request)
        except OAuthError as error:
            location = deny(request, error)
        interactions.remove(row)
    return location


def conclude(row: Interaction, client: Client, request: Request) -> str:
    """Make the sign-in and the code of an interaction, in the caller's transaction; see ``finish``.

    Raises an ``OAuthError`` that the client is told.
    """
    now = timezone.now()
    person = _foreign(row, client, request) if row.foreign else _resident(row, client, request, now)
    _require(request, person, began_at=row.began_at)
    if request.link:
        linking.agreed(interaction=row)
    code = _signed_in(client, request, person, now)
    said = {"code": code, **({"state": request.state} if request.state else {})}
    return location_of(request.redirect_uri, said)


def _require(request: Request, person: _Person, *, began_at: datetime) -> None:
    """Raise unless the person is who was asked for, surely enough and freshly enough."""
    if person.level < request.level:
        raise UnmetRequirements
    age = 0 if "login" in request.prompt else request.max_age
    if age is not None and person.authenticated_at < began_at - timedelta(seconds=age) - CLOCKS:
        raise LoginRequired
    if request.subject and request.subject != person.subject:
        raise LoginRequired


def _resident(row: Interaction, client: Client, request: Request, now: datetime) -> _Person:
    """Return a resident of this side, who has agreed to what is told."""
    session, receipt = row.home_session, row.receipt
    if session is None or not residents.held(session, now=now):
        raise InteractionOver
    if receipt is None or receipt.withdrawn_at is not None or receipt.expires_at <= now:
        raise NotThisStep
    level = Level(session.level)
    known = residents.attributes_of(session)
    names = may_be_told(
        request.claims, registered=client.claims, level=level, crossing=client.peer is not None
    )
    return _Person(
        side=settings.NODE.side,
        subject=subject_of(resident=session.resident, sector=client.sector(request.service.id)),
        level=level,
        authenticated_at=session.authenticated_at,
        columns={
            "resident": session.resident,
            "home_session": session,
            "amr": session.amr,
            "receipt": receipt,
        },
        claims={name: known[name] for name in names if name in (row.granted or ()) and known.get(name)},
    )


def _foreign(row: Interaction, client: Client, request: Request) -> _Person:
    """Return a resident of another side, as that side's node told."""
    said = interactions.foreign_of(row)
    level = Level(said["level"])
    names = may_be_told(request.claims, registered=client.claims, level=level, crossing=True)
    sector = client.sector(request.service.id)
    resident = linking.resident_of(side=row.side, link=said["link"]) if said["link"] else None
    if resident is not None:  # whose account on the other side is linked: services know the one person
        subject = subject_of(resident=resident, sector=sector)
    else:
        person = f"{row.side}:{said['subject']}".encode()
        subject = pairwise_subject(subject_key(), sector=sector, person=person)
    return _Person(
        side=row.side,
        subject=subject,
        level=level,
        authenticated_at=datetime.fromtimestamp(said["auth_time"], UTC),
        columns={
            "resident": resident,
            "peer_sid": said["sid"],
            "amr": said["amr"],
            "id_token_digest": bytes.fromhex(said["id_token_digest"]),
            "userinfo_digest": bytes.fromhex(said["userinfo_digest"]),
        },
        claims={name: said["claims"][name] for name in names if name in said["claims"]},
    )


def _signed_in(client: Client, request: Request, person: _Person, now: datetime) -> str:
    sign_in = SignIn(
        client=client.id,
        service=request.service.to_json(),
        home_side=person.side,
        subject=person.subject,
        level=int(person.level),
        authenticated_at=person.authenticated_at,
        claims=list(person.claims),
        at=now,
        **person.columns,
    )
    sign_in.told = telling.sealed(sign_in.key, person.claims, request.verified)
    code = secrets.token_urlsafe(32)
    row = {
        "digest": hashlib.sha256(code.encode()).digest(),
        "sign_in_id": insert(sign_in).pk,
        "redirect_uri": request.redirect_uri,
        "challenge": request.code_challenge,
        "nonce": request.nonce,
        "dpop_jkt": request.dpop_jkt,
        "expires_at": now + CODE_LIFE,
    }
    insert_many(AuthorizationCode, tuple(row), [tuple(row.values())])
    return code
