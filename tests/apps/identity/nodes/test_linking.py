from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.identity.nodes.conftest import ANOTHER, BROWSER
from apps.identity.nodes.guangdong import ISSUER
from kouan.apps.identity import linking
from kouan.apps.identity.crossings import (
    MATCH_QUESTION,
    MatchAnswer,
    MatchQuestion,
    Unlinked,
    end_link,
    note_unanswered,
)
from kouan.apps.identity.domain import DOCUMENT_PAIRS, Level, LinkState, commitment, pair_of
from kouan.apps.identity.errors import LevelNotReached
from kouan.apps.identity.models import Interaction, Link, Notice
from kouan.apps.identity.models import MatchQuestion as Stored
from kouan.apps.identity.nodes import details, issuers, matching, relay
from kouan.apps.identity.nodes.errors import (
    BadPeerAnswer,
    DocumentIsLinked,
    IssuerUnavailable,
    LinkNotPossible,
    LinkOver,
    NotFreshEnough,
    RelayOver,
    TooManyLinks,
    UnexpectedMatch,
)
from kouan.apps.identity.nodes.relay import Answer
from kouan.apps.identity.provider import interactions
from kouan.apps.identity.provider.requests import Request
from kouan.core.exchange import Undelivered, wire
from kouan.core.exchange.models import OutboxMessage

SALT = bytes(range(32))
MINUTE = timedelta(minutes=1)


def sent(kind):
    rows = OutboxMessage.objects.filter(type=f"identity.{kind}").order_by("pk")
    found = []
    for row in rows:
        declared = {"match-question": MATCH_QUESTION}.get(kind)
        body = wire.decode_body(bytes(row.body), max_bytes=1 << 16)
        found.append((row, declared.decode_bytes(body) if declared else body))
    return found


def link_of(row):
    return Link.objects.get(key=interactions.request_of(row).link)


@pytest.fixture
def asked(gd, session):
    """A link that a resident of ours began, signed in in Guangdong for; the issuer there is asked."""

    def make(**changes):
        row = linking.begin(session=session(**changes), browser=BROWSER, peer="gd")
        relay.begin(interaction=row)
        gd.claims = {"document_type": "home-return-permit"}
        answer = Answer(gd.asked["state"], "a-code", ISSUER, "")
        gd.id_token = {"acr": "urn:gba:loa:3"}
        relay.returned(answer=answer, browser=BROWSER)
        return link_of(row)

    return make


@pytest.fixture
def permit(session):
    """A resident of ours whose document has an issuer here: as if this node were Guangdong's."""

    def make(**changes):
        claims = {
            "birthdate": "1985-02-28", "document_type": "home-return-permit", "document_number": "H12345678",
        }  # fmt: skip
        return session(**{"subject": "permit", "claims": claims} | changes)

    return make


@pytest.fixture
def as_issuer(monkeypatch, node):
    """Have the issuer of the permits on this side, and say what it answers."""
    monkeypatch.setitem(DOCUMENT_PAIRS, ("hkid", "home-return-permit"), "hk")
    answers = []

    class Issuer:
        def ask(self, question):
            answers.append(question)
            outcome = self.outcome
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

    issuer = Issuer()
    issuer.outcome, issuer.asked = "match", answers
    monkeypatch.setattr(issuers, "configured", lambda: issuer)
    return issuer


@pytest.fixture
def waiting(permit, as_issuer):
    """A link begun in Guangdong, agreed to here; the question will come from there."""

    def make(**changes):
        held = permit(**changes)
        request = Request(
            client_id="urn:kouan:node:gd", redirect_uri="https://gd.example/back", scopes=("openid",),
            claims=("document_type",), level=Level.SUBSTANTIAL,
            service=replace(linking._as_service(), side="gd"), code_challenge="c" * 43,
            link=str(uuid.uuid4()), link_subject="g" * 43, link_document="hkid",
        )  # fmt: skip
        now = timezone.now()
        row = Interaction.objects.create(
            browser=BROWSER, client="urn:kouan:node:gd", params=request.to_json(), stage="done", side="hk",
            home_session=held, began_at=now, expires_at=now + 15 * MINUTE,
        )  # fmt: skip
        linking.agreed(interaction=row)
        return link_of(row)

    return make


def question(row, **changes):
    values = {
        "link": row.key.bytes, "subject": linking.subject_towards(row.peer, row.resident),
        "documents": "hkid home-return-permit", "salt": SALT, "digest": bytes(32),
    } | changes  # fmt: skip
    return MatchQuestion(**values)


# Begun here


def test_the_question_crosses_with_a_commitment_and_no_number(asked, gd):
    link = asked()
    assert (link.state, link.documents) == ("asked", "hkid home-return-permit")
    assert (link.peer_subject, link.sealed) == (gd.subject, None)
    ((row, said),) = sent("match-question")
    assert (row.peer, row.conversation) == ("gd", link.key)
    assert (said.subject, said.documents) == (gd.subject, "hkid home-return-permit")
    assert said.digest == commitment("A1234563", "1985-02-28", said.salt)
    assert b"A1234563" not in bytes(row.body)
    assert not Interaction.objects.exists()
    ((row, _),) = sent("sign-out")
    assert str(row.conversation) == gd.sid, "the sign-in there was for this alone"
    assert (gd.asked["prompt"], gd.asked["max_age"]) == ("login", "0")
    read = details.read(gd.asked["authorization_details"], peer="hk")
    assert (read.link, read.link_document) == (str(link.key), "hkid")
    assert read.link_subject == linking.subject_towards("gd", link.resident)


def test_yes_cools_off_and_then_counts(asked, arrived, settings):
    link = asked()
    matching.take_answer(
        message=arrived(MatchAnswer(link=link.key.bytes, outcome="match"), conversation=link.key)
    )
    link.refresh_from_db()
    assert link.state == LinkState.COOLING
    assert timedelta(minutes=59) < link.cooling_until - timezone.now() <= timedelta(hours=1)
    assert not linking.active_link(resident=link.resident, peer="gd")
    assert linking.resident_of(side="gd", link=str(link.key)) is None
    linking.settle(now=timezone.now() + timedelta(hours=2))
    link.refresh_from_db()
    assert link.state == LinkState.ACTIVE
    assert linking.active_link(resident=link.resident, peer="gd") == str(link.key)
    assert linking.resident_of(side="gd", link=str(link.key)) == link.resident
    assert linking.resident_of(side="mo", link=str(link.key)) is None
    kinds = list(Notice.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["link-asked", "link-cooling", "link-active"]


@pytest.mark.parametrize("outcome", ["no-match", "not-held"])
def test_no(asked, arrived, outcome):
    link = asked()
    matching.take_answer(
        message=arrived(MatchAnswer(link=link.key.bytes, outcome=outcome), conversation=link.key)
    )
    link.refresh_from_db()
    assert link.state == LinkState.REFUSED
    assert Notice.objects.last().kind == "link-refused"


@pytest.mark.parametrize("changes", [{"sender": "mo"}, {"conversation": uuid.uuid4()}])
def test_an_answer_of_a_side_that_was_not_asked(asked, arrived, changes):
    link = asked()
    given = {"conversation": link.key} | changes
    with pytest.raises(UnexpectedMatch):
        matching.take_answer(message=arrived(MatchAnswer(link=link.key.bytes, outcome="match"), **given))
    link.refresh_from_db()
    assert link.state == LinkState.ASKED


def test_an_answer_from_the_side_that_asks(waiting, arrived):
    link = waiting()
    with pytest.raises(UnexpectedMatch):
        matching.take_answer(
            message=arrived(MatchAnswer(link=link.key.bytes, outcome="match"), conversation=link.key)
        )


def test_an_answer_that_comes_again(asked, arrived):
    link = asked()
    answer = MatchAnswer(link=link.key.bytes, outcome="no-match")
    matching.take_answer(message=arrived(answer, conversation=link.key))
    with pytest.raises(UnexpectedMatch):
        matching.take_answer(message=arrived(answer, conversation=link.key))
    link.refresh_from_db()
    assert link.state == LinkState.REFUSED


def test_yes_to_what_was_refused_meanwhile(asked, arrived):
    link = asked()
    note_unanswered(Undelivered(id=uuid.uuid4(), receiver="gd", conversation=link.key, code="expired"))
    answer = MatchAnswer(link=link.key.bytes, outcome="match")
    matching.take_answer(message=arrived(answer, conversation=link.key))
    link.refresh_from_db()
    assert link.state == LinkState.REFUSED
    assert [row.conversation for row, _ in sent("unlink")] == [link.key], "it counts on neither side"


def test_unlinked_while_the_answer_is_on_its_way(asked, arrived):
    link = asked()
    linking.unlink(resident=link.resident, key=link.key)
    assert [row.peer for row, _ in sent("unlink")] == ["gd"]
    matching.take_answer(
        message=arrived(MatchAnswer(link=link.key.bytes, outcome="match"), conversation=link.key)
    )
    link.refresh_from_db()
    assert (link.state, link.ended_by) == (LinkState.ENDED, "hk")
    with pytest.raises(LinkOver):
        linking.unlink(resident=link.resident, key=link.key)


def test_a_question_that_was_not_delivered(asked):
    link = asked()
    note_unanswered(Undelivered(id=uuid.uuid4(), receiver="gd", conversation=link.key, code="expired"))
    link.refresh_from_db()
    assert link.state == LinkState.REFUSED


def test_never_answered(asked):
    link = asked()
    linking.settle()
    link.refresh_from_db()
    assert link.state == LinkState.ASKED
    linking.settle(now=timezone.now() + linking.ANSWER_WITHIN + MINUTE)
    link.refresh_from_db()
    assert link.state == LinkState.REFUSED


def test_never_came_back(gd, session):
    link = link_of(linking.begin(session=session(), browser=BROWSER, peer="gd"))
    assert link.sealed is not None
    linking.settle(now=timezone.now() + 16 * MINUTE)
    link.refresh_from_db()
    assert (link.state, link.sealed) == (LinkState.REFUSED, None)
    assert not Notice.objects.exists()


# Who may


def test_a_sign_in_that_is_not_fresh(session):
    held = session(authenticated_at=timezone.now() - 6 * MINUTE)
    with pytest.raises(NotFreshEnough):
        linking.begin(session=held, browser=BROWSER, peer="gd")


def test_a_session_that_has_ended(session):
    held = session()
    held.ended_at = timezone.now()
    with pytest.raises(NotFreshEnough):
        linking.begin(session=held, browser=BROWSER, peer="gd")


def test_a_level_that_is_too_low(session):
    with pytest.raises(LevelNotReached):
        linking.begin(session=session(level=Level.LOW), browser=BROWSER, peer="gd")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"birthdate": "1985", "document_type": "hkid", "document_number": "A1234563"},
        {"birthdate": "1985-02-28", "document_type": "hkid"},
        {"birthdate": "1985-02-28", "document_type": "resident-identity-card", "document_number": "1"},
    ],
)
def test_an_account_whose_document_has_no_counterpart(session, claims):
    with pytest.raises(LinkNotPossible):
        linking.begin(session=session(claims=claims), browser=BROWSER, peer="gd")
    assert not Link.objects.exists()


def test_a_side_with_which_no_documents_pair(session):
    with pytest.raises(LinkNotPossible):
        linking.begin(session=session(), browser=BROWSER, peer="mo")


def test_three_tries_a_day(session):
    for _ in range(3):
        linking.begin(session=session(), browser=BROWSER, peer="gd")
    with pytest.raises(TooManyLinks):
        linking.begin(session=session(), browser=BROWSER, peer="gd")
    assert Link.objects.filter(state=LinkState.BEGUN).count() == 1, "an earlier one is over"
    Link.objects.update(began_at=timezone.now() - timedelta(days=1, seconds=1))
    linking.begin(session=session(), browser=BROWSER, peer="gd")


@pytest.mark.parametrize("state", [LinkState.COOLING, LinkState.ACTIVE])
def test_a_second_link_of_the_same_document(asked, session, state):
    link = asked()
    Link.objects.filter(pk=link.pk).update(state=state)
    # Another account at another provider, with the same document.
    with pytest.raises(DocumentIsLinked):
        linking.begin(session=session(subject="another"), browser=BROWSER, peer="gd")
    Link.objects.filter(pk=link.pk).update(state=LinkState.ENDED)
    linking.begin(session=session(subject="another"), browser=BROWSER, peer="gd")


def test_two_links_of_one_document_at_once(asked, arrived):
    """Both were asked about before either was answered: the first yes counts, and the other side hears."""
    first, second = asked(subject="one"), asked(subject="two")
    for link in (first, second):
        answer = MatchAnswer(link=link.key.bytes, outcome="match")
        matching.take_answer(message=arrived(answer, conversation=link.key))
    states = [Link.objects.get(pk=each.pk).state for each in (first, second)]
    assert states == [LinkState.COOLING, LinkState.REFUSED]
    ((row, _),) = sent("unlink")
    assert row.conversation == second.key


def test_another_browser_does_not_end_the_link(gd, session):
    row = linking.begin(session=session(), browser=BROWSER, peer="gd")
    relay.begin(interaction=row)
    with pytest.raises(RelayOver):
        relay.returned(answer=Answer(gd.asked["state"], "a-code", ISSUER, ""), browser=ANOTHER)
    assert link_of(row).state == LinkState.BEGUN


def test_an_account_there_without_a_document(gd, session):
    row = linking.begin(session=session(), browser=BROWSER, peer="gd")
    link = link_of(row)
    relay.begin(interaction=row)
    with pytest.raises(LinkNotPossible):
        relay.returned(answer=Answer(gd.asked["state"], "a-code", ISSUER, ""), browser=BROWSER)
    link.refresh_from_db()
    assert link.state == LinkState.REFUSED
    assert not sent("match-question")


def test_given_up_on_the_other_side(gd, session):
    row = linking.begin(session=session(), browser=BROWSER, peer="gd")
    link = link_of(row)
    relay.give_up(interaction=row, browser=BROWSER)
    link.refresh_from_db()
    assert (link.state, link.ended_by) == (LinkState.ENDED, "gd")


# Asked here


def test_the_issuer_answers_and_both_go_on(waiting, arrived, as_issuer):
    link = waiting()
    message = arrived(question(link), conversation=link.key)
    matching.store_question(message=message)
    assert matching.answer_questions()
    (put,) = as_issuer.asked
    assert (put.number, put.salt, put.documents) == ("H12345678", SALT, "hkid home-return-permit")
    assert "H12345678" not in repr(put)
    link.refresh_from_db()
    assert (link.state, link.sealed) == (LinkState.COOLING, None)
    ((row, _),) = sent("match-answer")
    assert (row.peer, row.conversation) == ("gd", link.key)
    assert not matching.answer_questions(), "it is answered once"
    assert len(as_issuer.asked) == 1
    matching.forget()
    assert Stored.objects.get().outcome == "match"
    matching.forget(now=timezone.now() + matching.KEPT + MINUTE)
    assert not Stored.objects.exists()


def test_the_message_is_quicker_than_the_browser(permit, as_issuer, arrived):
    row = linking.begin(session=permit(), browser=BROWSER, peer="gd")
    link = link_of(row)
    matching.store_question(message=arrived(question(link), conversation=link.key))
    matching.answer_questions()
    assert not as_issuer.asked
    linking.returned(
        interaction=row, browser=BROWSER,
        foreign={
            "side": "gd", "subject": "g" * 43, "sid": str(uuid.uuid4()), "claims": {"document_type": "hkid"},
        },
    )  # fmt: skip
    matching.answer_questions(now=timezone.now() + MINUTE)
    assert len(as_issuer.asked) == 1
    link.refresh_from_db()
    assert link.state == LinkState.COOLING


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "x" * 43},
        {"documents": "hkid residence-permit"},
        {"link": uuid.uuid4().bytes},
    ],
)
def test_a_question_that_does_not_belong(waiting, arrived, changes):
    link = waiting()
    with pytest.raises(UnexpectedMatch):
        matching.store_question(message=arrived(question(link, **changes), conversation=link.key))
    assert not Stored.objects.exists()


def test_a_question_of_another_side_and_one_put_twice(waiting, arrived):
    link = waiting()
    with pytest.raises(UnexpectedMatch):
        matching.store_question(message=arrived(question(link), sender="mo", conversation=link.key))
    with pytest.raises(UnexpectedMatch):
        matching.store_question(message=arrived(question(link)))
    matching.store_question(message=arrived(question(link), conversation=link.key))
    with pytest.raises(UnexpectedMatch):
        matching.store_question(message=arrived(question(link), conversation=link.key))


def test_a_side_without_the_issuer_answers_nothing(asked, arrived):
    link = asked()
    with pytest.raises(UnexpectedMatch):
        matching.store_question(message=arrived(question(link), conversation=link.key))


def test_an_issuer_that_is_away_is_asked_again_until_it_is_too_late(waiting, arrived, as_issuer):
    link = waiting()
    as_issuer.outcome = IssuerUnavailable()
    matching.store_question(message=arrived(question(link), conversation=link.key))
    now = timezone.now()
    for minutes in (0, 1, 2, 10, 20):
        matching.answer_questions(now=now + minutes * MINUTE)
    assert len(as_issuer.asked) == 5
    as_issuer.outcome = "match"
    matching.answer_questions(now=now + 61 * MINUTE)
    assert len(as_issuer.asked) == 5
    assert not sent("match-answer")
    assert Stored.objects.get().outcome == "over"


def test_unlinked_before_the_issuer_was_asked(waiting, arrived, as_issuer):
    link = waiting()
    matching.store_question(message=arrived(question(link), conversation=link.key))
    end_link(arrived(Unlinked(link=link.key.bytes), conversation=link.key))
    matching.answer_questions()
    assert not as_issuer.asked
    assert not sent("match-answer")
    link.refresh_from_db()
    assert (link.state, link.ended_by) == (LinkState.ENDED, "gd")


def test_unlinked_while_the_issuer_thinks(waiting, arrived, as_issuer):
    link = waiting()
    matching.store_question(message=arrived(question(link), conversation=link.key))
    answer = as_issuer.ask

    def ask(put):
        linking.unlink(resident=link.resident, key=link.key)
        return answer(put)

    as_issuer.ask = ask
    matching.answer_questions()
    link.refresh_from_db()
    assert link.state == LinkState.ENDED
    assert not sent("match-answer")


def test_a_side_cannot_end_anothers_link(waiting, arrived):
    link = waiting()
    linking.unlinked(side="mo", key=link.key)
    link.refresh_from_db()
    assert link.state == LinkState.ASKED


def test_agreeing_twice_to_one_link(waiting, permit, node):
    link = waiting()
    held = permit()
    request = Request(
        client_id="urn:kouan:node:gd", redirect_uri="", scopes=("openid",), claims=(),
        level=Level.SUBSTANTIAL, service=replace(linking._as_service(), side="gd"),
        code_challenge="c" * 43, link=str(link.key), link_subject="g" * 43, link_document="hkid",
    )  # fmt: skip
    now = timezone.now()
    row = Interaction.objects.create(
        browser=BROWSER, client="urn:kouan:node:gd", params=request.to_json(), stage="done", side="hk",
        home_session=held, began_at=now, expires_at=now + MINUTE,
    )  # fmt: skip
    with pytest.raises(LinkOver):
        linking.agreed(interaction=row)


# Rules


@pytest.mark.parametrize(
    ("own", "side", "peer_document", "peer", "expected"),
    [
        ("hkid", "hk", "home-return-permit", "gd", ("hkid home-return-permit", "gd")),
        ("hkid", "hk", "residence-permit", "gd", ("hkid residence-permit", "gd")),
        ("home-return-permit", "gd", "hkid", "hk", ("hkid home-return-permit", "gd")),
        ("home-return-permit", "hk", "hkid", "gd", None),
        ("hkid", "gd", "home-return-permit", "hk", None),
        ("hkid", "hk", "hkid", "gd", None),
        ("hkid", "mo", "home-return-permit", "hk", None),
    ],
)
def test_pairs_of_documents(own, side, peer_document, peer, expected):
    assert pair_of(own, side=side, peer_document=peer_document, peer=peer) == expected


def test_a_commitment_depends_on_all_of_it():
    made = {
        commitment("A1234563", "1985-02-28", SALT),
        commitment("B1234566", "1985-02-28", SALT),
        commitment("A1234563", "1985-02-27", SALT),
        commitment("A1234563", "1985-02-28", bytes(32)),
    }
    assert len(made) == 4
    assert {len(each) for each in made} == {32}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"level": Level.LOW}, LevelNotReached),
        ({"authenticated_at": timezone.now() - timedelta(hours=2)}, NotFreshEnough),
    ],
)
def test_the_other_side_cannot_ask_for_less_than_a_link_needs(waiting, changes, refused):
    """Whatever its request said of level and freshness, or left out."""
    with pytest.raises(refused):
        waiting(**changes)
    assert not Link.objects.exists()


def test_an_old_session_there_is_no_fresh_sign_in(gd, session):
    row = linking.begin(session=session(), browser=BROWSER, peer="gd")
    relay.begin(interaction=row)
    gd.claims = {"document_type": "home-return-permit"}
    gd.id_token = {"auth_time": int(time.time()) - 120}
    with pytest.raises(BadPeerAnswer, match="auth_time"):
        relay.returned(answer=Answer(gd.asked["state"], "a-code", ISSUER, ""), browser=BROWSER)
    assert link_of(row).state == LinkState.BEGUN
