"""Passkeys: WebAuthn Level 2 registrations and assertions, checked by fido2.

Each passkey is discoverable and verifies its user, so that it signs in by itself. Challenges are kept in
the session, on this side, and are good for one answer within five minutes.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import struct
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kouan.apps.staff import sessions
from kouan.apps.staff.codes import drop_idle_codes
from kouan.apps.staff.domain import MOST_PASSKEYS
from kouan.apps.staff.errors import NoPasskeysHere, PasskeyRefused, TooManyPasskeys, UsedBefore
from kouan.apps.staff.models import Officer, Passkey
from kouan.apps.staff.services import officer_of, spend
from kouan.core.sides import get_side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.base import SessionBase

LIFE: Final = timedelta(minutes=5)
"""How long a challenge may be answered."""
MOST: Final = 16 * 1024
"""Characters of an answer."""
_CHALLENGE: Final = "staff_challenge"
_ALGORITHMS: Final = {-7, -8, -257}
"""ES256, EdDSA and RS256 (the COSE registry), which is what authenticators have."""
_WRONG: Final = (
    AssertionError, AttributeError, IndexError, InvalidSignature, KeyError, OverflowError, RecursionError,
    TypeError, UnsupportedAlgorithm, ValueError, struct.error,
)  # fmt: skip
"""What parsing and checking an answer may raise, whoever wrote it."""
log = logging.getLogger(__name__)


def are_possible() -> bool:
    """Say whether browsers let passkeys be used at the portal's address: HTTPS and a name, or localhost."""
    parts = urlsplit(settings.NODE.portal_origin)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return parts.scheme == "https" or host == "localhost"
    return False


def ask_to_register(*, user: User, session: SessionBase) -> dict[str, Any]:
    """Return what the browser needs to make a passkey (``PublicKeyCredentialCreationOptions`` as JSON)."""
    server = _server()
    if Passkey.objects.filter(user=user).count() >= MOST_PASSKEYS:
        raise TooManyPasskeys(most=MOST_PASSKEYS)
    entity = PublicKeyCredentialUserEntity(
        name=user.username, display_name=user.username, id=bytes(officer_of(user).handle)
    )
    options, state = server.register_begin(
        entity,
        _descriptors(user),
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(session, "create", state, user)
    return dict(options.public_key)


def register(*, user: User, session: SessionBase, answer: str, name: str) -> Passkey:
    """Check what the browser made and keep it.

    Raises ``PasskeyRefused``, ``UsedBefore`` or ``TooManyPasskeys``.
    """
    state = _take(session, "create", user)
    try:
        made = _server().register_complete(state, RegistrationResponse.from_dict(_read(answer)))
        data = made.credential_data
    except _WRONG as error:
        raise _refused(error) from None
    if data is None:
        raise PasskeyRefused
    try:
        with transaction.atomic():
            passkey = Passkey.objects.create(
                user=user,
                credential_id=data.credential_id,
                credential=bytes(data),
                sign_count=made.counter,
                name=name,
                created_at=timezone.now(),
            )
            if Passkey.objects.filter(user=user).count() > MOST_PASSKEYS:
                raise TooManyPasskeys(most=MOST_PASSKEYS)
            sessions.renew(user)
    except IntegrityError:  # a credential that is registered already, here or for another
        raise PasskeyRefused from None
    return passkey


def ask_to_sign_in(*, session: SessionBase, user: User | None = None) -> dict[str, Any]:
    """Return what the browser needs to ask a passkey: any of the portal's, or one of ``user``'s."""
    options, state = _server().authenticate_begin(
        _descriptors(user) if user is not None else None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(session, "get", state, user)
    return dict(options.public_key)


def sign_in(*, session: SessionBase, answer: str, user: User | None = None) -> User:
    """Return whose passkey answered; with ``user`` it must be theirs. Raises as ``register`` does."""
    state = _take(session, "get", user)
    try:
        response = AuthenticationResponse.from_dict(_read(answer))
        credential_id, handle = response.raw_id, response.response.user_handle
        count = response.response.authenticator_data.counter
    except _WRONG as error:
        raise _refused(error) from None
    found = Passkey.objects.select_related("user").filter(credential_id=credential_id).first()
    if found is None or (user is not None and found.user_id != user.pk) or not found.user.is_active:
        raise PasskeyRefused
    if handle is not None and not Officer.objects.filter(user=found.user, handle=handle).exists():
        raise PasskeyRefused
    try:
        _server().authenticate_complete(state, [AttestedCredentialData(bytes(found.credential))], response)
    except _WRONG as error:
        raise _refused(error) from None
    if (count or found.sign_count) and count <= found.sign_count:
        # WebAuthn section 6.1.1: two devices seem to use one key.
        log.warning("passkey %s of %s: its counter went back", found.pk, found.user)
        raise PasskeyRefused
    moved = Passkey.objects.filter(pk=found.pk, sign_count=found.sign_count)
    if not moved.update(sign_count=count, last_used_at=timezone.now()):
        raise UsedBefore
    return found.user


def rename(*, user: User, key: int, name: str) -> None:
    """Give a passkey of the account another name."""
    Passkey.objects.filter(user=user, pk=key).update(name=name)


def remove(*, user: User, key: int) -> None:
    """Remove a passkey of the account; raises ``LastFactor``."""
    with transaction.atomic():
        sessions.keep_a_factor(user, without_passkey=key)
        Passkey.objects.filter(user=user, pk=key).delete()
        drop_idle_codes(user)
        sessions.renew(user)


def _server() -> Fido2Server:
    if not are_possible():
        raise NoPasskeysHere
    origin = settings.NODE.portal_origin
    name = f"Kouan {get_side(settings.NODE.side).name.en}"
    server = Fido2Server(
        PublicKeyCredentialRpEntity(name=name, id=urlsplit(origin).hostname or ""),
        verify_origin=lambda said: said == origin,
    )
    server.allowed_algorithms = [each for each in server.allowed_algorithms if each.alg in _ALGORITHMS]
    server.timeout = int(LIFE.total_seconds() * 1000)  # type: ignore[assignment] # untyped there
    return server


def _descriptors(user: User) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=bytes(key))
        for key in Passkey.objects.filter(user=user).values_list("credential_id", flat=True)
    ]


def _keep(session: SessionBase, purpose: str, state: Mapping[str, Any], user: User | None) -> None:
    session[_CHALLENGE] = {
        "purpose": purpose,
        "state": dict(state),
        "user": user.pk if user is not None else None,
        "at": int(time.time()),
    }


def _take(session: SessionBase, purpose: str, user: User | None) -> dict[str, Any]:
    """Return the state of the open challenge, and close it; raises ``PasskeyRefused`` or ``UsedBefore``."""
    kept = session.pop(_CHALLENGE, None)
    if kept is None or kept["purpose"] != purpose or kept["user"] != (user.pk if user is not None else None):
        raise PasskeyRefused
    if not 0 <= time.time() - kept["at"] <= LIFE.total_seconds():
        raise PasskeyRefused
    # Two requests at one moment both find it in the session; only one can spend it.
    spend(what="webauthn", value=kept["state"]["challenge"], keep=LIFE * 2)
    return dict(kept["state"])


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > MOST:
        raise PasskeyRefused
    value = json.loads(answer)
    if not isinstance(value, dict):
        raise PasskeyRefused
    return value


def _refused(error: Exception) -> PasskeyRefused:
    log.info("a passkey's answer was refused: %s", type(error).__name__)
    return PasskeyRefused()
