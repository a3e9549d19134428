"""A contract on paper: as PDF in the three scripts, and the pack that goes with a filing.

What binds is the canonical text and the two signed statements; the PDF is how people read them.
"""

from __future__ import annotations

import contextlib
import html
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from kouan.apps.dataflow import labels
from kouan.apps.dataflow.queries.contracts import in_words, shown, signatures
from kouan.core.errors import KouanError
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.text import LANGUAGES
from kouan.web.filters import datetime_long, hex_groups

if TYPE_CHECKING:
    from kouan.apps.dataflow.models import Contract
    from kouan.apps.dataflow.queries.contracts import Shown

_LATIN: Final = "Helvetica"
_FONTS: Final = {"en": _LATIN, "zh-hant": "MSung-Light", "zh-hans": "STSong-Light"}
"""Chinese fonts are those of Adobe's collections, which a PDF reader supplies."""


def paper(row: Contract) -> bytes:
    """Return a version of a contract as PDF: its terms in each script, who signed, and the digest."""
    for font in ("MSung-Light", "STSong-Light"):
        if font not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(UnicodeCIDFont(font))
    seen = shown(row)
    output = io.BytesIO()
    document = SimpleDocTemplate(
        output,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=20 * mm,
        bottomMargin=22 * mm,
        title=f"{seen.terms.exporter.name.en} - {seen.terms.importer.name.en}",
        author=f"Kouan, {settings.NODE.side}",
        subject=seen.key,
        lang="en",
        invariant=True,
    )
    story: list[Any] = []
    for language in LANGUAGES:
        with translation.override(language):
            story += _part(seen, language)

    def foot(canvas: Any, _document: Any) -> None:
        canvas.saveState()
        canvas.setFont("Courier", 7)
        canvas.drawString(20 * mm, 12 * mm, f"SHA-256 {seen.key}")
        canvas.drawRightString(190 * mm, 12 * mm, str(canvas.getPageNumber()))
        canvas.restoreState()

    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return output.getvalue()


def _part(seen: Shown, language: str) -> list[Any]:
    font = _FONTS[language]
    head = ParagraphStyle(
        "head", fontName=font, fontSize=15, leading=20, spaceAfter=3 * mm, wordWrap=_wrap(font)
    )
    small = ParagraphStyle("small", fontName=font, fontSize=9, leading=13, wordWrap=_wrap(font))
    rows = [
        (gettext("Contract number"), [seen.terms.contract]),
        (gettext("Version"), [str(seen.terms.version)]),
        (gettext("Kind of contract"), [seen.kind]),
        *in_words(seen.terms),
    ]
    for each in signatures(seen.row):
        signed = (
            [each.officer, datetime_long(each.at)] if each.holds and each.at else [gettext("does not hold")]
        )
        title = gettext("Signed for %(side)s") % {"side": labels.side_name(each.side)}
        rows.append((title, signed))
    rows.append((gettext("Digest of these terms (SHA-256)"), [hex_groups(seen.key)]))
    table = Table(
        [[_text(what, small), [_text(value, small) for value in values]] for what, values in rows],
        colWidths=[48 * mm, 122 * mm - 12],
        style=TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.HexColor("#cdd5da")),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
            ]
        ),
    )
    title = gettext("Contract: %(exporter)s to %(importer)s") % {
        "exporter": seen.exporter,
        "importer": seen.importer,
    }
    note = gettext(
        "Both sides' officers sign the digest above: it is that of the terms as canonical JSON (RFC 8785), "
        "which goes with this file. The three scripts say the same."
    )
    return [_text(title, head), table, Spacer(1, 2 * mm), _text(note, small), PageBreak()]


def _text(value: str, style: ParagraphStyle) -> Paragraph:
    """Return a paragraph; what Helvetica lacks is set in a font that has it, and nothing is mark-up."""
    if style.fontName == _LATIN and not value.isascii():
        style = ParagraphStyle(style.name, parent=style, fontName="MSung-Light", wordWrap="CJK")
    return Paragraph(html.escape(value), style)


def _wrap(font: str) -> str | None:
    return None if font == _LATIN else "CJK"


def pack(row: Contract) -> bytes:
    """Return the ZIP that goes with a filing: contract, statements, receipts, and what is wanted."""
    seen = shown(row)
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("contract.pdf", paper(row))
        archive.writestr("contract.json", bytes(row.terms))
        own, peer = settings.NODE.side, row.peer
        for side, statement in ((own, row.signed_here), (peer, row.signed_there)):
            if statement is not None:
                archive.writestr(f"signature-{side}.cose", bytes(statement))
        archive.writestr("documents.txt", _documents(seen))
        archive.writestr("pack.json", json.dumps(_facts(seen), ensure_ascii=False, indent=2))
        if row.message_id is not None:
            # Without it while the other side's receipt or co-signature is still to come.
            with contextlib.suppress(KouanError):
                archive.writestr("evidence.bundle", evidence_bundle([row.message_id]))
    return output.getvalue()


def _documents(seen: Shown) -> str:
    """Return which documents each authority wants, in the three scripts."""
    lines = []
    for language in LANGUAGES:
        with translation.override(language):
            for filing in shown(seen.row).filings:
                lines.append(f"{labels.side_name(filing.side)}: {filing.authority}")
                lines += [f"  - {document.title}" for document in filing.documents]
            lines.append("")
    return "\n".join(lines)


def _facts(seen: Shown) -> dict[str, Any]:
    return {
        "contract": seen.terms.contract,
        "version": seen.terms.version,
        "digest": seen.key,
        "signatures": [
            {
                "side": each.side,
                "officer": each.officer,
                "at": each.at and each.at.isoformat(),
                "holds": each.holds,
            }
            for each in signatures(seen.row)
        ],
        "filings": [
            {
                "side": each.side,
                "due_on": each.due_on.isoformat(),
                "filed_on": each.filed_on and each.filed_on.isoformat(),
                "reference": each.reference,
                "documents": [document.id for document in each.documents],
            }
            for each in seen.filings
        ],
    }
