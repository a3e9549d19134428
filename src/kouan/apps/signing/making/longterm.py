"""Making signatures in PDF files last: from B or T to LT and LTA (ETSI EN 319 142-1 sections 5.4, 5.5, 6).

A signature without a time-stamp gets one into the room that its own bytes leave: nothing that it covers
changes. What verifies every signature then goes into the document security store, and for LTA a document
time-stamp goes over all of it. Before and after, this node validates the file itself: what it cannot call
valid is not archived as if it were.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from kouan.apps.signing.making import renewal, updates
from kouan.apps.signing.making.errors import NotProvable
from kouan.apps.signing.making.pdf import MAX_PDF, Level
from kouan.apps.signing.validating import labels, services
from kouan.apps.signing.validating.report import Verdict
from kouan.core.exchange.stamper import Stamper, stamper
from kouan.core.exchange.stamping import MAX_STAMP

if TYPE_CHECKING:
    import uuid

    from kouan.apps.signing.making.keys import DocumentSigner

LASTING: Final = (Level.LT, Level.LTA)
_LEVELS: Final = {Level.LT: ("B-LT", "B-LTA"), Level.LTA: ("B-LTA",)}


def ready(signer: DocumentSigner) -> None:
    """Look whether a signature by this signer could be made to last, before its key is used.

    Raises ``NotProvable`` or ``ValidationBusy``.
    """
    _stamper()
    updates.asked(
        "provable",
        b"",
        refusal=NotProvable,
        trust=services.trust(),
        given={"certificates": [each.dump().hex() for each in (signer.certificate, *signer.chain)]},
    )


def raised(content: bytes, *, level: Level = Level.LTA) -> bytes:
    """Return a signed PDF whose signatures are of the level ``LT`` or ``LTA``.

    Raises ``NotProvable``, which says what is lacking, or what the time-stamping authority raises.
    """
    if len(content) > MAX_PDF:
        raise NotProvable(detail=_("it is longer than %(most)s bytes") % {"most": MAX_PDF})
    asking = _stamper()
    _check(content, ())
    made = _raised(_stamped(content, asking), asking, level)
    _check(made, _LEVELS[level])
    return made


def keep(content: bytes, *, file_name: str) -> uuid.UUID:
    """Put a signed PDF into the archive, and return its number; without a document time-stamp it is raised.

    Raises ``NotProvable``, ``NotRenewable``, or what the time-stamping authority raises.
    """
    if not renewal.is_stamped(content):
        content = raised(content)
    return renewal.keep(content, file_name=file_name)


def _stamper() -> Stamper:
    found = stamper()
    if found is None:
        raise NotProvable(detail=_("there is no time-stamping authority, `[time]` in node.toml"))
    return found


def _check(content: bytes, levels: tuple[str, ...]) -> None:
    """Have this node validate the file, in the worker: every signature passes, at one of the levels."""
    with tempfile.TemporaryFile() as file:  # the worker gets it open
        file.write(content)
        file.seek(0)
        found = services.validate(file)
    signatures = [each for each in found.signatures if each.kind != "timestamp"]
    if found.format != "pdf" or not signatures:
        raise NotProvable(detail=_("it is no PDF with a signature in it"))
    for each in signatures:
        if each.verdict is not Verdict.TOTAL_PASSED:
            why = " ".join(labels.reason(one.code, one.detail) for one in each.reasons[:2])
            raise NotProvable(detail=_("its signatures are not valid here now (%(why)s)") % {"why": why})
        if levels and each.level not in levels:
            raise NotProvable(detail=_("it would become %(level)s and no more") % {"level": each.level})


def _raised(content: bytes, stamper: Stamper, level: Level) -> bytes:
    room = 2 * MAX_STAMP if level is Level.LTA else 0
    answer = updates.asked("last", content, refusal=NotProvable, trust=services.trust(), given={"room": room})
    return (
        updates.with_stamp(content, answer, stamper, refusal=NotProvable) if room else answer.after(content)
    )


def _stamped(content: bytes, stamper: Stamper) -> bytes:
    """Return the file with a time-stamp of its own in each signature; raises ``NotProvable``."""
    waiting = updates.asked("unstamped", content, refusal=NotProvable).said["values"]
    # No signature without a time-stamp may be covered by another one, so there is one at most.
    for value in waiting[:1]:
        token = asyncio.run(stamper.async_timestamp(hashlib.sha256(bytes.fromhex(value)).digest(), "sha256"))
        answer = updates.asked("stamp", content, refusal=NotProvable, given={"token": token.dump().hex()})
        content = updates.filled(content, answer, answer.appended, refusal=NotProvable)
    return content
