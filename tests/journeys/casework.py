"""What the journeys of applications do inside a node (see ``station.py``)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.utils import timezone

from kouan.apps.evidence import records
from kouan.apps.identity import residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.home.adapter import HomeSignIn
from kouan.apps.services.applying import acting, drafts, sending
from kouan.apps.services.applying import queries as applying
from kouan.apps.services.cases import clock, granting, queries, results, versions, working
from kouan.apps.services.models import Application, Case, ServiceVersion
from kouan.core.exchange.contents import InboxBody, OutboxBody
from kouan.web.access import grant_role
from kouan.web.persons import identities

if TYPE_CHECKING:
    from datetime import date

    from kouan.web.persons import Person

SERVICE = "reader-card"
ANSWERS = {
    "about": {"name": "CHAN Siu Ming"},
    "city": "shenzhen",
    "interests": ["history"],
    "news": False,
    "contact": {"email": "chan@example.org"},
}
MENDED = ANSWERS | {"city": "zhuhai"}


def offered() -> bool:
    """Whether the service of the other side is in this side's catalogue."""
    return ServiceVersion.objects.filter(side="gd", service=SERVICE, state="published").exists()


def _resident(number: str) -> Person:
    """Sign a resident of Hong Kong in, who has a passport of this number."""
    session = residents.signed_in(
        provider="demonstration",
        said=HomeSignIn(
            subject=f"journey-{number}",
            level=Level.HIGH,
            amr=("pwd",),
            authenticated_at=timezone.now(),
            claims={"name": "CHAN Siu Ming", "document_type": "hk-passport", "document_number": number},
        ),
    )
    person: Person | None = identities().person(  # type: ignore[arg-type] # as far as it looks at a request
        SimpleNamespace(session={"identity_home": str(session.key)})
    )
    assert person is not None
    return person


def apply(number: str) -> str:
    """Have a resident of Hong Kong apply, with a passport of this number; return the application's key."""
    person = _resident(number)
    held = records.put(
        entry=records.Entry(
            type="hk.identity",
            reference=f"journey-{number}",
            document_number=number,
            document="hk-passport",
            claims={
                "name": "CHAN Siu Ming",
                "birthdate": "1985-02-28",
                "sex": "male",
                "document_type": "Passport",
            },
            valid_from=timezone.now().date() - timedelta(days=30),
        ),
        by="journey",
        departments=None,
    )
    row = drafts.begin(person=person, side="gd", service=SERVICE, language="en", attributes={})
    version = str(held.version)
    picks = {"identity": {"offer": str(held.key), "version": version, "claims": ["name", "birthdate"]}}
    draft = drafts.change(
        key=row.key, person=person, seen=drafts.opened(row).seen, answers=ANSWERS, picks=picks
    )
    sending.submit(key=row.key, person=person, seen=draft.seen, agreed=True, email="")
    return str(row.key)


def correct(key: str, number: str) -> None:
    """Have the applicant answer what was asked for again, and send it."""
    person = _resident(number)
    row = drafts.mine(uuid.UUID(key), person)
    draft = drafts.change(key=row.key, person=person, seen=drafts.opened(row).seen, answers=MENDED)
    acting.act(key=row.key, person=person, action="correct", seen=draft.seen)


def withdraw_consent(key: str, number: str) -> None:
    """Have the applicant withdraw their consent after the end."""
    acting.act(key=uuid.UUID(key), person=_resident(number), action="withdraw-consent")


def in_clear(key: str) -> list[str]:
    """Return the kinds of the messages about an application whose content this node's channel still has."""
    bodies = (OutboxBody.objects, InboxBody.objects)
    found = (
        rows.filter(message__conversation=key).values_list("message__type", flat=True) for rows in bodies
    )
    return sorted(type_ for types in found for type_ in types)


def due_on(key: str) -> date | None:
    """Return until when the department has to decide, as the applicant is told."""
    return Application.objects.get(key=key).due_on


def stands(key: str) -> tuple[str, list[str], str]:
    """Return an application's state, what the other side told of it, and what its credential is worth."""
    row = Application.objects.get(key=key)
    told = row.events.filter(ours=False).order_by("seq").values_list("kind", flat=True)
    verdict = applying.verdict_of(row)
    return row.state, list(told), "" if verdict is None else verdict.value


def case(key: str) -> tuple[int, str, list[str]]:
    """Return how many cases an application became, its state, and the case's trail."""
    rows = Case.objects.filter(key=key)
    first = rows.first()
    if first is None:
        return 0, "", []
    return rows.count(), first.state, list(first.events.order_by("pk").values_list("kind", flat=True))


def _officer() -> User:
    officer, _made = User.objects.get_or_create(username="journey-caseworker")
    grant_role(user=officer, role="caseworker")
    return officer


def take_up(key: str) -> None:
    """Have an officer begin to work on a case."""
    row = Case.objects.get(key=uuid.UUID(key))
    working.take_up(case=row, officer=_officer(), changed=row.changed)


def ask_correction(key: str) -> None:
    """Have an officer ask for another answer."""
    row = Case.objects.get(key=uuid.UUID(key))
    working.ask_correction(
        case=row, officer=_officer(), changed=row.changed, ask=["answers.city"], words="It is closed."
    )


def let_days_pass(key: str, days: int) -> int:
    """Have a case's days lie further back; return the working days that the department has left."""
    row = Case.objects.get(key=uuid.UUID(key))
    back = timedelta(days=days)
    assert row.stopped_on is not None
    assert row.due_on is not None
    row.received_at, row.stopped_on, row.due_on = (
        row.received_at - back,
        row.stopped_on - back,
        row.due_on - back,
    )
    row.save()
    assert row.days_left is not None
    return row.days_left


def stands_there(key: str, left: int) -> tuple[dict[str, Any], date | None, date | None]:
    """Return a case's answers, its day, and the day that so many working days from today are."""
    row = Case.objects.get(key=uuid.UUID(key))
    return queries.answers_of(row), row.due_on, clock.day_after(clock.today(), left)


def grant(key: str) -> None:
    """Have an officer grant a case."""
    row = Case.objects.get(key=uuid.UUID(key))
    lines = results.to_fill_in(versions.of_case(row))
    given = {claim.source.removeprefix("officer."): "12345" for claim in lines}
    granting.grant(case=row, officer=_officer(), changed=row.changed, given=given)
