"""How an application stands: what the other side tells of it, kept for the applicant, in order and once."""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from kouan.apps.services.applying import drafts, errors, news
from kouan.apps.services.domain import State
from kouan.apps.services.models import Application, ApplicationEvent
from kouan.apps.services.sealing import seal, seal_json
from kouan.core.credentials import Verdict, broker
from kouan.core.exchange import bodies
from kouan.core.exchange.blobs.reading import open_blob
from kouan.web.portals import portal_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.services.payloads import CaseGranted, CaseMoved
    from kouan.core.exchange import Received, Undelivered

log = logging.getLogger(__name__)
_SILENT: Final = {"restrict", "read", "received", "correct", "withdraw", "take-up", "appeal"}
"""What is shown and is no news: the applicant did it, or need not look at once."""
UNSOUND: Final = frozenset({Verdict.BAD_SIGNATURE, Verdict.BAD_BINDING, Verdict.MALFORMED})
"""What no credential of the other side is found to be, however late its keys and lists come."""


def moved(*, message: Received[CaseMoved]) -> None:
    """Keep one step of a case, once. Raises ``UnknownApplication`` or ``BadStep``."""
    said = message.payload
    try:
        state = State(said.state)
        due_on = date.fromisoformat(said.due_on) if said.due_on else None
    except ValueError:
        raise errors.BadStep from None
    if state in {*drafts.OPEN, State.SENT, State.NOT_TAKEN}:
        raise errors.BadStep
    told = {"words": said.words, "by": said.by, "ask": list(said.ask), "due_on": said.due_on}
    told["pay_at"] = _payable(said.pay_at, message.sender)
    with transaction.atomic():
        row = _mine(message)
        if not _event(row, message, kind=said.kind, seq=said.seq, state=state, told=told):
            return
        if said.seq > row.seen_seq:
            row.seen_seq = said.seq
            if said.kind not in {"read", "restrict"}:
                row.state, row.due_on = state, due_on
        row.reference = said.reference
        row.save(update_fields=["state", "due_on", "reference", "seen_seq"])
        if said.kind == "restrict":
            bodies.erase_conversation(row.peer, row.key)  # what came since the person withdrew, as well
        if said.kind not in _SILENT:
            news.tell(row, said.kind)


def _payable(address: str, sender: str) -> str:
    """Return where the fee is paid if it is the sender's own portal; empty for any other place."""
    portal = portal_of(sender)
    if not address or (portal and address.startswith(f"{portal}/")):
        return address
    log.warning("the side %s names a place to pay at that is not its portal; it is not shown", sender)
    return ""


def granted(*, message: Received[CaseGranted]) -> None:
    """Keep the result: the PDF, which has arrived whole, and the credential.

    Raises ``UnknownApplication``, or ``BadResult`` for bytes that are no PDF.
    """
    said = message.payload
    with transaction.atomic():
        row = _mine(message)
        told = {"words": said.words, "by": said.by}
        if not _event(row, message, kind="grant", seq=said.seq, state=State.GRANTED, told=told):
            return
        with open_blob(sender=message.sender, message_id=message.id, blob_id=said.document.id) as source:
            data = source.read(said.document.size + 1)
        if hashlib.sha256(data).digest() != said.document.sha256 or not data.startswith(b"%PDF-"):
            raise errors.BadResult
        row.result = seal(data, of=f"application {row.key} result")
        row.credential = seal(said.credential.encode(), of=f"application {row.key} credential")
        checked = broker().check(said.credential, sender=message.sender, matter="", now=_now())
        row.verdict = checked.verdict.value
        if checked.verdict in UNSOUND:
            log.warning("the result of application %s is no credential of its side: %s", row.key, row.verdict)
        row.reference = said.reference
        if said.seq > row.seen_seq:
            row.seen_seq, row.state, row.due_on = said.seq, State.GRANTED, None
        row.save(
            update_fields=["result", "credential", "reference", "state", "due_on", "seen_seq", "verdict"]
        )
        news.tell(row, "grant")


def not_taken(*, message: Undelivered) -> None:
    """Note that an application became no case: nothing more happens with it, and it can be sent anew."""
    with transaction.atomic():
        row = Application.objects.select_for_update().filter(message_id=message.id).first()
        if row is None or row.state != State.SENT:
            return
        row.state = State.NOT_TAKEN
        row.save(update_fields=["state"])
        drafts.note(row, "not-taken", at=_now(), told={"code": message.code})
        news.tell(row, "not-taken")


def word_not_taken(*, message: Undelivered) -> None:
    """Note that what the applicant did had no effect, so that they can do it again."""
    with transaction.atomic():
        event = ApplicationEvent.objects.filter(message_id=message.id, ours=True).exclude(kind="not-heard")
        found = event.select_related("application").first()
        if found is None:
            return
        row = found.application
        if row.events.filter(kind="not-heard", message_id=message.id).exists():
            return
        if found.kind == "withdrew-consent":  # the case went on meanwhile: it can be withdrawn later
            Application.objects.filter(pk=row.pk).update(consent_withdrawn_at=None)
        line = drafts.note(row, "not-heard", at=_now(), told={"code": message.code, "what": found.kind})
        line.message_id = message.id
        line.save(update_fields=["message_id"])
        news.tell(row, "not-heard")


def _now() -> datetime:
    return datetime.now(tz=UTC)


def _mine(message: Received[Any]) -> Application:
    """Return the application that another side speaks of: only the one that it was sent to may."""
    said = message.payload
    row = (
        Application.objects.select_for_update().filter(key=message.conversation, peer=message.sender).first()
    )
    if row is None or row.key.bytes != said.application or row.sent_at is None:
        raise errors.UnknownApplication
    return row


def _event(  # noqa: PLR0913 - one value a column
    row: Application,
    message: Received[Any],
    *,
    kind: str,
    seq: int,
    state: State,
    told: Mapping[str, Any],
) -> bool:
    """Keep a line of the story; false where it is here already."""
    _line, made = ApplicationEvent.objects.get_or_create(
        application=row,
        ours=False,
        seq=seq,
        defaults={
            "at": datetime.fromtimestamp(message.payload.at, tz=UTC),
            "kind": kind,
            "state": state,
            "told": seal_json(
                {name: value for name, value in told.items() if value}, of=f"application {row.key} event"
            ),
            "message_id": message.id,
        },
    )
    return made
