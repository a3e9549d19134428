from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from kouan.apps.operations import queries
from kouan.apps.operations.domain import Direction, Outcome
from kouan.apps.operations.health import FindingKind
from kouan.core.exchange import handling, sealing, witness
from kouan.core.exchange.models import Batch, InboxMessage, Incident, OutboxMessage, Stream


def kinds(now=None):
    return [finding.kind for finding in queries.overview(now or timezone.now()).findings]


def test_a_quiet_node_is_well(node):
    view = queries.overview(timezone.now())
    assert view.findings == ()
    assert [line.peer for line in view.lines] == ["gd"]
    assert view.ledger_size == 0


def test_what_is_under_way_is_well_at_first_and_not_for_ever(node):
    node.send(3)
    sealing.seal_batch("gd")
    node.send(2)
    assert kinds() == []
    later = timezone.now() + timedelta(minutes=2)
    assert kinds(later) == [FindingKind.WORKER_SILENT, FindingKind.IN_DOUBT]
    line = queries.lines()[0]
    assert (line.waiting, line.in_doubt.count, line.in_doubt.first) == (2, 3, 1)


def test_a_line_that_is_down(node):
    Stream.objects.create(peer="gd", last_error="does not answer", last_error_at=timezone.now())
    assert kinds() == [FindingKind.LINE_DOWN]


def test_the_witness_is_late_until_it_has_co_signed(node):
    node.deliver()
    witness.publish()
    later = timezone.now() + timedelta(minutes=2)
    assert kinds(later) == [FindingKind.WITNESS_LATE]
    assert queries.lines()[0].witnessing.behind == 2
    node.peer.cosign()
    assert kinds(later) == []
    witnessing = queries.lines()[0].witnessing
    assert (witnessing.size, witnessing.behind, witnessing.behind_since) == (2, 0, None)
    node.deliver()
    witness.publish()
    assert queries.lines()[0].witnessing.behind == 2


def test_incidents_count_until_they_are_acknowledged(node):
    now = timezone.now()
    old = now - timedelta(days=80)
    Incident.objects.create(peer="gd", kind="id-conflict", detail="message x", at=old, settled_at=now)
    assert kinds(now) == []
    Incident.objects.create(peer="gd", kind="id-conflict", detail="message y", at=old)
    assert kinds(now) == [FindingKind.INCIDENTS]
    assert [incident.detail for incident in queries.recent_incidents()] == ["message y", "message x"]


def test_dead_letters_are_those_nobody_has_dealt_with(node):
    refused, put_away = node.deliver(2, statuses=["no-agreement", "denied"])
    OutboxMessage.objects.filter(message_id=put_away).update(dismissed=True)
    expired = node.send()[0]
    OutboxMessage.objects.filter(message_id=expired).update(state="expired", code="expired-before-sending")
    failed, _handled, turned_away = node.receive(3)
    states = InboxMessage.objects
    states.filter(message_id=failed).update(state="failed", code="ValueError")
    states.filter(message_id=turned_away).update(state="refused", code="expired")
    letters = {letter.row.message_id: letter.can_cancel for letter in queries.dead_letters()}
    assert letters == {refused: True, expired: True, failed: False}
    assert queries.dead_letter_count() == 3
    assert FindingKind.DEAD_LETTERS in kinds()


def test_todays_figures(node):
    node.deliver(4, statuses=[None, None, "denied", None])
    node.send(2)
    node.receive(3)
    handling.handle_waiting()
    tallies = {counted.direction: counted.counts for counted in queries.overview(timezone.now()).tallies}
    assert tallies[Direction.OUT] == {
        Outcome.HANDLED: 0,
        Outcome.UNDER_WAY: 5,
        Outcome.REFUSED: 1,
        Outcome.WITHDRAWN: 0,
    }
    assert tallies[Direction.IN][Outcome.HANDLED] == 3


@pytest.mark.parametrize("since", [0, 1, 2, 777, 1998, 1999, 2000, 5000])
def test_figures_count_from_a_time_on_exactly(many, since):
    began = datetime(2026, 1, 1, tzinfo=UTC)
    many(1000, began=began)
    OutboxMessage.objects.filter(
        pk__in=OutboxMessage.objects.order_by("pk")[100:300]
    ).delete()  # keys have gaps
    at = began + timedelta(seconds=since)
    out, came = queries.tallies(since=at)
    assert out.total == OutboxMessage.objects.filter(created_at__gte=at).count()
    assert came.total == InboxMessage.objects.filter(received_at__gte=at).count()


def test_the_day_is_the_sides_own(node):
    assert queries.day_began(datetime(2026, 3, 1, 20, tzinfo=UTC)) == datetime(2026, 3, 1, 16, tzinfo=UTC)


def test_the_overview_costs_the_same_with_thousands_of_rows(many, django_assert_max_num_queries):
    many(2500)
    with django_assert_max_num_queries(70):
        queries.overview(datetime(2026, 1, 1, 20, tzinfo=UTC))
    with django_assert_max_num_queries(30):
        queries.overview(timezone.now())


def test_what_waits(node):
    node.send(60)
    node.receive(2)
    wait = queries.waiting()[0]
    assert wait.line.waiting == 60
    assert [row.number for row in wait.rows] == sorted(row.number for row in wait.rows)
    assert len(wait.rows) == 50
    assert [item.attempts for item in queries.unhandled()] == [0, 0]


def test_the_batch_in_doubt_is_read_without_its_bytes(node, django_assert_max_num_queries):
    node.send()
    sealing.seal_batch("gd")
    assert Batch.objects.count() == 1
    with django_assert_max_num_queries(12):
        assert queries.lines()[0].in_doubt.tries == 0
