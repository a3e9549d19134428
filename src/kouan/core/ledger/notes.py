"""Signed notes (C2SP signed-note) and cosignatures (C2SP tlog-cosignature, ``cosignature/v1``).

Two signature types are in use: Ed25519 by a log (0x01), and Ed25519 with a time by a witness
(0x04). Signatures by other keys, whatever their type, are passed over as the specification asks.
Reading is strict where the specification leaves room (base64 must be canonical), so that one note
has one form.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kouan.core.ledger.errors import (
    MalformedNoteError,
    MalformedVerifierKeyError,
    NoteSignatureError,
    UntrustedNoteError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_NOTE_BYTES: Final = 128 * 1024
MAX_SIGNATURES: Final = 32
"""The specification asks for at least 16, and post-quantum ones are near 5 kB each."""

_SIGNATURE_START: Final = "— "
_KEY_ID_BYTES: Final = 4
_PUBLIC_BYTES: Final = 32
_ED25519_BYTES: Final = 64
_TIME_BYTES: Final = 8
_FIRST_PRINTABLE: Final = " "
_LATEST: Final = 253_402_300_799
"""The end of the year 9999 in POSIX time; the specification forbids only times beyond 2**63 - 1."""


class SignatureType(IntEnum):
    """The identifier bytes in use here."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


def log_name(side: str) -> str:
    """Return a side's ledger's origin, which is its key name too."""
    return f"{side}.kouan/ledger"


def epoch_origin(origin: str, epoch: int) -> str:
    """Return the origin of a side's ledger by its number: the first bears the name alone."""
    return origin if epoch == 1 else f"{origin}/{epoch}"


def is_epoch_of(origin: str, base: str) -> bool:
    """Whether ``origin`` is that of the ledger ``base`` or of one that continues it."""
    name, _, number = origin.rpartition("/")
    return origin == base or (
        name == base and number.isdecimal() and epoch_origin(base, int(number)) == origin
    )


def origin_in(note: str, base: str) -> str:
    """Return the name of the ledger that a note is about if it is ``base`` or continues it, else ``base``."""
    named = note.partition("\n")[0]
    return named if is_epoch_of(named, base) else base


def witness_name(side: str) -> str:
    """Return the key name under which a side co-signs the ledgers of others."""
    return f"{side}.kouan/witness"


def encode64(data: bytes) -> str:
    """Return the standard base64 of ``data`` (RFC 4648 section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode64(text: str) -> bytes:
    """Return the bytes of canonical standard base64; ``ValueError`` for any other form."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if encode64(data) != text:
        raise ValueError("the base64 is not canonical")
    return data


def key_id(name: str, signature_type: int, public: bytes) -> bytes:
    """Return SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]."""
    return sha256(name.encode() + b"\n" + bytes([signature_type]) + public).digest()[:_KEY_ID_BYTES]


def cosigned_message(text: bytes, timestamp: int) -> bytes:
    """Return what a ``cosignature/v1`` signs: a header, the POSIX time, and the whole note text."""
    return b"cosignature/v1\ntime %d\n" % timestamp + text


class SigningKey(Protocol):
    """An Ed25519 private key, or something that signs with one."""

    def public_key(self) -> Ed25519PublicKey:
        """Return the public half."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the 64 bytes of RFC 8032."""


class NoteSigner(Protocol):
    """Signs note texts as a log; a key in hardware can stand behind it."""

    @property
    def name(self) -> str:
        """The key name."""

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that, with the name, tell which key signed."""

    def sign(self, text: bytes, /) -> bytes:
        """Return the signature over ``text``, without the key id."""


class Cosigner(Protocol):
    """Signs checkpoint texts as a witness, with a time."""

    @property
    def name(self) -> str:
        """The key name."""

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that, with the name, tell which key signed."""

    def cosign(self, text: bytes, timestamp: int, /) -> bytes:
        """Return the POSIX ``timestamp`` in 8 bytes and the signature, without the key id."""


class NoteVerifier(Protocol):
    """Checks the lines of one key: a ``VerifierKey``, or a key of another kind."""

    @property
    def name(self) -> str:
        """The key name."""

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that, with the name, tell which key signed."""

    def verify(self, text: bytes, signature: bytes) -> int | None:
        """Check a signature over a note text; return a cosignature's POSIX time, else ``None``.

        Raises ``NoteSignatureError``.
        """


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name and the signature type that it serves."""

    name: str
    type: SignatureType
    public: bytes
    """The 32 bytes of RFC 8032."""

    def __post_init__(self) -> None:
        """Raise ``MalformedVerifierKeyError`` for an impossible name or key length."""
        if not _is_key_name(self.name):
            raise MalformedVerifierKeyError(detail="the name is empty or has spaces or plus signs")
        if len(self.public) != _PUBLIC_BYTES:
            raise MalformedVerifierKeyError(detail="an Ed25519 key has 32 bytes")

    @classmethod
    def for_log(cls, name: str, public: Ed25519PublicKey) -> VerifierKey:
        """Make the key that checks a log's own signatures."""
        return cls(name, SignatureType.ED25519, public.public_bytes_raw())

    @classmethod
    def for_witness(cls, name: str, public: Ed25519PublicKey) -> VerifierKey:
        """Make the key that checks a witness's cosignatures."""
        return cls(name, SignatureType.COSIGNATURE_V1, public.public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a ``name+id+base64(type ‖ key)``; raises ``MalformedVerifierKeyError``."""
        name, _, rest = text.partition("+")
        identifier, _, encoded = rest.partition("+")
        try:
            data = decode64(encoded)
        except ValueError:
            raise MalformedVerifierKeyError(detail="the key is not canonical base64") from None
        if not data or data[0] not in tuple(SignatureType):
            raise MalformedVerifierKeyError(detail="the signature type is not supported")
        key = cls(name, SignatureType(data[0]), data[1:])
        if key.key_id.hex() != identifier:
            raise MalformedVerifierKeyError(detail="the key id is that of another key")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode64(bytes([self.type]) + self.public)}"

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that, with the name, tell which key signed."""
        return key_id(self.name, self.type, self.public)

    def verify(self, text: bytes, signature: bytes) -> int | None:
        """Check a signature over a note text; return a cosignature's POSIX time, else ``None``.

        Raises ``NoteSignatureError``.
        """
        timestamp = None
        signed, raw = text, signature
        if self.type is SignatureType.COSIGNATURE_V1:
            timestamp = int.from_bytes(signature[:_TIME_BYTES], "big")
            signed, raw = cosigned_message(text, timestamp), signature[_TIME_BYTES:]
        if len(raw) != _ED25519_BYTES or (timestamp or 0) > _LATEST:
            raise NoteSignatureError(name=self.name)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(raw, signed)
        except (InvalidSignature, ValueError):
            raise NoteSignatureError(name=self.name) from None
        return timestamp


class Ed25519NoteSigner:
    """A log's signer over an Ed25519 key, in memory or in hardware."""

    def __init__(self, name: str, key: SigningKey) -> None:
        self._key = key
        self.name = name
        self.verifier = VerifierKey.for_log(name, key.public_key())
        self.key_id = self.verifier.key_id

    def sign(self, text: bytes, /) -> bytes:
        """Return the 64 bytes of RFC 8032."""
        return self._key.sign(text)


class Ed25519Cosigner:
    """A witness's signer over an Ed25519 key, in memory or in hardware."""

    def __init__(self, name: str, key: SigningKey) -> None:
        self._key = key
        self.name = name
        self.verifier = VerifierKey.for_witness(name, key.public_key())
        self.key_id = self.verifier.key_id

    def cosign(self, text: bytes, timestamp: int, /) -> bytes:
        """Return the time in 8 bytes and the 64 bytes of RFC 8032."""
        return timestamp.to_bytes(_TIME_BYTES, "big") + self._key.sign(cosigned_message(text, timestamp))


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line of signature, of a known key or not."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_SIGNATURE_START}{self.name} {encode64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, ending in a newline, and its signatures."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(map(str, self.signatures))


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that was checked."""

    key: NoteVerifier
    line: SignatureLine
    timestamp: int | None
    """A cosignature's POSIX time."""


def sign_note(text: str, *signers: NoteSigner) -> Note:
    """Sign a text, which ends in a newline; raises ``MalformedNoteError`` if a note cannot hold it."""
    _check_text(text)
    data = text.encode()
    return Note(text, tuple(SignatureLine(each.name, each.key_id, each.sign(data)) for each in signers))


def cosign_note(text: str, cosigner: Cosigner, timestamp: int) -> SignatureLine:
    """Return a witness's line for a checkpoint's text, as of a POSIX time."""
    _check_text(text)
    return SignatureLine(cosigner.name, cosigner.key_id, cosigner.cosign(text.encode(), timestamp))


def parse_note(data: bytes) -> Note:
    """Read a signed note without trusting it; raises ``MalformedNoteError``."""
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedNoteError(detail=f"{len(data)} bytes where {MAX_NOTE_BYTES} are allowed")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedNoteError(detail="not UTF-8") from None
    # The last empty line parts the text, which may hold empty lines, from the signatures.
    text, parted, lines = whole.rpartition("\n\n")
    if not parted or not lines.endswith("\n"):
        raise MalformedNoteError(detail="no signature lines")
    text += "\n"
    _check_text(text)
    rows = lines[:-1].split("\n")
    if len(rows) > MAX_SIGNATURES:
        raise MalformedNoteError(detail=f"more than {MAX_SIGNATURES} signatures")
    return Note(text, tuple(map(_parse_line, rows)))


def verify_note(note: Note, keys: Iterable[NoteVerifier]) -> list[Verified]:
    """Check the signatures of ``keys`` and pass over all others; the first of each key counts.

    Raises ``NoteSignatureError`` when a line that names one of the keys does not verify, and
    ``UntrustedNoteError`` when none of them signed.
    """
    known = {(key.name, key.key_id): key for key in keys}
    text = note.text.encode()
    found: dict[tuple[str, bytes], Verified] = {}
    for line in note.signatures:
        if key := known.get((line.name, line.key_id)):
            timestamp = key.verify(text, line.signature)
            found.setdefault((key.name, key.key_id), Verified(key, line, timestamp))
    if not found:
        raise UntrustedNoteError(expected=_listed(list(known.values())))
    return list(found.values())


def _listed(keys: Sequence[NoteVerifier]) -> str:
    return ", ".join(sorted({key.name for key in keys})) or "—"


def _parse_line(row: str) -> SignatureLine:
    name, _, encoded = row.removeprefix(_SIGNATURE_START).partition(" ")
    if not row.startswith(_SIGNATURE_START) or not _is_key_name(name):
        raise MalformedNoteError(detail="a signature line has another form")
    try:
        data = decode64(encoded)
    except ValueError:
        raise MalformedNoteError(detail="a signature is not canonical base64") from None
    if len(data) <= _KEY_ID_BYTES:
        raise MalformedNoteError(detail="a signature is too short")
    return SignatureLine(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def _is_key_name(name: str) -> bool:
    return bool(name) and not any(char == "+" or char.isspace() or char < _FIRST_PRINTABLE for char in name)


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise MalformedNoteError(detail="the text does not end in a newline")
    if any(char < _FIRST_PRINTABLE and char != "\n" for char in text):
        raise MalformedNoteError(detail="the text has control characters")
