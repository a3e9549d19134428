"""The second signature, by SM2, on checkpoints.

Batches, receipts and all else in COSE carry it inside (``cose``). A checkpoint is a signed note (C2SP
signed-note), on which it is a line of its own, under the log's name: of the type 0xff, which the
specification leaves to whoever names an algorithm after it, and in which other readers see an unknown key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from cryptography.exceptions import InvalidSignature

from kouan.core.ledger.errors import NoteSignatureError, UntrustedNoteError
from kouan.core.ledger.notes import NoteVerifier, VerifierKey, verify_note
from kouan.core.trust import sm2
from kouan.core.trust.errors import SecondSignatureMissing
from kouan.core.trust.keys import KeyUse, spki_of

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from kouan.core.ledger.notes import Note
    from kouan.core.trust.document import ListedKey
    from kouan.core.trust.keys import Signer
    from kouan.core.trust.member import MemberKeys

_TYPE: Final = b"\xffkouan/sm2-sm3\n"
"""The signature type's byte and name, as they go into a key id, before the key's SubjectPublicKeyInfo."""
_KEY_ID_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Sm2Verifier:
    """Checks a log's SM2 line."""

    name: str
    public: sm2.PublicKey

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that, with the name, tell which key signed."""
        return _key_id(self.name, self.public.spki)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Check a line's signature over a note's text; raises ``NoteSignatureError``."""
        try:
            self.public.verify(sm2.der_of(signature), text)
        except (InvalidSignature, ValueError):
            raise NoteSignatureError(name=self.name) from None


class Sm2NoteSigner:
    """A log's second signer."""

    def __init__(self, name: str, signer: Signer, spki: bytes) -> None:
        self._signer = signer
        self.name = name
        self.key_id = _key_id(name, spki)

    def sign(self, text: bytes, /) -> bytes:
        """Return r and s over a note's text."""
        return self._signer.sign(text)


def log_verifier(key: ListedKey, origin: str) -> NoteVerifier:
    """Return what checks the line of one of a log's keys, the first or the second."""
    if key.use is KeyUse.LOG_SM2:
        return Sm2Verifier(origin, cast("sm2.PublicKey", key.public))
    return VerifierKey.for_log(origin, cast("Ed25519PublicKey", key.public))


def second_keys(member: MemberKeys, *, origin: str, at: datetime | None = None) -> list[NoteVerifier]:
    """Return what checks a log's second line: at a time, or by all keys that ever signed one."""
    return [log_verifier(key, origin) for key in member.of_use(KeyUse.LOG_SM2, at=at)]


def audit_note(member: MemberKeys, note: Note, *, at: datetime) -> bool:
    """Check the second signature of a checkpoint of any time; return whether it has one.

    By every key that the side ever listed for it, also where it need not have one. Raises
    ``SecondSignatureMissing`` or ``NoteSignatureError``.
    """
    keys = second_keys(member, origin=note.text.partition("\n")[0])
    try:
        return bool(keys and verify_note(note, keys))
    except UntrustedNoteError:
        if member.signs_twice(KeyUse.LOG_SM2, at):
            raise SecondSignatureMissing(side=member.side) from None
        return False


def check_note(member: MemberKeys, note: Note, *, origin: str, at: datetime) -> None:
    """Check that a side's checkpoint has the second signature, if at that time it must have one.

    The first is checked by whoever opens it. Raises ``SecondSignatureMissing`` or ``NoteSignatureError``.
    """
    if not member.signs_twice(KeyUse.LOG_SM2, at):
        return
    try:
        verify_note(note, second_keys(member, origin=origin, at=at))
    except UntrustedNoteError:
        raise SecondSignatureMissing(side=member.side) from None


def spki_of_log(member: MemberKeys, kid: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a log's second key, by its id."""
    return next(spki_of(key.public) for key in member.of_use(KeyUse.LOG_SM2) if key.kid == kid)


def _key_id(name: str, spki: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _TYPE + spki).digest()[:_KEY_ID_BYTES]
