"""What a sentence says of the meeting that it is about: when, where, who, which bodies and areas, what came of it."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final

from kouan.apps.programme.domain import Field, Mode
from kouan.apps.programme.records.reading import areas, bodies, dates, deeds, people, places
from kouan.apps.programme.records.reading.circumstances import Circumstances
from kouan.apps.programme.records.reading.text import kind_of_mark

if TYPE_CHECKING:
    from kouan.apps.programme.records.reading.found import MeetingRead, Value
    from kouan.apps.programme.records.reading.text import Sentence

_EARLIER: Final = re.compile(
    r"\b(?:last year|earlier this year|previously|in the past|signed (?:in|between) (?:19|20)\d\d|two years ago)\b|去年|前年|此前|早前|早年|今年早些时候|于20\d\d年(?:\d{1,2}月)?签"
)
"""What was signed then, was not signed at the meeting."""
_LABELS: Final = {
    Field.DATE: re.compile(
        r"^\W*(?:Date(?: of (?:the )?meeting)?|Meeting date|When|Held on|(?:会议|开会)?(?:日\s?期|时\s?间))(?: and time)?\s*:\s*"
    ),
    Field.PLACE: re.compile(
        r"^\W*(?:Venue|Place|Location|Where|Held (?:at|in)|(?:会议|开会)?地\s?点)(?: of (?:the )?meeting)?\s*:\s*"
    ),
    Field.MODE: re.compile(r"^\W*(?:Mode|Format|Form|(?:会议|开会|召开)?(?:形\s?式|方\s?式))\s*:\s*"),
    Field.CHAIR: re.compile(
        r"^\W*(?:(?:(?!Deputy|Vice|Former|Honorary|Associate)[A-Z][\w ]{0,20})?(?:Co-?\s?)?(?:Chair(?:s|men|man|persons?|person)?|[Cc]hair(?:s|men|man|persons?|person)?|Conven[oe]rs?)|(?:会议)?(?:共同)?主\s?持(?:\s?人)?|召集人|双方召集人|[粤港]方(?:召集人|组长))(?:\s?\([^)]*\))?\s*:\s*"
    ),
}
_THEY_CHAIRED: Final = re.compile(
    r"(?:They|Both|The two(?: officials| leaders| heads)?|Together they) (?:also )?(?:jointly |together )?(?:co-?\s?)?(?:chaired|presided)\b|(?:两人|二人|两位)(?:共同|联合)?主持"
)
"""Said of the two people of the sentence before."""
_OTHER_LABEL: Final = re.compile(
    r"\W*(?:副(?:召集人|主席|组长)|秘书|列席|出席|缺席|Deputy|Vice|Secretary|Apologies)"
)
_NOT_A_LABEL: Final = re.compile(r"来源|浏览|发布|作者|字体|\d{1,2}:\d\d:\d\d|\bIssued\b|\bPublished\b")
"""A page says when it was put up in the same words as minutes say when the meeting was."""
_EACH: Final = re.compile(
    r"[两三四各]次会议(?:均|都|皆)|\b[Bb]oth (?:of the )?(?:meetings|plenaries|sessions)\b"
)
"""What follows was so at every meeting that the paragraph tells of."""


class Details(Circumstances):
    """Reads sentences of one text, and keeps what it finds with the meeting that it is given."""

    def _details(self, about: MeetingRead, sentence: Sentence) -> None:
        self._labelled(about, sentence)
        self._chairs(about, sentence)
        self._bodies(about, sentence)
        self._areas(about, sentence)
        self._deeds(None if self._another_day(about, sentence) else about, sentence)

    def _another_day(self, about: MeetingRead, sentence: Sentence) -> bool:
        """Say whether a sentence gives a day of its own that is not the meeting's: what it tells is another thing."""
        known = {str(each.value["iso"]) for each in about.of(Field.DATE) if each.value["iso"]}
        days = [self._settled(each).iso for each in dates.find(self.mask, sentence.start, sentence.end)]
        days = [each for each in days if len(each) > 4]
        return bool(known and days) and not any(
            one.startswith(two) or two.startswith(one) for one in days for two in known
        )

    def _labelled(self, about: MeetingRead, sentence: Sentence) -> None:
        """Read a line of the kind "Venue: Hong Kong"."""
        self._one_more(about, sentence)
        for field, label in _LABELS.items():
            match = label.match(self.folded[sentence.start : sentence.end])
            if not match or _NOT_A_LABEL.search(self.folded, sentence.start, sentence.end):
                continue
            low = sentence.start + match.end()
            if field is Field.DATE:
                when = next(iter(dates.find(self.folded, low, sentence.end)), None)
                if when is not None:
                    self._date(about, self._settled(when), sentence, 95)
            elif field is Field.PLACE:
                self._venue(about, sentence, low)
            elif field is Field.MODE:
                mode = places.mode_in(self.folded, low, sentence.end, place=False)
                if mode is not None:
                    self._add(about, field, {"mode": mode[0].value}, sentence, mode[1], mode[2], 95, "label")
            else:
                self._chairing = True
                found = people.people_in(self.folded, low, sentence.end, self.words, self.text)
                found = (
                    found
                    or people.named_first(self.folded, low, sentence.end, self.words, self.text)
                    or people.bare_names(self.folded, low, sentence.end, self.words, self.text)
                )
                for person in found:
                    self._person(about, Field.CHAIR, person, sentence, 95)

    def _venue(self, about: MeetingRead, sentence: Sentence, low: int) -> None:
        mode = places.mode_in(self.folded, low, sentence.end, place=False)
        where = None
        if mode is None or mode[0] is Mode.HYBRID:
            where = places.known_place(self.folded, low, sentence.end, self.words, self.text)
        if where is not None:
            value: Value = {"code": where.code, "text": where.text.strip(" .。")}
            self._add(about, Field.PLACE, value, sentence, where.start, where.end, 95, "label")
        sure = 90
        if mode is None and where is not None:
            mode, sure = (Mode.IN_PERSON, where.start, where.end), places.BY_PLACE
        if mode is not None:
            self._add(about, Field.MODE, {"mode": mode[0].value}, sentence, mode[1], mode[2], sure, "label")

    def _one_more(self, about: MeetingRead, sentence: Sentence) -> None:
        """Read a line of a list of people: who else chaired, or who of those present did ("… (Co-chair)")."""
        line = self.folded[sentence.start : sentence.end]
        named = people.named_first(self.folded, sentence.start, sentence.end, self.words, self.text)
        if self._chairing and named and named[0].start == sentence.start:
            self._person(about, Field.CHAIR, named[0], sentence, 90)
        elif ":" not in line or _OTHER_LABEL.match(line):
            self._chairing = False
        if self._attending and re.search(
            r"\((?:[Cc]o-?)?[Cc]hair(?:man|person)?\)$|\((?:召集人|主持人?)\)$", line
        ):
            found = people.people_in(self.folded, sentence.start, sentence.end, self.words, self.text)
            for person in found[:1]:
                self._person(about, Field.CHAIR, person, sentence, 90)

    def _chairs(self, about: MeetingRead, sentence: Sentence) -> None:
        chairs = (
            people.chairs_in(self.folded, sentence, self.words, self.text)
            if people.chairing(self.mask, sentence)
            else []
        ) or people.chairs_by_name(self.folded, sentence, self.words, self.text)
        for person in chairs:
            self._person(about, Field.CHAIR, person, sentence, 90)
        found = people.people_in(self.folded, sentence.start, sentence.end, self.words, self.text)
        for person in found:
            if person not in chairs and person.office:
                self._person(about, Field.PERSON, person, sentence, 80)
        if people.chairing(self.mask, sentence):
            for start, end in people.chairs_known(self.folded, sentence, self.named):
                if not any(start < each.end and each.start < end for each in (*chairs, *found)):
                    known = self.named[self.folded[start:end]]
                    again = replace(known, start=start, end=end, name=self.text[start:end])
                    self._person(about, Field.CHAIR, again, sentence, 85)
        two, before = self._pair
        if len(two) == 2 and not found and _THEY_CHAIRED.match(self.folded, sentence.start, sentence.end):
            both = replace(before or sentence, end=sentence.end)
            for person in two:
                self._person(about, Field.CHAIR, person, both, 85)
        self._pair = ([each for each in found if each.office], sentence)
        self.named |= {self.folded[each.start : each.end]: each for each in found if each.office}

    def _person(
        self, about: MeetingRead, field: Field, person: people.Person, sentence: Sentence, confidence: int
    ) -> None:
        value: Value = {
            "name": person.name,
            "office": person.office,
            "body": person.body,
            "side": person.side,
        }
        self._add(about, field, value, sentence, person.start, person.end, confidence, "person")

    def _bodies(self, about: MeetingRead, sentence: Sentence) -> None:
        found = bodies.bodies_in(self.folded, sentence, self.words, self.text, following=self._attending)
        goes_on = (
            sentence.item
            or bodies.is_person(self.folded, sentence, self.words)
            or bodies.of_a_side(self.folded, sentence)
        )
        self._attending = (self._attending and goes_on) or bodies.begins_list(self.folded, sentence)
        several = self.in_line if _EACH.search(self.folded, sentence.start, sentence.end) else []
        for meeting, each in product(several or [about], found):
            value: Value = {"code": each.code, "text": each.name, "written": self.text[each.start : each.end]}
            self._add(
                meeting, Field.BODY, value, sentence, each.start, each.end, 95 if each.sure else 75, "body"
            )

    def _areas(self, about: MeetingRead, sentence: Sentence) -> None:
        found = areas.announced(self.folded, sentence)
        if found is None:
            return
        if found.areas:
            about = self._owner(about, found.areas[0].start)
        if found.follows and not about.listed:
            self._list = (about, found.count, sentence)
            self._kind = None
        elif len(found.areas) == 1 or not about.listed:
            about.listed = about.listed or len(found.areas) > 1
            for area in found.areas:
                self._area(about, area, sentence, 95 if found.count == len(found.areas) else 80)

    def _owner(self, about: MeetingRead, at: int) -> MeetingRead:
        """Return the meeting whose areas stand at a place: the last that its sentence names before, as theirs."""
        return next((meeting for end, meeting in reversed(self.mentioned) if end <= at), about)

    def _area(self, about: MeetingRead, area: areas.Area, sentence: Sentence, confidence: int) -> None:
        said = re.sub(r"\s+", " ", self.text[area.start : area.end])
        self._add(
            about,
            Field.AREA,
            {"text": said, "theme": self.words.theme_of(said)},
            sentence,
            area.start,
            area.end,
            confidence,
            "area",
        )

    def _awaited(self, sentence: Sentence) -> bool:
        """Take a line of an announced list of areas; say whether the sentence was one."""
        if self._list is None:
            return False
        about, count, begun = self._list
        length = sentence.end - sentence.start
        have = len(about.of(Field.AREA))
        more = count is None or not about.listed or have < count
        kind = kind_of_mark(self.folded[sentence.start : sentence.end])
        if self._kind is None and sentence.first and sentence.block > begun.block:
            self._kind = kind
        if (
            sentence.block > begun.block
            and more
            and (kind == self._kind or not sentence.first)
            and (
                sentence.item
                or (sentence.first and count and length < 240 and not sentences_end(self.folded, sentence))
            )
        ):
            area = areas.in_line(self.folded, sentence)
            if area is not None and sentence.first:
                about.listed = True
                self._area(about, area, sentence, 95)
            return True
        self._list = None
        return False

    def _deeds(self, about: MeetingRead | None, sentence: Sentence) -> None:
        earlier = _EARLIER.search(self.folded, sentence.start, sentence.end)
        for each in deeds.agreements_in(self.folded, sentence, self.text):
            self._deed(
                None if earlier else about,
                Field.AGREEMENT,
                each,
                sentence,
                {"parties": list(each.parties)},
                90,
            )
        for each in deeds.events_in(self.folded, sentence):
            self._deed(about, Field.EVENT, each, sentence, {"kind": each.kind}, 85)
        for each in deeds.figures_in(self.folded, sentence):
            self._deed(about, Field.FIGURE, each, sentence, {"unit": each.kind}, 80)
        if about is not None and deeds.decision(self.folded, sentence):
            said = self.text[sentence.start : sentence.end]
            self._add(
                about, Field.DECISION, {"text": said}, sentence, sentence.start, sentence.end, 75, "decision"
            )

    def _deed(
        self,
        about: MeetingRead | None,
        field: Field,
        deed: deeds.Deed,
        sentence: Sentence,
        more: Value,
        confidence: int,
    ) -> None:
        value: Value = {"text": re.sub(r"\s+", " ", self.text[deed.start : deed.end]).strip(' "“”'), **more}
        self._add(about, field, value, sentence, deed.start, deed.end, confidence, field.value)

    def _apart(self, sentence: Sentence) -> None:
        """Keep what a sentence says that is about no meeting."""
        self._deeds(None, sentence)
        for person in people.people_in(self.folded, sentence.start, sentence.end, self.words, self.text):
            if person.office:
                value: Value = {
                    "name": person.name,
                    "office": person.office,
                    "body": person.body,
                    "side": person.side,
                }
                self._add(None, Field.PERSON, value, sentence, person.start, person.end, 80, "person")


def sentences_end(folded: str, sentence: Sentence) -> bool:
    """Say whether a sentence ends as a full one does."""
    return (
        folded[sentence.end - 1 : sentence.end] in {".", "。", "!", "?"}
        and folded.count(" ", sentence.start, sentence.end) > 25
    )
