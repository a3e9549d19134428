"""Reading a record: sentence by sentence, each told of the meeting that it is about."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from kouan.apps.programme.domain import Field, Mode
from kouan.apps.programme.records.reading import dates, mentions, places, tables
from kouan.apps.programme.records.reading.details import Details
from kouan.apps.programme.records.reading.found import MeetingRead, Reading
from kouan.apps.programme.records.reading.text import calmed, fold, script_of, sentences

if TYPE_CHECKING:
    from kouan.apps.programme.records.reading.dictionary import Dictionary
    from kouan.apps.programme.records.reading.found import Value
    from kouan.apps.programme.records.reading.mentions import Mention, Named
    from kouan.apps.programme.records.reading.text import Sentence

_ASIDE: Final = re.compile(
    r"^\W*(?:About\b|Background|Notes? to [Ee]ditors?|Notes?$|Related|See also|Further reading|Contact|Enquiries|More news|Latest news|背景|附注|注[:：]|相关|延伸阅读|关于)"
)
_TOPIC: Final = re.compile(r"\W{0,3}【[^】\n]{1,12}】")
"""Begins an item of a digest, which is about something else than the one before."""
_DIGEST: Final = 3
_JOINED: Final = 75
"""How sure a day is of which two sentences say the parts."""
_AND_ALSO: Final = re.compile(
    r",?\s*(?:and |as well as |together with |[与和及暨、]|以及)\s*(?:the |its |their )?", re.IGNORECASE
)
"""Between two meetings of which one sentence says the same: "the 21st meeting of … and the third meeting of …"."""
_SPEECH_AT: Final = re.compile(
    r"会议上的?(?:讲话|致辞|发言|开场发言|开场白|总结发言|欢迎辞)|\b(?:[Ss]peech|[Rr]emarks|[Aa]ddress)\b[^.]{0,80}? at the\b"
)
_OUTCOME: Final = re.compile(
    r"\W*(?:(?:会议)?(?:成果|内容|议题|活动|文件|协议)|签署(?:文件|协议)|合作(?:领域|范畴|方面|重点)|会[前后]活动"
    r"|(?:Outcomes?|Results?|Agreements?|Documents? signed|Signed|Events?|Visits?|(?:Areas|Fields) (?:of|for) co-?operation(?: agreed)?)(?: of the meeting)?)\s*:\s*\S"
)
"""A line that says under a label what came of the meeting."""
_HABIT: Final = re.compile(r"\b(?:every|each) year\b|\bannually\b|\bonce a year\b|每年|一年一度|轮流")
_MEETING_HELD: Final = re.compile(
    r"^(?:The|This|It) ?(?:(?:plenary|annual|full) )?(?:meeting)? ?,?(?:which )?(?:was|is|were) (?:also )?(?:held|convened|conducted|co-chaired|hosted)\b|^The meeting took place\b"
    r"|^(?:本次|是次|此次|这次|该次)?(?:会议|大会)(?:于|在|以|由|今日|今天|采用|采取|通过(?:视频|视像|线上))[^。]{0,40}(?:举行|召开|进行|举办)|^The (?:Expert Group|Task Force|Group|two sides|expert group|task force) (?:met|convened|held)\b"
)


_WHERE_AND_WHEN: Final = re.compile(
    r", (?:(?:which was )?(?:held|convened) (?=in|on|at|by|through)|(?=(?:in|at) (?:the )?[A-Z][\w ]{2,30} (?:in|on) [^,;.]{4,30}[,;.)]))"
)


def read(text: str, words: Dictionary) -> Reading:
    """Return what a cleaned text says (``text.clean``); what it does not say is not there."""
    return _Reader(text, words).run()


class _Reader(Details):
    def __init__(self, text: str, words: Dictionary) -> None:
        folded = "\n".join(calmed(line) for line in fold(text).split("\n"))
        self.groups = _groups(text, folded, words)
        super().__init__(text, folded, mentions.masked(folded, self.groups), words, None)
        self.sentences = sentences(self.folded)
        lines = []
        at = 0
        for line in self.folded.split("\n"):
            lines.append((at, at + len(line)))
            at += len(line) + 1
        self.issued = dates.issued_on(self.folded, lines)
        self.conferences = frozenset(
            code for code, each in words.groups.items() if each.kind == "joint-conference"
        )
        self.meetings: dict[tuple[str, int | None], MeetingRead] = {}
        self.current: MeetingRead | None = None
        self.about: MeetingRead | None = None
        self.title: MeetingRead | None = None
        alone = len({each.code for each in self.groups}) == 1 and self.groups[0].code in words.groups
        self.known: Named | None = self.groups[0] if alone else None
        """The group that "the third meeting" is of; a text about one alone may name it further down."""
        self.topics = sum(bool(_TOPIC.match(self.folded, low)) for low, _high in lines)
        self.opened: tuple[MeetingRead, int] | None = None
        """The meeting at which a speech was made, as the title says, and the line of the title."""
        self.column: int | None = None
        """The column of a table in which the meetings' numbers stand."""

    def run(self) -> Reading:
        """Go through the sentences."""
        for sentence in self.sentences:
            self._sentence(sentence)
        self._merge_unnumbered()
        for meeting in self.meetings.values():
            _join_year(meeting)
        kept = tuple(
            each
            for each in self.meetings.values()
            if (each.told or each.of(Field.DATE) or each.of(Field.PLACE))
            and (each.reported or not each.planned)
        )
        title = next((self.text[each.start : each.end] for each in self.sentences), "")
        return Reading(
            script_of(self.text), title[:400], self.issued.iso if self.issued else "", kept, tuple(self.others), tuple(self.warnings),
        )  # fmt: skip

    def _sentence(self, sentence: Sentence) -> None:
        if sentence.heading:
            self.year = dates.year_alone(self.folded[sentence.start : sentence.end]) or self.year
            self.period = dates.period_of(self.folded, sentence.start, sentence.end) or self.period
        if sentence.first:
            self.about = self.current
            self.in_line = []
        if _TOPIC.match(self.folded, sentence.start) and self.topics >= _DIGEST and sentence.first:
            self.current = self.about = None
        if self._awaited(sentence):
            return
        found = [] if _HABIT.search(self.folded, sentence.start, sentence.end) else mentions.mentions_in(
            self.mask, sentence, self._here(sentence), self.known, conference=self.conferences
        )  # fmt: skip
        found = found or self._row(sentence)
        told = [each for each in found if each.told]
        for at, mention in enumerate(found):
            low = found[at - 1].end if at else sentence.start
            high = next(
                (
                    later.start
                    for before, later in pairwise(found[at:])
                    if not _AND_ALSO.fullmatch(self.mask, before.end, later.start)
                ),
                sentence.end,
            )
            draft = self._of(mention)
            if mention.planned:
                draft.planned = True
                continue
            if self.mask[mention.end - 1] == ")":  # "17 November 2022 (by video conference, 17th meeting)"
                high = mention.end
            draft.reported = draft.reported or not sentence.heading or "|" in self.mask[mention.end : high]
            self._mention(mention, sentence, low, high)
        if sentence.heading:
            self._heading(sentence, told, found)
            return
        self.mentioned = [
            (each.end, self._of(each))
            for each in found
            if not each.planned and not self._is_background(each, sentence)
        ]
        self.in_line += [self._of(each) for each in told if self._of(each) not in self.in_line]
        about = self._turn(sentence, told)
        self._remember(sentence, found)
        if about is None:
            self._apart(sentence)
            return
        if not found and (
            _MEETING_HELD.match(self.folded[sentence.start : sentence.end])
            or _MEETING_HELD.match(self.mask[sentence.start : sentence.end])
        ):
            self._held_where_when(about, sentence, sentence.start, sentence.start, sentence.end, told=True)
        self._details(about, sentence)

    def _under_a_speech(self, sentence: Sentence) -> None:
        """Take the date and the place under the title of a speech for those of the meeting it was made at."""
        line = self.folded[sentence.start : sentence.end]
        if self.opened is None or sentence.block > self.opened[1] + 2:
            return
        whens = dates.find(self.folded, sentence.start, sentence.end)
        rest = "".join(
            self.folded[low:high]
            for low, high in ((sentence.start, whens[0].start), (whens[0].end, sentence.end))
        ) if len(whens) == 1 else line  # fmt: skip
        if re.sub(
            r"[\W_]|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day", "", self.words.place_pattern.sub("", rest)
        ):
            return
        self._date(self.opened[0], whens[0], sentence, _JOINED)
        where = places.known_place(self.folded, sentence.start, sentence.end, self.words, self.text)
        if where is not None:
            low, high = self.words.place_pattern.search(self.folded, sentence.start, sentence.end).span()  # type: ignore[union-attr] # it was found just now
            value: Value = {"code": where.code, "text": self.text[low:high]}
            self._add(self.opened[0], Field.PLACE, value, sentence, low, high, _JOINED, "speech")
            mode: Value = {"mode": Mode.IN_PERSON.value}
            self._add(self.opened[0], Field.MODE, mode, sentence, low, high, places.BY_PLACE, "place")

    def _row(self, sentence: Sentence) -> list[Mention]:
        """Return the meeting of a table's row, as the group is known from what stands above."""
        line = self.folded[sentence.start : sentence.end]
        if not sentence.heading or "|" not in line:
            self.column = None
            return []
        heads = tables.number_column(line)
        if heads is not None:
            self.column = heads
        if heads is not None or self.known is None or self.known.code not in self.words.groups:
            return []
        found = tables.mention_in_row(self.folded, sentence, self.known, self.column, self.issued)
        return [found] if found else []

    def _is_background(self, mention: Mention, sentence: Sentence) -> bool:
        """Say whether a sentence names a meeting only to say when something else was: "following the tenth"."""
        before = self.mask[sentence.start : mention.start]
        behind = self.mask[mention.end : mention.end + 3]
        return bool(
            re.search(
                r"(?:\b(?:[Aa]fter|[Ff]ollowing|[Ss]ince|[Ff]rom|[Bb]uilding on)\b|继|自|根据|按照)[^,.;。]{0,60}$",
                before,
            )
            or re.match(r"(?:之)?后|以来", behind)
        )

    def _here(self, sentence: Sentence) -> list[Named]:
        """Return the groups that a sentence names."""
        low = bisect_left(self.groups, sentence.start, key=lambda each: each.start)
        high = bisect_left(self.groups, sentence.end, key=lambda each: each.start)
        return self.groups[low:high]

    def _heading(self, sentence: Sentence, told: list[Mention], found: list[Mention]) -> None:
        self._under_a_speech(sentence)
        if told:
            self.current = self.about = self._of(told[0])
            if _SPEECH_AT.search(self.folded, sentence.start, sentence.end):
                self.opened = (self.current, sentence.block)
            if self.title is None and sentence.block <= 3:
                self.title = self.current
        elif _ASIDE.match(self.folded[sentence.start : sentence.end]):
            self.current = self.about = None
        if self.about is not None:
            self._labelled(self.about, sentence)
            self._bodies(self.about, sentence)
        self._line_of_its_own(sentence, found)
        self._remember(sentence, found)

    def _line_of_its_own(self, sentence: Sentence, found: list[Mention]) -> None:
        """Read a line without a full stop that is no title: of a chronicle, or "Outcome: …" in a list of facts."""
        line = replace(sentence, heading=False)
        whens = dates.find(self.folded, sentence.start, sentence.end)
        if (
            whens
            and whens[0].start == sentence.start
            and len(whens[0].text) < len(self.folded[sentence.start : sentence.end])
        ):
            about = next((self._of(each) for each in found if not each.planned), None)
            if about is not None:
                self._areas(about, line)
            self._deeds(about, line)
        elif self.about is not None and _OUTCOME.match(self.folded, sentence.start, sentence.end):
            self._areas(self.about, line)
            self._deeds(self.about, line)

    def _remember(self, sentence: Sentence, found: list[Mention]) -> None:
        """Keep which group "the third meeting" is of: the one that was told of last, or is the subject now."""
        for each in self._here(sentence):
            if each.code not in self.words.groups:
                self.known = self.known or each
                continue
            only_named = [one for one in found if one.group == each.code]
            aside = only_named and not any(one.told or one.planned for one in only_named)
            if self.known is None or not aside:
                self.known = each

    def _turn(self, sentence: Sentence, told: list[Mention]) -> MeetingRead | None:
        """Return the meeting that a sentence is about, and turn to another where a paragraph does."""
        if not told:
            return self.about
        draft = self._of(told[0])
        if self.current is None:
            self.current = self.about = draft
        elif draft is not self.current:
            title = self.title
            earlier = (
                title is not None and title.group == draft.group and draft.number is not None
                and title.number is not None and draft.number < title.number and self.current is title
            )  # fmt: skip
            unnumbered = draft.number is None and draft.group == self.current.group
            if unnumbered:
                return self.about
            if sentence.first and not earlier:
                self.current = draft
            if sentence.first:
                self.about = draft
            return draft
        return self.about or draft

    def _of(self, mention: Mention) -> MeetingRead:
        key = (mention.group, mention.number)
        if key not in self.meetings:
            self.meetings[key] = MeetingRead(mention.group, mention.group_name, mention.number)
        return self.meetings[key]

    def _mention(self, mention: Mention, sentence: Sentence, low: int, high: int) -> None:
        draft = self._of(mention)
        draft.told = draft.told or mention.told
        value: Value = {"group": mention.group, "group_name": mention.group_name, "number": mention.number}
        confidence = (95 if mention.exact else 85) if mention.told else 75
        self._add(draft, Field.HELD, value, sentence, mention.start, mention.end, confidence, "meeting")
        if mention.told:
            aside = mentions.AS_ASIDE.match(self.mask[mention.end : high])
            at = mention.start if high == mention.end else mention.end + (aside.end() if aside else 0)
            self._held_where_when(draft, sentence, at, low, high, told=True)
        else:
            behind = _WHERE_AND_WHEN.match(self.mask[mention.end : high])
            skip = behind.end() if behind else 0
            stop = re.search(r"[,;。)]", self.mask[mention.end + skip : high])
            end = mention.end + skip + stop.start() if stop else high
            clause = max(low, *(self.mask.rfind(mark, low, mention.start) + 1 for mark in ",;。"))
            begin = clause if self._han(mention.start, mention.end) else mention.start
            self._held_where_when(draft, sentence, mention.start, begin, end, told=False)

    def _merge_unnumbered(self) -> None:
        """Give what is said of "the meeting of the group" to its one numbered meeting, if there is just one."""
        for key in [each for each in self.meetings if each[1] is None]:
            numbered = [
                each
                for each in self.meetings.values()
                if each.group == key[0] and each.number is not None and each.told
            ]
            if len(numbered) == 1 or (self.title in numbered):
                target = numbered[0] if len(numbered) == 1 else self.title
                draft = self.meetings.pop(key)
                assert target is not None  # noqa: S101 - one of the numbered
                for finding in draft.findings:
                    if finding.field is not Field.HELD:
                        target.add(finding)


def _join_year(meeting: MeetingRead) -> None:
    """Give the one day of a meeting that is said without a year the year that is said of the meeting elsewhere.

    "The 2024 meeting of the group", and further down that it met "on the morning of 9 October".
    """
    years = [each for each in meeting.of(Field.DATE) if re.fullmatch(r"\d{4}", str(each.value["iso"]))]
    others = [each for each in meeting.of(Field.DATE) if each not in years]
    if len(years) != 1 or len(others) != 1 or others[0].value["iso"]:
        return
    said = fold(str(others[0].value["text"]))
    whens = dates.find(said, 0, len(said))
    if len(whens) != 1 or not whens[0].month or not whens[0].day or whens[0].impossible:
        return
    when = dates.in_year(whens[0], int(str(years[0].value["iso"])))
    meeting.findings.remove(years[0])
    at = meeting.findings.index(others[0])
    meeting.findings[at] = replace(others[0], value={**others[0].value, "iso": when.iso}, confidence=_JOINED)


def _groups(text: str, folded: str, words: Dictionary) -> list[Named]:
    """Return the groups named, also by the abbreviation that follows a name: "… (EGSCC) …"."""
    found = mentions.groups_in(folded, words, text)
    short: dict[str, Named] = {}
    for each in found:
        match = re.match(
            r' ?\((?:the |hereinafter |下称|简称|以下简称)*"?([A-Z][A-Za-z&-]{2,9}|[一-鿿]{3,8})"?\)',
            folded[each.end : each.end + 40],
        )
        if match:
            short.setdefault(match[1], each)
    for name, group in short.items():
        for match in re.finditer(
            rf"(?<![\w]){re.escape(name)}(?![\w])" if name.isascii() else re.escape(name), folded
        ):
            before = folded[match.start() - 1 : match.start()]
            if before not in {"(", '"'} and not any(
                match.start() < each.end and each.start < match.end() for each in found
            ):
                found.append(mentions.Named(match.start(), match.end(), group.code, group.name))
    return sorted(found, key=lambda each: each.start)
