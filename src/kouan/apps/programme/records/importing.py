"""Records are read in: kept once, and what they say proposed to the officers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.programme.domain import ALIKE, Field, State, likeness, sketch
from kouan.apps.programme.models import Claim, Meeting, Record
from kouan.apps.programme.records import model
from kouan.apps.programme.records.reading import files, reader
from kouan.apps.programme.records.reading.found import identity_of
from kouan.apps.programme.records.reading.text import fold
from kouan.apps.programme.records.rules import rules_now, words
from kouan.apps.programme.records.settling import resettle_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.apps.programme.records.reading.found import Finding, MeetingRead, Reading

_NAME: Final = 200
_TOLD: Final = 85
"""The confidence from which on a record tells of a meeting and does not only name it."""
OF_READING: Final = frozenset({"impossible-date", "model-silent", "model-dropped"})
"""Warnings that come of reading the text, not of taking it out of its file."""
_FEW: Final = 3
"""Meetings that a press release tells of; a page that tells of more is about none of them."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of reading a file in."""

    record: Record
    again: bool
    """Whether the very same file was here already; then nothing was changed."""
    meetings: int
    claims: int


def read_text(text: str) -> tuple[Reading, list[dict[str, object]]]:
    """Return what a cleaned text says, by the rules and a model where one is set, and what was odd."""
    known = words()
    reading = reader.read(text, known)
    warnings: list[dict[str, object]] = [{"code": each.code, **each.params} for each in reading.warnings]
    asked = settings.NODE.programme.model
    if asked is not None:
        done = model.completed(text, reading, known, asked)
        reading = done.reading
        if done.silent:
            warnings.append({"code": "model-silent"})
        elif done.dropped:
            warnings.append({"code": "model-dropped", "count": done.dropped})
    return reading, warnings


def import_file(*, name: str, data: bytes, by: str) -> Imported:
    """Keep a file and propose what it says; the same bytes again change nothing.

    A file that says the same as another one, also in the other Chinese script, is kept as its repetition.
    What officers have decided is not touched.
    """
    digest = hashlib.sha256(data).digest()
    known = Record.objects.filter(digest=digest).first()
    if known is not None:
        return Imported(known, again=True, meetings=0, claims=0)
    taken = files.take(name, data)
    reading, warnings = read_text(taken.text)
    parts = sketch(fold(taken.text))
    with transaction.atomic():
        record, created = Record.objects.get_or_create(
            digest=digest,
            defaults={
                "name": Path(name).name[-_NAME:] or "-",
                "media_type": taken.media_type,
                "script": reading.script.value,
                "title": reading.title,
                "text": taken.text,
                "sketch": parts,
                "warnings": [*({"code": code} for code in taken.warnings), *warnings],
                "rules": rules_now(),
                "imported_at": timezone.now(),
                "imported_by": by,
            },
        )
        if not created:
            return Imported(record, again=True, meetings=0, claims=0)
        told = meetings_of(record, reading.meetings)
        claims = sum(
            _propose(record, meeting, read.findings)
            for meeting, read in zip(told, reading.meetings, strict=True)
        )
        claims += _propose(record, None, reading.others)
        _mark_repetition(record)
        resettle_all(each.pk for each in told)
    return Imported(record, again=False, meetings=len(told), claims=claims)


def meetings_of(record: Record, read: Sequence[MeetingRead]) -> list[Meeting]:
    """Return the meetings that a record tells of, new where nobody told of them before."""
    found: list[Meeting] = []
    for each in read:
        found.append(_meeting(record, each, found))
    return found


def _meeting(record: Record, read: MeetingRead, others: Sequence[Meeting]) -> Meeting:
    name = read.group_name[:200]
    identity = identity_of(Field.HELD, {"group": read.group, "number": read.number})
    decided = record.claims.filter(
        field=Field.HELD.value, identity=identity, state=State.CORRECTED.value
    ).first()
    if decided is not None and decided.meeting is not None:  # an officer has put the number right
        return decided.meeting
    if read.number is not None:
        return Meeting.objects.get_or_create(
            group=read.group, number=read.number, defaults={"group_name": name}
        )[0]
    days = read.dates
    same = Meeting.objects.filter(group=read.group, date__in=days).first() if len(days) == 1 else None
    if same is None:  # the record itself may have told of it, when it was read before
        own = Meeting.objects.filter(group=read.group, number=None, claims__record=record)
        own = own.exclude(pk__in=[each.pk for each in others])
        same = own.order_by("claims__start").first()
    return same or Meeting.objects.create(group=read.group, group_name=name)


def _propose(record: Record, meeting: Meeting | None, findings: Sequence[Finding]) -> int:
    rows: dict[tuple[str, str], Claim] = {}
    for each in findings:
        rows.setdefault((each.field.value, each.identity), claim_of(record, meeting, each))
    Claim.objects.bulk_create(rows.values())
    return len(rows)


def claim_of(record: Record, meeting: Meeting | None, finding: Finding) -> Claim:
    """Return a finding as a claim that waits for an officer; it is not saved."""
    return Claim(
        record=record, meeting=meeting, field=finding.field.value, value=finding.value,
        identity=finding.identity, start=finding.start, end=finding.end, mark_start=finding.mark_start,
        mark_end=finding.mark_end, confidence=finding.confidence, by=finding.by,
    )  # fmt: skip


def _mark_repetition(record: Record) -> None:
    """Say which record this one repeats: nearly its words, or the same meeting told in another script."""
    best: tuple[float, Record] | None = None
    for other in Record.objects.filter(repeats=None).exclude(pk=record.pk).only("pk", "sketch", "script"):
        alike = likeness(record.sketch, other.sketch)
        if alike >= ALIKE and (best is None or alike > best[0]):
            best = (alike, other)
    main = _main(record)
    if best is None and main is not None:
        others = Record.objects.filter(repeats=None, claims__meeting=main).exclude(script=record.script)
        found = next((other for other in others.distinct().order_by("id") if _main(other) == main), None)
        best = (1.0, found) if found is not None else None
    if best is not None:
        record.repeats = best[1]
        same = best[1].script == record.script
        record.relation = Record.Relation.NEARLY if same else Record.Relation.SCRIPT
        record.save(update_fields=["repeats", "relation"])


def _main(record: Record) -> Meeting | None:
    """Return the meeting that a record is about: the first it tells of, unless it is a list of many."""
    told = record.claims.filter(field=Field.HELD.value, confidence__gte=_TOLD).order_by("start")
    return told[0].meeting if 1 <= told.count() <= _FEW else None
