"""What the catalogue's pages show of a service, in words and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kouan.apps.services import labels
from kouan.apps.services.definition.questions import Question, questions
from kouan.core.sides import side_name
from kouan.web.portals import portal_of

if TYPE_CHECKING:
    from kouan.apps.services.definition.model import Definition

_SIGNS: Final = {"HKD": "HK$", "CNY": "¥", "MOP": "MOP$"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way, from the form to the result."""

    icon: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the reader goes to apply."""

    apply: str
    """The first page of the application at this node; empty where it is not made here."""
    elsewhere: tuple[tuple[str, str], ...]
    """The sides whose residents apply at home, each with the service's page there, if that is known."""


def fee(definition: Definition) -> str:
    """Return the fee in words: ``HK$45``, or that there is none."""
    if definition.fee is None:
        return _("Free")
    amount = f"{definition.fee.value:,.2f}".removesuffix(".00")
    return f"{_SIGNS[definition.fee.currency]}{amount}"


def time_limit(definition: Definition) -> str:
    """Return how long the department has."""
    days = definition.time_limit.working_days
    return ngettext("%(count)s working day", "%(count)s working days", days) % {"count": days}


def valid_for(definition: Definition) -> str:
    """Return how long the result counts."""
    days = definition.result.valid_days
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days} if days else _("without end")


def steps(definition: Definition) -> list[Step]:
    """Return the way of an application, in four steps or five."""
    asked = sum(each.asks for each in questions(definition.form) if not each.depends)
    way = [
        Step(
            "form",
            _("Fill in the form"),
            ngettext(
                "About %(count)s question, partly filled in.",
                "About %(count)s questions, partly filled in.",
                asked,
            )
            % {"count": asked},
        )
    ]
    if definition.needs:
        count = len(definition.needs)
        way.append(
            Step(
                "evidence",
                _("Let evidence come"),
                ngettext(
                    "%(count)s proof, which you see before it goes over.",
                    "%(count)s proofs, which you see before they go over.",
                    count,
                )
                % {"count": count},
            )
        )
    if definition.fee is not None:
        way.append(
            Step(
                "fee",
                _("Pay the fee"),
                _("%(fee)s, when the department asks for it.") % {"fee": fee(definition)},
            )
        )
    way.append(
        Step(
            "decision",
            _("The department decides"),
            _("Within %(days)s of receipt; you follow it at home.") % {"days": time_limit(definition)},
        )
    )
    way.append(Step("result", _("Get the result"), _("Signed, as a PDF and as a credential.")))
    return way


def entry(definition: Definition) -> Entry:
    """Return where a reader applies: here if this is their home, else at the node of their own side."""
    own = settings.NODE.side
    if definition.side != own and own in definition.homes:
        try:
            return Entry(reverse("services:apply", args=[definition.side, definition.service]), ())
        except NoReverseMatch:
            return Entry("", ())
    path = reverse("services:service", args=[definition.side, definition.service])
    return Entry(
        "",
        tuple(
            (str(side_name(home)), f"{portal}{path}" if (portal := portal_of(home)) else "")
            for home in definition.homes
            if home != own
        ),
    )


def acts_for(definition: Definition) -> list[str]:
    """Return for whom one may apply, in words."""
    return [str(labels.ACTS_FOR[each]) for each in definition.acts_for]


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of the outline of a form."""

    title: str
    kind: str
    required: bool
    depends: bool
    depth: int
    asks: bool


def outline(definition: Definition) -> list[Asked]:
    """Return the questions of a form, in order, as whoever publishes it looks through them."""
    return [
        Asked(str(each.title), _kind(each), each.required, each.depends, min(each.depth, 4), each.asks)
        for each in questions(definition.form)
        if each.title is not None
    ]


def _kind(question: Question) -> str:
    schema: dict[str, Any] = dict(question.schema)
    if "oneOf" in schema:
        return ngettext("choice of %(count)s", "choice of %(count)s", len(schema["oneOf"])) % {
            "count": len(schema["oneOf"])
        }
    words = {
        "object": _("section"),
        "array": _("list"),
        "boolean": _("yes or no"),
        "integer": _("whole number"),
        "number": _("number"),
        "date": _("date"),
        "email": _("e-mail"),
        "tel": _("telephone"),
        "uri": _("web address"),
        "textarea": _("longer text"),
        "attachment": _("file"),
    }
    return words.get(str(schema.get("format")), words.get(str(schema.get("type")), _("text")))
