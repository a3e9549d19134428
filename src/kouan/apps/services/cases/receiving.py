"""What applicants send, on the side that offers the service."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.services import domain, sealing
from kouan.apps.services.cases import (
    attachments,
    clock,
    errors,
    fitting,
    issued,
    labels,
    proving,
    telling,
    versions,
)
from kouan.apps.services.catalogue.errors import UnknownVersion
from kouan.apps.services.domain import Action, Role, State
from kouan.apps.services.models import Case, CaseCounter, ServiceVersion
from kouan.core.exchange import bodies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.apps.services.definition.model import Definition
    from kouan.apps.services.payloads import ApplicantActed, ApplicantActed1, ApplicationSubmitted
    from kouan.core.credentials import Checked
    from kouan.core.exchange import Received

    _Acted = Received[ApplicantActed] | Received[ApplicantActed1]

_STATES: Final = ServiceVersion.State
_DECIDED: Final = (Action.GRANT.value, Action.REFUSE.value, Action.UPHOLD.value, Action.WITHDRAW.value)
"""What ends a case by somebody's will; a lapse does by itself."""
_CLOCKS: Final = timedelta(minutes=5)
"""How far apart the two sides' clocks may be when a service is withdrawn, or a version replaced."""


def opened(*, message: Received[ApplicationSubmitted]) -> None:
    """Open a case; raises a ``KouanError`` for what does not fit the service, and then there is none.

    The same application again changes nothing.
    """
    said = message.payload
    key = uuid.UUID(bytes=said.application)
    if message.conversation != key:
        raise errors.OtherConversation
    with transaction.atomic():
        known = Case.objects.filter(key=key).values_list("home", "subject", "digest").first()
        if known is not None:
            if (known[0], known[1], bytes(known[2])) != (message.sender, said.subject, said.digest):
                raise errors.ApplicationOfAnother
            return
        definition = _offered(said, sent_at=message.sent_at)
        answers = fitting.read_answers(said.answers)
        _check(message, definition, answers)
        now = timezone.now()
        checked = proving.check(
            key=str(key), evidence=said.evidence, sender=message.sender, acts_for=said.acts_for, now=now
        )
        fitting.check_kinds(definition, answers, said, checked)
        case = _case(message, definition, now)
        proving.keep(case=case, definition=definition, evidence=said.evidence, checked=checked)
        attachments.keep(
            case=case, attachments=said.attachments, sender=message.sender, message_id=message.id
        )
        telling.tell(case, "received", role=Role.APPLICANT, due_on=case.due_on)
        case.save(update_fields=["seq"])


def _offered(said: ApplicationSubmitted, *, sent_at: datetime) -> Definition:
    """Return the version that is applied for.

    What was sent while it could be applied for counts (decision 0077): after that, an application for a
    version that was replaced is taken for as long as its side may not have been told of the later one.
    Raises ``UnknownServiceVersion``, ``NoLongerOffered`` or ``ReplacedLongAgo``.
    """
    from kouan.apps.services.crossings import SERVICE_PUBLISHED  # noqa: PLC0415 - it imports this

    versions_here = ServiceVersion.objects.filter(side=settings.NODE.side)
    row = versions_here.filter(digest=said.digest).only("service", "version", "state", "ended_at").first()
    if (
        row is None
        or row.state == _STATES.DRAFT
        or (row.service, row.version) != (said.service, said.version)
    ):
        raise errors.UnknownServiceVersion
    # Whoever withdraws a service withdraws its newest version, and ends all that were replaced with it.
    ended = versions_here.filter(service=row.service, version__gte=row.version, state=_STATES.WITHDRAWN)
    if ended.filter(ended_at__lt=sent_at - _CLOCKS).exists():
        raise errors.NoLongerOffered
    told_by = _CLOCKS + SERVICE_PUBLISHED.expires_after
    if row.state == _STATES.REPLACED and (row.ended_at is None or sent_at > row.ended_at + told_by):
        raise errors.ReplacedLongAgo
    try:
        return versions.by_digest(said.digest)
    except UnknownVersion:
        raise errors.UnknownServiceVersion from None


def _check(message: Received[ApplicationSubmitted], definition: Definition, answers: dict[str, Any]) -> None:
    said = message.payload
    fitting.check_applicant(definition, said, home=message.sender)
    fitting.check_answers(definition, answers)
    fitting.check_proofs(
        definition,
        acts_for=said.acts_for,
        evidence=said.evidence,
        attachments=said.attachments,
        complete=True,
    )
    fitting.check_files(definition, answers, said.attachments)
    fitting.check_consent(
        said,
        application=str(uuid.UUID(bytes=said.application)),
        sender=message.sender,
        reference=message.basis.consent if message.basis else None,
        at=message.sent_at,
    )


def _case(message: Received[ApplicationSubmitted], definition: Definition, now: datetime) -> Case:
    said = message.payload
    key = uuid.UUID(bytes=said.application)
    day = clock.today(now)
    others = [
        {"name": each.name, "level": each.level, "at": each.at, "subject": each.subject}
        for each in said.cosigners
    ]
    case = Case(
        key=key,
        reference=_next_reference(day.year),
        home=message.sender,
        subject=said.subject,
        service=definition.service,
        version=definition.version,
        digest=said.digest,
        department=definition.department.code,
        level=said.level,
        acts_for=said.acts_for,
        language=said.language,
        answers=sealing.seal(said.answers, of=f"case {key} answers"),
        told=sealing.seal_json({"cosigners": others, "kinds": sorted(said.kinds)}, of=f"case {key} told"),
        consent=said.consent,
        message_id=message.id,
        received_at=now,
    )
    telling.enter(case, domain.BEGIN)
    clock.start(case, day, definition.time_limit.working_days)
    case.save(force_insert=True)
    return case


def _next_reference(year: int) -> str:
    """Return the next case's number, such as ``GD-2026-000123``.

    The year's row is held until the case is there, or neither is: so no number is missing, and none is twice.
    """
    CaseCounter.objects.get_or_create(year=year)
    row = CaseCounter.objects.select_for_update().get(year=year)
    row.last += 1
    row.save(update_fields=["last"])
    return f"{settings.NODE.side.upper()}-{year}-{row.last:06d}"


def acted(*, message: _Acted) -> None:
    """Carry out what the applicant wants.

    Raises ``NotNow`` where the case's state does not let them, and ``LevelTooLow``.
    """
    said = message.payload
    key = uuid.UUID(bytes=said.application)
    if message.conversation != key:
        raise errors.OtherConversation
    with transaction.atomic():
        case = Case.objects.select_for_update().filter(key=key, home=message.sender).first()
        if case is None:
            raise errors.UnknownCase
        if message.basis is not None and message.basis.consent != str(key):
            raise errors.ConsentNotHers(what="application")
        if case.erased_at is not None:
            raise errors.NotNow(state=labels.state_name(case.state))
        if case.events.filter(caused_by=message.id).exists():
            return
        fitting.check_level(versions.of_case(case), said)
        checked: list[Checked] = []
        if said.answers or said.evidence or said.attachments:
            fitting.check_more_consent(said, case=case, sender=message.sender, at=message.sent_at)
            checked = _check_added(case, said)
            case.consent = said.consent
        _ACTS[said.action](case, message, checked)
        case.save()


def _check_added(case: Case, said: ApplicantActed1) -> list[Checked]:
    """Hold what is added against the form and the declared kinds of data, whatever is done with it.

    Returns what checks of the evidence found. Raises ``EvidenceNotAsked`` for answers beside anything but a
    correction, ``AnswersDoNotFit``, ``KindsDiffer`` and what ``proving.check`` raises.
    """
    definition, answers = versions.of_case(case), dict[str, Any]()
    if said.answers:
        if said.action != Action.CORRECT.value:
            raise errors.EvidenceNotAsked(place="answers")
        answers = fitting.read_answers(said.answers)
        fitting.check_answers(definition, answers)
    checked = proving.check(
        key=str(case.key),
        evidence=said.evidence,
        sender=case.home,
        acts_for=case.acts_for,
        now=timezone.now(),
    )
    fitting.check_kinds(definition, answers, said, checked)
    return checked


def _moved(case: Case, action: Action) -> State:
    definition = versions.of_case(case)
    try:
        return domain.step(definition.transitions, State(case.state), action, Role.APPLICANT)
    except domain.NoSuchStep:
        raise errors.NotNow(state=labels.state_name(case.state)) from None


def _message(case: Case, message: _Acted, checked: Sequence[Checked]) -> None:
    if not message.payload.words.strip():
        raise errors.WordsNeeded
    _add(case, message, checked)
    case.changed += 1
    told = _told(message)
    telling.note(case, "message", role=Role.APPLICANT, told=told, caused_by=message.id)


def _correct(case: Case, message: _Acted, checked: Sequence[Checked]) -> None:
    said = message.payload
    _bring_back(case, message)
    state = _moved(case, Action.CORRECT)
    told = _told(message)
    if said.answers:
        definition = versions.of_case(case)
        answers = fitting.read_answers(said.answers)  # they fit the form (``_check_added``)
        known = {bytes(digest).hex() for digest in case.files.values_list("sha256", flat=True)}
        fitting.check_files(definition, answers, said.attachments, known=known)
        told["before"] = sealing.unseal_json(case.answers, of=f"case {case.key} answers")
        case.answers = sealing.seal(said.answers, of=f"case {case.key} answers")
    _add(case, message, checked)
    telling.enter(case, state)
    clock.resume(case, clock.today())
    telling.tell(case, "correct", role=Role.APPLICANT, due_on=case.due_on, caused_by=message.id, more=told)


def _bring_back(case: Case, message: _Acted) -> None:
    """Bring a case back that lapsed while the correction was under way: it was sent by the day that counts.

    The line, or either node, may have been down for days; when something was sent, its header says.
    """
    ended = case.events.filter(kind__in=[Action.LAPSE.value, *_DECIDED]).order_by("pk").last()
    if case.turn != clock.Turn.NOBODY or ended is None or ended.kind != Action.LAPSE:
        return
    before = telling.said(case, ended)
    if before.get("was") != State.CORRECTION or clock.today(message.sent_at).isoformat() > before["awaited"]:
        return
    case.state, case.days_left, case.decided_at = State.CORRECTION.value, before.get("days_left", 0), None


def _add(case: Case, message: _Acted, checked: Sequence[Checked]) -> None:
    """Take in the evidence and the files that came with it."""
    said = message.payload
    if not said.evidence and not said.attachments:
        return
    if case.turn == clock.Turn.NOBODY and said.action != "appeal":
        raise errors.NotNow(state=labels.state_name(case.state))
    definition = versions.of_case(case)
    fitting.check_proofs(
        definition,
        acts_for=case.acts_for,
        evidence=said.evidence,
        attachments=said.attachments,
        complete=False,
    )
    proving.keep(case=case, definition=definition, evidence=said.evidence, checked=checked)
    attachments.keep(case=case, attachments=said.attachments, sender=message.sender, message_id=message.id)


def _end(case: Case, message: _Acted, _checked: Sequence[Checked]) -> None:
    state = _moved(case, Action.WITHDRAW)
    telling.enter(case, state)
    issued.stands(case)
    clock.finish(case, timezone.now())
    telling.tell(case, "withdraw", role=Role.APPLICANT, caused_by=message.id, more=_told(message))


def _appeal(case: Case, message: _Acted, checked: Sequence[Checked]) -> None:
    state = _moved(case, Action.APPEAL)
    if not message.payload.words.strip():
        raise errors.WordsNeeded
    definition = versions.of_case(case)
    last = (case.decided_at or case.received_at) + timedelta(days=definition.waits.appeal_days)
    if message.sent_at > last or case.events.filter(kind=Action.UPHOLD.value).exists():
        raise errors.AppealOver
    _add(case, message, checked)
    telling.enter(case, state)
    clock.start(case, clock.today(), definition.time_limit.working_days)
    more = _told(message)
    telling.tell(case, "appeal", role=Role.APPLICANT, due_on=case.due_on, caused_by=message.id, more=more)


def _restrict(case: Case, message: _Acted, _checked: Sequence[Checked]) -> None:
    """Let nobody work any more with what the applicant sent; the decision and the trail stay.

    What the channel still had of what was said either way is erased: what has to be kept is in the case.
    """
    if case.turn != clock.Turn.NOBODY or case.restricted_at is not None:
        raise errors.NotNow(state=labels.state_name(case.state))
    case.restricted_at = timezone.now()
    case.changed += 1
    telling.tell(case, "restrict", role=Role.APPLICANT, caused_by=message.id, more=_told(message))
    bodies.erase_conversation(case.home, case.key)


_ACTS: Final = {
    "message": _message,
    "correct": _correct,
    "withdraw": _end,
    "appeal": _appeal,
    "withdraw-consent": _restrict,
}


def _told(message: _Acted) -> dict[str, Any]:
    said = message.payload
    told: dict[str, Any] = {"said": said.words.strip()}
    if said.evidence:
        told["evidence"] = [each.requirement for each in said.evidence]
    if said.attachments:
        told["files"] = [each.name for each in said.attachments]
    return told
