"""What a system's webhook is told: that something happened, to which message. Never what the message says."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from kouan.apps.attached.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kouan.apps.attached.domain import Event
    from kouan.apps.attached.models import System


def tell(
    system: System, event: Event, *, message_id: uuid.UUID, at: datetime, more: Mapping[str, object]
) -> None:
    """Queue an event for a system's webhook, if it has one, in the transaction of what happened."""
    if not system.webhook_url:
        return
    body = {
        "type": event.value,
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {"id": str(message_id), **more},
    }
    Delivery.objects.create(
        key=uuid.uuid4(),
        system=system,
        event=event.value,
        message_id=message_id,
        body=json.dumps(body).encode(),
        created_at=at,
        next_at=at,
    )
