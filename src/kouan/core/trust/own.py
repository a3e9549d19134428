"""This side's own keys, opened once a process and again when a file of theirs changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kouan.core.trust import document
from kouan.core.trust.errors import KeyStoreDamaged, NoUsableKey
from kouan.core.trust.keys import KeyUse, Signer
from kouan.core.trust.member import MemberKeys
from kouan.core.trust.store import DOCUMENT_NAME, LIST_NAME, KeyStore, StoredKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from kouan.core.trust.suites import Suite


@dataclass(frozen=True, slots=True, eq=False)
class OwnKeys:
    """What this side signs, opens and shows with."""

    side: str
    suite: Suite
    document: bytes = field(repr=False)
    """The trust document in use."""
    public: MemberKeys
    """This side as the others see it: its own signatures verify with it."""
    log_key: Ed25519PrivateKey = field(repr=False)
    witness_key: Ed25519PrivateKey = field(repr=False)
    tls_certificate: Path
    tls_key: Path
    _store: KeyStore = field(repr=False)
    _signers: Mapping[bytes, Signer] = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Who this side is: 64 hex digits."""
        return self.public.fingerprint

    def signer(self, at: datetime) -> Signer:
        """Return what signs batches and receipts at a time; raises ``NoUsableKey``."""
        return self._signers[self._store.current(KeyUse.SIGN, at).kid]

    def decryption_key(self, kid: bytes) -> X25519PrivateKey:
        """Return the key that opens what was sealed to this id; raises ``UnknownKey``."""
        return self._store.decryption_key(kid)


def load(directory: Path, *, side: str, door_url: str, now: datetime | None = None) -> OwnKeys:
    """Open the key store of ``side`` and bring its trust document up to date.

    Raises ``UnsafeKeyFile``, ``KeyStoreDamaged`` (also when the keys are another side's) or
    ``NoUsableKey``.
    """
    now = now or datetime.now(UTC)
    store = KeyStore.open(directory)
    if store.side != side:
        raise KeyStoreDamaged(path=str(directory), detail=f"keys of `{store.side}`, not `{side}`")
    data = current_document(store, door_url=door_url, now=now)
    tls = _tls(store, now)
    return OwnKeys(
        side=side,
        suite=store.suite,
        document=data,
        public=MemberKeys.from_bytes(data),
        log_key=store.ed25519(KeyUse.LOG),
        witness_key=store.ed25519(KeyUse.WITNESS),
        tls_certificate=store.certificate_path(tls),
        tls_key=store.path_of(tls),
        _store=store,
        _signers={key.kid: store.signer_of(key) for key in store.keys if key.use is KeyUse.SIGN},
    )


def current_document(store: KeyStore, *, door_url: str, now: datetime) -> bytes:
    """Return the stored trust document, or a new one with the next serial if anything has changed.

    So an export gives the same bytes until a key or the door's address is another.
    """
    content = store.content(door_url)
    with store.lock():
        kept = store.read_document()
        serial = 1
        if kept is not None:
            previous = document.parse(kept)
            if previous.content == content:
                return kept
            serial = previous.serial + 1
        anchor = store.signer(KeyUse.ANCHOR, now)
        data = document.build(content, serial=serial, issued=now, anchor=anchor)
        store.write_document(data)
    return data


def _tls(store: KeyStore, now: datetime) -> StoredKey:
    try:
        return store.current(KeyUse.TLS, now)
    except NoUsableKey:
        # An ended certificate still names the files: the handshake then says what is wrong, while
        # everything that needs no connection goes on.
        return max((key for key in store.keys if key.use is KeyUse.TLS), key=lambda key: key.until)


class OwnKeysCache:
    """One ``OwnKeys``, loaded again when the list of keys, the document or the settings are others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[object, OwnKeys] | None = None

    def get(self, directory: Path, *, side: str, door_url: str) -> OwnKeys:
        """Return the keys; a rotation by another process is noticed at the next call (two ``stat``)."""
        # Looked at before loading: what changes meanwhile is then loaded again, never missed.
        marks = (directory, side, door_url, *_marks(directory))
        held = self._held
        if held is not None and held[0] == marks:
            return held[1]
        with self._lock:
            keys = load(directory, side=side, door_url=door_url)
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
