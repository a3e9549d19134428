"""What an applicant does once their application is sent: corrects, writes, appeals, takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import rfc8785
from django.db import transaction
from django.utils import timezone

from kouan.apps.services import domain, receipts
from kouan.apps.services.applying import copies, correcting, drafts, errors, sending, stopping
from kouan.apps.services.crossings import APPLICANT_ACTED, APPLICANT_ACTED_1
from kouan.apps.services.definition.form import kinds
from kouan.apps.services.domain import Action, Role, State
from kouan.apps.services.models import Application, ApplicationEvent
from kouan.apps.services.payloads import FILE_KIND, MAX_WORDS
from kouan.core.errors import KouanError
from kouan.core.exchange import bodies, outbox, wire
from kouan.core.exchange.crossing import UndeclaredCrossing
from kouan.core.exchange.models import OutboxMessage
from kouan.web.throttle import Throttle

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import datetime

    from kouan.apps.services.applying.drafts import Draft
    from kouan.apps.services.models import ApplicationFile
    from kouan.apps.services.payloads import Attachment
    from kouan.core.exchange import Crossing, Undelivered
    from kouan.web.persons import Person

_MESSAGES: Final = Throttle("application-message", 20, timedelta(days=1))
ANY_SIGN_IN: Final = "withdraw-consent"
"""The one thing that may be done in a weaker sign-in than the service wants: the case is over, nothing is put
before the other side, and what was sent is closed. Taking a running application back ends it, and so needs a
sign-in of the service's level, as sending it did."""


@dataclass(frozen=True, slots=True)
class _Correction:
    """What is corrected, and goes over."""

    draft: Draft
    places: list[str]
    files: list[tuple[str, ApplicationFile]]
    attachments: list[Attachment]


def act(  # noqa: PLR0913 - all that an applicant may say, by name
    *, key: uuid.UUID, person: Person, action: str, words: str = "", seen: str = "", agreed: bool = True
) -> bool:
    """Do what an applicant may: ``message``, ``withdraw``, ``appeal``, ``correct``, ``withdraw-consent``.

    ``seen`` is what the page of a correction showed. Returns whether the other side is told: of what never
    left it hears nothing. Raises ``NotYourTurn``, ``SignInTooLow``, ``SayMore``, ``ConsentNeeded``,
    ``Stale``, ``NotCorrected``, ``NotReady``, ``EvidenceChanged``, what the broker raises for evidence that
    has ended since, and what ``outbox.send`` raises; then nothing was sent.
    """
    row = drafts.mine(key, person)
    if action not in allowed(row):
        raise errors.NotYourTurn
    draft, words = drafts.opened(row), words.strip()
    if action != ANY_SIGN_IN and person.level < draft.definition.level:
        raise errors.SignInTooLow(needed=draft.definition.level)
    if len(words) > MAX_WORDS or (action in {"message", "appeal"} and not words):
        raise errors.SayMore(most=MAX_WORDS)
    if action == "message":
        _MESSAGES.take(str(row.key))
    correction = None
    if action == "correct":
        if not agreed:
            raise errors.ConsentNeeded
        if draft.seen != seen:
            raise errors.Stale
        correction = _corrected(draft, person, words)
    with transaction.atomic():
        locked = Application.objects.select_for_update().get(pk=row.pk)
        if action not in allowed(locked) or locked.updated_at != row.updated_at:
            raise errors.NotYourTurn
        if action == "withdraw" and stopping.stopped(locked, words=words, at=timezone.now()):
            return False
        added, told = _added(correction, person) if correction else (_NOTHING, {})
        _say(row, person, action=action, words=words, added=added, told=told)
    return True


def _corrected(draft: Draft, person: Person, words: str) -> _Correction:
    """Return a correction that can go, with its files sealed: before the transaction (``attach``)."""
    places = correcting.places(draft)
    sending.refuse(sending.missing(draft, person, places))
    if not words and correcting.is_lacking(draft):
        raise errors.NotCorrected
    files = sending.going(draft, places)
    return _Correction(draft, places, files, sending.attached(draft, files, APPLICANT_ACTED))


_NOTHING: Final[Mapping[str, Any]] = {
    "answers": b"",
    "kinds": [],
    "evidence": [],
    "attachments": [],
    "consent": b"",
}
"""What goes with any other word."""


def _added(correction: _Correction, person: Person) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return what goes with a correction, under a consent that is given now, and what is kept of it."""
    draft, attachments = correction.draft, correction.attachments
    shown = sending.presented(draft, person, correction.places) if correction.places else {}
    held = kinds(draft.definition.form, draft.answers).union(*(each.elements for each in shown.values()))
    held |= {FILE_KIND} if attachments else frozenset()
    added = {
        "answers": rfc8785.dumps(draft.answers),
        "kinds": sorted(held),
        "evidence": sending.as_evidence(shown),
        "attachments": attachments,
        "consent": _agreed(draft, person, held, timezone.now()),
    }
    return added, copies.kept(draft, shown, correction.files)


def _say(  # noqa: PLR0913 - all that a word is
    row: Application,
    person: Person,
    *,
    action: str,
    words: str,
    added: Mapping[str, Any],
    told: Mapping[str, Any],
) -> None:
    now = timezone.now()
    said = {
        **added,
        "application": row.key.bytes,
        "action": action,
        "words": words,
        "level": person.level,
        "at": int(now.timestamp()),
    }
    event = drafts.note(row, _DID[action], at=now, told={**told, **({"words": words} if words else {})})
    event.message_id = _sent(row, said)
    event.save(update_fields=["message_id"])
    withdrawn = now if action == "withdraw-consent" else None
    Application.objects.filter(pk=row.pk).update(updated_at=now, consent_withdrawn_at=withdrawn)
    if withdrawn:
        bodies.erase_conversation(row.peer, row.key)


def _sent(row: Application, said: dict[str, Any]) -> uuid.UUID:
    """Send a word in the version that its receiver's node has not refused; return the message's id."""
    crossing: Crossing[Any] = APPLICANT_ACTED
    refused = OutboxMessage.objects.filter(
        conversation=row.key, type=crossing.type, version=crossing.version, code=UndeclaredCrossing.code
    )
    if refused.exists():
        crossing = APPLICANT_ACTED_1
        said = {name: value for name, value in said.items() if name != "level"}
    payload = crossing.payload(**said)
    return outbox.send(crossing, to=row.peer, payload=payload, conversation=row.key, consent=str(row.key))


def said_as_before(*, message: Undelivered) -> bool:
    """Say a word again, in the version before, to a node that has refused the present one.

    False where it cannot be: its files are that message's alone, and a consent that is withdrawn carries
    nothing more. The applicant hears then that it was not taken; what they do next goes in that version.
    """
    old = OutboxMessage.objects.filter(message_id=message.id).select_related("content").first()
    event = ApplicationEvent.objects.filter(message_id=message.id, ours=True).first()
    if old is None or not old.body or event is None:
        return False
    payload = APPLICANT_ACTED.decode_bytes(wire.decode_body(old.body, max_bytes=APPLICANT_ACTED.max_bytes))
    if payload.attachments or payload.action == ANY_SIGN_IN:
        return False
    try:
        with transaction.atomic():
            event.message_id = _sent(event.application, dict(payload))
            event.save(update_fields=["message_id"])
            outbox.cancel(message.id)  # nobody need look at it: the same is said in other words
    except KouanError:
        return False
    return True


def _agreed(draft: Draft, person: Person, held: frozenset[str], now: datetime) -> bytes:
    """Return the receipt of a consent that is given now to what a correction adds, and to all before it."""
    row = draft.row
    before = receipts.content(bytes(row.receipt)).get("kinds", ())
    row.level, row.consented_at = person.level, now
    row.receipt = receipts.sign(row, draft.definition, kinds=held | frozenset(before))
    row.save(update_fields=["level", "consented_at", "receipt"])
    return bytes(row.receipt)


_DID: Final = {
    "message": "wrote",
    "withdraw": "asked-to-withdraw",
    "appeal": "appealed",
    "correct": "corrected",
    "withdraw-consent": "withdrew-consent",
}


def allowed(row: Application) -> list[str]:
    """Return what the applicant may do now; nothing twice while the other side has not answered."""
    state = State(row.state)
    if state in {State.DRAFT, State.COSIGNING, State.NOT_TAKEN} or row.consent_withdrawn_at or row.erased_at:
        return []
    waiting = _waiting(row)
    if state is State.SENT:
        return [each for each in ("withdraw",) if each not in waiting]
    can = domain.may(drafts.opened(row).definition.transitions, state, Role.APPLICANT)
    wanted = [each.value for each in (Action.CORRECT, Action.APPEAL, Action.WITHDRAW) if each in can]
    wanted += ["withdraw-consent"] if state in domain.OVER else []
    return [each for each in [*wanted, "message"] if each not in waiting]


def _waiting(row: Application) -> set[str]:
    """Return what the applicant has done and the other side has not answered yet."""
    last = row.events.filter(ours=False).exclude(kind__in=["read", "message"]).order_by("-pk").first()
    since = row.events.filter(ours=True, kind__in=_DID.values())
    if last is not None:
        since = since.filter(pk__gt=last.pk)
    refused = set(row.events.filter(ours=True, kind="not-heard").values_list("message_id", flat=True))
    did = {each.kind for each in since if each.message_id not in refused}
    return {action for action, kind in _DID.items() if kind in did and action != "message"}
