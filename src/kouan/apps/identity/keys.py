"""The provider's keys: P-256, kept sealed in the database, so that every process of a node has the same.

A new key is made and published a while before it signs, and stays published a while after its last
signature, so that whoever has the old list or an old token is never wrong.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import transaction
from django.utils import timezone
from joserfc.jwk import ECKey

from kouan.apps.identity.errors import UnreadableSecret
from kouan.apps.identity.models import SigningKey
from kouan.core.database.locks import take_turn
from kouan.core.database.rows import fetch, stored
from kouan.core.vault import Unsealable, Vault

if TYPE_CHECKING:
    from collections.abc import Sequence

LIFE: Final = timedelta(days=90)
"""How long a key signs."""
AHEAD: Final = timedelta(days=2)
"""How long before its first signature it is published."""
BEHIND: Final = timedelta(days=1)
"""How long after its last signature it stays published."""

_VAULT: Final = Vault("identity/signing-keys/1")
Use = SigningKey.Use


@dataclass(frozen=True, slots=True)
class Key:
    """A key that signs; ``jwk`` holds the private half and never leaves the process."""

    kid: str
    jwk: ECKey = field(repr=False)


def current(use: Use, *, now: datetime | None = None) -> Key:
    """Return the key that signs for a use now, making one if this node has none yet."""
    now = now or timezone.now()
    row = _signing(use, now)
    if row is None:
        row = _made(use, now)
    with _lock:
        held = _opened.get(row.kid)
    if held is None:
        held = Key(row.kid, _unsealed(row))
        with _lock:
            _opened[row.kid] = held
    return held


def renew(*, now: datetime | None = None) -> bool:
    """Make the successor of each key that ends soon; return whether any was made."""
    now = now or timezone.now()
    made = False
    for use in Use:
        newest = SigningKey.objects.filter(use=use).order_by("-until").first()
        if newest is None or newest.until - now <= AHEAD:
            _made(use, now)
            made = True
    return made


def published(*uses: Use, now: datetime | None = None) -> list[SigningKey]:
    """Return the keys that others need to know of now."""
    now = now or timezone.now()
    return list(SigningKey.objects.filter(use__in=uses, until__gt=now - BEHIND).order_by("since", "id"))


def jwks(keys: Sequence[SigningKey]) -> dict[str, Any]:
    """Return a key set (RFC 7517 section 5) of public keys."""
    return {"keys": [{**key.public, "kid": key.kid, "use": "sig", "alg": "ES256"} for key in keys]}


def _signing(use: Use, now: datetime) -> SigningKey | None:
    at = stored(now)
    where = "use = %s AND since <= %s AND until > %s ORDER BY until, id LIMIT 1"
    found = fetch(SigningKey, where, (use.value, at, at), names=("id", "kid", "private"))
    return found[0] if found else None


def _made(use: Use, now: datetime) -> SigningKey:
    with transaction.atomic():
        take_turn(f"identity-key-{use.value}")  # of several processes one makes it
        newest = SigningKey.objects.filter(use=use).order_by("-until").first()
        if newest is not None and newest.until - now > AHEAD:
            return newest
        since = max(now, newest.until) if newest is not None and newest.until > now else now
        private = ec.generate_private_key(ec.SECP256R1())
        jwk = ECKey.import_key(private)
        kid = jwk.thumbprint()
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return SigningKey.objects.create(
            kid=kid,
            use=use,
            public={name: jwk.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")},
            private=_VAULT.seal(der, of=kid),
            since=since,
            until=since + LIFE,
        )


def _unsealed(row: SigningKey) -> ECKey:
    try:
        der = _VAULT.unseal(bytes(row.private), of=row.kid)
    except Unsealable:
        raise UnreadableSecret from None
    return ECKey.import_key(der)


_lock = threading.Lock()
_opened: dict[str, Key] = {}
