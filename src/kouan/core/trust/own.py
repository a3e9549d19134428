"""This side's own keys, read once a process and again when a file of theirs changes.

A private key is opened when the process first uses it: one that only signs never holds the key that opens
what others have sealed.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, cast

from kouan.core.trust import document, keylist, rotation
from kouan.core.trust.errors import KeyStoreDamaged, NoUsableKey
from kouan.core.trust.keys import SECOND_USES, DoubleSigner, KeyUse, Signer
from kouan.core.trust.member import MemberKeys
from kouan.core.trust.onetime import OneTimeSigner, one_time_signer
from kouan.core.trust.store import DOCUMENT_NAME, LIST_NAME, KeyStore, StoredKey
from kouan.core.trust.suites import signed_twice

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from kouan.core.trust.suites import Suite
    from kouan.core.trust.tokens import Token


class NoteKey(Protocol):
    """An Ed25519 key that signs notes, in this process or in a token."""

    def public_key(self) -> Ed25519PublicKey:
        """Return the public half."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the 64 bytes of RFC 8032."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnKeys:
    """What this side signs, opens and shows with."""

    side: str
    document: bytes = field(repr=False)
    """The trust document in use."""
    public: MemberKeys
    """This side as the others see it: its own signatures verify with it."""
    _store: KeyStore = field(repr=False)
    _signers: dict[bytes, Signer] = field(repr=False, default_factory=dict)

    def __reduce__(self) -> str:
        raise TypeError("private keys stay in their process")

    @property
    def suite(self) -> Suite:
        """The suite in which this side signs now."""
        return self.suite_at(datetime.now(UTC))

    @property
    def fingerprint(self) -> str:
        """Who this side is: 64 hex digits."""
        return self.public.fingerprint

    def signer(self, at: datetime) -> Signer:
        """Return what signs batches and receipts at a time, twice where asked; raises ``NoUsableKey``."""
        first = self._signer(self._store.current(KeyUse.SIGN, at))
        second = self._store.second(KeyUse.SIGN_SM2, at)
        return first if second is None else DoubleSigner(first, self._signer(second))

    def _signer(self, key: StoredKey) -> Signer:
        held = self._signers.get(key.kid)
        if held is None:
            held = self._signers[key.kid] = self._store.signer_of(key)
        return held

    def suite_at(self, at: datetime) -> Suite:
        """Return the suite in which ``signer`` signs at a time."""
        once = self._store.second(KeyUse.SIGN_SM2, at) is None
        return self._store.suite if once else signed_twice(self._store.suite)

    @property
    def second_log_signer(self) -> Signer | None:
        """What signs this side's checkpoints beside ``log_key``; ``None`` where it signs once."""
        key = self._store.second(KeyUse.LOG_SM2, datetime.now(UTC))
        return None if key is None else self._store.signer_of(key)

    @property
    def log_key(self) -> NoteKey:
        """What signs this side's checkpoints now; raises ``NoUsableKey``."""
        return self._note_key(KeyUse.LOG)

    @property
    def witness_key(self) -> NoteKey:
        """What co-signs the other sides' checkpoints now; raises ``NoUsableKey``."""
        return self._note_key(KeyUse.WITNESS)

    @property
    def tls_certificate(self) -> Path:
        """The PEM file of the door's certificate."""
        return self._store.certificate_path(_tls(self._store, datetime.now(UTC)))

    @property
    def tls_key(self) -> Path:
        """The PEM file of the door's TLS key."""
        return self._store.path_of(_tls(self._store, datetime.now(UTC)))

    @property
    def revoked(self) -> frozenset[bytes]:
        """The ids of our keys that we reported compromised."""
        return self._store.revoked_kids

    @property
    def keys(self) -> tuple[StoredKey, ...]:
        """Every key of this side, for showing."""
        return self._store.keys

    @property
    def ending(self) -> tuple[KeyUse, ...]:
        """The uses whose old keys end when every peer has acknowledged the new ones."""
        return self._store.content_list.ending

    def current(self, use: KeyUse, at: datetime) -> StoredKey:
        """Return the key in use; raises ``NoUsableKey``."""
        return self._store.current(use, at)

    def one_time_signer(self, *, officer: str, organisation: str, at: datetime) -> OneTimeSigner:
        """Return what signs one paper as an officer of this side; raises ``NoUsableKey``."""
        authority = self._store.current(KeyUse.TLS_CA, at)
        return one_time_signer(
            cast("EllipticCurvePrivateKey", authority.private),
            keylist.certificate(self._store.certificate_path(authority)),
            officer=officer,
            organisation=organisation,
            now=at,
        )

    def vouching(self) -> list[tuple[StoredKey, Signer]]:
        """Return every sound key that can sign a statement about this side's keys, old ones included."""
        out = self.revoked
        uses = (KeyUse.ANCHOR, KeyUse.SIGN, KeyUse.LOG, KeyUse.WITNESS, KeyUse.TLS_CA, *SECOND_USES)
        return [
            (key, self._store.signer_of(key))
            for use in uses
            for key in self._store.of_use(use)
            if key.kid not in out
        ]

    def _note_key(self, use: KeyUse) -> NoteKey:
        key = self._store.current(use, datetime.now(UTC))
        return cast("NoteKey", key.private if key.private is not None else self._store.signer_of(key))

    def decryption_key(self, kid: bytes) -> X25519PrivateKey:
        """Return the key that opens what was sealed to this id; raises ``UnknownKey``."""
        return self._store.decryption_key(kid)


def load(  # noqa: PLR0913 - all by name
    directory: Path,
    *,
    side: str,
    door_url: str,
    token: Token | None = None,
    twice: bool = False,
    now: datetime | None = None,
) -> OwnKeys:
    """Open the key store of ``side`` and bring its trust document up to date.

    ``twice`` sees that there are keys for the second signature; without it those that there are stay, since a
    signature that others rely on ends by an operator's word alone. Raises ``UnsafeKeyFile``,
    ``KeyStoreDamaged`` (also when the keys are another side's), ``NoUsableKey`` or ``Sm2Unavailable``.
    """
    now = now or datetime.now(UTC)
    store = KeyStore.open(directory, token=token, sparing=True)
    if store.side != side:
        raise KeyStoreDamaged(path=str(directory), detail=f"keys of `{store.side}`, not `{side}`")
    if twice:
        store = rotation.begin_second(store, now=now)
    data = current_document(store, door_url=door_url, now=now)
    return OwnKeys(
        side=side,
        document=data,
        public=MemberKeys.from_bytes(data),
        _store=store,
    )


def current_document(store: KeyStore, *, door_url: str, now: datetime) -> bytes:
    """Return the stored trust document, or a new one with the next serial if anything has changed.

    So an export gives the same bytes until a key or the door's address is another.
    """
    content = store.content(door_url, at=now)
    with store.lock():
        kept = store.read_document()
        serial = 1
        if kept is not None:
            previous = document.parse(kept)
            if previous.content == content:
                return kept
            serial = previous.serial + 1
        anchor = store.signer_of(store.anchor(now))
        data = document.build(content, serial=serial, issued=now, anchor=anchor)
        store.write_document(data)
    return data


def _tls(store: KeyStore, now: datetime) -> StoredKey:
    try:
        return store.current(KeyUse.TLS, now)
    except NoUsableKey:
        # An ended certificate still names the files: the handshake then says what is wrong, while
        # everything that needs no connection goes on.
        return max(store.of_use(KeyUse.TLS), key=lambda key: key.until)


class OwnKeysCache:
    """One ``OwnKeys``, loaded again when the list of keys, the document or the settings are others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[object, OwnKeys] | None = None

    def get(
        self, directory: Path, *, side: str, door_url: str, token: Token | None = None, twice: bool = False
    ) -> OwnKeys:
        """Return the keys; a rotation by another process is noticed at the next call (two ``stat``)."""
        # Looked at before loading: what changes meanwhile is then loaded again, never missed.
        marks = (directory, side, door_url, id(token), twice, *_marks(directory))
        held = self._held
        if held is not None and held[0] == marks:
            return held[1]
        with self._lock:
            keys = load(directory, side=side, door_url=door_url, token=token, twice=twice)
            self._held = (marks, keys)
            return keys


def _marks(directory: Path) -> list[tuple[int, int] | None]:
    marks: list[tuple[int, int] | None] = []
    for name in (LIST_NAME, DOCUMENT_NAME):
        try:
            status = (directory / name).stat()
        except OSError:
            marks.append(None)
        else:
            marks.append((status.st_mtime_ns, status.st_ino))
    return marks
