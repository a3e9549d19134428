"""What ``keys.json`` says: which private key is where, for what and from when until when.

Read strictly: a list with anything unknown in it stops the node rather than being half understood.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kouan.core.errors import KouanError
from kouan.core.trust import files, sm2
from kouan.core.trust.document import Revocation
from kouan.core.trust.errors import KeyStoreDamaged
from kouan.core.trust.keys import (
    SECOND_USES,
    KeyUse,
    PrivateKey,
    PublicKey,
    kid_of,
    kind_for,
    kind_of,
    load_spki,
    spki_of,
)
from kouan.core.trust.suites import SUITES, KeyKind, Suite, get_suite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


FORMAT: Final = "kouan-keys/1"
LIST_NAME: Final = "keys.json"
MAX_LIST: Final = 256 * 1024
MAX_PEM: Final = 16 * 1024
_KEY_FIELDS: Final = {"use", "file", "kid", "from", "until"}
_FIELDS: Final = {"format", "side", "suite", "keys"}


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key of ours, its use and its time: ``since`` included, ``until`` not."""

    use: KeyUse
    file: str
    """The PEM file of the private half; empty when that is in a token or was ended for good."""
    kid: bytes
    since: datetime
    until: datetime
    public: PublicKey = field(repr=False, compare=False)
    opener: Callable[[], PrivateKey] | None = field(repr=False, compare=False)
    """What opens the private half; ``None`` where that is in a token or was ended for good."""
    in_token: bool = False
    """Whether the private half is in a hardware token, under the key's id."""

    def valid_at(self, at: datetime) -> bool:
        """Whether ``at`` lies in the key's time."""
        return self.since <= at < self.until

    @property
    def private(self) -> PrivateKey | None:
        """The private half, if it is in a file, which is read when this is first asked.

        Raises ``UnsafeKeyFile`` or ``KeyStoreDamaged``.
        """
        return None if self.opener is None else self.opener()

    @property
    def usable(self) -> bool:
        """Whether the private half still exists."""
        return self.in_token or self.opener is not None


@dataclass(frozen=True, slots=True)
class KeyList:
    """The whole list."""

    side: str
    suite: Suite
    keys: tuple[StoredKey, ...]
    revoked: tuple[Revocation, ...] = ()
    ending: tuple[KeyUse, ...] = ()
    """The uses whose old keys end as soon as every peer has acknowledged their successors."""


def read(directory: Path, *, sparing: bool = False) -> KeyList:
    """Read the list and every key file in it; raises ``UnsafeKeyFile`` or ``KeyStoreDamaged``.

    With ``sparing`` a private key whose public half is in the list is opened only when it is used. That
    others cannot read its file is seen now.
    """
    path = directory / LIST_NAME
    try:
        raw = json.loads(files.read_private(path, max_bytes=MAX_LIST))
        side, suite = _head(raw)
        entries = [_entry(item) for item in raw["keys"]]
        revoked = tuple(_revocation(item) for item in raw.get("revoked", []))
        ending = tuple(KeyUse(item) for item in raw.get("ending", []))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise KeyStoreDamaged(path=str(path), detail=f"not a list of keys ({error})") from None
    keys = tuple(_key(directory, suite, sparing=sparing, **entry) for entry in entries)
    for use in KeyUse:
        if use not in SECOND_USES and not any(key.use is use and key.usable for key in keys):
            raise KeyStoreDamaged(path=str(path), detail=f"no {use.value} key is listed")
    return KeyList(side, suite, keys, revoked, ending)


def write(directory: Path, content: KeyList) -> None:
    """Write the list in one step."""
    value = {
        "format": FORMAT,
        "side": content.side,
        "suite": content.suite.id,
        "keys": [
            {
                "use": key.use.value,
                "file": key.file,
                "kid": key.kid.hex(),
                "from": key.since.isoformat(),
                "until": key.until.isoformat(),
            }
            | {"spki": spki_of(key.public).hex()}
            | ({} if key.file else {"token": key.in_token})
            for key in content.keys
        ],
        "revoked": [
            {
                "use": item.use.value,
                "kid": item.kid.hex(),
                "since": item.since.isoformat(),
                "at": item.at.isoformat(),
                "reason": item.reason,
            }
            for item in content.revoked
        ],
        "ending": [use.value for use in content.ending],
    }
    files.write_private(directory / LIST_NAME, json.dumps(value, indent=2).encode() + b"\n")


def names_public_halves(directory: Path) -> bool:
    """Say whether the list can be read without opening a private key; one of an older version cannot."""
    raw = json.loads(files.read_private(directory / LIST_NAME, max_bytes=MAX_LIST))
    return all("spki" in item for item in raw["keys"])


def certificate(path: Path) -> x509.Certificate:
    """Return the certificate in a PEM file of the store."""
    try:
        return x509.load_pem_x509_certificate(files.read_private(path, max_bytes=MAX_PEM))
    except ValueError as error:
        raise KeyStoreDamaged(path=str(path), detail=f"not a certificate ({error})") from None


def whole(moment: datetime) -> datetime:
    """Return a moment in UTC, to the second."""
    return moment.astimezone(UTC).replace(microsecond=0)


def _head(raw: Any) -> tuple[str, Suite]:
    if not _FIELDS <= set(raw) <= _FIELDS | {"revoked", "ending"} or raw["format"] != FORMAT:
        raise ValueError("format")
    if not isinstance(raw["side"], str) or raw["suite"] not in SUITES or get_suite(raw["suite"]).twice:
        raise ValueError("side or suite")
    return raw["side"], get_suite(raw["suite"])


def _entry(item: Any) -> dict[str, Any]:
    elsewhere = item["file"] == ""
    more = set(item) - _KEY_FIELDS
    if not set(item) >= _KEY_FIELDS or more not in ([{"spki", "token"}] if elsewhere else [set(), {"spki"}]):
        raise ValueError("a key's fields")
    name = item["file"]
    if not elsewhere and (Path(name).name != name or not name.endswith(".pem")):
        raise ValueError("a key's file")
    since, until = _times(item, "from", "until")
    if since >= until:
        raise ValueError("a key's time")
    return {
        "use": KeyUse(item["use"]),
        "file": name,
        "kid": bytes.fromhex(item["kid"]),
        "since": since,
        "until": until,
        "spki": bytes.fromhex(item.get("spki", "")),
        "in_token": elsewhere and item["token"] is True,
    }


def _revocation(item: Any) -> Revocation:
    since, at = _times(item, "since", "at")
    return Revocation(KeyUse(item["use"]), bytes.fromhex(item["kid"]), since, at, str(item["reason"]))


def _times(item: Any, *names: str) -> Sequence[datetime]:
    moments = [datetime.fromisoformat(item[name]) for name in names]
    if not all(moment.tzinfo for moment in moments):
        raise ValueError("a time without a zone")
    return moments


def _key(  # noqa: PLR0913 - the fields of one entry
    directory: Path,
    suite: Suite,
    *,
    sparing: bool,
    use: KeyUse,
    file: str,
    kid: bytes,
    spki: bytes,
    in_token: bool,
    **times: datetime,
) -> StoredKey:
    path = directory / (file or LIST_NAME)
    # A former suite's signing keys stay listed until they have ended.
    kinds = {kind_for(use, each) for each in (suite, *SUITES.values())}
    opener = cache(partial(_open, path, use, kid, kinds)) if file else None
    if sparing and spki and file:
        files.check_private(path)
    try:
        public = load_spki(spki) if opener is None or (sparing and spki) else opener().public_key()
    except ValueError as error:
        raise _not_a_key(path, error) from None
    _check(path, public, kid, kinds)
    return StoredKey(
        use=use,
        file=file,
        kid=kid,
        since=times["since"],
        until=times["until"],
        public=public,
        opener=opener,
        in_token=in_token,
    )


def _open(path: Path, use: KeyUse, kid: bytes, kinds: set[KeyKind]) -> PrivateKey:
    """Read a private key; raises unless it is the one that the list names."""
    pem = files.read_private(path, max_bytes=MAX_PEM)
    try:
        loaded = (
            sm2.PrivateKey.from_pem(pem) if use in SECOND_USES else load_pem_private_key(pem, password=None)
        )
    except KouanError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the library raises, the file is at fault
        raise _not_a_key(path, error) from None
    private = cast("PrivateKey", loaded)
    if kind_of(private) not in kinds:
        raise KeyStoreDamaged(path=str(path), detail=f"not the kind of key that `{use.value}` takes")
    _check(path, private.public_key(), kid, kinds)
    return private


def _check(path: Path, public: PublicKey, kid: bytes, kinds: set[KeyKind]) -> None:
    if kind_of(public) not in kinds or kid_of(spki_of(public)) != kid:
        raise KeyStoreDamaged(path=str(path), detail="another key than the one listed")


def _not_a_key(path: Path, error: Exception) -> KeyStoreDamaged:
    return KeyStoreDamaged(path=str(path), detail=f"not a PKCS#8 key ({type(error).__name__})")
