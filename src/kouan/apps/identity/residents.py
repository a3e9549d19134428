"""Residents: known by their home accounts, signed in for a while, and recognised in their browser.

A ``HomeSession`` is one sign-in at the home provider. What it showed of the person is sealed, and erased with
its end. The browser's session holds its key, under a session key that changes at every sign-in and sign-out.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import get_language

from kouan.apps.identity import signouts
from kouan.apps.identity.domain import FRESH, HOME_SESSION_LIFE, Level
from kouan.apps.identity.errors import UnreadableSecret
from kouan.apps.identity.models import HomeAccount, HomeAttempt, HomeSession, Resident, SpentToken
from kouan.core.database.locks import take_turn
from kouan.core.database.rows import engine, fetch_joined, insert, select, stored
from kouan.core.vault import Unsealable, Vault
from kouan.web.oidc import LOGOUT_KEEP

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from django.http import HttpRequest

    from kouan.apps.identity.home.adapter import Ended, HomeSignIn

log = logging.getLogger(__name__)

KEPT: Final = timedelta(days=30)
"""How long the bare row of an ended session stays: when somebody signed in, and at which level."""
_ATTRIBUTES: Final = Vault("identity/attributes/1")
_SESSION: Final = "identity_home"
_EARLIER: Final = "identity_home_earlier"
"""Sessions of the same person in the same browser that a stronger or fresher one took the place of."""
_AT_ONCE: Final = 100

_HELD: Final = ((HomeSession, "s", ()), (Resident, "r", ()))
_ACCOUNT: Final = ((HomeAccount, "a", ()), (Resident, "r", ()))
_OF_SUBJECT: Final = (
    f"FROM {HomeAccount._meta.db_table} a JOIN {Resident._meta.db_table} r ON r.id = a.resident_id "
    "WHERE a.provider = %s AND a.subject = %s"
)
_FROM: Final = f"FROM {HomeSession._meta.db_table} s JOIN {Resident._meta.db_table} r ON r.id = s.resident_id"
_LASTING: Final = (
    f"SELECT id FROM {HomeSession._meta.db_table} "  # noqa: S608 - the table's own name
    "WHERE id = %s AND ended_at IS NULL AND expires_at > %s"
)


# Signing in


def signed_in(*, provider: str, said: HomeSignIn) -> HomeSession:
    """Keep a sign-in at a home provider: for a resident who is known, or made now."""
    now = timezone.now()
    key = uuid.uuid4()
    with transaction.atomic():
        session = HomeSession(
            key=key,
            resident=_resident(provider, said.subject),
            provider=provider,
            level=said.level,
            amr=list(said.amr),
            authenticated_at=min(said.authenticated_at, now),
            began_at=now,
            expires_at=now + HOME_SESSION_LIFE,
            provider_sid=said.sid,
            attributes=seal_attributes(key, said.claims),
        )
        session.level = int(
            present_level(session, now=now)
        )  # the provider may know the person from hours ago
        return insert(session)


def _resident(provider: str, subject: str) -> Resident:
    """Return whose account it is. Of several first sign-ins at one moment one makes the resident."""
    account = _account(provider, subject)
    if account is None:
        take_turn(f"identity-account {provider} {hashlib.sha256(subject.encode()).hexdigest()}")
        account = _account(provider, subject)
    if account is not None:
        return account.resident
    now = timezone.now()
    resident = Resident.objects.create(created_at=now, language=get_language() or "en")
    HomeAccount.objects.create(resident=resident, provider=provider, subject=subject, created_at=now)
    return resident


def is_of(resident: Resident, *, provider: str, subject: str) -> bool:
    """Return whether an account at a home provider is this resident's."""
    account = _account(provider, subject)
    return account is not None and account.resident_id == resident.pk


def _account(provider: str, subject: str) -> HomeAccount | None:
    found = fetch_joined(_ACCOUNT, _OF_SUBJECT, (provider, subject))
    if not found:
        return None
    ((account, resident),) = found
    account.resident = resident
    return cast("HomeAccount", account)


# What a session is good for


def present_level(session: HomeSession, *, now: datetime | None = None) -> Level:
    """Return the level that a session has now: the highest lasts while the authentication is fresh."""
    level = Level(session.level)
    if level is Level.HIGH and (now or timezone.now()) - session.authenticated_at > FRESH:
        return Level.SUBSTANTIAL
    return level


def suits(
    session: HomeSession,
    *,
    level: Level,
    max_age: int | None = None,
    prompt: Collection[str] = (),
    now: datetime | None = None,
) -> bool:
    """Return whether a session lets its resident go on to a further service without signing in again."""
    now = now or timezone.now()
    if {"login", "select_account"} & set(prompt) or not _lasts(session, now):
        return False
    if max_age is not None and now - session.authenticated_at > timedelta(seconds=max_age):
        return False
    return present_level(session, now=now) >= level


def settled(session: HomeSession) -> HomeSession:
    """Return a session at its present level, which is what a sign-in that rests on it is told to have."""
    level = present_level(session)
    if level != session.level:
        HomeSession.objects.filter(pk=session.pk).update(level=level)
        session.level = level
    return session


def held(session: HomeSession, *, now: datetime) -> bool:
    """Return whether a session lasts; if so, it does not end before the caller's transaction.

    So who ends it finds every sign-in that was made to rest on it.
    """
    shared = " FOR SHARE" if engine() == "postgresql" else ""
    return bool(select(_LASTING + shared, (session.pk, stored(now))))


def seal_attributes(key: uuid.UUID, attributes: Mapping[str, str]) -> bytes:
    """Return what a home provider said as the session of that key keeps it."""
    return _ATTRIBUTES.seal(json.dumps(dict(attributes), ensure_ascii=False).encode(), of=str(key))


def attributes_of(session: HomeSession) -> dict[str, str]:
    """Return what the home provider said of the resident, by claim; nothing once the session has ended."""
    if session.attributes is None:
        return {}
    try:
        value: dict[str, str] = json.loads(_ATTRIBUTES.unseal(bytes(session.attributes), of=str(session.key)))
    except Unsealable:
        raise UnreadableSecret from None
    return value


# The resident in their browser


def enter(request: HttpRequest, session: HomeSession) -> None:
    """Recognise a resident in this browser from now on.

    Whoever was signed in before as somebody else is signed out everywhere: they left the screen to another.
    """
    earlier = of(request)
    keys = request.session.get(_EARLIER, [])
    if earlier is not None and earlier.resident_id != session.resident_id:
        leave(request, by="replaced")
        keys = []
    elif earlier is not None and earlier.pk != session.pk:
        keys = [*keys, str(earlier.key)][-_AT_ONCE:]
    request.session[_SESSION] = str(session.key)
    request.session[_EARLIER] = keys
    request.session.cycle_key()


def of(request: HttpRequest) -> HomeSession | None:
    """Return the session of the resident who is signed in in this browser, if anybody is."""
    key = request.session.get(_SESSION)
    if not isinstance(key, str):
        return None
    session = _session("s.key = %s", stored(uuid.UUID(key)))
    return session if session is not None and _lasts(session, timezone.now()) else None


def session_of(pk: int) -> HomeSession | None:
    """Return a session with its resident, whether it lasts or not."""
    return _session("s.id = %s", pk)


def _session(where: str, value: object) -> HomeSession | None:
    found = fetch_joined(_HELD, f"{_FROM} WHERE {where}", (value,))
    if not found:
        return None
    ((session, resident),) = found
    session.resident = resident
    return cast("HomeSession", session)


def leave(request: HttpRequest, *, by: str = "resident") -> None:
    """Sign the resident of this browser out: here, and at every service."""
    keys = [*request.session.pop(_EARLIER, []), request.session.pop(_SESSION, None)]
    for session in HomeSession.objects.filter(key__in=[key for key in keys if key], ended_at__isnull=True):
        end(session=session, by=by)
    request.session.cycle_key()


def _lasts(session: HomeSession, now: datetime) -> bool:
    return session.ended_at is None and session.expires_at > now


# The end


def end(*, session: HomeSession, by: str) -> bool:
    """End a session with all its sign-ins and erase what it says of the person; say whether it lasted."""
    with transaction.atomic():
        ended = HomeSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(
            ended_at=timezone.now(), attributes=None
        )
        if ended:
            signouts.end_session(session=session, by=by)
    return bool(ended)


def ended_at_provider(*, provider: str, notice: Ended) -> int:
    """End the sessions of which a provider's logout token speaks; shown again, it changes nothing."""
    lasting = HomeSession.objects.filter(provider=provider, ended_at__isnull=True)
    if notice.sid:
        lasting = lasting.filter(provider_sid=notice.sid)
    if notice.subject:
        accounts = HomeAccount.objects.filter(provider=provider, subject=notice.subject)
        lasting = lasting.filter(resident__accounts__in=accounts)
    with transaction.atomic():
        if not _first_time(f"home-logout\0{provider}\0{notice.jti}"):
            return 0
        return sum(end(session=session, by="home-provider") for session in lasting)


def _first_time(what: str) -> bool:
    try:
        with transaction.atomic():
            SpentToken.objects.create(
                digest=hashlib.sha256(what.encode()).digest(),
                expires_at=timezone.now() + timedelta(seconds=LOGOUT_KEEP),
            )
    except IntegrityError:
        return False
    return True


# Chores


def expire() -> bool:
    """End sessions whose time is over, forget attempts that nobody came back from; say whether more waits."""
    now = timezone.now()
    HomeAttempt.objects.filter(expires_at__lte=now).delete()
    HomeSession.objects.filter(ended_at__lte=now - KEPT).delete()
    over = list(HomeSession.objects.filter(ended_at__isnull=True, expires_at__lte=now)[:_AT_ONCE])
    for session in over:
        end(session=session, by="expired")
    return len(over) == _AT_ONCE
