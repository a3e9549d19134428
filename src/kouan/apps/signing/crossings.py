"""All that this app lets over the boundary: each side's trust list, and what the other side says to it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final

from django.utils.translation import gettext_lazy as _
from pydantic import Field, StringConstraints

from kouan.apps.signing.lists.jades import MAX_TOKEN
from kouan.core.exchange import Consent, Crossing, Payload, Received, Undelivered

LEGAL_BASIS: Final = "electronic-signatures"
"""The arrangement on the mutual recognition of electronic signature certificates."""

Digest = Annotated[bytes, Field(min_length=32, max_length=32)]
Number = Annotated[int, Field(ge=0, lt=1 << 31)]


class ListTold(Payload):
    """An edition of the sender's trust list as it was signed."""

    jws: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TOKEN)]
    sm2: Annotated[bytes, Field(max_length=80)]


class ListAnswered(Payload):
    """What became of an edition at the side that it was sent to."""

    sequence: Number
    digest: Digest
    outcome: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{1,15}$")]
    newest: Number


_declare: Final = partial(
    Crossing[Any],
    version=1,
    legal_basis=LEGAL_BASIS,
    consent=Consent.NOT_NEEDED,
    consent_reason=_("It is about certification authorities, and about no person."),
    purpose_code="dpv:ServiceProvision",
    expires_after=timedelta(days=7),
)
LIST: Final[Crossing[ListTold]] = _declare(
    type="signing.trust-list",
    payload=ListTold,
    title=_("An edition of a side's trust list"),
    purpose=_("To tell the other side whose certificates this side recognises for electronic signatures."),
    fields={
        "jws": _("The list, signed by an officer (ETSI TS 119 602, JAdES)"),
        "sm2": _("A second signature, with SM2; empty if there is none"),
    },
    elements={"jws": "technical.proof organisation.name", "sm2": "technical.proof"},
    max_bytes=MAX_TOKEN + 1024,
)
ANSWER: Final[Crossing[ListAnswered]] = _declare(
    type="signing.trust-list-answer",
    payload=ListAnswered,
    title=_("Whether an edition of a trust list was taken"),
    purpose=_("To tell the side that published it whether its list counts here, and if not, why."),
    fields={
        "sequence": _("The edition's number; 0 if it could not be read"),
        "digest": _("The edition's digest"),
        "outcome": _("Whether it was taken, or why not"),
        "newest": _("The number of the newest edition that was taken"),
    },
    elements={
        "sequence": "technical.number",
        "digest": "technical.digest",
        "outcome": "technical.outcome",
        "newest": "technical.number",
    },
)


# What handles them. They send the above themselves, and so are only known from here on.

from kouan.apps.signing.lists import hearing, telling  # noqa: E402 - see above


@LIST.handler
def keep_list(message: Received[ListTold]) -> None:
    """Check an edition, keep it if it continues what is here, and answer."""
    hearing.edition(message=message)


@LIST.undelivered
def note_list_not_told(message: Undelivered) -> None:
    """Have it sent again soon."""
    telling.not_told(side=message.receiver)


@ANSWER.handler
def note_answer(message: Received[ListAnswered]) -> None:
    """Note what became of an edition of ours."""
    telling.answered(side=message.sender, said=message.payload)
