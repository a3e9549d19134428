"""A record that is here is read again, with the rules and dictionaries of today.

What officers decided stays as they decided it. All else follows what is read now, and what is new,
otherwise or gone is marked, so that an officer sees it: nothing vanishes, and nothing comes twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.programme import errors
from kouan.apps.programme.domain import Field, State
from kouan.apps.programme.models import Claim, Meeting, Record
from kouan.apps.programme.records import importing
from kouan.apps.programme.records.rules import rules_now
from kouan.apps.programme.records.settling import resettle_all

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from kouan.apps.programme.records.reading.found import Finding

_ONE: Final = frozenset({Field.HELD, Field.DATE, Field.PLACE, Field.MODE})
"""Fields of which a sentence says one thing of a meeting."""


@dataclass(frozen=True, slots=True)
class Reread:
    """What reading a record again made of its values."""

    record: Record
    new: int
    changed: int
    gone: int
    contested: int
    """Values that officers had decided and that are read otherwise, or no longer, now; they stay."""

    @property
    def same(self) -> bool:
        """Whether there is nothing for an officer to look at."""
        return not (self.new or self.changed or self.gone or self.contested)


def outdated() -> list[uuid.UUID]:
    """Return the records that were last read with other rules, dictionaries or another model."""
    return list(
        Record.objects.exclude(rules=rules_now()).order_by("imported_at", "id").values_list("key", flat=True)
    )


def reread(*, record: uuid.UUID, by: str) -> Reread:
    """Read a stored record again. Raises ``UnknownRecord``, ``BadDictionary``."""
    known = Record.objects.filter(key=record).first()
    if known is None:
        raise errors.UnknownRecord
    reading, warnings = importing.read_text(known.text)
    with transaction.atomic():
        row = Record.objects.select_for_update().get(pk=known.pk)
        told = importing.meetings_of(row, reading.meetings)
        before = list(row.claims.select_for_update(of=("self",)).select_related("meeting").order_by("pk"))
        touched = {each.pk for each in [*told, *(claim.meeting for claim in before)] if each}
        now: list[tuple[Meeting | None, Finding]] = [(None, each) for each in reading.others]
        for meeting, read in zip(told, reading.meetings, strict=True):
            now += [(meeting, each) for each in read.findings]
        asked = settings.NODE.programme.model is not None and {"code": "model-silent"} not in warnings
        done = _compared(row, before, now, asked=asked)
        row.title, row.script = reading.title, reading.script.value
        own = [each for each in row.warnings if each["code"] not in importing.OF_READING]
        row.warnings = [*own, *warnings]
        row.rules, row.reread_at, row.reread_by = rules_now(), timezone.now(), by
        row.save(update_fields=["title", "script", "warnings", "rules", "reread_at", "reread_by"])
        resettle_all(touched)
    return done


def _compared(
    record: Record, before: list[Claim], now: Sequence[tuple[Meeting | None, Finding]], *, asked: bool
) -> Reread:
    """Bring a record's claims to what is read now, and say what that changed."""
    fresh: dict[tuple[int | None, str, str], tuple[Meeting | None, Finding]] = {}
    for meeting, finding in now:
        key = (meeting.pk if meeting else None, finding.field.value, finding.identity)
        fresh.setdefault(key, (meeting, finding))
    left = []
    contested = changed = gone = 0
    for claim in before:
        same = fresh.pop((claim.meeting_id, claim.field, claim.identity), None)
        if same is None:
            left.append(claim)
        else:
            changed += _again(claim, same[1])
    for claim in left:
        if claim.state == State.REJECTED or (claim.by_model and not asked):
            continue  # it does not count anyway, or nobody was asked whether it is still proposed
        like = next((key for key, (_at, each) in fresh.items() if _is_about_the_same(claim, key, each)), None)
        was = claim.reread
        _read_otherwise(claim, fresh.pop(like) if like is not None else None)
        if claim.state != State.PROPOSED:
            contested += 1
        elif like is not None:
            changed += 1
        else:
            gone += was != Claim.Reread.GONE
    rows = [importing.claim_of(record, meeting, each) for meeting, each in fresh.values()]
    for row in rows:
        row.reread = Claim.Reread.NEW.value
    Claim.objects.bulk_create(rows)
    return Reread(record, len(rows), changed, gone, contested)


def _read_otherwise(claim: Claim, now: tuple[Meeting | None, Finding] | None) -> None:
    """Mark a claim that is read otherwise now, or no longer; what nobody has decided follows the reading."""
    if now is None:
        claim.reread = Claim.Reread.GONE.value
    else:
        meeting, finding = now
        claim.reread = Claim.Reread.CHANGED.value
        if claim.state == State.PROPOSED:
            claim.other = claim.value
            _follow(claim, finding, meeting)
        else:
            claim.other = finding.value
    claim.save()


def _again(claim: Claim, finding: Finding) -> bool:
    """Keep a claim that is read as before; where its words stand and how sure it is follow the reading.

    Return whether the rules read now what a model had proposed, or a model alone proposes what they had
    read: then the one begins to count, or the other ends, and an officer is shown it.
    """
    turned = claim.state == State.PROPOSED and finding.by_model != bool(claim.by_model)
    if claim.state == State.PROPOSED:
        _follow(claim, finding, claim.meeting)
    if turned:
        claim.reread = (Claim.Reread.GONE if finding.by_model else Claim.Reread.NEW).value
    elif claim.reread == Claim.Reread.GONE or claim.state != State.PROPOSED:
        claim.reread, claim.other = Claim.Reread.NONE.value, None
    claim.save()
    return turned


def _follow(claim: Claim, finding: Finding, meeting: Meeting | None) -> None:
    claim.meeting = meeting
    claim.value, claim.identity = finding.value, finding.identity
    claim.start, claim.end = finding.start, finding.end
    claim.mark_start, claim.mark_end = finding.mark_start, finding.mark_end
    claim.confidence, claim.by = finding.confidence, finding.by


def _is_about_the_same(claim: Claim, key: tuple[int | None, str, str], finding: Finding) -> bool:
    """Say whether something new is what an old claim reads as now: the same field, at the same words."""
    meeting, field, identity = key
    if field != claim.field or bool(claim.by_model) != finding.by_model:
        return False
    if identity == claim.identity and meeting != claim.meeting_id:
        return True
    over = claim.mark_start < finding.mark_end and finding.mark_start < claim.mark_end
    one = Field(field) in _ONE and meeting == claim.meeting_id and claim.start == finding.start
    return over or one
