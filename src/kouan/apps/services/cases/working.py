"""What officers do to cases.

Each names the count of changes that the officer saw: if somebody else has changed the case since, nothing is
done, and the error says what they did. The change, its line in the audit trail and the message to the
applicant's side are one transaction.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from kouan.apps.services import domain, sealing
from kouan.apps.services.cases import access, clock, errors, issued, labels, payments, telling, versions
from kouan.apps.services.domain import Action, Role, State
from kouan.apps.services.models import Case, CaseFee
from kouan.core.database.locks import take_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from django.contrib.auth.models import User

READ_AGAIN: Final = timedelta(hours=1)
"""For how long one reading by one officer stands for those that follow."""
MAX_WORDS: Final = 4000
PAID_LATE: Final = "paid-late"
"""The fee came when the case no longer waited for it."""


@contextmanager
def working_on(case: Case, *, officer: User, changed: int, erased: bool = False) -> Iterator[Case]:
    """Hold a case while an officer changes it; ``erased``: also one whose term is over.

    Raises ``UnknownCase``, ``CaseChanged`` or ``CaseErased``.
    """
    with transaction.atomic():
        held = Case.objects.select_for_update(of=("self",)).select_related("officer").get(pk=case.pk)
        if not access.works_on(officer, held):
            raise errors.UnknownCase
        if (since := changed_since(held, changed)) is not None:
            raise since
        if held.erased_at is not None and not erased:
            raise errors.CaseErased
        yield held
        held.save()


def changed_since(case: Case, seen: int) -> errors.CaseChanged | None:
    """Return what was done to a case since an officer saw it, the last first; nothing if it is as it was."""
    if case.changed == seen:
        return None
    lines = []
    for event in case.events.filter(changed__gt=seen).exclude(kind="read").order_by("-pk")[:3]:
        who = event.by or labels.role_name(event.role)
        lines.append(f"{labels.event_name(event.kind)} ({who})")
    return errors.CaseChanged(what="; ".join(lines) or gettext("something else was found of its evidence"))


def moved(case: Case, action: Action, role: Role = Role.OFFICER) -> None:
    """Bring a held case to the state that an action leads to; raises ``NotNow``."""
    try:
        state = domain.step(versions.of_case(case).transitions, State(case.state), action, role)
    except domain.NoSuchStep:
        raise errors.NotNow(state=labels.state_name(case.state)) from None
    telling.enter(case, state)


def words_of(text: str) -> str:
    """Return what an officer writes to an applicant; raises ``WordsNeeded`` for nothing."""
    text = text.replace("\r\n", "\n").strip()[:MAX_WORDS]
    if not text:
        raise errors.WordsNeeded
    return text


def assign(*, case: Case, officer: User, changed: int, to: User) -> Case:
    """Hand a case to a colleague; raises ``NotACaseworker``. The applicant is not told who it is."""
    with working_on(case, officer=officer, changed=changed) as held:
        if not access.works_on(to, held):
            raise errors.NotACaseworker(officer=to.get_username())
        held.officer = to
        held.changed += 1
        told = {"to": to.get_username()}
        telling.note(held, "assigned", role=Role.OFFICER, by=officer, told=told)
    return held


def take_up(*, case: Case, officer: User, changed: int) -> Case:
    """Begin to work on a new case; it is then this officer's."""
    with working_on(case, officer=officer, changed=changed) as held:
        moved(held, Action.TAKE_UP)
        held.officer = officer
        telling.tell(held, Action.TAKE_UP.value, role=Role.OFFICER, by=officer, due_on=held.due_on)
    return held


def ask_correction(  # noqa: PLR0913 - all that a request is, by name
    *, case: Case, officer: User, changed: int, ask: Sequence[str], words: str, due_on: date | None = None
) -> Case:
    """Ask the applicant to correct or add something by a day; the department's clock stands still till then.

    ``ask`` are places: ``answers.QUESTION`` or ``needs.REQUIREMENT``. Without ``due_on`` the definition says
    how long. Raises ``NothingAsked``, ``WordsNeeded``, ``BadDueDay`` or ``NotNow``.
    """
    words = words_of(words)
    with working_on(case, officer=officer, changed=changed) as held:
        known = places(held)
        if not ask or not set(ask) <= known:
            raise errors.NothingAsked
        # What the service says itself is its department's own choice, however long.
        due = _counted(versions.of_case(held).waits.correction_working_days) if due_on is None else due_on
        if due_on is not None:
            _check_day(due_on)
        moved(held, Action.ASK_CORRECTION)
        held.officer = held.officer or officer
        clock.stop(held, clock.today(), due)
        telling.tell(
            held,
            Action.ASK_CORRECTION.value,
            role=Role.OFFICER,
            by=officer,
            words=words,
            ask=sorted(set(ask)),
            due_on=due,
        )
    return held


def places(case: Case) -> set[str]:
    """Return what of an application can be asked for again: its questions, and what must be proved."""
    definition = versions.of_case(case)
    answers = sealing.unseal_json(case.answers, of=f"case {case.key} answers") or {}
    asked = {*definition.form.get("properties", {}), *answers}
    return {f"answers.{name}" for name in asked} | {f"needs.{need.requirement}" for need in definition.needs}


def _counted(working_days: int) -> date:
    """Return the day so many working days from today, or about so many where its year is not known."""
    today = clock.today()
    return clock.day_after(today, working_days) or today + timedelta(days=-(-working_days * 7 // 5))


def _check_day(day: date) -> None:
    first, last = clock.today() + timedelta(days=1), _counted(clock.MOST_DAYS)
    if not first <= day <= last:
        raise errors.BadDueDay(first=first.isoformat(), last=last.isoformat())


def note(*, case: Case, officer: User, changed: int, words: str) -> Case:
    """Write something down that stays in the department."""
    words = words_of(words)
    with working_on(case, officer=officer, changed=changed) as held:
        held.changed += 1
        telling.note(held, "note", role=Role.OFFICER, by=officer, told={"words": words})
    return held


def message(*, case: Case, officer: User, changed: int, words: str) -> Case:
    """Write to the applicant."""
    words = words_of(words)
    with working_on(case, officer=officer, changed=changed) as held:
        held.changed += 1
        telling.tell(held, "message", role=Role.OFFICER, by=officer, words=words, due_on=held.due_on)
    return held


def ask_payment(*, case: Case, officer: User, changed: int, words: str = "") -> Case:
    """Ask for the fee; raises ``NoFee``, ``NoPaymentProvider`` or ``NotNow``."""
    with working_on(case, officer=officer, changed=changed) as held:
        definition = versions.of_case(held)
        if definition.fee is None or CaseFee.objects.filter(case=held, paid_at__isnull=False).exists():
            raise errors.NoFee
        provider = payments.provider()
        moved(held, Action.ASK_PAYMENT)
        held.officer = held.officer or officer
        due = _counted(definition.waits.payment_working_days)
        clock.stop(held, clock.today(), due)
        fee, _made = CaseFee.objects.update_or_create(
            case=held,
            defaults={
                "amount": definition.fee.value,
                "currency": definition.fee.currency,
                "provider": provider.name,
                "asked_at": timezone.now(),
            },
        )
        telling.tell(
            held,
            Action.ASK_PAYMENT.value,
            role=Role.OFFICER,
            by=officer,
            words=words.strip()[:MAX_WORDS],
            due_on=due,
            pay_at=settings.NODE.portal_origin + reverse("services:pay", args=[fee.key]),
        )
    return held


def refuse(*, case: Case, officer: User, changed: int, words: str) -> Case:
    """Decide against the applicant, who is told why."""
    return _decide(case, officer, changed, Action.REFUSE, words)


def uphold(*, case: Case, officer: User, changed: int, words: str) -> Case:
    """Let a decision stand after an appeal, and say why: what was granted stays granted."""
    return _decide(case, officer, changed, Action.UPHOLD, words)


def _decide(case: Case, officer: User, changed: int, action: Action, words: str) -> Case:
    words = words_of(words)
    with working_on(case, officer=officer, changed=changed) as held:
        moved(held, action)
        if action is Action.REFUSE:
            issued.take_back(held)  # of a decision that was appealed
        else:
            issued.stands(held)
        held.officer = held.officer or officer
        clock.finish(held, timezone.now())
        telling.tell(held, action.value, role=Role.OFFICER, by=officer, words=words)
    return held


def reopen(*, case: Case, officer: User, changed: int, words: str) -> Case:
    """Look at a case again after an appeal, or one that lapsed before its fee came.

    The time limit runs anew from the appeal; after a late fee, the days run that were left.
    """
    words = words_of(words)
    with working_on(case, officer=officer, changed=changed) as held:
        left = left_before_late_fee(held)
        if left is None:
            moved(held, Action.REOPEN)
        else:
            held.state = State.PAYMENT.value
            moved(held, Action.PAY, Role.CASHIER)
            clock.start(held, clock.today(), left)
        held.officer = officer
        held.decided_at = None
        telling.tell(
            held, Action.REOPEN.value, role=Role.OFFICER, by=officer, words=words, due_on=held.due_on
        )
    return held


def left_before_late_fee(case: Case) -> int | None:
    """Return how many days were left when a case lapsed whose fee came after that; nothing for any other."""
    if case.state != State.LAPSED:
        return None
    lapse = case.events.filter(kind=Action.LAPSE.value).order_by("pk").last()
    if lapse is None or not case.events.filter(kind=PAID_LATE, pk__gt=lapse.pk).exists():
        return None
    before = telling.said(case, lapse)
    return before.get("days_left", 0) if before.get("was") == State.PAYMENT else None


def read(*, case: Case, officer: User) -> bool:
    """Record that an officer reads a case, once an hour, and have the applicant told; return whether it was.

    What the applicant learns is the department, not the officer's name.
    """
    since = timezone.now() - READ_AGAIN
    by = officer.get_username()
    if case.events.filter(kind="read", by=by, at__gt=since).exists():
        return False
    with transaction.atomic():
        held = Case.objects.select_for_update().get(pk=case.pk)
        if held.events.filter(kind="read", by=by, at__gt=since).exists():
            return False
        telling.tell(held, "read", role=Role.OFFICER, by=officer)
        held.save(update_fields=["seq"])
    case.seq = held.seq
    return True


def paid(*, fee: CaseFee, payment: str) -> bool:
    """Note that a fee was paid, exactly once; return whether this was that once.

    Money that comes when the case no longer waits for it is noted and moves nothing: an officer decides.
    Raises ``PaymentTaken`` where the provider's number is another fee's.
    """
    payment = payment[:64]
    with transaction.atomic():
        take_turn(f"payment {fee.provider} {payment}")
        held = Case.objects.select_for_update().get(pk=fee.case_id)
        row = CaseFee.objects.select_for_update().get(pk=fee.pk)
        if row.paid_at is not None:
            return False
        others = CaseFee.objects.exclude(pk=row.pk).filter(provider=row.provider, payment=payment)
        if others.filter(paid_at__isnull=False).exists():
            raise errors.PaymentTaken
        row.paid_at, row.payment = timezone.now(), payment
        row.save(update_fields=["paid_at", "payment"])
        told = {"payment": row.payment}
        try:
            moved(held, Action.PAY, Role.CASHIER)
        except errors.NotNow:
            telling.note(held, PAID_LATE, role=Role.CASHIER, told=told)
            return True
        clock.resume(held, clock.today())
        telling.tell(held, Action.PAY.value, role=Role.CASHIER, due_on=held.due_on, more=told)
        held.save()
    return True
