"""Sending an application, and what the applicant does after that: once each, with a signed consent."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import rfc8785
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from kouan.apps.services import domain, receipts
from kouan.apps.services.applying import drafts, errors, mailing, stopping, uploads
from kouan.apps.services.applying.offers import still_offered
from kouan.apps.services.catalogue.errors import ServiceWithdrawn
from kouan.apps.services.crossings import APPLICANT_ACTED, APPLICATION
from kouan.apps.services.definition.answers import files as files_in
from kouan.apps.services.definition.form import kinds, wrong
from kouan.apps.services.domain import Action, Role, State
from kouan.apps.services.models import Application, Cosignature
from kouan.apps.services.payloads import (
    FILE_KIND,
    MAX_WORDS,
    ApplicantActed,
    ApplicationSubmitted,
    Attachment,
    Cosigner,
    Evidence,
)
from kouan.core.credentials import broker
from kouan.core.exchange import bodies, outbox
from kouan.core.exchange.blobs.attaching import attach
from kouan.web.persons import identities
from kouan.web.throttle import Throttle

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from kouan.apps.services.applying.drafts import Draft
    from kouan.apps.services.models import ApplicationFile
    from kouan.core.exchange.crossing import Crossing
    from kouan.web.persons import Person

_MESSAGES: Final = Throttle("application-message", 20, timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is to be done before it can go."""

    what: str
    """``answers``, ``evidence``, ``cosigners`` or ``sign-in``."""
    place: str
    """The page, or the requirement."""
    message: str = ""


# What is missing, what goes over


def missing(draft: Draft, person: Person, places: Collection[str] | None = None) -> list[Missing]:
    """Return what is to be done before the application can be sent; nothing where it can.

    With ``places``, evidence is looked at again for those alone: no other is presented.
    """
    found = [
        Missing("answers", each.path.split(".")[0], each.message)
        for each in wrong(draft.definition.form, draft.answers)
    ]
    here = {bytes(file.sha256).hex() for file in draft.row.files.defer("content")}
    found += [
        Missing("answers", path.split(".")[0], gettext("The file is no longer here. Attach it again."))
        for path, digest in files_in(draft.definition.form, draft.answers).items()
        if digest not in here
    ]
    holder = drafts.holder_of(person)
    for need in draft.needs:
        pick = draft.picks.get(need.requirement, {})
        if pick.get("upload") and not _uploaded(draft, need.requirement):
            pick = {}
        if not pick and draft.must(need):
            found.append(Missing("evidence", need.requirement))
        elif pick.get("offer") and person.level < need.level:
            found.append(Missing("sign-in", str(need.level)))
        elif (
            pick.get("offer")
            and among(f"needs.{need.requirement}", places)
            and not still_offered(pick, need, holder, to=draft.row.peer, acts_for=draft.row.acts_for)
        ):
            found.append(Missing("evidence", need.requirement))
    signed, open_ = cosigned(draft)
    if len(signed) < draft.definition.cosigners.least or open_:
        found.append(Missing("cosigners", ""))
    if person.level < draft.definition.level:
        found.append(Missing("sign-in", str(draft.definition.level)))
    return found


def cosigned(draft: Draft) -> tuple[list[Cosignature], list[Cosignature]]:
    """Return who has signed it as it is now, and who is still asked."""
    rows = draft.row.cosignatures.filter(state__in=[Cosignature.State.SIGNED, Cosignature.State.ASKED])
    signed: list[Cosignature] = []
    open_: list[Cosignature] = []
    digest = draft.digest()
    for row in rows.order_by("pk"):
        good = row.state == Cosignature.State.SIGNED and bytes(row.answers_digest) == digest
        (signed if good else open_).append(row)
    return signed, open_


def _uploaded(draft: Draft, requirement: str) -> list[ApplicationFile]:
    return list(draft.row.files.filter(place=f"needs.{requirement}"))


def going(draft: Draft, places: Collection[str] | None = None) -> list[tuple[str, ApplicationFile]]:
    """Return the files that go over and the place that each answers; of ``places`` alone where named."""
    by_digest = {bytes(file.sha256).hex(): file for file in draft.row.files.defer("content")}
    found = []
    for path, digest in files_in(draft.definition.form, draft.answers).items():
        if digest in by_digest and among(f"answers.{path}", places):
            found.append((f"answers.{path}", by_digest[digest]))
    for need in draft.needs:
        if draft.picks.get(need.requirement, {}).get("upload") and among(f"needs.{need.requirement}", places):
            found += [(file.place, file) for file in _uploaded(draft, need.requirement)]
    return found


def among(place: str, places: Collection[str] | None) -> bool:
    """Whether a place is one of those that are asked about, or within one, or around one."""
    return places is None or any(
        place == each or place.startswith(f"{each}.") or each.startswith(f"{place}.") for each in places
    )


# Sending


def submit(*, key: uuid.UUID, person: Person, seen: str, agreed: bool, email: str) -> Application:
    """Send an application; a second time returns what the first one made.

    Receipt, message and change of state are one transaction. Raises ``ConsentNeeded``, ``BadEmail``,
    ``NotReady``, ``Stale``, ``NewVersion``, ``ServiceWithdrawn``, what the broker raises for evidence that
    has ended since, and what ``outbox.send`` raises; then nothing was sent.
    """
    row = drafts.mine(key, person)
    if State(row.state) not in drafts.OPEN:
        return row
    if not agreed:
        raise errors.ConsentNeeded
    email = mailing.address(email)
    draft = drafts.opened(row)
    if draft.withdrawn:
        raise ServiceWithdrawn
    if draft.carried:
        raise errors.NewVersion
    if draft.seen != seen:
        raise errors.Stale
    if missing(draft, person):
        raise errors.NotReady
    attachments = _attached(draft, going(draft), APPLICATION)
    with transaction.atomic():
        if not _taken(row, draft):
            return drafts.mine(key, person)
        _send(draft, person, attachments, email)
    return drafts.mine(key, person)


def _taken(row: Application, draft: Draft) -> bool:
    """Take the one turn in which a draft is sent; false where somebody else has. Raises ``Stale``."""
    done = Application.objects.filter(
        pk=row.pk, state__in=drafts.OPEN, updated_at=draft.row.updated_at
    ).update(state=State.SENT)
    if not done and Application.objects.filter(pk=row.pk, state__in=drafts.OPEN).exists():
        raise errors.Stale
    return bool(done)


def _send(draft: Draft, person: Person, attachments: list[Attachment], email: str) -> None:
    row, now = draft.row, timezone.now()
    department = draft.definition.department.code
    row.refresh_from_db()
    row.state = State.SENT
    row.subject = identities().subject(person.key, f"services {row.peer} {department}")
    row.level = person.level
    row.consented_at = row.sent_at = row.updated_at = now
    row.expires_at = row.reminded_at = None
    row.email = mailing.sealed(row, email)
    evidence, shown = _presented(draft, person, None)
    held = kinds(draft.definition.form, draft.answers) | shown
    held |= {FILE_KIND} if attachments else frozenset()
    row.receipt = receipts.sign(row, draft.definition, kinds=held)
    row.save()  # before the message: policy looks here for the consent
    payload = ApplicationSubmitted(
        application=row.key.bytes,
        service=row.service,
        version=row.version,
        digest=bytes(row.digest),
        subject=row.subject,
        level=row.level,
        language=row.language,  # type: ignore[arg-type] # one of this node's
        acts_for=row.acts_for,  # type: ignore[arg-type] # one of the definition's
        answers=rfc8785.dumps(draft.answers),
        kinds=sorted(held),
        evidence=evidence,
        attachments=attachments,
        cosigners=_cosigners(draft, department),
        consent=bytes(row.receipt),
        at=int(now.timestamp()),
    )
    row.message_id = outbox.send(
        APPLICATION, to=row.peer, payload=payload, conversation=row.key, consent=str(row.key)
    )
    row.save(update_fields=["message_id"])
    event = drafts.note(row, "sent", at=now, told={"kinds": sorted(held)})
    event.message_id = row.message_id
    event.save(update_fields=["message_id"])


def _cosigners(draft: Draft, department: str) -> list[Cosigner]:
    return [
        Cosigner(
            subject=identities().subject(each.person, f"services {draft.row.peer} {department}"),
            name=each.name,
            level=each.level,
            at=int((each.answered_at or timezone.now()).timestamp()),
        )
        for each in cosigned(draft)[0]
    ]


def _presented(
    draft: Draft, person: Person, places: Collection[str] | None
) -> tuple[list[Evidence], frozenset[str]]:
    """Have the ticked claims presented for this application; return them, and their kinds of data."""
    found, held = [], frozenset[str]()
    for need in draft.needs:
        pick = draft.picks.get(need.requirement, {})
        if not pick.get("offer") or not among(f"needs.{need.requirement}", places):
            continue
        shown = broker().present(
            drafts.holder_of(person),
            pick["offer"],
            claims=pick["claims"],
            to=draft.row.peer,
            matter=str(draft.row.key),
        )
        found.append(Evidence(requirement=need.requirement, type=shown.type, text=shown.text))
        held |= shown.elements
    return found, held


def _attached(
    draft: Draft, files: list[tuple[str, ApplicationFile]], crossing: Crossing[Any]
) -> list[Attachment]:
    """Seal files for the other side; before the transaction, as ``attach`` wants it."""
    return [
        Attachment(
            place=place,
            name=file.name,
            file=attach(
                crossing, io.BytesIO(uploads.content_of(file)), to=draft.row.peer, media_type=file.media_type
            ),
        )
        for place, file in files
    ]


# After that


def act(*, key: uuid.UUID, person: Person, action: str, words: str = "", agreed: bool = True) -> bool:
    """Do what an applicant may: ``message``, ``withdraw``, ``appeal``, ``correct``, ``withdraw-consent``.

    Returns whether the other side is told: of what never left it hears nothing. Raises ``NotYourTurn``,
    ``SayMore``, ``ConsentNeeded``, ``NotReady`` and what ``outbox.send`` raises.
    """
    row = drafts.mine(key, person)
    if action not in allowed(row):
        raise errors.NotYourTurn
    words = words.strip()
    if len(words) > MAX_WORDS or (action in {"message", "appeal"} and not words):
        raise errors.SayMore(most=MAX_WORDS)
    if action == "message":
        _MESSAGES.take(str(row.key))
    draft = drafts.opened(row)
    places = drafts.asked_places(row) if action == "correct" else []
    attachments: list[Attachment] = []
    if action == "correct":
        if not agreed:
            raise errors.ConsentNeeded
        if any(each.what in {"answers", "evidence"} for each in missing(draft, person, places)):
            raise errors.NotReady
        attachments = _attached(draft, going(draft, places), APPLICANT_ACTED)
    with transaction.atomic():
        locked = Application.objects.select_for_update().get(pk=row.pk)
        if action not in allowed(locked) or locked.updated_at != row.updated_at:
            raise errors.NotYourTurn
        if action == "withdraw" and stopping.stopped(locked, words=words, at=timezone.now()):
            return False
        _act(draft, person, action=action, words=words, places=places, attachments=attachments)
    return True


def _act(  # noqa: PLR0913 - all that a message says
    draft: Draft,
    person: Person,
    *,
    action: str,
    words: str,
    places: list[str],
    attachments: list[Attachment],
) -> None:
    row, now = draft.row, timezone.now()
    evidence, held = _presented(draft, person, places) if places else ([], frozenset[str]())
    answers = b""
    if action == "correct":
        answers = rfc8785.dumps(draft.answers)
        held |= kinds(draft.definition.form, draft.answers)
    held |= {FILE_KIND} if attachments else frozenset()
    consent = _agreed(draft, person, held, now) if action == "correct" else b""
    message_id = outbox.send(
        APPLICANT_ACTED,
        to=row.peer,
        payload=ApplicantActed(
            application=row.key.bytes,
            action=action,  # type: ignore[arg-type] # one of ``allowed``
            answers=answers,
            words=words,
            kinds=sorted(held),
            evidence=evidence,
            attachments=attachments,
            consent=consent,
            at=int(now.timestamp()),
        ),
        conversation=row.key,
        consent=str(row.key),
    )
    event = drafts.note(row, _DID[action], at=now, told={"words": words} if words else None)
    event.message_id = message_id
    event.save(update_fields=["message_id"])
    withdrawn = now if action == "withdraw-consent" else None
    Application.objects.filter(pk=row.pk).update(updated_at=now, consent_withdrawn_at=withdrawn)
    if withdrawn:
        bodies.erase_conversation(row.peer, row.key)


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


def fingerprint(draft: Draft) -> str:
    """Return what the PDF copy quotes of the answers: the first half of their SHA-256."""
    return hashlib.sha256(rfc8785.dumps(draft.answers)).hexdigest()[:32]
