"""Sending an application, once, with a signed consent: what is missing, what goes over."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import rfc8785
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from kouan.apps.services import receipts
from kouan.apps.services.applying import copies, drafts, errors, mailing, uploads
from kouan.apps.services.applying.offers import Standing, standing
from kouan.apps.services.catalogue.errors import ServiceWithdrawn
from kouan.apps.services.crossings import APPLICATION
from kouan.apps.services.definition.answers import files as files_in
from kouan.apps.services.definition.form import kinds, wrong
from kouan.apps.services.domain import State
from kouan.apps.services.models import Application, Cosignature
from kouan.apps.services.payloads import (
    FILE_KIND,
    ApplicationSubmitted,
    Attachment,
    Cosigner,
    Evidence,
)
from kouan.core.credentials import broker
from kouan.core.exchange import outbox
from kouan.core.exchange.blobs.attaching import attach
from kouan.web.persons import identities

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping

    from kouan.apps.services.applying.drafts import Draft
    from kouan.apps.services.definition.model import Need
    from kouan.apps.services.models import ApplicationFile
    from kouan.core.credentials import Holder, Presented
    from kouan.core.exchange.crossing import Crossing
    from kouan.web.persons import Person


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is to be done before it can go."""

    what: str
    """``answers``, ``evidence``, ``cosigners`` or ``sign-in``."""
    place: str
    """The page, or the requirement."""
    message: str = ""
    """What is wrong with an answer; of evidence, that it says something else than when it was chosen."""


# What is missing, what goes over


def missing(draft: Draft, person: Person, places: Collection[str] | None = None) -> list[Missing]:
    """Return what is to be done before the application can be sent; nothing where it can.

    With ``places`` of a correction, evidence is looked at again for those alone: no other is presented. Nor
    does a correction wait for cosigners: the department sees that they signed before it.
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
        elif pick.get("offer") and among(f"needs.{need.requirement}", places):
            found += _unsound(draft, need, pick, holder)
    signed, open_ = cosigned(draft) if places is None else ([], [])
    if places is None and (len(signed) < draft.definition.cosigners.least or open_):
        found.append(Missing("cosigners", ""))
    if person.level < draft.definition.level:
        found.append(Missing("sign-in", str(draft.definition.level)))
    return found


def _unsound(draft: Draft, need: Need, pick: Mapping[str, Any], holder: Holder) -> list[Missing]:
    """Return what keeps a piece of evidence from being presented as it was picked; nothing where it can."""
    if holder.level < need.level:
        return [Missing("sign-in", str(need.level))]
    how, _now = standing(pick, need, holder, to=draft.row.peer, acts_for=draft.row.acts_for)
    if how is Standing.SAME:
        return []
    why = gettext("The department has changed it since you chose it.") if how is Standing.CHANGED else ""
    return [Missing("evidence", need.requirement, why)]


def refuse(lacking: list[Missing]) -> None:
    """Raise what tells best why it cannot go: ``SignInTooLow``, ``EvidenceChanged`` or ``NotReady``."""
    levels = [int(each.place) for each in lacking if each.what == "sign-in"]
    if levels:
        raise errors.SignInTooLow(needed=max(levels))
    if any(each.what == "evidence" and each.message for each in lacking):
        raise errors.EvidenceChanged
    if lacking:
        raise errors.NotReady


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
    ``NotReady``, ``EvidenceChanged``, ``SignInTooLow``, ``Stale``, ``NewVersion``, ``ServiceWithdrawn``,
    what the broker raises for evidence that has ended since, and what ``outbox.send`` raises; then nothing
    was sent.
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
    refuse(missing(draft, person))
    files = going(draft)
    attachments = attached(draft, files, APPLICATION)
    with transaction.atomic():
        if not _taken(row, draft):
            return drafts.mine(key, person)
        _send(draft, person, files, attachments, email)
    return drafts.mine(key, person)


def _taken(row: Application, draft: Draft) -> bool:
    """Take the one turn in which a draft is sent; false where somebody else has. Raises ``Stale``."""
    done = Application.objects.filter(
        pk=row.pk, state__in=drafts.OPEN, updated_at=draft.row.updated_at
    ).update(state=State.SENT)
    if not done and Application.objects.filter(pk=row.pk, state__in=drafts.OPEN).exists():
        raise errors.Stale
    return bool(done)


def _send(
    draft: Draft,
    person: Person,
    files: list[tuple[str, ApplicationFile]],
    attachments: list[Attachment],
    email: str,
) -> None:
    row, now = draft.row, timezone.now()
    department = draft.definition.department.code
    row.refresh_from_db()
    row.state = State.SENT
    row.subject = identities().subject(person.key, f"services {row.peer} {department}")
    row.level = person.level
    row.consented_at = row.sent_at = row.updated_at = now
    row.expires_at = row.reminded_at = None
    row.email = mailing.sealed(row, email)
    shown = presented(draft, person)
    held = kinds(draft.definition.form, draft.answers).union(*(each.elements for each in shown.values()))
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
        evidence=as_evidence(shown),
        attachments=attachments,
        cosigners=_cosigners(draft, department),
        consent=bytes(row.receipt),
        at=int(now.timestamp()),
    )
    row.message_id = outbox.send(
        APPLICATION, to=row.peer, payload=payload, conversation=row.key, consent=str(row.key)
    )
    row.save(update_fields=["message_id"])
    told = {"kinds": sorted(held), **copies.kept(draft, shown, files)}
    event = drafts.note(row, "sent", at=now, told=told)
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


def presented(draft: Draft, person: Person, places: Collection[str] | None = None) -> dict[str, Presented]:
    """Have the ticked claims presented for this application, as the person saw them; by requirement."""
    found = {}
    for need in draft.needs:
        pick = draft.picks.get(need.requirement, {})
        if not pick.get("offer") or not among(f"needs.{need.requirement}", places):
            continue
        found[need.requirement] = broker().present(
            drafts.holder_of(person),
            pick["offer"],
            version=pick["version"],
            claims=pick["claims"],
            to=draft.row.peer,
            matter=str(draft.row.key),
        )
    return found


def as_evidence(shown: Mapping[str, Presented]) -> list[Evidence]:
    """Return presentations as a message has them."""
    return [
        Evidence(requirement=requirement, type=each.shown.type, text=each.text)
        for requirement, each in shown.items()
    ]


def attached(
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


def fingerprint(answers: dict[str, Any]) -> str:
    """Return what the PDF copy quotes of the answers: the first half of their SHA-256."""
    return hashlib.sha256(rfc8785.dumps(answers)).hexdigest()[:32]
