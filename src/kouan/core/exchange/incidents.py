"""What a peer should never do: kept with the bytes that prove it, shown to the operator, acknowledged.

A peer that does it again and again fills no table: beyond ``OPEN_MOST`` open incidents of a kind, more of
them are only written to the log.
"""

from __future__ import annotations

import contextlib
import io
import logging
import zipfile
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange.models import Incident
from kouan.core.trust.errors import SecondSignatureMissing
from kouan.core.trust.keys import SECOND_USES
from kouan.core.trust.queries import member_documents, own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kouan.core.trust.document import TrustDocument

log = logging.getLogger(__name__)

STREAM_FORK: Final = "stream-fork"
"""Two statements of one peer for one place in its stream."""
ID_CONFLICT: Final = "id-conflict"
"""Two messages of one peer with one id."""
OTHER_SENDER: Final = "other-sender"
"""A peer's connection brought what another side signed."""
BACKDATED: Final = "backdated"
"""A statement that says it is older than the one before it."""
RECEIPT_CONFLICT: Final = "receipt-conflict"
"""Two receipts of one peer for one batch."""
EQUIVOCATION: Final = "equivocation"
"""Two checkpoints of one ledger for one size."""
PROVIDER_MOVED: Final = "provider-moved"
"""A side's identity provider has another address than it had."""
SIGN_IN_CONFLICT: Final = "sign-in-conflict"
"""A side put another sign-in on record than the one whose tokens it gave."""
SIGNED_ONCE: Final = "signed-once"
"""A side that promises two signatures signed something once, or no longer promises them."""
TRUST_LIST: Final = "trust-list"
"""Two editions of a side's trust list that contradict each other."""
OPEN_MOST: Final = 100
MAX_EVIDENCE: Final = 256 * 1024
MAX_REMARK: Final = 2000


class NoSuchIncident(KouanError):
    """No incident has this number."""

    code = "no-such-incident"
    status = 404
    message = _("There is no incident number %(number)s.")


class RemarkMissing(KouanError):
    """Acknowledging without a word."""

    code = "remark-missing"
    status = 422
    message = _("Write down in a few words what was found out or done, at most %(most)s characters.")


def note(  # noqa: PLR0913 - what happened, with both sides of the proof
    peer: str, kind: str, detail: str, evidence: bytes, counterpart: bytes = b"", *, now: datetime
) -> bool:
    """Keep an incident, once for each detail; return whether it was new."""
    known = Incident.objects.filter(peer=peer, kind=kind)
    if known.filter(detail=detail).exists():
        return False
    if known.filter(settled_at__isnull=True).count() >= OPEN_MOST:
        log.error("%s of %s: %s (not kept: %s are open already)", kind, peer, detail, OPEN_MOST)
        return False
    log.error("%s of %s: %s", kind, peer, detail)
    Incident.objects.create(
        peer=peer,
        kind=kind,
        detail=detail[:500],
        evidence=evidence[:MAX_EVIDENCE],
        counterpart=counterpart[:MAX_EVIDENCE],
        at=now,
    )
    return True


@contextlib.contextmanager
def noting_once(what: str, signed: bytes) -> Iterator[None]:
    """Keep what a side signed once only, which its first signature proves; the refusal goes on.

    Not inside a transaction that the refusal would roll back.
    """
    try:
        yield
    except SecondSignatureMissing as error:
        now = timezone.now()
        note(str(error.params["side"]), SIGNED_ONCE, f"{what}, {now:%Y-%m-%d}", signed, now=now)
        raise


def note_promise_ended(known: TrustDocument, new: TrustDocument, data: bytes, before: bytes) -> None:
    """Keep a document that no longer promises the second signature which the one before it did."""

    def promises(trust: TrustDocument) -> bool:
        return any(key.use in SECOND_USES and key.valid_at(new.issued) for key in trust.content.keys)

    if promises(known) and not promises(new):
        note(new.side, SIGNED_ONCE, f"trust document {new.serial}", data, before, now=timezone.now())


def settle(number: int, *, operator: str, remark: str) -> bool:
    """Acknowledge an incident with a remark; return whether that was news.

    Raises ``NoSuchIncident`` or ``RemarkMissing``. The incident stays on record.
    """
    remark = remark.strip()
    if not remark or len(remark) > MAX_REMARK:
        raise RemarkMissing(most=MAX_REMARK)
    with transaction.atomic():
        _get(number)
        still_open = Incident.objects.filter(pk=number, settled_at__isnull=True)
        return bool(still_open.update(settled_at=timezone.now(), settled_by=operator[:150], remark=remark))


def evidence_file(number: int) -> bytes:
    """Return a ZIP file with all that proves an incident to others; raises ``NoSuchIncident``.

    Both contradicting pieces as they were signed, and every trust document of the side, newest first, whose
    keys verify them.
    """
    row = _get(number)
    kind = "txt" if row.kind == EQUIVOCATION else "cose"
    parts = {
        "incident.txt": f"{row.kind}\n{row.peer}\n{row.at.isoformat()}\n{row.detail}\n".encode(),
        f"brought.{kind}": bytes(row.evidence),
        f"held-here.{kind}": bytes(row.counterpart),
        f"trust/{own().side}.trust": own().document,
    }
    for place, document in enumerate(member_documents(row.peer)):
        parts[f"trust/{row.peer}-{place}.trust"] = document
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            if part:
                archive.writestr(zipfile.ZipInfo(name, row.at.timetuple()[:6]), part)
    return made.getvalue()


def _get(number: int) -> Incident:
    row = Incident.objects.filter(pk=number).first()
    if row is None:
        raise NoSuchIncident(number=number)
    return row
