"""What applicants see of their applications."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from kouan.apps.services.applying import drafts, errors, labels, reasons
from kouan.apps.services.applying.fields import Filled, node_of
from kouan.apps.services.catalogue import queries as catalogue
from kouan.apps.services.domain import State
from kouan.apps.services.models import Application, ApplicationEvent, ApplicationNotice
from kouan.apps.services.sealing import unseal, unseal_json
from kouan.core.credentials import broker
from kouan.core.exchange.models import InboxMessage, OutboxMessage

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from kouan.apps.services.definition.model import Definition
    from kouan.core.credentials import Verdict
    from kouan.web.persons import Person

LATEST = 200
_ENDED = {State.GRANTED, State.REFUSED, State.WITHDRAWN, State.LAPSED, State.NOT_TAKEN}
_YOURS = {State.DRAFT, State.CORRECTION, State.PAYMENT}


@dataclass(frozen=True, slots=True)
class Mine:
    """One application as the list shows it."""

    row: Application
    definition: Definition
    news: int = 0

    @property
    def title(self) -> str:
        """The service."""
        return str(self.definition.title.text)

    @property
    def department(self) -> str:
        """Who decides."""
        return str(self.definition.department.name.text)

    @property
    def state(self) -> State:
        """How it stands."""
        return State(self.row.state)

    @property
    def ended(self) -> bool:
        """Whether nothing more is waited for."""
        return self.state in _ENDED

    @property
    def yours(self) -> bool:
        """Whether it is the applicant's turn."""
        return self.state in _YOURS

    @property
    def ends_on(self) -> datetime | None:
        """When a draft lapses."""
        return self.row.expires_at if self.state in drafts.OPEN else None


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of an application's story."""

    kind: str
    title: str
    at: datetime
    ours: bool
    state: str
    words: str = ""
    ask: tuple[str, ...] = ()
    due_on: str = ""
    pay_at: str = ""
    by: str = ""
    what: str = ""
    why: str = ""
    """Why the other side did not take it."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """One message of an application that went over the boundary, or came."""

    message_id: uuid.UUID
    at: datetime
    ours: bool
    what: str
    type: str
    state: str
    ledger_index: int | None
    peer_ledger_index: int | None
    provable: bool
    kinds: tuple[str, ...] = ()
    application: Mine | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One application with its story."""

    mine: Mine
    story: list[Happened] = field(default_factory=list)

    @property
    def last(self) -> Happened | None:
        """What the other side last asked, for as long as it waits for the applicant."""
        wanted = {State.CORRECTION: "ask-correction", State.PAYMENT: "ask-payment"}.get(self.mine.state)
        return next((each for each in reversed(self.story) if each.kind == wanted), None)

    @property
    def refusal(self) -> Happened | None:
        """That the other side did not take it, with the reason."""
        return next((each for each in reversed(self.story) if each.kind == "not-taken"), None)

    @property
    def decision(self) -> Happened | None:
        """What was decided last, with the reasons."""
        kinds = {"grant", "refuse", "uphold", "lapse"}
        return next((each for each in reversed(self.story) if each.kind in kinds), None)


def listed(person: Person) -> list[Mine]:
    """Return a person's applications: what waits for them first, then the latest."""
    rows = Application.objects.filter(person=person.key).defer("result", "answers", "credential", "receipt")
    unread = dict[int, int]()
    for row_id in ApplicationNotice.objects.filter(person=person.key, read_at__isnull=True).values_list(
        "application_id", flat=True
    ):
        unread[row_id] = unread.get(row_id, 0) + 1
    found = [
        Mine(row, _definition(row), unread.get(row.pk, 0)) for row in rows.order_by("-updated_at")[:LATEST]
    ]
    return sorted(found, key=lambda each: (each.ended, not (each.yours or each.news)))


def _definition(row: Application) -> Definition:
    return catalogue.version(bytes(row.digest))


def titled(row: Application) -> str:
    """Return what an application is called: its service, and its number once it has one."""
    return " · ".join(filter(None, (Mine(row, _definition(row)).title, row.reference)))


def news(person: Person) -> list[tuple[ApplicationNotice, str]]:
    """Return what a person has not read yet, and its words; the latest first."""
    rows = ApplicationNotice.objects.filter(person=person.key, read_at__isnull=True)
    rows = rows.select_related("application").order_by("-at")[:20]
    return [(row, labels.news_text(row.kind)) for row in rows]


def shown(row: Application) -> Shown:
    """Return one application with its story, the oldest first."""
    return Shown(Mine(row, _definition(row)), [_happened(row, each) for each in row.events.order_by("pk")])


def _happened(row: Application, event: ApplicationEvent) -> Happened:
    told: Mapping[str, Any] = unseal_json(event.told, of=f"application {row.key} event") or {}
    return Happened(
        kind=event.kind,
        title=str(labels.EVENTS.get(event.kind, event.kind)),
        at=event.at,
        ours=event.ours,
        state=event.state,
        words=told.get("words", ""),
        ask=tuple(told.get("ask", ())),
        due_on=told.get("due_on", ""),
        pay_at=told.get("pay_at", ""),
        by=told.get("by", ""),
        what=told.get("name", ""),
        why=reasons.why(told.get("code", "")),
    )


def result_of(row: Application) -> bytes:
    """Return the signed PDF; raises ``UnknownApplication`` where there is none yet."""
    data = unseal(row.result, of=f"application {row.key} result")
    if not data:
        raise errors.UnknownApplication
    return data


def credential_of(row: Application) -> str:
    """Return the result as a credential; raises ``UnknownApplication`` where there is none yet."""
    text = unseal(row.credential, of=f"application {row.key} credential").decode()
    if not text:
        raise errors.UnknownApplication
    return text


def verdict_of(row: Application) -> Verdict | None:
    """Return what the result's credential is worth now; nothing where there is none."""
    text = unseal(row.credential, of=f"application {row.key} credential").decode()
    return broker().check(text, sender=row.peer, matter="", now=timezone.now()).verdict if text else None


# Who has read it


def crossings(mine: Mine) -> list[Crossed]:
    """Return every message of an application, the oldest first: what crossed, and what proves it."""
    return _crossed(_messages([mine]))


def all_crossings(person: Person) -> list[Crossed]:
    """Return what crossed about a person's applications, the latest first."""
    return _crossed(reversed(_messages(listed(person))[-LATEST:]))


def all_readings(person: Person) -> list[tuple[Mine, Happened]]:
    """Return every reading that other sides told of, the latest first."""
    mine = {each.row.pk: each for each in listed(person)}
    events = ApplicationEvent.objects.filter(application_id__in=mine, kind="read", ours=False)
    latest = events.order_by("-at", "-pk")[:LATEST]
    return [(of, _happened(of.row, each)) for each in latest if (of := mine[each.application_id])]


def _messages(found: Sequence[Mine]) -> list[tuple[Mine, OutboxMessage | InboxMessage]]:
    """Return every message of applications that were sent, the oldest first."""
    mine = {each.row.key: each for each in found if each.row.sent_at is not None}
    messages: list[OutboxMessage | InboxMessage] = [
        *OutboxMessage.objects.filter(conversation__in=mine).defer("header"),
        *InboxMessage.objects.filter(conversation__in=mine).defer("header"),
    ]
    pairs = [(mine[each.conversation], each) for each in messages]
    return sorted(
        ((of, each) for of, each in pairs if each.peer == of.row.peer), key=lambda pair: _at(pair[1])
    )


def _at(message: OutboxMessage | InboxMessage) -> datetime:
    return message.created_at if isinstance(message, OutboxMessage) else message.received_at


def _crossed(pairs: Iterable[tuple[Mine, OutboxMessage | InboxMessage]]) -> list[Crossed]:
    """Return messages in words, as their applications' stories have them."""
    pairs = list(pairs)
    of = {mine.row.pk for mine, _message in pairs}
    lines = ApplicationEvent.objects.filter(application_id__in=of).exclude(message_id=None)
    events = {each.message_id: each for each in lines}
    found = []
    for mine, message in pairs:
        event, ours = events.get(message.message_id), isinstance(message, OutboxMessage)
        told = unseal_json(event.told, of=f"application {mine.row.key} event") if event and ours else None
        theirs = message.peer_ledger_index if isinstance(message, OutboxMessage) else None
        found.append(
            Crossed(
                message_id=message.message_id,
                at=_at(message),
                ours=ours,
                what=str(labels.EVENTS.get(event.kind if event else "", message.type)),
                type=message.type,
                state=message.state,
                ledger_index=message.ledger_index,
                peer_ledger_index=theirs,
                provable=(theirs if ours else message.ledger_index) is not None,
                kinds=tuple((told or {}).get("kinds", ())),
                application=mine,
            )
        )
    return found


def message_of(row: Application, message_id: uuid.UUID) -> tuple[uuid.UUID, str]:
    """Return a message of an application and its sender; raises ``UnknownApplication`` for any other one."""
    for each in crossings(Mine(row, _definition(row))):
        if each.message_id == message_id:
            return message_id, "" if each.ours else row.peer
    raise errors.UnknownApplication


def asked_in_words(draft: drafts.Draft, places: Sequence[str]) -> list[tuple[str, str]]:
    """Return the places that are asked about and what each is called."""
    titles = {f"needs.{need.requirement}": str(need.title.text) for need in draft.definition.needs}
    found = []
    for place in places:
        top = ".".join(place.split(".")[:2])
        if top.startswith("answers."):
            with contextlib.suppress(KeyError):
                titles[top] = page_title(draft, top.removeprefix("answers."))
        if top in titles and (top, titles[top]) not in found:
            found.append((top, titles[top]))
    return found


def page_title(draft: drafts.Draft, name: str) -> str:
    """Return what a page of the form is called; raises ``KeyError``."""
    return node_of(draft.definition.form, name, Filled(draft.answers)).title
