"""A contract's terms in the reader's words, line by line, and what differs between two versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.utils.translation import gettext, pgettext

from kouan.apps.dataflow import labels
from kouan.web.filters import date_long, number

if TYPE_CHECKING:
    from kouan.apps.dataflow.domain import Ground, Party, Terms


def in_words(terms: Terms) -> list[tuple[str, list[str]]]:
    """Return what terms say, as (what, values) in the reader's language, and in one order."""
    return [
        (pgettext("contract", "Exporter"), _party(terms.exporter)),
        (pgettext("contract", "Importer"), _party(terms.importer)),
        (gettext("Kinds of data"), labels.element_names(terms.elements)),
        (gettext("Purposes"), labels.purpose_names(terms.purposes)),
        (gettext("First day"), [date_long(terms.first_day)]),
        (gettext("Last day"), [date_long(terms.last_day)]),
        (
            gettext("Kept by the importer"),
            [gettext("%(days)s days") % {"days": number(terms.retention_days)}],
        ),
        (gettext("Persons concerned"), [gettext("about %(count)s") % {"count": number(terms.persons)}]),
        (
            gettext("May be handed on to"),
            labels.onward_lines(terms),
        ),
        (
            gettext("Impact assessment"),
            [date_long(date.fromisoformat(terms.assessment.made_on)), terms.assessment.digest],
        ),
        *([] if terms.ground is None else [(gettext("Rests on"), _ground(terms.ground))]),
    ]


def _ground(ground: Ground) -> list[str]:
    said = [ground.instrument, *([ground.number] if ground.number else [])]
    said.append(gettext("of %(day)s") % {"day": date_long(date.fromisoformat(ground.issued_on))})
    if ground.valid_until is not None:
        until = date_long(date.fromisoformat(ground.valid_until))
        said.append(gettext("counts until %(day)s") % {"day": until})
    return said


@dataclass(frozen=True, slots=True)
class Difference:
    """What one line of the terms lost and gained from one version to the next."""

    what: str
    gone: tuple[str, ...]
    new: tuple[str, ...]


def differences(old: Terms, new: Terms) -> list[Difference]:
    """Return what differs between two versions, line by line."""
    found = []
    lines, ours = dict(in_words(old)), dict(in_words(new))
    for what in lines | ours:
        before_, after = lines.get(what, []), ours.get(what, [])
        if before_ != after:
            found.append(
                Difference(
                    what,
                    tuple(each for each in before_ if each not in after),
                    tuple(each for each in after if each not in before_),
                )
            )
    return found


def _party(party: Party) -> list[str]:
    return [labels.name_of(party.name), labels.place_name(party.place), party.registration or party.code]
