"""The issuer's keys: P-256, kept sealed in the database, so that every process of a node has the same.

A key is made and published before it signs. It stays published for good: a credential that it signed is
checked by the key of the day on which it was issued, however long ago that was.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import transaction
from django.utils import timezone
from joserfc.jwk import ECKey

from kouan.apps.evidence.errors import UnreadableSecret
from kouan.apps.evidence.models import IssuerKey
from kouan.core.database.locks import take_turn
from kouan.core.database.rows import fetch, stored
from kouan.core.vault import Unsealable, Vault

if TYPE_CHECKING:
    from datetime import datetime

LIFE: Final = timedelta(days=180)
"""How long a key signs."""
AHEAD: Final = timedelta(days=3)
"""How long before its first signature it is published and announced."""
_VAULT: Final = Vault("evidence/issuer-keys/1")


@dataclass(frozen=True, slots=True)
class Key:
    """A key that signs; ``jwk`` holds the private half and never leaves the process."""

    kid: str
    jwk: ECKey = field(repr=False)


def current(*, now: datetime | None = None) -> Key:
    """Return the key that signs now, making one if this node has none yet."""
    now = now or timezone.now()
    row = _signing(now) or _made(now)
    with _lock:
        held = _opened.get(row.kid)
    if held is None:
        held = Key(row.kid, _unsealed(row))
        with _lock:
            _opened[row.kid] = held
    return held


def renew(*, now: datetime | None = None) -> bool:
    """Make the successor of a key that ends soon; return whether one was made."""
    now = now or timezone.now()
    newest = IssuerKey.objects.order_by("-until").first()
    if newest is not None and newest.until - now > AHEAD:
        return False
    _made(now)
    return True


def published() -> list[IssuerKey]:
    """Return all keys that ever signed or will, the oldest first."""
    return list(IssuerKey.objects.order_by("since", "id"))


def jwks() -> dict[str, Any]:
    """Return the key set (RFC 7517 section 5) of public keys."""
    return {"keys": [{**key.public, "kid": key.kid, "use": "sig", "alg": "ES256"} for key in published()]}


def _signing(now: datetime) -> IssuerKey | None:
    at = stored(now)
    where = "since <= %s AND until > %s ORDER BY until, id LIMIT 1"
    found = fetch(IssuerKey, where, (at, at), names=("id", "kid", "private"))
    return found[0] if found else None


def _made(now: datetime) -> IssuerKey:
    with transaction.atomic():
        take_turn("evidence-key")  # of several processes one makes it
        newest = IssuerKey.objects.order_by("-until").first()
        if newest is not None and newest.until - now > AHEAD:
            return newest
        since = max(now, newest.until) if newest is not None else now
        private = ec.generate_private_key(ec.SECP256R1())
        jwk = ECKey.import_key(private)
        kid = jwk.thumbprint()
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        public = jwk.as_dict(private=False)
        return IssuerKey.objects.create(
            kid=kid,
            public={name: public[name] for name in ("kty", "crv", "x", "y")},
            private=_VAULT.seal(der, of=kid),
            since=since,
            until=since + LIFE,
        )


def _unsealed(row: IssuerKey) -> ECKey:
    try:
        der = _VAULT.unseal(bytes(row.private), of=row.kid)
    except Unsealable:
        raise UnreadableSecret from None
    return ECKey.import_key(der)


_lock = threading.Lock()
_opened: dict[str, Key] = {}
