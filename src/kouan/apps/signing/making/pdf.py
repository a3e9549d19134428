"""Signatures in PDF files (PAdES, ETSI EN 319 142-1): made at once, or prepared for one that comes later.

Made at once, a signature is of the baseline B, or T with a time-stamp; ``longterm`` makes LT and LTA of it.
Prepared, the file is complete but for the signature's bytes: what is kept is the file, the place that waits,
and the attributes whose hash somebody signs elsewhere. The worker prepares it; no file is parsed here.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from kouan.apps.signing.making import cms as making_cms
from kouan.apps.signing.making import updates
from kouan.apps.signing.making.algorithms import SM2, Algorithm
from kouan.apps.signing.making.errors import NotSignable
from kouan.core.exchange.stamping import MAX_STAMP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from asn1crypto import cms, x509
    from pyhanko.sign.timestamps import TimeStamper

    from kouan.apps.signing.making.keys import DocumentSigner

MAX_PDF: Final = 64 * 1024 * 1024
RESERVED: Final = 32 * 1024
"""Hex digits for a signature with the certificates of its chain."""


class Level(StrEnum):
    """A baseline level of PAdES."""

    B = "B"
    T = "T"
    LT = "LT"
    LTA = "LTA"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A PDF that waits for its signature."""

    content: bytes
    start: int
    end: int
    """Where the signature's hex digits go, brackets included."""
    digest: bytes
    """SHA-256 over everything else."""


def sign(  # noqa: PLR0913 - what a signature says, by name
    data: bytes,
    signer: DocumentSigner,
    *,
    level: Level = Level.B,
    reason: str = "",
    field: str = "",
    name: str = "",
    place: str = "",
    stamper: TimeStamper | None = None,
) -> bytes:
    """Return a PDF with one signature more, as an update of the file.

    The file says ``name`` and ``place`` where they are given. ``stamper`` is for every level above B, which
    here is T. Raises ``NotSignable``, ``SignerUnusable``, ``ValidationBusy`` or what ``stamper`` raises.
    """
    if signer.algorithm is SM2:
        raise NotSignable(detail=_("a PDF is signed with RSA or P-256; sign it with SM2 as CMS"))
    if level is not Level.B and stamper is None:
        raise NotSignable(detail=_("this level needs a time-stamping authority, `[time]` in node.toml"))
    stamped_by = None if level is Level.B else stamper
    waiting = prepare(
        data,
        name=name,
        reason=reason,
        place=place,
        field=field,
        at=timezone.now(),
        known_certificate=True,
        room=RESERVED + (0 if stamped_by is None else 2 * MAX_STAMP),
    )
    attributes = making_cms.signed_attributes(
        waiting.digest, signer.algorithm, certificate=signer.certificate, at=None
    )
    signature = signer.sign(making_cms.to_be_signed(attributes))
    stamp = None
    if stamped_by is not None:
        stamp = asyncio.run(stamped_by.async_timestamp(hashlib.sha256(signature).digest(), "sha256"))
    return complete(
        waiting,
        algorithm=signer.algorithm,
        certificate=signer.certificate,
        chain=signer.chain,
        attributes=attributes,
        signature=signature,
        stamp=stamp,
    )


def prepare(  # noqa: PLR0913 - what a signature says, by name
    data: bytes,
    *,
    name: str,
    reason: str,
    at: datetime,
    known_certificate: bool,
    place: str = "",
    field: str = "",
    room: int = RESERVED,
) -> Prepared:
    """Return a PDF that is complete but for the signature; raises ``NotSignable`` or ``ValidationBusy``.

    Where the signer's certificate is not known beforehand, the signature is of the older form (ISO 32000-1
    section 12.8.3.3), which need not name it: PAdES would have to, under the signature. ``room`` is in hex
    digits.
    """
    if len(data) > MAX_PDF:
        raise NotSignable(detail=_("it is longer than %(most)s bytes") % {"most": MAX_PDF})
    answer = updates.asked(
        "prepare",
        data,
        refusal=NotSignable,
        given={
            "pades": known_certificate,
            "at": at.isoformat(),
            "name": name,
            "place": place,
            "reason": reason,
            "field": field,
            "room": room,
        },
    )
    content = data + answer.appended
    try:
        gap = answer.gap(content, after=len(data))
    except ValueError as error:
        raise NotSignable(detail=str(error)) from None
    return Prepared(content, gap.start, gap.end, gap.digest(content))


def complete(  # noqa: PLR0913 - the parts of a signature, by name
    prepared: Prepared,
    *,
    algorithm: Algorithm,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    attributes: cms.CMSAttributes,
    signature: bytes,
    stamp: cms.ContentInfo | None = None,
) -> bytes:
    """Return the prepared PDF with the signature in its place; raises ``NotSignable`` if it is too long."""
    whole = making_cms.signed_data(
        algorithm=algorithm,
        certificate=certificate,
        chain=chain,
        attributes=attributes,
        signature=signature,
        stamp=stamp,
    )
    gap = updates.Gap(prepared.start, prepared.end)
    if not gap.holds(whole):
        raise NotSignable(detail=_("the signature with its certificates is longer than the room for it"))
    return gap.filled(prepared.content, whole)
