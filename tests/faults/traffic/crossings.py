"""Steps of conversations: each is handled once, in its order, or the faults have found something."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from annotated_types import Ge, MaxLen

from faults.traffic.models import Effect, Step
from kouan.core.exchange import Consent, Crossing, Payload, Received
from kouan.core.exchange.outbox import send

ECHO_EVERY = 5
"""Every fifth step is answered by one from the other side, in the handler's own transaction."""


class StepPayload(Payload):
    """Which step of its conversation it is."""

    number: Annotated[int, Ge(0)]
    filler: Annotated[bytes, MaxLen(4096)]


STEP = Crossing(
    type="faults.step",
    version=1,
    payload=StepPayload,
    title="A step of a conversation",
    purpose="To see that every step takes effect once and in its order.",
    purpose_code="dpv:ServiceOptimisation",
    legal_basis="faults",
    fields={"number": "Which step it is", "filler": "Bytes without meaning"},
    elements={"number": "technical.number", "filler": "technical.filler"},
    consent=Consent.NOT_NEEDED,
    consent_reason="It is about nobody.",
    max_bytes=8192,
    expires_after=timedelta(hours=24),
)


@STEP.handler
def take_step(message: Received[StepPayload]) -> None:
    """Record the step's effect, and answer some of them."""
    number, echo = message.payload.number, not message.payload.filler
    Effect.objects.create(
        message_id=message.id,
        sender=message.sender,
        conversation=message.conversation,
        number=number,
        echo=echo,
    )
    if number % ECHO_EVERY == 0 and not echo:
        key = send(
            STEP,
            to=message.sender,
            payload=StepPayload(number=number, filler=b""),
            conversation=message.conversation,
        )
        Step.objects.create(
            message_id=key,
            to=message.sender,
            conversation=message.conversation,
            number=number,
            echo=True,
        )
