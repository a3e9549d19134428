"""A joint text as PDF in the three scripts, and the page on which the officers sign."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from django.utils import translation
from django.utils.translation import gettext
from reportlab.lib.units import mm
from reportlab.platypus import PageBreak, Spacer

from kouan.apps.programme.plan.domain import Plan
from kouan.apps.programme.plan.wording import Heading, in_words
from kouan.core.sides import side_name
from kouan.core.text import LANGUAGES
from kouan.web import typeset
from kouan.web.filters import hex_groups

if TYPE_CHECKING:
    from kouan.apps.programme.plan.domain import Agreed


def rendered(text: Agreed) -> io.BytesIO:
    """Return a text as PDF in each script, with a last page to be signed.

    It depends on the text alone: both sides' nodes make the same bytes, and a side that is to sign a paper
    which the other has signed compares them first. So nothing in it is compressed, dated or numbered by
    chance.
    """
    typeset.make_ready()
    output = io.BytesIO()
    digest = text.digest().hex()
    document = typeset.document(output, title=_title(text, "en"), subject=digest, compressed=False)
    story: list[Any] = []
    for language in LANGUAGES:
        with translation.override(language):
            story += _part(text, language)
    for language in LANGUAGES:
        with translation.override(language):
            story += _signing(text, language)

    def foot(canvas: Any, _document: Any) -> None:
        typeset.foot(canvas, f"SHA-256 {digest}")

    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return output


def _part(text: Agreed, language: str) -> list[Any]:
    head = typeset.style("head", language, 15)
    section = typeset.style("section", language, 12, spaceBefore=4 * mm, spaceAfter=1 * mm)
    below = typeset.style("below", language, 10, spaceBefore=3 * mm, spaceAfter=1 * mm)
    small = typeset.style("small", language, 9)
    story: list[Any] = [typeset.text(_title(text, language), head), Spacer(1, 3 * mm)]
    for passage in in_words(text):
        if passage.heading:
            story.append(
                typeset.text(passage.heading, section if passage.level is Heading.SECTION else below)
            )
        if passage.rows:
            story.append(typeset.table([(row.what, row.values) for row in passage.rows], small))
    note = gettext(
        "Both sides' officers sign this text's digest: it is that of the text as canonical JSON (RFC 8785),"
        " which goes with this file. The three scripts say the same."
    )
    return [
        *story,
        Spacer(1, 4 * mm),
        typeset.text(
            gettext("Digest (SHA-256): %(digest)s") % {"digest": hex_groups(text.digest().hex())}, small
        ),
        Spacer(1, 2 * mm),
        typeset.text(note, small),
        PageBreak(),
    ]


def _signing(text: Agreed, language: str) -> list[Any]:
    """Return one script's part of the page on which the officers sign; their boxes are below all three."""
    head, small = typeset.style("sign", language, 13), typeset.style("small", language, 9)
    left, right = (side_name(side) for side in text.sides)
    return [
        typeset.text(gettext("Signatures"), head),
        typeset.text(gettext("Left: signed for %(side)s") % {"side": left}, small),
        typeset.text(gettext("Right: signed for %(side)s") % {"side": right}, small),
        Spacer(1, 2 * mm),
        typeset.text(
            gettext(
                "Each officer's signature is in this file (PAdES), and any PDF reader checks it. The reader"
                " knows the signer once it trusts the certificate of that side's CA, which stands in the"
                " side's trust document."
            ),
            small,
        ),
        Spacer(1, 6 * mm),
    ]


def _title(text: Agreed, language: str) -> str:
    with translation.override(language):
        if isinstance(text, Plan):
            return gettext("Joint work plan %(year)s") % {"year": text.name}
        return gettext("Minutes: %(meeting)s") % {"meeting": text.title.text.in_language(language)}
