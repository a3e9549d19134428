"""Both sides' officers' signatures in one PDF (PAdES, ETSI EN 319 142-1): made, and checked.

Each side signs with a key made for that one signature, certified by the side's own CA
(``core.trust.onetime``). The second side signs the file that the first one signed, after it has seen that it
is the paper which it would have made itself, with one sound signature more. So both stand in one file, and
neither trusts the other's PDF. For that, a paper depends on its text alone: nothing in it is compressed,
dated or numbered by chance.
"""

from __future__ import annotations

import asyncio
import io
import logging
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final, TypeAlias

from asn1crypto import pem, x509
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, ModificationLevel, SuspiciousModification
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pyhanko.sign.validation import SignatureCoverageLevel, async_validate_pdf_signature
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext
from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import KeepInFrame

from kouan.core.errors import KouanError
from kouan.core.exchange import stamp, stamping
from kouan.core.exchange import stamper as asking
from kouan.core.sides import get_side
from kouan.core.trust.papers import signed_paper
from kouan.core.trust.queries import authorities, own
from kouan.web import typeset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pyhanko.sign.timestamps import TimeStamper

    from kouan.sections import TimeSettings

log = logging.getLogger(__name__)

Box: TypeAlias = tuple[int, int, int, int]
"""Where a signature stands on the last page, in points: left, bottom, right, top."""
Roots: TypeAlias = list[x509.Certificate]
MAX_PAPER: Final = 640 * 1024
"""Bytes of a paper with both signatures."""
_ENDS: Final = re.compile(rb"startxref\s+(\d{1,7})\s+%%EOF\s*\Z")
_UPDATE: Final = re.compile(
    rb"xref\s*\n(?:\d{1,6} \d{1,6}\s*\n(?:\d{10} \d{5} [nf][ \r]\n)+)+trailer\s*<<\s*"
    rb"(?:/(?:ID \[ <[0-9a-f]{32}> <[0-9a-f]{32}> \]|Info \d+ 0 R|Root \d+ 0 R|Size \d{1,6}|"
    rb"Prev (?P<before>\d{1,7}))\s*)+"
    rb">>\s*startxref\s+(?P<here>\d{1,7})\s+%%EOF\s*"
)
"""Where an update of a paper lists its objects: a table, whose entries take the room that they claim.

A cross-reference stream (ISO 32000-2 section 7.5.8) of 200 bytes can claim a thousand million of them, each
of which a reader remembers.
"""
_UNSIGNED: Final = 2
"""Revisions of a paper that nobody has signed: its pages, and the empty boxes."""


class UnsoundPaper(KouanError):
    """A PDF that is not the agreed text with the sides' signatures and nothing else."""

    code = "unsound-paper"
    status = 422
    message = _("This PDF of the agreed text does not hold: %(detail)s.")


@dataclass(frozen=True, slots=True)
class Seal:
    """One officer's signature in a PDF, which holds."""

    side: str
    officer: str
    at: datetime | None
    """When the time-stamping authority saw it, or when the signer's node says it was made."""
    stamped: bool


def boxes_for(first: str, second: str) -> dict[str, Box]:
    """Return where on the last page each side's officer signs: the first one's left."""
    left, right, bottom, width, height = 57, 303, 110, 235, 90
    return {
        first: (left, bottom, left + width, bottom + height),
        second: (right, bottom, right + width, bottom + height),
    }


def with_boxes(laid_out: io.BytesIO, *, boxes: Mapping[str, Box], digest: bytes) -> bytes:
    """Return a paper with an empty signature field for each side, so that signing adds no field.

    ``digest`` is the SHA-256 of the text that the paper shows: it makes the file's id.
    """
    writer = _Form(laid_out)
    for side, box in boxes.items():
        append_signature_field(writer, SigFieldSpec(sig_field_name=side, on_page=-1, box=box))
    form = writer.root["/AcroForm"]
    form[generic.NameObject("/SigFlags")] = generic.NumberObject(3)  # signed, and only ever added to
    writer.update_container(form)
    writer._document_id = generic.ArrayObject(  # noqa: SLF001 - the library takes it from chance alone
        [generic.ByteStringObject(digest[:16]), generic.ByteStringObject(digest[16:])]
    )
    output = io.BytesIO()
    writer.write(output)  # type: ignore[no-untyped-call]
    return output.getvalue()


class _Form(IncrementalPdfFileWriter):
    """Adds the boxes and nothing by chance: no time of change, and an id that the text decides."""

    output_version = (1, 4)

    def _update_meta(self) -> None:
        """Leave the metadata as they are."""


def signature_picture(lines: Sequence[str], size: tuple[int, int]) -> bytes:
    """Return what a signature looks like on the page, as a PDF of one page of that size."""
    width, height = size
    output = io.BytesIO()
    typeset.make_ready()
    canvas = Canvas(output, pagesize=size, invariant=True, pageCompression=0)
    canvas.setStrokeColor(colors.HexColor("#1d70b8"))
    canvas.rect(0.5, 0.5, width - 1, height - 1)
    style = typeset.style("signature", "en", 9)
    flow = KeepInFrame(width - 12, height - 12, [typeset.text(line, style) for line in lines], mode="shrink")
    flow.wrapOn(canvas, width - 12, height - 12)
    flow.drawOn(canvas, 6, height - 6 - flow.height)
    canvas.save()
    return output.getvalue()


def signed(  # noqa: PLR0913 - all that a signature says, by name
    base: bytes, *, boxes: Mapping[str, Box], officer: str, reason: str, name: str, theirs: bytes = b""
) -> bytes:
    """Return the paper ``base`` with this side's signature: on top of the other side's, where that is sound.

    ``reason`` says in the file what is signed, ``name`` what the log calls it. It asks the time-stamping
    authority, if there is one; so it is called before a transaction and not in one.
    """
    under = base
    if theirs:
        try:
            check(theirs, base=base, sides=boxes.keys() - {settings.NODE.side})
        except UnsoundPaper as error:
            log.warning("%s: the other side's PDF is not signed here: %s", name, error)
        else:
            under = theirs
    try:
        return sign(under, boxes=boxes, officer=officer, reason=reason, stamper=asking.stamper())
    except KouanError as error:
        log.warning("%s: its PDF bears no time-stamp: %s", name, error)
        return sign(under, boxes=boxes, officer=officer, reason=reason, stamper=None)


def sign(
    base: bytes, *, boxes: Mapping[str, Box], officer: str, reason: str, stamper: TimeStamper | None
) -> bytes:
    """Return a paper with this side's signature as an update."""
    side = settings.NODE.side
    place = str(get_side(side).name.en)
    now = timezone.now()
    key = own().one_time_signer(officer=officer, organisation=place, at=now)
    x0, y0, x1, y1 = boxes[side]
    lines = [officer, place, now.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")]
    with tempfile.NamedTemporaryFile(suffix=".pdf") as picture:
        picture.write(signature_picture(lines, (x1 - x0, y1 - y0)))
        picture.flush()
        return signed_paper(
            base,
            key,
            field=side,
            name=officer,
            place=place,
            reason=reason,
            stamper=stamper,
            style=StaticStampStyle.from_pdf_file(picture.name, border_width=0),
            room=0 if stamper is None else 2 * stamping.MAX_STAMP,
        )


def check(paper: bytes, *, base: bytes, sides: Iterable[str], most: int = MAX_PAPER) -> list[Seal]:
    """Return the signatures in a paper, one for each of ``sides``, in the order in which they were made.

    Raises ``UnsoundPaper`` unless it is ``base`` with these signatures and nothing else, ``most`` bytes long,
    and each of them holds under its side's own CA.
    """
    if not paper.startswith(base) or len(paper) > most:
        raise UnsoundPaper(detail="other bytes than this node makes of the text")
    _check_tables(paper, base)
    try:
        # What is in the database is read first: it is out of reach in a loop.
        return asyncio.run(_check(paper, {side: _roots(side) for side in sides}, _time_roots()))
    except KouanError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the parser raises on another side's bytes
        raise UnsoundPaper(detail=type(error).__name__) from None


def _check_tables(paper: bytes, base: bytes) -> None:
    """Raise ``UnsoundPaper`` unless what was added to ``base`` lists its objects in tables."""
    ends, first = _ENDS.search(paper), _ENDS.search(base)
    at = -1 if ends is None else int(ends[1])
    while first is not None and at != int(first[1]):
        found = _UPDATE.match(paper, at) if len(base) <= at else None
        if found is None or found[0].count(b"/Prev") != 1 or int(found["here"]) != at:
            raise UnsoundPaper(detail="a list of its parts")
        at = min(at - 1, int(found["before"]))


async def _check(paper: bytes, roots: Mapping[str, Roots], time_roots: Roots) -> list[Seal]:
    reader = PdfFileReader(io.BytesIO(paper), strict=True)
    found = reader.embedded_regular_signatures
    if sorted(each.field_name for each in found) != sorted(roots):
        raise UnsoundPaper(detail="other signatures than the sides'")
    if len(reader.embedded_signatures) != len(found) or reader.xrefs.total_revisions != _UNSIGNED + len(
        found
    ):
        raise UnsoundPaper(detail="something else was added")
    # The first signature covers its own revision, and so would cover what was changed in it.
    review = DEFAULT_DIFF_POLICY.review_file(reader, _UNSIGNED - 1)
    if (
        isinstance(review, SuspiciousModification)
        or review.modification_level > ModificationLevel.FORM_FILLING
    ):
        raise UnsoundPaper(detail="something else was changed")
    seals = []
    for place, each in enumerate(found):
        status = await async_validate_pdf_signature(
            each,
            ValidationContext(trust_roots=roots[each.field_name], allow_fetching=False),
            ts_validation_context=ValidationContext(trust_roots=time_roots, allow_fetching=False),
        )
        last = place == len(found) - 1
        whole = SignatureCoverageLevel.ENTIRE_FILE if last else SignatureCoverageLevel.ENTIRE_REVISION
        sound = status.intact and status.valid and status.trusted and status.docmdp_ok
        if not sound or status.coverage is not whole:
            raise UnsoundPaper(detail=f"the signature of {each.field_name}")
        at, held, stamped = each.self_reported_timestamp, False, status.timestamp_validity
        if stamped is not None and stamped.valid and stamped.intact and stamped.trusted:
            at, held = stamped.timestamp, True
        seals.append(
            Seal(
                side=each.field_name,
                officer=status.signing_cert.subject.native.get("common_name", ""),
                at=at,
                stamped=held,
            )
        )
    return seals


def without_own(paper: bytes, *, base: bytes, sides: frozenset[str], most: int = MAX_PAPER) -> bytes:
    """Return a paper as it was before this side signed on top of the others; nothing if it was not so."""
    try:
        check(paper, base=base, sides=sides, most=most)
        (first, *_more) = PdfFileReader(io.BytesIO(paper), strict=True).embedded_regular_signatures
        *_start, last, length = map(int, list(first.byte_range))
        before = paper[: last + length]  # each signature covers all that was there with it
        check(before, base=base, sides=sides - {settings.NODE.side}, most=most)
    except UnsoundPaper:
        return b""
    return before


def seals_of(paper: bytes, *, base: bytes, sides: frozenset[str], most: int = MAX_PAPER) -> list[Seal]:
    """Return the signatures that hold in a paper, whichever sides have signed; none if it is unsound."""
    own_side = frozenset({settings.NODE.side})
    for signers_ in (sides, own_side, sides - own_side):
        try:
            return check(paper, base=base, sides=signers_, most=most)
        except UnsoundPaper:
            continue
    return []


def _roots(side: str) -> Roots:
    found = pem.unarmor(authorities(side), multiple=True)
    return [x509.Certificate.load(der) for _kind, _headers, der in found]


def _time_roots() -> Roots:
    wanted: TimeSettings | None = settings.NODE.time
    if wanted is None:
        return []
    try:
        return [x509.Certificate.load(der) for der in stamp.read_roots(wanted.ca.read_bytes())]
    except (OSError, ValueError):  # stamping says so; the officers' signatures hold without it
        return []
