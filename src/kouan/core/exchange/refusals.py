"""Telling an app what this side did not let in: in one transaction with the fact, and never at its cost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.crossing import Basis, Refused, registry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kouan.core.policy import Denied

log = logging.getLogger(__name__)

MOST: Final = 50
"""Of one request, so many are told: more of them tell nobody anything new, and would cost the receiver."""


def tell(header: wire.Header, body: bytes, denied: Denied) -> None:
    """Tell the app whose message it was, if it asks to be told; what goes wrong there changes nothing."""
    try:
        crossing = registry.get(header.type, header.version)
        if crossing.handle_refused is None:
            return
        payload: Any = crossing.decode_bytes(wire.decode_body(body, max_bytes=crossing.max_bytes))
        refused = Refused(
            id=header.id,
            sender=header.sender,
            conversation=header.conversation,
            told=crossing.told(payload),
            basis=Basis(header.agreement, header.agreement_digest, header.consent),
            denied=denied,
        )
        with transaction.atomic():
            crossing.handle_refused(refused)
    except KouanError as error:
        log.warning("nobody is told of the refused message %s: %s", header.id, error)
    except Exception:  # the refusal stands whatever an app makes of it
        log.exception("telling %s of the refused message %s failed", header.type, header.id)


def tell_all(refused: Iterable[tuple[wire.Header, bytes, Denied]]) -> None:
    """Tell of what the door denied in one request."""
    for count, each in enumerate(refused):
        if count == MOST:
            log.warning("more than %s messages of one request were denied; the rest is not told", MOST)
            break
        tell(*each)
