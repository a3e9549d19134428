"""The second signature of a list: SM2 with SM3, detached, where this side's ``node.toml`` asks for it.

The list itself, which ES256 signs, names the SM2 key; so whoever has the list knows whose key it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from django.conf import settings
from django.utils import timezone

from kouan.apps.signing.lists.errors import Sm2Missing
from kouan.apps.signing.models import ListKey
from kouan.core.database.locks import take_turn
from kouan.core.trust import sm2
from kouan.core.trust.errors import Sm2Unavailable
from kouan.core.vault import Unsealable, Vault

if TYPE_CHECKING:
    from kouan.apps.signing.lists.domain import Edition

_VAULT: Final = Vault("signing/list-key/1")


def key() -> sm2.PrivateKey | None:
    """Return the key that signs, made at the first call; ``None`` where this side signs once.

    To be called in a transaction. Raises ``Sm2Missing``.
    """
    if not settings.NODE.signing.sm2:
        return None
    take_turn("signing-list-key")  # of several processes one makes it
    row = ListKey.objects.order_by("pk").last()
    try:
        if row is not None:
            return sm2.PrivateKey.from_der(_VAULT.unseal(bytes(row.private), of=bytes(row.public).hex()))
        made = sm2.PrivateKey.generate()
    except (Sm2Unavailable, Unsealable, ValueError):
        raise Sm2Missing from None
    public = made.public_key().spki
    ListKey.objects.create(
        public=public, private=_VAULT.seal(made.pkcs8, of=public.hex()), made_at=timezone.now()
    )
    return made


def holds(edition: Edition, jws: str, signature: bytes) -> bool:
    """Whether an edition's second signature is as its list says: there and good, or not there at all.

    A node without SM2 cannot tell, and takes the list by its first signature.
    """
    if not edition.sm2_key:
        return not signature
    try:
        sm2.PublicKey.from_spki(edition.sm2_key).verify(signature, jws.encode())
    except Sm2Unavailable:
        return bool(signature)
    except (InvalidSignature, ValueError):
        return False
    return True
