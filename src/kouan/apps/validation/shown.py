"""What the result page tells: each step, and each field that crossed, with its size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kouan.apps.validation.crossings import (
    FINGERPRINT_ANSWER,
    FINGERPRINT_QUESTION,
    FingerprintQuestion,
    answer_payload,
)
from kouan.apps.validation.domain import Algorithm
from kouan.apps.validation.labels import ALGORITHMS, DOCUMENT_TYPES, OUTCOMES
from kouan.apps.validation.queries import answer_of
from kouan.core.sides import side_name
from kouan.web.filters import date_long, datetime_long, hex_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.utils.functional import _StrPromise

    from kouan.apps.validation.crossings import Issuer
    from kouan.apps.validation.models import Validation
    from kouan.apps.validation.queries import Progress
    from kouan.core.exchange import Crossing, Payload

LABELS: Final[Mapping[str, _StrPromise]] = {
    "reference": _("Reference"),
    "algorithm": _("Algorithm"),
    "digest": _("Fingerprint"),
    "outcome": _("Outcome"),
    "decided_at": _("Decided at"),
    "issuer": _("Issuer"),
    "document_type": _("Kind of document"),
    "issued_on": _("Registered on"),
    "expires_on": _("Valid through"),
    "revoked_on": _("Revoked on"),
}
"""Short names of the fields; the message catalogue explains each."""


@dataclass(frozen=True, slots=True)
class CrossedMessage:
    """One message in the words of the page."""

    title: str
    size: int
    """Bytes of the content alone, as the operators' pages count it: without salt, header or signature."""
    fields: list[tuple[str, str]]
    """Each field that holds something: what it is, and what it holds."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer, and what whoever asked can do."""

    what: str
    to_do: str


def failure(code: str, *, side: str) -> Failure:
    """Return the words for a failure's code; ``side`` is the name of the side that was asked."""
    again = gettext("Validate the file again.")
    match code:
        case "cancelled":
            what = gettext("The question was withdrawn here before it left.")
        case "expired-before-sending":
            what = gettext("The question could not be delivered in time.")
            again = gettext("Validate the file again later, when the connection to the other side works.")
        case "no-answer":
            what = gettext("%(side)s did not answer in time.") % {"side": side}
        case _:
            what = gettext("%(side)s refused the question.") % {"side": side}
            again = gettext(
                "Validate the file again. If it happens again, tell the operator of this node the code below."
            )
    return Failure(gettext("%(what)s This says nothing about the document.") % {"what": what}, again)


def crossed_messages(item: Validation) -> list[CrossedMessage]:
    """Return the question and, once it is here, the answer; nothing for an answer of this side's own."""
    if item.local:
        return []
    digest, algorithm = bytes(item.digest), Algorithm(item.algorithm)
    question = FingerprintQuestion(reference=item.reference, algorithm=algorithm.value, digest=digest)
    messages = [_message(FINGERPRINT_QUESTION, question)]
    answer = answer_of(item)
    if answer is not None:
        payload = answer_payload(reference=item.reference, digest=digest, answer=answer, algorithm=algorithm)
        messages.append(_message(FINGERPRINT_ANSWER, payload))
    return messages


def steps(item: Validation, progress: Progress) -> list[dict[str, object]]:
    """Return the steps of a question over the boundary, for the timeline."""
    side = side_name(item.issuing_side)
    texts = [
        (gettext("The fingerprint was computed here"), progress.asked_at),
        (gettext("The question was signed, sealed and sent"), progress.sealed_at),
        (gettext("%(side)s received it") % {"side": side}, progress.received_at),
        (gettext("%(side)s answered") % {"side": side}, progress.answered_at),
    ]
    # An answer may be here before the receipt for the question: it proves the steps before it.
    last = max((place for place, (_title, at) in enumerate(texts) if at is not None), default=-1)
    result: list[dict[str, object]] = []
    for place, (title, at) in enumerate(texts):
        if place <= last:
            state = "done"
        elif place == last + 1:
            state = "failed" if progress.failure else "current"
        else:
            state = "waiting"
        result.append({"state": state, "title": title, "at": at})
    return result


def _message(crossing: Crossing[Any], payload: Payload) -> CrossedMessage:
    shown = [(str(LABELS[name]), _value(name, getattr(payload, name))) for name in crossing.fields]
    return CrossedMessage(
        str(crossing.title),
        len(crossing.encode(payload)),
        [(label, value) for label, value in shown if value],
    )


def _value(name: str, value: Any) -> str:
    return "" if value is None else _WORDS.get(name, str)(value)


def _issuer(value: Issuer) -> str:
    names = {"zh-hant": value.name_zh_hant, "zh-hans": value.name_zh_hans}
    return f"{names.get(translation.get_language() or 'en', value.name_en)} ({value.code})"


def _day(value: str) -> str:
    return date_long(date.fromisoformat(value))


_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "digest": hex_groups,
    "algorithm": lambda value: str(ALGORITHMS[value]),
    "outcome": lambda value: f"{OUTCOMES[value]} ({value})",
    "document_type": lambda value: str(DOCUMENT_TYPES[value]),
    "decided_at": lambda value: datetime_long(datetime.fromisoformat(value)),
    "issued_on": _day,
    "expires_on": _day,
    "revoked_on": _day,
    "issuer": _issuer,
}
"""How a field's value reads; what is not here reads as it is."""
