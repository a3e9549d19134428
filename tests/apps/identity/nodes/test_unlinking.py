"""The end of a link: whatever rests on it ends with it, on both sides, and nothing else does."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.identity.nodes.conftest import BROWSER, CLINIC
from kouan.apps.identity import linking
from kouan.apps.identity.crossings import Unlinked, end_link, note_unheard
from kouan.apps.identity.domain import LinkState
from kouan.apps.identity.models import AccessToken, AuthorizationCode, Link, LogoutDelivery, SignIn
from kouan.apps.identity.provider import finishing, interactions
from kouan.core.exchange import Undelivered
from kouan.core.exchange.models import OutboxMessage

HOUR = timedelta(hours=1)


@pytest.fixture
def linked(gd, session):
    """A link of a resident of ours with an account in Guangdong, that has counted for an hour."""

    def make(state=LinkState.ACTIVE, **changes):
        now = timezone.now()
        return Link.objects.create(
            **{
                "resident": session().resident, "peer": "gd", "state": state, "began_here": True,
                "document": uuid.uuid4().bytes, "peer_subject": "g" * 43, "began_at": now - 3 * HOUR,
                "cooling_until": now - HOUR,
            }
            | changes
        )  # fmt: skip

    return make


@pytest.fixture
def there(linked):
    """A sign-in of a resident of ours at a service in Guangdong, with a code and a token."""

    def make(link, **changes):
        now = timezone.now()
        row = SignIn.objects.create(
            **{
                "client": f"urn:kouan:node:{link.peer}", "service": CLINIC.to_json(), "home_side": "hk",
                "resident": link.resident, "subject": "s" * 43, "level": 3, "authenticated_at": now,
                "at": now, "told": b"sealed",
            }
            | changes
        )  # fmt: skip
        return with_tokens(row)

    return make


def with_tokens(row):
    later = timezone.now() + timedelta(minutes=5)
    AccessToken.objects.create(
        digest=uuid.uuid4().bytes, code=uuid.uuid4().bytes, sign_in=row, expires_at=later
    )
    AuthorizationCode.objects.create(
        digest=uuid.uuid4().bytes, sign_in=row, redirect_uri="https://a.example", challenge="c",
        expires_at=later,
    )  # fmt: skip
    return row


def told_of():
    return OutboxMessage.objects.filter(type="identity.sign-out", peer="gd").count()


def ended(*rows):
    found = []
    for row in rows:
        row.refresh_from_db()
        found.append(row.ended_by if row.ended_at is not None else "")
        left = (
            AccessToken.objects.filter(sign_in=row).count(),
            AuthorizationCode.objects.filter(sign_in=row).count(),
        )
        assert left == ((0, 0) if row.ended_at else (1, 1)), "the tokens end with it"
        assert (row.told is None) == (row.ended_at is not None or row.client == "library")
    return found


@pytest.mark.parametrize("by", ["here", "there"])
def test_what_rests_on_a_link_ends_with_it(linked, there, at_library, arrived, by):
    link = linked()
    away = there(link)
    here = with_tokens(at_library(resident=link.resident))
    if by == "here":
        linking.unlink(resident=link.resident, key=link.key)
    else:
        end_link(arrived(Unlinked(link=link.key.bytes), conversation=link.key))
    assert ended(away, here) == ["unlinked", "unlinked"]
    assert LogoutDelivery.objects.get().sign_in == here, "the service of this side is told"
    assert told_of() == 2, "and the other side of both"


@pytest.mark.parametrize("state", [LinkState.COOLING, LinkState.ACTIVE, LinkState.REFUSED])
def test_an_answer_that_the_asking_side_never_heard(linked, there, state):
    link = linked(state)
    away = there(link)
    note_unheard(Undelivered(id=uuid.uuid4(), receiver="mo", conversation=link.key, code="expired"))
    link.refresh_from_db()
    assert link.state == state, "it was no answer to that side"
    note_unheard(Undelivered(id=uuid.uuid4(), receiver="gd", conversation=link.key, code="expired"))
    link.refresh_from_db()
    counted = state != LinkState.REFUSED
    assert link.state == (LinkState.ENDED if counted else state)
    assert ended(away) == (["unlinked"] if counted else [""])


def test_nothing_else_ends(linked, there, at_library, session):
    link = linked()
    other = linked(resident=session("another").resident)
    rows = [
        there(other),
        with_tokens(at_library(resident=other.resident)),
        with_tokens(at_library()),
        with_tokens(at_library(home_side="mo", resident=link.resident)),
        there(link, client="urn:kouan:node:mo"),
        there(link, at=timezone.now() - 2 * HOUR),
    ]
    linking.unlink(resident=link.resident, key=link.key)
    assert ended(*rows) == [""] * len(rows)
    assert not told_of()


def test_a_link_that_never_counted_ends_nothing(linked, there):
    link = linked(LinkState.ASKED, cooling_until=None)
    row = there(link)
    linking.unlink(resident=link.resident, key=link.key)
    assert ended(row) == [""]


def test_a_link_that_ends_on_the_way_is_not_counted_on(linked, interaction):
    subjects = {}
    for ends in (False, True):
        link = Link.objects.filter(state=LinkState.ACTIVE).first() or linked()
        row = interaction()
        foreign = {
            "side": "gd", "subject": "g" * 43, "sid": str(uuid.uuid4()), "level": 3, "amr": [],
            "auth_time": int(timezone.now().timestamp()), "claims": {"name": "CHAN"}, "link": str(link.key),
            "id_token_digest": "aa" * 32, "userinfo_digest": "bb" * 32,
        }  # fmt: skip
        interactions.relayed(key=row.key, browser=BROWSER, foreign=foreign, level=3)
        if ends:
            linking.unlink(resident=link.resident, key=link.key)
        finishing.finish(key=row.key, browser=BROWSER)
        made = SignIn.objects.latest("pk")
        subjects[ends] = made.subject
        assert made.resident == (None if ends else link.resident)
    assert subjects[True] != subjects[False]
