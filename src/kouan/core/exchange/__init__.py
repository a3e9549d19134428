"""The door and the way to it: declare a crossing, send it, handle what arrives, prove what crossed.

Declarations come from here. What needs the database has its own module, since it can only be
imported once Django is ready: ``outbox.send`` and ``outbox.send_many``, ``evidence.evidence_bundle``.
"""

from kouan.core.exchange.crossing import (
    LATER,
    Consent,
    Crossing,
    Keep,
    Payload,
    Received,
    Undelivered,
    registry,
)

__all__ = ["LATER", "Consent", "Crossing", "Keep", "Payload", "Received", "Undelivered", "registry"]
