"""What the faults do inside a node, in its station (see ``journeys/station.py``).

The traffic's own modules are imported where they are used: only the nodes of this suite have that app.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.db import transaction

from faults.checker import Announced, Books
from journeys import inside

if TYPE_CHECKING:
    import uuid


def announce(to: str, conversation: uuid.UUID, numbers: list[int]) -> list[str]:
    """Announce steps in one transaction; when this returns they are on record, and their messages too."""
    from faults.traffic.crossings import STEP, StepPayload  # noqa: PLC0415 - see above
    from faults.traffic.models import Step  # noqa: PLC0415 - see above
    from kouan.core.exchange import outbox  # noqa: PLC0415 - see above

    made = []
    with transaction.atomic():
        for number in numbers:
            payload = StepPayload(number=number, filler=os.urandom(200 + 37 * (number % 40)))
            key = outbox.send(STEP, to=to, payload=payload, conversation=conversation)
            Step.objects.create(message_id=key, to=to, conversation=conversation, number=number, echo=False)
            made.append(str(key))
    return made


def books() -> Books:
    """Return everything that this node holds, as it is at one moment."""
    from faults.traffic.models import Effect, Step  # noqa: PLC0415 - see above

    with transaction.atomic():
        return Books(
            facts=inside.facts(),
            steps=[
                Announced(str(row.message_id), row.to, str(row.conversation), row.number, row.echo)
                for row in Step.objects.order_by("pk")
            ],
            effects=[
                Announced(str(row.message_id), row.sender, str(row.conversation), row.number, row.echo)
                for row in Effect.objects.order_by("pk")
            ],
        )


def handled() -> set[str]:
    """Return the messages of the other side whose effects are here."""
    from faults.traffic.models import Effect  # noqa: PLC0415 - see above

    return {str(message) for message in Effect.objects.values_list("message_id", flat=True)}


def is_halted() -> bool:
    """Return whether any channel of this node is halted."""
    from kouan.core.exchange.models import Channel  # noqa: PLC0415 - see above

    return Channel.objects.exclude(cause="").exists()
