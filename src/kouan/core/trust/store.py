"""A side's private keys on disk: one PKCS#8 PEM file a key in a folder of mode 0700, and a list of them.

``keys.json`` in the folder says which file is for what and from when until when. It is the only thing
that changes in place; a key file is written once. ``trust-document.cose`` is the document as last
exported: it lies beside the anchor because its serial must never go back while the anchor lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kouan.core.trust import certificates, document, files
from kouan.core.trust.errors import KeyStoreDamaged, KeyStoreExists, NoUsableKey, UnknownKey
from kouan.core.trust.keys import (
    KeyUse,
    LocalSigner,
    PrivateKey,
    Signer,
    SigningKey,
    generate,
    kid_of,
    kind_for,
    kind_of,
    spki_of,
)
from kouan.core.trust.suites import DEFAULT_SUITE, SUITES, Suite, get_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

FORMAT: Final = "kouan-keys/1"
LIST_NAME: Final = "keys.json"
DOCUMENT_NAME: Final = "trust-document.cose"
LIFE: Final[dict[KeyUse, timedelta]] = {
    KeyUse.ANCHOR: timedelta(days=7305),
    KeyUse.SIGN: timedelta(days=731),
    KeyUse.DECRYPT: timedelta(days=731),
    KeyUse.LOG: timedelta(days=7305),
    KeyUse.WITNESS: timedelta(days=7305),
    KeyUse.TLS_CA: certificates.CA_LIFE,
    KeyUse.TLS: certificates.LEAF_LIFE,
}
ROTATING: Final = (KeyUse.SIGN, KeyUse.DECRYPT, KeyUse.TLS)
"""The uses whose keys change in the normal course; anchor, log and witness keys are who they are."""
OVERLAP: Final = timedelta(days=14)
"""How long an old key goes on beside its successor, for the other sides to import the new document."""

_MAX_LIST: Final = 256 * 1024
_MAX_PEM: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A private key of ours, its use and its time: ``since`` included, ``until`` not."""

    use: KeyUse
    file: str
    kid: bytes
    since: datetime
    until: datetime
    private: PrivateKey = field(repr=False, compare=False)

    def valid_at(self, at: datetime) -> bool:
        """Whether ``at`` lies in the key's time."""
        return self.since <= at < self.until


class KeyStore:
    """The keys of one side in one folder."""

    def __init__(self, directory: Path, side: str, suite: Suite, keys: Sequence[StoredKey]) -> None:
        self.directory = directory
        self.side = side
        self.suite = suite
        self.keys = tuple(keys)

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
            store = cls(fresh, side, suite, [])
            keys = [store._make(use, now) for use in KeyUse if use is not KeyUse.TLS]
            store.keys = tuple(keys)
            store._write_certificate(KeyUse.TLS_CA, certificates.make_ca(store._ca_key(), side, now))
            store.keys = (*store.keys, store._make_tls(hosts, now))
            store._write_list()
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
    def open(cls, directory: Path) -> Self:
        """Read and check every key; raises ``UnsafeKeyFile`` or ``KeyStoreDamaged``, naming the file."""
        files.check_folder(directory)
        path = directory / LIST_NAME
        try:
            raw = json.loads(files.read_private(path, max_bytes=_MAX_LIST))
            side, suite, entries = _list_fields(raw)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise KeyStoreDamaged(path=str(path), detail=f"not a list of keys ({error})") from None
        keys = [_read_key(directory, suite, **entry) for entry in entries]
        for use in KeyUse:
            if not any(key.use is use for key in keys):
                raise KeyStoreDamaged(path=str(path), detail=f"no {use.value} key is listed")
        store = cls(directory, side, suite, keys)
        store._check_certificates()
        return store

    # Using the keys

    def current(self, use: KeyUse, at: datetime) -> StoredKey:
        """Return the key to use at a time; raises ``NoUsableKey``.

        Of several, the one that ends first: so a new key is used only when the old one has ended, and the
        other sides have had the overlap's time to import it. TLS takes the newest, as its CA vouches for it.
        """
        valid = [key for key in self.keys if key.use is use and key.valid_at(at)]
        if not valid:
            raise NoUsableKey(side=self.side, use=use.value)
        if use is KeyUse.TLS:
            return max(valid, key=lambda key: key.until)
        return min(valid, key=lambda key: (key.until, key.since))

    def signer(self, use: KeyUse, at: datetime) -> Signer:
        """Return what signs for a use (anchor or sign) at a time; raises ``NoUsableKey``."""
        return self.signer_of(self.current(use, at))

    def signer_of(self, key: StoredKey) -> Signer:
        """Return what signs with one of this store's signing keys."""
        return LocalSigner(cast("SigningKey", key.private))

    def decryption_key(self, kid: bytes) -> X25519PrivateKey:
        """Return the key that opens what was sealed to this id, old ones included; raises ``UnknownKey``."""
        for key in self.keys:
            if key.use is KeyUse.DECRYPT and key.kid == kid:
                return cast("X25519PrivateKey", key.private)
        raise UnknownKey(kid=kid.hex(), side=self.side)

    def ed25519(self, use: KeyUse) -> Ed25519PrivateKey:
        """Return the log or witness key."""
        return next(cast("Ed25519PrivateKey", key.private) for key in self.keys if key.use is use)

    def path_of(self, key: StoredKey) -> Path:
        """Return the PEM file of a key."""
        return self.directory / key.file

    def certificate_path(self, key: StoredKey) -> Path:
        """Return the PEM file of the certificate of a TLS or TLS CA key."""
        return (self.directory / key.file).with_suffix(".crt")

    def tls_ca(self) -> x509.Certificate:
        """Return this side's TLS CA certificate."""
        key = next(key for key in self.keys if key.use is KeyUse.TLS_CA)
        return _certificate(self.certificate_path(key))

    def content(self, door_url: str) -> document.Content:
        """Return what this side's trust document has to say."""
        anchor = next(key for key in self.keys if key.use is KeyUse.ANCHOR)
        listed = [
            document.listed(key.use, key.private.public_key(), key.since, key.until)
            for key in self.keys
            if key.use in document.LISTED_USES
        ]
        return document.Content(
            side=self.side,
            door_url=door_url,
            log_origin=document.log_origin(self.side),
            anchor_spki=spki_of(anchor.private.public_key()),
            keys=tuple(listed),
            tls_ca=self.tls_ca().public_bytes(Encoding.DER),
            suites=tuple(sorted(SUITES)),
        )

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

    # Changing the keys

    def rotate(
        self,
        use: KeyUse,
        *,
        hosts: Sequence[str] = (),
        overlap: timedelta = OVERLAP,
        now: datetime | None = None,
    ) -> Self:
        """Give a use a new key and end the old ones after ``overlap``; returns the store as it is then.

        ``hosts`` are for a new TLS key. Raises ``ValueError`` for a use that does not rotate.
        """
        if use not in ROTATING:
            raise ValueError(f"the {use.value} key does not rotate")
        now = now or datetime.now(UTC)
        with self.lock():
            store = type(self).open(self.directory)
            new = store._make_tls(hosts, now) if use is KeyUse.TLS else store._make(use, now)  # noqa: SLF001 - its own class
            end = max(_whole(now + overlap), new.since)
            kept = [
                replace(key, until=max(min(key.until, end), key.since + timedelta(seconds=1)))
                if key.use is use
                else key
                for key in store.keys
            ]
            store.keys = (*kept, new)
            store._write_list()  # noqa: SLF001 - its own class
        return store

    def _make(self, use: KeyUse, now: datetime) -> StoredKey:
        key = generate(kind_for(use, self.suite))
        kid = kid_of(spki_of(key.public_key()))
        name = f"{use.value}-{kid.hex()[:8]}.pem"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.write_private(self.directory / name, pem)
        since = _whole(now) - certificates.CLOCK_ALLOWANCE
        return StoredKey(use, name, kid, since, _whole(now) + LIFE[use], key)

    def _make_tls(self, hosts: Sequence[str], now: datetime) -> StoredKey:
        key = self._make(KeyUse.TLS, now)
        public = cast("EllipticCurvePrivateKey", key.private).public_key()
        leaf = certificates.make_leaf(
            self._ca_key(), self.tls_ca(), public, side=self.side, hosts=hosts, now=now
        )
        files.write_private(self.certificate_path(key), leaf.public_bytes(Encoding.PEM))
        return key

    def _ca_key(self) -> EllipticCurvePrivateKey:
        key = next(key for key in self.keys if key.use is KeyUse.TLS_CA)
        return cast("EllipticCurvePrivateKey", key.private)

    def _write_certificate(self, use: KeyUse, certificate: x509.Certificate) -> None:
        key = next(key for key in self.keys if key.use is use)
        files.write_private(self.certificate_path(key), certificate.public_bytes(Encoding.PEM))

    def _write_list(self) -> None:
        value = {
            "format": FORMAT,
            "side": self.side,
            "suite": self.suite.id,
            "keys": [
                {
                    "use": key.use.value,
                    "file": key.file,
                    "kid": key.kid.hex(),
                    "from": key.since.isoformat(),
                    "until": key.until.isoformat(),
                }
                for key in self.keys
            ],
        }
        files.write_private(self.directory / LIST_NAME, json.dumps(value, indent=2).encode() + b"\n")

    def _check_certificates(self) -> None:
        for key in self.keys:
            if key.use in (KeyUse.TLS, KeyUse.TLS_CA):
                path = self.certificate_path(key)
                if _certificate(path).public_key() != key.private.public_key():
                    raise KeyStoreDamaged(path=str(path), detail=f"not the certificate of {key.file}")


def _list_fields(raw: Any) -> tuple[str, Suite, list[dict[str, Any]]]:
    if set(raw) != {"format", "side", "suite", "keys"} or raw["format"] != FORMAT:
        raise ValueError("format")
    if not isinstance(raw["side"], str) or raw["suite"] not in SUITES:
        raise ValueError("side or suite")
    entries: list[dict[str, Any]] = []
    for item in raw["keys"]:
        if set(item) != {"use", "file", "kid", "from", "until"}:
            raise ValueError("a key's fields")
        name = item["file"]
        if Path(name).name != name or not name.endswith(".pem"):
            raise ValueError("a key's file")
        since, until = datetime.fromisoformat(item["from"]), datetime.fromisoformat(item["until"])
        if not (since.tzinfo and until.tzinfo and since < until):
            raise ValueError("a key's time")
        entries.append(
            {
                "use": KeyUse(item["use"]),
                "file": name,
                "kid": bytes.fromhex(item["kid"]),
                "since": since,
                "until": until,
            }
        )
    return raw["side"], get_suite(raw["suite"]), entries


def _read_key(
    directory: Path, suite: Suite, *, use: KeyUse, file: str, kid: bytes, **times: datetime
) -> StoredKey:
    path = directory / file
    pem = files.read_private(path, max_bytes=_MAX_PEM)
    try:
        private = load_pem_private_key(pem, password=None)
    except Exception as error:  # noqa: BLE001 - whatever the library raises, the file is at fault
        raise KeyStoreDamaged(path=str(path), detail=f"not a PKCS#8 key ({type(error).__name__})") from None
    # A former suite's signing keys stay listed until they have ended.
    kinds = {kind_for(use, each) for each in (suite, *SUITES.values())}
    if kind_of(private) not in kinds:
        raise KeyStoreDamaged(path=str(path), detail=f"not the kind of key that `{use.value}` takes")
    key = cast("PrivateKey", private)
    if kid_of(spki_of(key.public_key())) != kid:
        raise KeyStoreDamaged(path=str(path), detail="another key than the one listed")
    return StoredKey(use=use, file=file, kid=kid, since=times["since"], until=times["until"], private=key)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(files.read_private(path, max_bytes=_MAX_PEM))
    except ValueError as error:
        raise KeyStoreDamaged(path=str(path), detail=f"not a certificate ({error})") from None


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
