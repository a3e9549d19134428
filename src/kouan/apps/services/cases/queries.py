"""Reads of cases, for officers' pages and the API."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal

from django.contrib.auth.models import User

from kouan.apps.services import sealing
from kouan.apps.services.cases import access, clock, labels, proving, signatures, telling, versions, working
from kouan.apps.services.cases.clock import Turn
from kouan.apps.services.catalogue.errors import UnknownVersion
from kouan.apps.services.definition import form as forms
from kouan.apps.services.domain import Action, Role, State, may
from kouan.apps.services.models import Case, CaseFee, CaseFile, CaseResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from django.db.models import QuerySet

    from kouan.apps.services.definition.model import Definition
    from kouan.core.text import Localised

PAGE: Final = 25
MOST_PAGES: Final = 40
"""Beyond that, who looks for a case filters or names it."""
COUNTED: Final = 1000
"""Larger numbers are told as "more than" this."""
Show = Literal["office", "applicant", "over", "all"]
Whose = Literal["anyone", "mine", "nobody"]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a work list shows."""

    show: Show = "office"
    whose: Whose = "anyone"
    service: str = ""
    state: str = ""
    overdue: bool = False
    page: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One case in a work list."""

    reference: str
    service: str
    title: Localised | str
    state: str
    officer: str
    received_at: datetime
    due_on: date | None
    days: int | None
    """Calendar days until then; negative when it has passed."""
    turn: str
    home: str

    @property
    def urgency(self) -> str:
        """How pressing it is: ``late``, ``soon``, ``calm`` or ``none``."""
        if self.days is None:
            return "none"
        return "late" if self.days < 0 else "soon" if self.days <= 3 else "calm"  # noqa: PLR2004 - three days


@dataclass(frozen=True, slots=True)
class Worklist:
    """One page of a work list."""

    rows: tuple[Row, ...]
    page: int
    more: bool
    """Whether there is a page after it."""


_LISTED: Final = (
    "id", "reference", "service", "digest", "state", "turn", "received_at", "due_on", "home",
    "officer__username", "officer__first_name", "officer__last_name", "department",
)  # fmt: skip


def worklist(user: User, wanted: Filter) -> Worklist:
    """Return one page of the cases that an officer may see, the most urgent first."""
    first = (wanted.page - 1) * PAGE
    codes = access.departments(user)
    newest = wanted.show in {"over", "all"} and not wanted.overdue
    # Each department's cases come in order out of its index; merged, nothing has to be sorted.
    parts = [
        _filtered(
            access.cases_of(user) if code is None else Case.objects.filter(department=code), user, wanted
        )
        for code in ((None,) if codes is None else sorted(codes))
    ]
    order = ("-received_at", "-id") if newest else ("due_on", "id")
    rows = [
        part.select_related("officer").only(*_LISTED).order_by(*order)[: first + PAGE + 1] for part in parts
    ]
    found = list(islice(merge(*rows, key=_newest_first if newest else _due_first), first, first + PAGE + 1))
    today = clock.today()
    return Worklist(
        tuple(_row(case, today) for case in found[:PAGE]),
        wanted.page,
        len(found) > PAGE and wanted.page < MOST_PAGES,
    )


def _newest_first(case: Case) -> tuple[float, int]:
    return (-case.received_at.timestamp(), -case.pk)


def _due_first(case: Case) -> tuple[int, int]:
    # Databases differ in where they put "unknown": here as there, by what the engine does.
    return (case.due_on.toordinal() if case.due_on else _unknown_last(), case.pk)


def _unknown_last() -> int:
    from kouan.core.database.rows import engine  # noqa: PLC0415 - needs the settings

    return 10**9 if engine() == "postgresql" else -1


def _filtered(rows: QuerySet[Case], user: User, wanted: Filter) -> QuerySet[Case]:
    turns: dict[str, str] = {"office": Turn.OFFICE, "applicant": Turn.APPLICANT, "over": Turn.NOBODY}
    if wanted.show in turns:
        rows = rows.filter(turn=turns[wanted.show])
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.service:
        rows = rows.filter(service=wanted.service)
    if wanted.whose == "mine":
        rows = rows.filter(officer=user)
    elif wanted.whose == "nobody":
        rows = rows.filter(officer__isnull=True)
    if wanted.overdue:
        rows = rows.filter(due_on__lt=clock.today())
    return rows


def _row(case: Case, today: date) -> Row:
    return Row(
        reference=case.reference,
        service=case.service,
        title=title_of(case),
        state=case.state,
        officer=_name(case.officer),
        received_at=case.received_at,
        due_on=case.due_on,
        days=None if case.due_on is None else (case.due_on - today).days,
        turn=case.turn,
        home=case.home,
    )


def title_of(case: Case) -> Localised | str:
    """Return what a case's service is called; its code where the version is not kept any more."""
    try:
        return versions.of_case(case).title.text
    except UnknownVersion:
        return case.service


def _name(user: User | None) -> str:
    return "" if user is None else user.get_full_name() or user.get_username()


def counts(user: User) -> dict[str, int]:
    """Return how many cases wait for the office, are late, are nobody's and are this officer's.

    None is counted further than ``COUNTED``.
    """
    cases = access.cases_of(user)
    office = cases.filter(turn=Turn.OFFICE)
    return {
        "office": _counted(office),
        "late": _counted(office.filter(due_on__lt=clock.today())),
        "nobody": _counted(office.filter(officer__isnull=True)),
        "mine": _counted(Case.objects.filter(officer=user, turn=Turn.OFFICE)),
        "applicant": _counted(cases.filter(turn=Turn.APPLICANT)),
    }


def _counted(rows: QuerySet[Case]) -> int:
    return len(rows.order_by().values_list("pk", flat=True)[: COUNTED + 1])


def services_of(user: User) -> list[tuple[str, str]]:
    """Return the services of which an officer may see cases: code and title."""
    from kouan.apps.services.models import ServiceVersion  # noqa: PLC0415 - for the one that needs it

    rows = ServiceVersion.objects.exclude(state=ServiceVersion.State.DRAFT).order_by("service", "version")
    codes = access.departments(user)
    if codes is not None:
        rows = rows.filter(department__in=codes)
    from django.conf import settings  # noqa: PLC0415 - as above

    newest = {
        row.service: bytes(row.digest)
        for row in rows.filter(side=settings.NODE.side).only("service", "digest")
    }
    return sorted((code, str(versions.by_digest(digest).title.text)) for code, digest in newest.items())


@dataclass(frozen=True, slots=True)
class Changed:
    """An answer that a correction changed."""

    title: str
    before: str
    now: str
    asked: bool


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a case's story."""

    kind: str
    title: str
    at: datetime
    who: str
    words: str
    ask: tuple[str, ...]
    """What was asked for, in words."""
    changed: tuple[Changed, ...]
    internal: bool
    failed: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a case's page shows."""

    case: Case
    definition: Definition
    passages: Sequence[forms.Passage]
    evidence: tuple[proving.Shown, ...]
    replaced: tuple[proving.Shown, ...]
    """What was shown before, in whose place something else came."""
    needs: tuple[tuple[str, Localised, tuple[proving.Shown, ...], tuple[CaseFile, ...]], ...]
    """Each requirement: code, title, the evidence for it, and the files in its place."""
    files: tuple[CaseFile, ...]
    """Those that belong to questions."""
    cosigners: tuple[dict[str, Any], ...]
    story: tuple[Happened, ...]
    actions: tuple[Action, ...]
    days: int | None
    fee: CaseFee | None
    result: CaseResult | None


def shown(case: Case, language: str) -> Shown:
    """Return a case with all that belongs to it, in the reader's language."""
    definition = versions.of_case(case)
    closed = case.closed
    answers = {} if closed else answers_of(case)
    every = [] if closed else proving.shown(case)
    evidence = tuple(each for each in every if each.replaced_at is None)
    files = () if closed else tuple(case.files.defer("content").order_by("pk"))
    return Shown(
        case=case,
        definition=definition,
        passages=[] if closed else forms.in_words(definition.form, answers, language),
        evidence=evidence,
        replaced=tuple(each for each in every if each.replaced_at is not None),
        needs=()
        if closed
        else tuple(
            (
                need.requirement,
                need.title.text,
                tuple(each for each in evidence if each.requirement == need.requirement),
                tuple(each for each in files if each.place == f"needs.{need.requirement}"),
            )
            for need in definition.needs
        ),
        files=tuple(each for each in files if not each.place.startswith("needs.")),
        cosigners=() if closed else signatures.of_case(case),
        story=tuple(_story(case, definition, language)),
        actions=actions(case, definition),
        days=None if case.due_on is None else (case.due_on - clock.today()).days,
        fee=CaseFee.objects.filter(case=case).first(),
        result=CaseResult.objects.filter(case=case).defer("pdf", "credential").first(),
    )


def answers_of(case: Case) -> dict[str, Any]:
    """Return the answers as they are now."""
    return sealing.unseal_json(case.answers, of=f"case {case.key} answers") or {}


def actions(case: Case, definition: Definition) -> tuple[Action, ...]:
    """Return what an officer may do to a case now, in the order of its table."""
    found = may(definition.transitions, State(case.state), Role.OFFICER)
    fee = CaseFee.objects.filter(case=case, paid_at__isnull=False)
    if definition.fee is None or (Action.ASK_PAYMENT in found and fee.exists()):
        found = [each for each in found if each is not Action.ASK_PAYMENT]
    if working.left_before_late_fee(case) is not None:
        found.append(Action.REOPEN)
    return tuple(dict.fromkeys(found))


def places(case: Case, definition: Definition) -> list[tuple[str, str]]:
    """Return what can be asked for again: the place, and what it is called."""
    properties = dict(definition.form.get("properties", {}))
    answers = answers_of(case)
    found = [
        (f"answers.{name}", _title(part, name))
        for name, part in properties.items()
        if name in answers or not part.get("x-optional")
    ]
    lines = {
        line.path.split(".")[0]: str(passage.title)
        for passage in forms.in_words(definition.form, answers, "en")
        for line in passage.lines
    }
    found += [(f"answers.{name}", lines.get(name, name)) for name in answers if name not in properties]
    return found + [(f"needs.{need.requirement}", str(need.title.text)) for need in definition.needs]


def _title(part: Any, name: str) -> str:
    from kouan.core.text import Localised  # noqa: PLC0415 - only here

    title = part.get("x-title")
    return str(Localised(**title)) if isinstance(title, dict) else name


def _story(case: Case, definition: Definition, language: str) -> Iterable[Happened]:
    names = {user.get_username(): _name(user) for user in _officers_of(case)}
    titles = dict(places(case, definition))
    now = answers_of(case)
    events = list(case.events.order_by("-pk"))
    asked: dict[int, tuple[str, ...]] = {}
    last: tuple[str, ...] = ()
    for event in reversed(events):
        if event.kind == Action.ASK_CORRECTION:
            last = tuple(telling.said(case, event).get("ask", ()))
        asked[event.pk] = last
    for event in events:
        told = telling.said(case, event)
        if case.restricted_at is not None and event.role == Role.APPLICANT and event.at < case.restricted_at:
            told.pop("said", None)  # what they write with the withdrawal, and after it, is to be read
        changed: tuple[Changed, ...] = ()
        if "before" in told and not case.closed:
            changed = tuple(_changes(definition, told["before"], now, language, asked[event.pk]))
            now = told["before"]
        words = told.get("words") or told.get("said") or ""
        if "to" in told:
            words = names.get(told["to"], told["to"])
        yield Happened(
            kind=event.kind,
            title=labels.event_name(event.kind),
            at=event.at,
            who=names.get(event.by, event.by) or labels.role_name(event.role),
            words=words,
            ask=tuple(titles.get(place, place) for place in told.get("ask", ())),
            changed=changed,
            internal=event.seq is None and event.role == Role.OFFICER,
            failed=event.kind in {Action.REFUSE, Action.LAPSE, "late", "revoked"},
        )


def _officers_of(case: Case) -> QuerySet[User]:
    named = case.events.exclude(by="").values("by")
    return User.objects.filter(username__in=named)


def _changes(
    definition: Definition, before: Any, now: Any, language: str, asked: tuple[str, ...]
) -> Iterable[Changed]:
    """Return what differs between two sets of answers, and whether it had been asked for."""
    old, new = (
        {
            line.path: (line.title.in_language(language), line.value)
            for passage in forms.in_words(definition.form, answers, language)
            for line in passage.lines
        }
        for answers in (before, now)
    )
    for path in dict.fromkeys([*old, *new]):
        if old.get(path) != new.get(path):
            title = (new.get(path) or old[path])[0]
            was, is_ = old.get(path, ("", ""))[1], new.get(path, ("", ""))[1]
            wanted = any(f"answers.{path}.".startswith(f"{place}.") for place in asked)
            yield Changed(title, was, is_, wanted)
