"""What reading a record yields: meetings, and of each what was said, with its sentence."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kouan.apps.programme.domain import Field
from kouan.apps.programme.records.reading.text import fold

if TYPE_CHECKING:
    from kouan.apps.programme.domain import Script

Value = dict[str, "str | int | list[str] | None"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a record says. Places are offsets in characters; the sentence holds the mark."""

    field: Field
    value: Value
    start: int
    end: int
    mark_start: int
    mark_end: int
    confidence: int
    by: str
    """The rule, or ``model:`` and the model's name."""
    heading: bool = False

    @property
    def by_model(self) -> bool:
        """Whether a model proposed it."""
        return self.by.startswith("model:")

    @property
    def identity(self) -> str:
        """What it is about, the same in each record that says it."""
        return identity_of(self.field, self.value)


def identity_of(field_: Field, value: Value) -> str:
    """Return a digest of what a value says, in which spelling, spaces and capitals do not count."""
    match field_:
        case Field.HELD:
            key: object = [value["group"], value["number"]]
        case Field.DATE:
            key = value["iso"] or value["text"]
        case Field.PLACE | Field.BODY:
            key = value["code"] or _plain(value["text"])
        case Field.MODE:
            key = value["mode"]
        case Field.CHAIR | Field.PERSON:
            key = _plain(value["name"])
        case _:
            key = _plain(value["text"])
    return hashlib.sha256(f"{field_.value}:{json.dumps(key)}".encode()).hexdigest()[:40]


def _plain(words: object) -> str:
    return re.sub(r"[\W_]+", "", fold(str(words)).casefold())


@dataclass(slots=True)
class MeetingRead:
    """A meeting that a record tells of."""

    group: str
    group_name: str
    number: int | None
    told: bool = False
    reported: bool = False
    """Whether a full sentence tells or speaks of it as held, and not only a heading."""
    planned: bool = False
    """Whether a sentence says that it is still to come, or was put off."""
    listed: bool = False
    """Whether its areas were found as a list."""
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Keep a finding; of the same said twice, the full sentence rather than the heading.

        Of how it was held, what is said in words rather than what the place alone lets suppose.
        """
        for at, known in enumerate(self.findings):
            if known.field == finding.field and known.identity == finding.identity:
                surer = finding.field is Field.MODE and finding.confidence > known.confidence
                if surer or (known.heading and not finding.heading):
                    self.findings[at] = finding
                return
        self.findings.append(finding)

    def of(self, field_: Field) -> list[Finding]:
        """Return the findings of one field, in order."""
        return [each for each in self.findings if each.field == field_]

    @property
    def dates(self) -> set[str]:
        """The dates (ISO, of any precision) that the rules read of it; a model's word is none yet."""
        return {
            str(each.value["iso"]) for each in self.of(Field.DATE) if each.value["iso"] and not each.by_model
        }


@dataclass(frozen=True, slots=True)
class Warned:
    """Something odd: a code of ``labels.WARNINGS`` and the parameters of its sentence."""

    code: str
    params: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read in a record."""

    script: Script
    title: str
    issued: str
    """The day of issue (ISO) if a line of the record gives it."""
    meetings: tuple[MeetingRead, ...]
    others: tuple[Finding, ...]
    """What belongs to no meeting: conferences by themselves, and who was there."""
    warnings: tuple[Warned, ...]
