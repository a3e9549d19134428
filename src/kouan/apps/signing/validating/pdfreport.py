"""A report as PDF, in the reader's language, to be filed with the document."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from reportlab.lib.units import mm
from reportlab.platypus import Spacer

from kouan.apps.signing.validating import labels
from kouan.web import typeset
from kouan.web.filters import hex_groups

if TYPE_CHECKING:
    from datetime import datetime

    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Table

    from kouan.apps.signing.validating.report import FileReport, Signature


def written(report: FileReport) -> bytes:
    """Return a report as PDF."""
    typeset.make_ready()
    output, language = io.BytesIO(), get_language() or "en"
    title = gettext("Report on the signatures of a document")
    document = typeset.document(output, title=title, language=language)
    head = typeset.style("head", language, 14, spaceAfter=3 * mm)
    small = typeset.style("text", language, 9)
    story: list[Any] = [typeset.text(title, head), _table(_file_rows(report), small)]
    for number, each in enumerate(report.signatures, 1):
        name = f"{labels.KINDS[each.kind]} {number}: {labels.result(each)}"
        story += [Spacer(1, 5 * mm), typeset.text(name, head), _table(signature_rows(each), small)]
    document.build(story)
    return output.getvalue()


def _file_rows(report: FileReport) -> list[tuple[str, str]]:
    rows = [
        (
            gettext("Result"),
            str(labels.VERDICTS[report.verdict]) if report.verdict else gettext("No signature"),
        ),
        (gettext("Recognised by both sides' lists"), gettext("Yes") if report.recognised else gettext("No")),
        (gettext("SHA-256 of the file"), hex_groups(report.digest)),
        (gettext("Judged by"), report.pinned.policy),
    ]
    if report.pinned.validated_at is not None:
        rows.append((gettext("Validated at"), _time(report.pinned.validated_at)))
    rows += [(gettext("Trust list"), _list(each)) for each in report.pinned.lists]
    rows += [(gettext("Why"), labels.reason(each.code, each.detail)) for each in report.reasons]
    return rows


def signature_rows(one: Signature) -> list[tuple[str, str]]:
    """Return what is said of a signature, each thing with its name, in the reader's language."""
    rows: list[tuple[str, str]] = []
    is_stamp = one.kind == "timestamp"
    if one.seal:
        rows.append((gettext("Name of the seal"), one.seal))
    if one.chain:
        signer, issuer = one.chain[0].subject, one.chain[0].issuer
        rows.append((gettext("Time-stamping authority") if is_stamp else gettext("Signed by"), signer.name))
        if signer.organisation and signer.organisation != signer.name:
            rows.append((gettext("Organisation"), signer.organisation))
        rows.append((gettext("Certificate issued by"), issuer.name))
    if one.claimed_at is not None and not is_stamp:
        rows.append((gettext("Signed at, as the signer says"), _time(one.claimed_at)))
    if is_stamp and one.best_time is not None:
        rows.append((gettext("Stamped at"), _time(one.best_time)))
    elif one.best_time is not None:
        rows.append(
            (gettext("Existed at"), f"{_time(one.best_time)} ({labels.TIME_SOURCES[one.time_source]})")
        )
    if one.recognition is not None:
        rows.append((gettext("Recognised"), gettext("Yes") if one.recognised else gettext("No")))
        rows.append((gettext("What the lists say"), labels.reason(one.recognition.reason)))
    rows += [(gettext("Why"), labels.reason(each.code, each.detail)) for each in one.reasons]
    rows += [(gettext("Not covered"), str(labels.UNCOVERED[each])) for each in one.uncovered]
    rows += [("", each) for each in one.uncovered_parts]
    rows.append((gettext("Level"), str(labels.LEVELS[one.level])))
    rows.append(
        (gettext("Algorithms"), ", ".join(filter(None, (one.signature_algorithm, one.digest_algorithm))))
    )
    if one.sub_indication is not None:
        rows.append(
            (gettext("Indication (EN 319 102-1)"), f"{one.verdict.value} / {one.sub_indication.value}")
        )
    if one.chain:
        rows.append((gettext("SHA-256 of the certificate"), hex_groups(one.chain[0].fingerprint)))
    return rows


def _list(pinned: str) -> str:
    side, sequence, digest = pinned.split(":")
    return f"{side.upper()} {sequence}, SHA-256 {hex_groups(digest)}"


def _time(at: datetime) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")


def _table(rows: list[tuple[str, str]], style: ParagraphStyle) -> Table:
    return typeset.table([(what, [value]) for what, value in rows], style, first=52)
