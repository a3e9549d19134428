"""Terms as PDF in the three scripts, and the page on which the officers sign."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from django.utils import translation
from django.utils.translation import gettext
from reportlab.lib.units import mm
from reportlab.platypus import PageBreak, Spacer

from kouan.apps.dataflow import labels
from kouan.apps.dataflow.wording import in_words
from kouan.core.sides import side_name
from kouan.core.text import LANGUAGES
from kouan.web import typeset
from kouan.web.filters import hex_groups
from kouan.web.seals import boxes_for, with_boxes

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle

    from kouan.apps.dataflow.domain import Terms
    from kouan.web.seals import Box


def rendered(terms: Terms) -> bytes:
    """Return terms as PDF in each script, with a last page to be signed.

    It depends on the terms alone: both sides' nodes make the same bytes, and a side that is to sign a
    paper which the other has signed compares them first. So nothing in it is compressed, dated or numbered
    by chance.
    """
    typeset.make_ready()
    output = io.BytesIO()
    document = typeset.document(
        output,
        title=f"{terms.exporter.name.en} - {terms.importer.name.en}",
        subject=terms.digest().hex(),
        compressed=False,
    )
    story: list[Any] = []
    for language in LANGUAGES:
        with translation.override(language):
            story += _part(terms, language)
    for language in LANGUAGES:
        with translation.override(language):
            story += _signing(terms, language)

    def foot(canvas: Any, _document: Any) -> None:
        typeset.foot(canvas, f"SHA-256 {terms.digest().hex()}")

    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return with_boxes(output, boxes=boxes(terms), digest=terms.digest())


def _part(terms: Terms, language: str) -> list[Any]:
    head, small = _styles(language)
    rows = [
        (gettext("Contract number"), [terms.contract]),
        (gettext("Version"), [str(terms.version)]),
        (
            gettext("Kind of contract"),
            [labels.basis_name(terms.basis, terms.exporter.side, terms.first_day)],
        ),
        *in_words(terms),
        (gettext("Digest of these terms (SHA-256)"), [hex_groups(terms.digest().hex())]),
    ]
    title = gettext("Contract: %(exporter)s to %(importer)s") % {
        "exporter": labels.name_of(terms.exporter.name),
        "importer": labels.name_of(terms.importer.name),
    }
    note = gettext(
        "Both sides' officers sign the digest above: it is that of the terms as canonical JSON (RFC 8785), "
        "which goes with this file. The three scripts say the same."
    )
    return [
        typeset.text(title, head),
        typeset.table(rows, small),
        Spacer(1, 2 * mm),
        typeset.text(note, small),
        PageBreak(),
    ]


def _signing(terms: Terms, language: str) -> list[Any]:
    """Return one script's part of the page on which the officers sign; their boxes are below all three."""
    head, small = _styles(language)
    names = [
        gettext("%(place)s: signed for %(side)s")
        % {"place": gettext("Left") if place == 0 else gettext("Right"), "side": side_name(side)}
        for place, side in enumerate(boxes(terms))
    ]
    note = gettext(
        "Each officer's signature is in this file (PAdES), and any PDF reader checks it. The reader knows the"
        " signer once it trusts the certificate of that side's CA, which stands in the side's trust document."
    )
    return [
        typeset.text(gettext("Signatures"), head),
        *(typeset.text(name, small) for name in names),
        Spacer(1, 2 * mm),
        typeset.text(note, small),
        Spacer(1, 6 * mm),
    ]


def boxes(terms: Terms) -> dict[str, Box]:
    """Return where on the last page each side's officer signs, in points: the exporter's left."""
    return boxes_for(terms.exporter.side, terms.importer.side)


def _styles(language: str) -> tuple[ParagraphStyle, ParagraphStyle]:
    return typeset.style("head", language, 15, spaceAfter=3 * mm), typeset.style("small", language, 9)
