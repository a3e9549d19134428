"""The roll of members: whose client certificate it is, and the TLS context that asks for one.

The side follows from two things together: which member's own authority issued the certificate, and that
it names that side's node. So no member's authority can speak for another side.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from kouan.core.database.fresh import refresh_connection
from kouan.core.trust import certificates
from kouan.core.trust.queries import members, own

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end of a connection, as its certificate proves."""

    side: str
    authority: bytes
    """SHA-256 of the side's TLS authorities, one of which issued the certificate."""


@dataclass(frozen=True, slots=True, eq=False)
class Roll:
    """Whom the door lets in now; made anew when a member or this side's own certificate is another."""

    marks: object
    """What it was made from."""
    context: ssl.SSLContext
    authorities: Mapping[str, tuple[x509.Certificate, ...]]
    """Each member's TLS authority, and the former ones whose certificates still count."""
    digests: Mapping[str, bytes]

    @classmethod
    def call(cls, before: Self | None = None) -> Self:
        """Return the roll as it is now: ``before`` itself if nothing has changed. Reads the database."""
        refresh_connection()
        keys = own()
        listed = {
            member.side: (member.trust.content.tls_ca, *member.trust.content.tls_before)
            for member in members()
        }
        marks = (keys.tls_certificate, keys.tls_certificate.stat().st_mtime_ns, listed)
        if before is not None and before.marks == marks:
            return before
        authorities = {
            side: tuple(map(x509.load_der_x509_certificate, all_)) for side, all_ in listed.items()
        }
        for side, its in list(authorities.items()):
            if not all(certificates.is_named_for(each, side) for each in its):
                # Two authorities of one name: TLS would look for the one and find the other.
                log.warning("the TLS authority of %s bears another name: it is not let in", side)
                del authorities[side]
        context = _context(b"".join(certificates.pem_of(der) for side in authorities for der in listed[side]))
        context.load_cert_chain(keys.tls_certificate, keys.tls_key)
        digests = {side: hashlib.sha256(b"".join(listed[side])).digest() for side in authorities}
        return cls(marks, context, authorities, digests)

    def caller(self, certificate: bytes | None) -> Caller | None:
        """Return whose client certificate (DER) this is; ``None`` if it is no member's node's."""
        if certificate is None:
            return None
        with contextlib.suppress(ValueError, TypeError, x509.ExtensionNotFound):
            leaf = x509.load_der_x509_certificate(certificate)
            names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            told = set(names.get_values_for_type(x509.DNSName))
            for side, authorities in self.authorities.items():
                if certificates.node_name(side) in told and any(_issued(leaf, each) for each in authorities):
                    return Caller(side, self.digests[side])
        return None

    def knows(self, caller: Caller) -> bool:
        """Say whether a connection that was let in before would be let in now."""
        return self.digests.get(caller.side) == caller.authority


def _context(authorities: bytes) -> ssl.SSLContext:
    """Return TLS 1.3 that asks for a certificate of one of these authorities (PEM), and resumes nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    # A resumed session would show no certificate: whoever has left the roll could come back.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    if authorities:
        context.load_verify_locations(cadata=authorities.decode("ascii"))
    return context


def _issued(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
