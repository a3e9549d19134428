"""Revocation lists by serial number: each list is read once, and a certificate is found without a walk.

The library walks through every entry of a list for every certificate. Here a list's entries are indexed by
their serial numbers, the index kept by the list's digest, and only the entry in question is parsed; by the
library's own function, so that every rule about entries stays its own. An indirect list (RFC 5280 section
5.3.3), in which an entry's meaning depends on those before it, is left to the library whole.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import crl, x509
from pyhanko_certvalidator.revinfo import validate_crl

if TYPE_CHECKING:
    from collections.abc import Callable

_CERTIFICATE_ISSUER: Final = bytes.fromhex("0603551d1d")
"""The object identifier of the entry extension ``certificateIssuer``, in DER."""
_MOST_ENTRIES: Final = 4_000_000
"""Serial numbers that are kept in all indexes together."""
_walk: Final[Callable[..., tuple[Any, Any]]] = validate_crl.find_cert_in_list
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_LONG: Final = 0x80


class _Unreadable(ValueError):
    """Bytes that are no list of revoked certificates."""


class Indexes:
    """The indexes of the lists that a process has seen, the least recently used dropped first.

    Its threads may share them.
    """

    def __init__(self, most: int = _MOST_ENTRIES) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, dict[int, tuple[int, int]] | None] = OrderedDict()
        self._entries = 0
        self._lock = threading.Lock()

    def of(self, revoked: bytes) -> dict[int, tuple[int, int]] | None:
        """Return where each serial number's entry stands; ``None`` if the list is for the library to walk."""
        digest = hashlib.sha256(revoked).digest()
        with self._lock:
            return self._of(digest, revoked)

    def _of(self, digest: bytes, revoked: bytes) -> dict[int, tuple[int, int]] | None:
        if digest in self._kept:
            self._kept.move_to_end(digest)
            return self._kept[digest]
        try:
            index = None if _CERTIFICATE_ISSUER in revoked else indexed(revoked)
        except _Unreadable:
            index = None
        self._kept[digest] = index
        self._entries += len(index or ())
        while self._entries > self._most and len(self._kept) > 1:
            _, old = self._kept.popitem(last=False)
            self._entries -= len(old or ())
        return index


def indexed(revoked: bytes) -> dict[int, tuple[int, int]]:
    """Return the place of each entry in the contents of ``revokedCertificates`` by its serial number.

    Of two entries with one serial number the first counts, as it does for who walks. Raises ``ValueError``.
    """
    found: dict[int, tuple[int, int]] = {}
    position, end = 0, len(revoked)
    while position < end:
        start = position
        body, position = _element(revoked, position, _SEQUENCE)
        digits, after = _element(revoked, body, _INTEGER)
        if after > position or digits == after:
            raise _Unreadable
        # By its value: an encoder may write a sign or zeros that another one leaves out.
        serial = int.from_bytes(revoked[digits:after], "big", signed=True)
        found.setdefault(serial, (start, position))
    return found


def _element(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return where an element's contents begin and where it ends (X.690 section 8.1, definite lengths)."""
    try:
        if data[at] != tag:
            raise _Unreadable
        length, body = data[at + 1], at + 2
        if length >= _LONG:
            count = length - _LONG
            length = int.from_bytes(data[body : body + count], "big")
            body += count
            if not 0 < count < 5:  # noqa: PLR2004 - lengths of up to four bytes: indefinite ones are not DER
                raise _Unreadable
    except IndexError:
        raise _Unreadable from None
    if body + length > len(data):
        raise _Unreadable
    return body, body + length


class _OneEntry(dict[str, Any]):
    """What the library reads of a list: its revoked certificates, here the one entry or none."""


def install(indexes: Indexes) -> None:
    """Have the library find certificates by index from now on, in this process."""

    def find(cert: Any, cert_issuer_name: x509.Name, certificate_list: Any, authority: x509.Name) -> Any:
        revoked = certificate_list["tbs_cert_list"]["revoked_certificates"]
        index = indexes.of(revoked.contents or b"") if isinstance(cert, x509.Certificate) else None
        if index is None:
            return _walk(cert, cert_issuer_name, certificate_list, authority)
        place = index.get(int(cert.serial_number))
        entries: tuple[crl.RevokedCertificate, ...] = ()
        if place is not None:
            entry = crl.RevokedCertificate.load(revoked.contents[place[0] : place[1]])
            # The library compares encodings; which entry is meant is decided here, by number.
            entry["user_certificate"] = cert["tbs_certificate"]["serial_number"]
            entries = (entry,)
        only = _OneEntry(tbs_cert_list=_OneEntry(revoked_certificates=entries))
        return _walk(cert, cert_issuer_name, only, authority)

    # The library has no place for this: one of its functions gives way, as the decision 0064 says.
    setattr(validate_crl, "find_cert_in_list", find)  # noqa: B010 - its type is the library's own


def uninstall() -> None:
    """Have the library walk again."""
    setattr(validate_crl, "find_cert_in_list", _walk)  # noqa: B010 - as above
