"""What an applicant gets: the lines of the result, as a paper and as claims of a credential."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from kouan.apps.services import papers, sealing
from kouan.apps.services.cases.clock import today
from kouan.apps.services.cases.errors import ClaimMissing
from kouan.apps.services.definition import form as forms
from kouan.core.sides import get_side
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.services.definition.model import Definition, ResultClaim
    from kouan.apps.services.models import Case

CASE_SOURCES: Final = ("reference", "received", "decided", "service", "department", "home")
"""What a line ``case.…`` may name."""
_NOTHING: Final = "–"
_OFFICER: Final = "officer."


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a result: what it is, as a person reads it and as a program does."""

    name: str
    title: Localised
    shown: Localised
    value: str


def to_fill_in(definition: Definition) -> list[ResultClaim]:
    """Return the lines whose value the officer gives."""
    return [claim for claim in definition.result.claims if claim.source.startswith(_OFFICER)]


def expiry(definition: Definition, at: datetime) -> datetime | None:
    """Return until when a result counts that is granted now; ``None`` for without end."""
    days = definition.result.valid_days
    return at + timedelta(days=days) if days else None


def lines(case: Case, definition: Definition, given: Mapping[str, str], at: datetime) -> list[Line]:
    """Return the lines of a result; raises ``ClaimMissing`` for one that the officer left out."""
    answers = sealing.unseal_json(case.answers, of=f"case {case.key} answers") or {}
    in_words = {
        language: {
            line.path: line.value
            for passage in forms.in_words(definition.form, answers, language)
            for line in passage.lines
        }
        for language in ("en", "zh-hant", "zh-hans")
    }
    return [
        _line(claim, case, definition, given, answers, in_words, at) for claim in definition.result.claims
    ]


def _line(  # noqa: PLR0913, PLR0917 - the places from which a value may come
    claim: ResultClaim,
    case: Case,
    definition: Definition,
    given: Mapping[str, str],
    answers: Mapping[str, Any],
    in_words: Mapping[str, Mapping[str, str]],
    at: datetime,
) -> Line:
    title = claim.title.text
    place, _dot, name = claim.source.partition(".")
    match place:
        case "officer":
            value = given.get(name, "").strip()
            if not value:
                raise ClaimMissing(name=str(title))
            return Line(claim.name, title, Localised(value, value, value), value)
        case "answers":
            value = _answer(answers, name)
            shown = {language: words.get(name) or value or _NOTHING for language, words in in_words.items()}
            return Line(
                claim.name,
                title,
                Localised(en=shown["en"], zh_hant=shown["zh-hant"], zh_hans=shown["zh-hans"]),
                value,
            )
        case _:
            shown_, value = _of_case(case, definition, name, at)
            return Line(claim.name, title, shown_, value)


def _answer(answers: Any, path: str) -> str:
    value = answers
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def _of_case(case: Case, definition: Definition, name: str, at: datetime) -> tuple[Localised, str]:
    match name:
        case "received":
            return _day(today(case.received_at))
        case "decided":
            return _day(today(at))
        case "service":
            return definition.title.text, definition.service
        case "department":
            return definition.department.name.text, definition.department.code
        case "home":
            return get_side(case.home).name, case.home
        case _:
            return Localised(case.reference, case.reference, case.reference), case.reference


def _day(day: date) -> tuple[Localised, str]:
    chinese = f"{day.year}年{day.month}月{day.day}日"
    english = f"{day.day} {day:%B %Y}"
    return Localised(en=english, zh_hant=chinese, zh_hans=chinese), day.isoformat()


def paper(  # noqa: PLR0913 - all that a paper says, by name
    case: Case, definition: Definition, found: list[Line], *, words: str, at: datetime, credential: str
) -> bytes:
    """Return the result as a PDF: in the applicant's script, and again in English where that is another.

    ``credential`` is the reference under which the same can be validated as a credential.
    """
    title = definition.result.title.text
    passages = []
    languages = dict.fromkeys([case.language, "en"])
    for language in languages:
        with translation.override(language):
            passages += _passages(case, definition, found, language, words, at, credential)
    passages[0] = ("", passages[0][1])  # the paper's own title says it
    with translation.override(case.language):
        lead = str(definition.department.name.text)
        if definition.demonstration:
            lead += "\n" + _("Demonstration: nothing here has legal effect.")
        foot = _("Validate this paper at the node of your own side: “Validate a document”.")
    return papers.paper(
        title=title.in_language(case.language),
        lead=lead,
        passages=passages,
        foot=f"{case.reference} · {foot}",
        language=case.language,
        subject=case.reference,
    )


def _passages(  # noqa: PLR0913, PLR0917 - all that the paper says
    case: Case,
    definition: Definition,
    found: list[Line],
    language: str,
    words: str,
    at: datetime,
    credential: str,
) -> list[tuple[str, list[tuple[str, str]]]]:
    rows = [(line.title.in_language(language), line.shown.in_language(language)) for line in found]
    until = expiry(definition, at)
    about = [
        (_("Case"), case.reference),
        (_("Service"), definition.title.text.in_language(language)),
        (_("Decided on"), _day(today(at))[0].in_language(language)),
        (
            _("Valid until"),
            _("no expiry date") if until is None else _day(today(until))[0].in_language(language),
        ),
        (_("Decided by"), definition.department.name.text.in_language(language)),
        (pgettext("service", "Side"), get_side(settings.NODE.side).name.in_language(language)),
        (_("Law"), definition.legal.text.in_language(language)),
        (_("The same as a credential"), credential),
    ]
    if words:
        about.append((_("The department writes"), words))
    heading = definition.result.title.text.in_language(language)
    said = {heading, *(value for _what, value in rows)}
    return [(heading, rows), ("", [(what, value) for what, value in about if value not in said])]
