"""The second signature of a list: SM2 with SM3, detached, where this side's ``node.toml`` asks for it.

The list itself, which ES256 signs, names the SM2 key; so whoever has the list knows whose key it is. The key
that an edition names signs the one after it, also where that one names another, or none any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
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


class Held(Enum):
    """What a second signature comes to."""

    AS_SAID = auto()
    """Good, or not there where there need be none."""
    UNCHECKED = auto()
    """There, by the key that was known before; a node without SM2 cannot tell more."""
    WRONG = auto()
    """Missing where the list itself names a key, or not good."""
    DROPPED = auto()
    """Not by the key that the edition before named."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of an edition of this side's."""

    signing: sm2.PrivateKey | None
    """Makes its second signature; the key that the edition before named, if there was one."""
    named: sm2.PrivateKey | None
    """Whose public half it names: the next edition is signed with it."""


def keys(last: Edition | None) -> Keys:
    """Return the keys for the edition after ``last``, made at the first call; none for a list signed once.

    What the edition before promised is kept once more, so that nobody but the holder of its key changes the
    key or goes without. To be called in a transaction. Raises ``Sm2Missing``.
    """
    promised = b"" if last is None else last.sm2_key
    if not settings.NODE.signing.sm2 and not promised:
        return Keys(None, None)
    take_turn("signing-list-key")  # of several processes one makes it
    try:
        named = (_newest() or _made()) if settings.NODE.signing.sm2 else None
        signing = _opened(ListKey.objects.filter(public=promised).last()) if promised else named
    except (Sm2Unavailable, Unsealable, ValueError):
        raise Sm2Missing from None
    if signing is None:
        raise Sm2Missing
    return Keys(signing, named)


def _newest() -> sm2.PrivateKey | None:
    return _opened(ListKey.objects.order_by("pk").last())


def _opened(row: ListKey | None) -> sm2.PrivateKey | None:
    if row is None:
        return None
    return sm2.PrivateKey.from_der(_VAULT.unseal(bytes(row.private), of=bytes(row.public).hex()))


def _made() -> sm2.PrivateKey:
    made = sm2.PrivateKey.generate()
    public = made.public_key().spki
    ListKey.objects.create(
        public=public, private=_VAULT.seal(made.pkcs8, of=public.hex()), made_at=timezone.now()
    )
    return made


def held(edition: Edition, jws: str, signature: bytes, *, before: Edition | None) -> Held:
    """Return what an edition's second signature comes to; ``before`` is the edition before it, if it is here.

    The key that the edition before named signs it: nobody else changes that key, or leaves it out. The first
    that names a key is signed with it.
    """
    promised = b"" if before is None else before.sm2_key
    by = promised or edition.sm2_key
    if not by:
        return Held.WRONG if signature else Held.AS_SAID
    wrong = Held.DROPPED if promised else Held.WRONG
    try:
        sm2.PublicKey.from_spki(by).verify(signature, jws.encode())
    except Sm2Unavailable:
        same = not promised or promised == edition.sm2_key
        return Held.UNCHECKED if signature and same else wrong
    except (InvalidSignature, ValueError):
        return wrong
    return Held.AS_SAID
