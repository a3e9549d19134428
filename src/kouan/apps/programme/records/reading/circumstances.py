"""When, where and how a meeting was held, as a stretch of text says it; and how what is found is kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kouan.apps.programme.domain import Field
from kouan.apps.programme.records.reading import dates, places
from kouan.apps.programme.records.reading.found import Finding, MeetingRead, Warned

if TYPE_CHECKING:
    from datetime import date

    from kouan.apps.programme.records.reading.dictionary import Dictionary
    from kouan.apps.programme.records.reading.found import Value
    from kouan.apps.programme.records.reading.people import Person
    from kouan.apps.programme.records.reading.text import Sentence

_NOT_ITS_DATE: Final = re.compile(
    r"\b(?:since|until|till|from|between|established|set up|signed|founded|launched|promulgated|announced|dated|issued)(?: \w+){0,2} (?:on |in )?$|\b(?:by|before|after)(?: the)? $|(?:自|自从|成立于|签署于|截至|直至)$"
)
_CUT: Final = re.compile(
    r",? to (?=[a-z])|, (?:and|continuing|with|during|which|where|at which|reviewing|attended)\b|;|\battended by\b|\bco-chaired by\b"
)


_SAME_YEAR: Final = re.compile(r",? (?:of )?(?:that|the same) year\b")
_OF_SAME_YEAR: Final = re.compile(r"(?:同年|当年)$")
"""Beside a date: it is of the year that was said before."""
_ANOTHER_YEAR: Final = re.compile(
    r"\b(?:19|20)\d\d\b|\b(?:last|next|previous|following|coming) year\b|去年|明年|上年|翌年|前年|来年"
)


class Circumstances:
    """Reads when, where and how, in the stretches of one text that it is given."""

    def __init__(
        self, text: str, folded: str, mask: str, words: Dictionary, issued: dates.When | None
    ) -> None:
        self.text = text
        self.folded = folded
        self.mask = mask
        """The folded text with placeholders for the groups' names, so that no place or body is found in them."""
        self.words = words
        self.issued = issued
        self.others: list[Finding] = []
        self.warnings: list[Warned] = []
        self._list: tuple[MeetingRead, int | None, Sentence] | None = None
        """A list of areas that is to follow: of which meeting, how many, announced where."""
        self._kind: str | None = None
        """What the items of that list begin with, once there is one."""
        self._attending = False
        """Whether the lines that follow name who attended."""
        self._chairing = False
        """Whether the lines that follow name more of those who chaired."""
        self.named: dict[str, Person] = {}
        """The people who were named with an office so far, by their names on folded text."""
        self._pair: tuple[list[Person], Sentence | None] = ([], None)
        """Who the sentence before named with an office."""
        self.mentioned: list[tuple[int, MeetingRead]] = []
        """The meetings that the sentence tells of as such ("the nineteenth, at which …"), and where each ends."""
        self.in_line: list[MeetingRead] = []
        """The meetings that the paragraph has told of so far."""
        self.year: int | None = None
        """The year that a heading gave for the lines that follow, as in a chronicle."""
        self.period: tuple[date, date] | None = None
        """The days that a heading gave for all that follows: the news of a week."""

    def _held_where_when(
        self, draft: MeetingRead, sentence: Sentence, at: int, low: int, high: int, *, told: bool
    ) -> None:
        """Find when, where and how between two places, around a mention that ends at ``at``."""
        when = self._when(at, low, high, told=told)
        if when is not None:
            self._date(draft, when, sentence, 95 if told else 80)
        cut = _CUT.search(self.mask, at, high)
        where = places.place_in(self.mask, at, cut.start() if cut else high, self.words, self.text) or (
            places.place_in(self.mask, low, high if self._han(low, high) else at, self.words, self.text)
        )
        if where is None and told and re.search(r"\bhere\b", self.mask[low:high]):
            where = places.dateline(self.folded, self.words, self.text)
        if where is not None and _video_only(self.mask, where.start):
            where = None
        mode = places.mode_in(self.mask, low, high, place=where is not None)
        if where is not None:
            self._add(
                draft,
                Field.PLACE,
                {"code": where.code, "text": where.text},
                sentence,
                where.start,
                where.end,
                95 if where.code else 70,
                "place",
            )
        if mode is not None:
            start, end = mode[1:]
            confidence, rule = 95 if told else 75, "mode"
            if where is not None and mode[1:] == (low, high):
                start, end = where.start, where.end
                confidence, rule = places.BY_PLACE, "place"
            self._add(draft, Field.MODE, {"mode": mode[0].value}, sentence, start, end, confidence, rule)

    def _when(self, at: int, low: int, high: int, *, told: bool) -> dates.When | None:
        best: tuple[tuple[int, int, int], dates.When] | None = None
        for found in dates.find(self.mask, low, high):
            when = self._of_the_year(found)
            before = self.mask[low : when.start]
            if _NOT_ITS_DATE.search(before) or self.mask[when.end : when.end + 1] in {"电", "讯"}:
                continue
            if when.year is not None and when.month is None and told and not self._year_counts(when, low, at):
                continue
            sure = self._settled(when)
            vague = not (sure.year or sure.month or sure.day or sure.today or sure.yesterday)
            distance = min(abs(when.start - at), abs(when.end - at))
            rank = (0 if vague else 2 if sure.day or sure.today or sure.yesterday else 1, -distance, 0)
            if best is None or rank > best[0]:
                best = (rank, sure)
        return best[1] if best else None

    def _of_the_year(self, when: dates.When) -> dates.When:
        """Return a date that begins a line of a chronicle with the year that the lines stand under."""
        line = self.folded.rfind("\n", 0, when.start) + 1
        if when.year is None and when.month is not None and not when.impossible:
            same = _SAME_YEAR.search(self.folded, when.start, when.end + 20) or _OF_SAME_YEAR.search(
                self.folded, line, when.start
            )
            years = re.findall(r"\b(?:19|20)\d\d(?=\b|年)", self.folded[line : when.start])
            if same and years:
                return dates.in_year(when, int(years[-1]))
        end = self.folded.find("\n", when.end)
        if self.year is None or when.year is not None or when.month is None or when.impossible:
            return when
        around = self.folded[line : end if end >= 0 else len(self.folded)]
        if line != when.start and _ANOTHER_YEAR.search(around):
            return when
        return dates.in_year(when, self.year)

    def _settled(self, when: dates.When) -> dates.When:
        """Return a date with what the heading above it and the day of issue make certain."""
        return dates.settled(dates.in_period(self._of_the_year(when), self.period), self.issued)

    def _year_counts(self, when: dates.When, low: int, at: int) -> bool:
        before = self.mask[low : when.start]
        behind = self.mask[when.end : when.end + 2]
        if self._han(when.start, when.end + 1):
            return (when.end <= at and not re.search("[到至从]", before[-2:])) or bool(
                re.search("(?:于|在)$", before)
            )
        return (
            bool(re.search(r"(?:held|convened|met|meeting|took place)[^,.;]{0,40}\b(?:in|of) $", before))
            or behind == ", "
        )

    def _date(self, draft: MeetingRead, when: dates.When, sentence: Sentence, confidence: int) -> None:
        said = self.text[when.start : when.end].strip()
        if when.impossible:
            self.warnings.append(Warned("impossible-date", {"text": said}))
        self._add(
            draft,
            Field.DATE,
            {"iso": when.iso, "text": said},
            sentence,
            when.start,
            when.end,
            confidence if when.iso else 60,
            "date",
        )

    def _add(
        self,
        about: MeetingRead | None,
        field: Field,
        value: Value,
        sentence: Sentence,
        start: int,
        end: int,
        confidence: int,
        by: str,
    ) -> None:
        finding = Finding(
            field,
            value,
            min(sentence.start, start),
            max(sentence.end, end),
            start,
            end,
            confidence,
            by,
            sentence.heading,
        )  # a dateline's place stands before the sentence that says "here"
        if about is not None:
            about.add(finding)
        elif not any(
            each.field == field and (each.identity == finding.identity or _within(finding, each))
            for each in self.others
        ):
            self.others.append(finding)

    def _han(self, low: int, high: int) -> bool:
        return bool(re.search("[一-鿿]", self.mask[low:high]))


def _within(finding: Finding, known: Finding) -> bool:
    """Say whether an event was named before with more words: "the Technology Forum"."""
    return finding.field is Field.EVENT and str(known.value["text"]).endswith(str(finding.value["text"]))


def _video_only(mask: str, at: int) -> bool:
    return bool(
        re.search(
            r"(?:video|virtual|online)[^.;]{0,30}\b(?:with|between|from) (?:the )?$",
            mask[max(0, at - 60) : at],
        )
    )
