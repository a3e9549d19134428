"""What the channel itself lets over: a probe of the line, which holds nothing and does nothing.

And the comparison of what each side has sent and received, which is declared in ``reconciliation``, and
the sides' keys when they change, which are declared in ``keyset``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from annotated_types import MaxLen
from django.utils.translation import gettext_lazy as _

from kouan.core.exchange import keyset
from kouan.core.exchange.crossing import Consent, Crossing, Payload, Received
from kouan.core.exchange.reconciliation import RECONCILIATION

__all__ = ["PROBE", "RECONCILIATION", "Probe"]

__all__ = ["PROBE", "Probe", "keyset"]


class Probe(Payload):
    """So many bytes, for nothing."""

    padding: Annotated[bytes, MaxLen(4096)]


PROBE = Crossing(
    type="exchange.probe",
    version=1,
    payload=Probe,
    title=_("Probe of the line"),
    purpose=_("To see that messages cross, and how fast."),
    purpose_code="dpv:ServiceOptimisation",
    legal_basis="channel-operation",
    fields={"padding": _("Bytes without meaning, to give the message a size.")},
    elements={"padding": "technical.filler"},
    consent=Consent.NOT_NEEDED,
    consent_reason=_("It is about nobody."),
    max_bytes=8192,
    expires_after=timedelta(hours=1),
)


@PROBE.handler
def _ignore(_: Received[Probe]) -> None:
    """Do nothing: that the message was handled is all that the sender wants to know."""
