"""Telling the other side of what was erased here: it stays erased, whoever can be told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import transaction

from kouan.core.errors import KouanError
from kouan.core.exchange import outbox

if TYPE_CHECKING:
    import uuid

    from kouan.core.exchange import Crossing

log = logging.getLogger(__name__)


def tell(crossing: Crossing[Any], *, to: str, payload: Any, conversation: uuid.UUID | None = None) -> None:
    """Tell the other side of what was erased here, if it can be told; what was erased stays erased.

    An agreement that lapsed, a full outbox or a side that left may keep nobody's data longer.
    """
    try:
        with transaction.atomic():
            outbox.send(crossing, to=to, payload=payload, conversation=conversation)
    except KouanError as error:
        log.warning("%s could not be told of an erasure (%s): %s", to, error.code, error)
