"""A side's private keys on disk: one PKCS#8 PEM file a key in a folder of mode 0700, and a list of them.

``keys.json`` in the folder says which file is for what and from when until when (``keylist``). It is the
only thing that changes in place; a key file is written once. ``trust-document.cose`` is the document as
last exported: it lies beside the anchor because its serial must never go back while the anchor lives.
How keys get successors and end is in ``rotation``; keys in a hardware token are in ``tokens``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, cast

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kouan.core.trust import certificates, document, files, keylist
from kouan.core.trust.errors import KeyStoreDamaged, KeyStoreExists, NoUsableKey, TokenUnusable, UnknownKey
from kouan.core.trust.keylist import LIST_NAME, KeyList, StoredKey, whole
from kouan.core.trust.keys import (
    SECOND_USES,
    KeyUse,
    LocalSigner,
    Signer,
    SigningKey,
    generate,
    kid_of,
    kind_for,
    spki_of,
)
from kouan.core.trust.sm2 import PrivateKey as Sm2Key
from kouan.core.trust.suites import DEFAULT_SUITE, SUITES, Suite, get_suite, signed_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from kouan.core.trust.tokens import Token

__all__ = ["DOCUMENT_NAME", "LIFE", "LIST_NAME", "OVERLAP", "KeyStore", "StoredKey"]

DOCUMENT_NAME: Final = "trust-document.cose"
LIFE: Final[dict[KeyUse, timedelta]] = {
    KeyUse.ANCHOR: timedelta(days=7305),
    KeyUse.SIGN: timedelta(days=731),
    KeyUse.DECRYPT: timedelta(days=731),
    KeyUse.LOG: timedelta(days=7305),
    KeyUse.WITNESS: timedelta(days=7305),
    KeyUse.TLS_CA: certificates.CA_LIFE,
    KeyUse.TLS: certificates.LEAF_LIFE,
    KeyUse.SIGN_SM2: timedelta(days=731),
    KeyUse.LOG_SM2: timedelta(days=7305),
}
OVERLAP: Final = timedelta(days=14)
"""How long an old key goes on beside its successor, for the other sides to learn of the new one."""
_STAYS: Final = (KeyUse.TLS, KeyUse.TLS_CA)
"""Uses whose compromised keys serve until the peers know others: without them no word would arrive."""


class KeyStore:
    """The keys of one side in one folder."""

    def __init__(self, directory: Path, content: KeyList, token: Token | None = None) -> None:
        self.directory = directory
        self.content_list = content
        self.token = token

    @property
    def side(self) -> str:
        """The code of the side."""
        return self.content_list.side

    @property
    def suite(self) -> Suite:
        """The suite in which this side signs."""
        return self.content_list.suite

    @property
    def keys(self) -> tuple[StoredKey, ...]:
        """Every key, ended ones included."""
        return self.content_list.keys

    @property
    def revoked_kids(self) -> frozenset[bytes]:
        """The ids of the keys that were reported compromised."""
        return frozenset(item.kid for item in self.content_list.revoked)

    @classmethod
    def create(
        cls,
        directory: Path,
        side: str,
        *,
        hosts: Sequence[str] = (),
        suite_id: int = DEFAULT_SUITE,
        now: datetime | None = None,
    ) -> Self:
        """Make all keys of a side in a new folder, which appears whole or not at all.

        ``hosts`` are the names and addresses of the door, for its TLS certificate. Raises
        ``KeyStoreExists`` if the folder holds anything, ``UnknownSuite``.
        """
        suite, now = get_suite(suite_id), (now or datetime.now(UTC))
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise KeyStoreExists(path=str(directory))
        directory.parent.mkdir(parents=True, exist_ok=True)
        # mkdtemp makes the folder with mode 0700.
        fresh = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
        try:
            twice, suite = suite.twice, signed_once(suite)
            store = cls(fresh, KeyList(side, suite, ()))
            left_out = _STAYS if twice else (*_STAYS, *SECOND_USES)
            keys = [store.make(use, now) for use in KeyUse if use not in left_out]
            authority = store.make_ca(now)
            keys += [authority, store.make_tls(authority, hosts, now)]
            keylist.write(fresh, KeyList(side, suite, tuple(keys)))
            try:
                fresh.rename(directory)  # onto nothing or an empty folder; never over anything
            except OSError:
                raise KeyStoreExists(path=str(directory)) from None
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        files.sync_folder(directory.parent)
        return cls.open(directory)

    @classmethod
    def open(cls, directory: Path, *, token: Token | None = None, sparing: bool = False) -> Self:
        """Read and check every key; raises ``UnsafeKeyFile`` or ``KeyStoreDamaged``, naming the file.

        With ``sparing`` private keys stay closed until they are used (``keylist.read``).
        ``token`` is where keys listed as in a token are, and where new ones of its uses are made.
        """
        files.check_folder(directory)
        store = cls(directory, keylist.read(directory, sparing=sparing), token)
        store._check_certificates()
        return store

    # Using the keys

    def current(self, use: KeyUse, at: datetime) -> StoredKey:
        """Return the key to use at a time; raises ``NoUsableKey``.

        Of several, the one that ends first: so a new key is used only when the old one has ended, and the
        other sides have had the overlap's time to learn of it. TLS takes the newest, as its CA vouches for
        it; so does the anchor, whose successor speaks for the side as soon as it is made.
        """
        out = self.revoked_kids
        valid = [
            key
            for key in self.keys
            if key.use is use and key.usable and key.valid_at(at) and (key.kid not in out or use in _STAYS)
        ]
        if not valid:
            raise NoUsableKey(side=self.side, use=use.value)
        if use in {KeyUse.TLS, KeyUse.TLS_CA, KeyUse.ANCHOR}:
            return valid[-1]
        return min(valid, key=lambda key: (key.until, key.since))

    def second(self, use: KeyUse, at: datetime) -> StoredKey | None:
        """Return the key that signs beside another (``SECOND_USES``); ``None`` where this side signs once.

        One whose time is still to come signs already; others do not ask for it until then.
        """
        out = self.revoked_kids
        live = [key for key in self.of_use(use) if at < key.until and key.kid not in out]
        return min(live, key=lambda key: (key.until, key.since)) if live else None

    def signer(self, use: KeyUse, at: datetime) -> Signer:
        """Return what signs for a use at a time; raises ``NoUsableKey``."""
        return self.signer_of(self.current(use, at))

    def signer_of(self, key: StoredKey) -> Signer:
        """Return what signs with one of this store's signing keys; raises ``TokenUnusable``."""
        if key.in_token:
            if self.token is None:
                raise TokenUnusable(label="", detail="the settings name none, but a key is in one")
            return self.token.signer(key.public)
        return LocalSigner(cast("SigningKey", key.private))

    def decryption_key(self, kid: bytes) -> X25519PrivateKey:
        """Return the key that opens what was sealed to this id, old ones included; raises ``UnknownKey``."""
        for key in self.keys:
            if key.use is KeyUse.DECRYPT and key.kid == kid and key.private is not None:
                return cast("X25519PrivateKey", key.private)
        raise UnknownKey(kid=kid.hex(), side=self.side)

    def path_of(self, key: StoredKey) -> Path:
        """Return the PEM file of a key."""
        return self.directory / key.file

    def certificate_path(self, key: StoredKey) -> Path:
        """Return the PEM file of the certificate of a TLS or TLS CA key."""
        return self.path_of(key).with_suffix(".crt")

    def tls_ca(self) -> x509.Certificate:
        """Return this side's newest TLS CA certificate."""
        return keylist.certificate(self.certificate_path(self.of_use(KeyUse.TLS_CA)[-1]))

    def of_use(self, use: KeyUse) -> list[StoredKey]:
        """Return the keys of a use whose private half exists, in the order in which they were made."""
        return [key for key in self.keys if key.use is use and key.usable]

    def content(self, door_url: str, *, at: datetime | None = None) -> document.Content:
        """Return what this side's trust document has to say at a time (now)."""
        at = at or datetime.now(UTC)
        anchor = self.anchor(at)
        listed = [
            document.listed(key.use, key.public, key.since, key.until)
            for key in self.keys
            if key.use in document.LISTED_USES
        ]
        *before, newest = self.of_use(KeyUse.TLS_CA)
        former = [key for key in before if key.until > at]
        return document.Content(
            side=self.side,
            door_url=door_url,
            log_origin=document.log_origin(self.side),
            anchor_spki=spki_of(anchor.public),
            keys=tuple(listed),
            tls_ca=self._der(newest),
            suites=tuple(sorted(SUITES)),
            tls_before=tuple(self._der(key) for key in former[-document.MAX_FORMER_CAS :]),
            revoked=self.content_list.revoked,
        )

    def anchor(self, at: datetime) -> StoredKey:
        """Return the anchor that signs the document."""
        try:
            return self.current(KeyUse.ANCHOR, at)
        except NoUsableKey:
            # What it signs is still checked by its fingerprint: an ended anchor names the side.
            return self.of_use(KeyUse.ANCHOR)[-1]

    def _der(self, key: StoredKey) -> bytes:
        return keylist.certificate(self.certificate_path(key)).public_bytes(Encoding.DER)

    # The document

    def read_document(self) -> bytes | None:
        """Return the trust document as last exported, if any."""
        path = self.directory / DOCUMENT_NAME
        return files.read_private(path, max_bytes=document.MAX_DOCUMENT_BYTES) if path.exists() else None

    def write_document(self, data: bytes) -> None:
        """Keep the trust document as exported."""
        files.write_private(self.directory / DOCUMENT_NAME, data)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Let one process at a time change the folder."""
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    # Making keys: none counts before the list names it

    def make(self, use: KeyUse, now: datetime, *, since: datetime | None = None) -> StoredKey:
        """Make a key, in the token if the settings put its use there."""
        kind = kind_for(use, self.suite)
        begin = whole(since or now - certificates.CLOCK_ALLOWANCE)
        until = whole(now) + LIFE[use]
        if self.token is not None and use in self.token.uses:
            public = self.token.generate(kind)
            return StoredKey(use, "", kid_of(spki_of(public)), begin, until, public, None, in_token=True)
        key = generate(kind)
        kid = kid_of(spki_of(key.public_key()))
        name = f"{use.value}-{kid.hex()[:8]}.pem"
        if isinstance(key, Sm2Key):
            pem = key.pem
        else:
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.write_private(self.directory / name, pem)
        return StoredKey(use, name, kid, begin, until, key.public_key(), lambda: key)

    def make_ca(self, now: datetime) -> StoredKey:
        """Make a TLS CA: its key and its certificate."""
        key = self.make(KeyUse.TLS_CA, now)
        made = certificates.make_ca(cast("EllipticCurvePrivateKey", key.private), self.side, now)
        files.write_private(self.certificate_path(key), made.public_bytes(Encoding.PEM))
        return key

    def make_tls(
        self, authority: StoredKey, hosts: Sequence[str], now: datetime, *, since: datetime | None = None
    ) -> StoredKey:
        """Make the door's TLS key and have a CA of ours vouch for it."""
        key = self.make(KeyUse.TLS, now, since=since)
        leaf = certificates.make_leaf(
            cast("EllipticCurvePrivateKey", authority.private),
            keylist.certificate(self.certificate_path(authority)),
            cast("EllipticCurvePrivateKey", key.private).public_key(),
            side=self.side,
            hosts=hosts,
            now=now,
        )
        files.write_private(self.certificate_path(key), leaf.public_bytes(Encoding.PEM))
        return key

    def _check_certificates(self) -> None:
        for key in self.keys:
            if key.use in _STAYS and key.file:
                path = self.certificate_path(key)
                if keylist.certificate(path).public_key() != key.public:
                    raise KeyStoreDamaged(path=str(path), detail=f"not the certificate of {key.file}")
