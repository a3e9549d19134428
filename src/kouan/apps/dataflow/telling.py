"""What stays true on this side, and what the other side has to know in the end: told until it is.

A message waits for so many days and then expires, whatever it says. One that tells of a change that was made
here already (a contract's end, a filing, a consent, a reading, an erasure) is then sent anew. What the other
side refuses is for an operator, who finds it among the dead letters; of withdrawals see ``consents``.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Q

from kouan.apps.dataflow import crossings, errors
from kouan.core.exchange import outbox
from kouan.core.exchange.bodies import ContentErased
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.opening import Expired
from kouan.core.exchange.outbox import NotADeadLetter, OutboxFull
from kouan.core.policy import Denied
from kouan.core.trust.errors import UnknownMember

TOLD: Final = (
    crossings.CONTRACT_ENDED,
    crossings.CONTRACT_FILED,
    crossings.CONSENT_GIVEN,
    crossings.NOTICE_GIVEN,
    crossings.RECORD_READ,
    crossings.RECORDS_ERASED,
    crossings.ERASURE_ANSWERED,
)
"""Each tells of something that is done, and does no harm if it is told twice or late."""
_AT_ONCE: Final = 50


def tell_again() -> bool:
    """Send anew what expired before the other side had it; say whether more waits.

    What an operator has put away is left alone, and so is a consent that is over by now. Where a side still
    cannot be told, what is of that kind waits for the next time.
    """
    more = False
    late = Q(state=OutboxMessage.State.EXPIRED) | Q(state=OutboxMessage.State.REFUSED, code=Expired.code)
    expired = OutboxMessage.objects.filter(late, reported=True, dismissed=False)
    for type_ in sorted(each.type for each in TOLD):
        of_kind = expired.filter(type=type_).order_by("pk")
        for peer in of_kind.order_by("peer").values_list("peer", flat=True).distinct():
            ids = list(of_kind.filter(peer=peer).values_list("message_id", flat=True)[:_AT_ONCE])
            for message_id in ids:
                try:
                    outbox.retry(message_id)
                except (errors.ConsentWithdrawn, errors.ConsentExpired, errors.UnknownConsent, ContentErased):
                    outbox.cancel(message_id)  # nobody over there has to know it any more, or can be told
                except NotADeadLetter:  # another worker, or an operator, was a moment faster
                    continue
                except (Denied, OutboxFull, UnknownMember):
                    break
            else:
                more = more or len(ids) == _AT_ONCE
    return more
