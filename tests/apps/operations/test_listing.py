from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.utils import translation

from kouan.apps.operations import listing
from kouan.apps.operations.domain import Direction, State
from kouan.apps.operations.errors import BadCursor, BadSearch
from kouan.apps.operations.labels import state_words
from kouan.apps.operations.listing import Filters
from kouan.core.exchange import sealing
from kouan.core.exchange.models import InboxMessage, OutboxMessage, Stream

ALL = Filters()


def walk(filters=ALL, *, limit=50, step="older"):
    """Return all pages from the newest on."""
    pages = [listing.page(filters, limit=limit)]
    while (cursor := getattr(pages[-1], step)) is not None:
        pages.append(listing.page(filters, before=str(cursor), limit=limit))
    return pages


def keys(pages):
    return [(row.direction, row.number) for page in pages for row in page.rows]


def test_pages_cover_thousands_of_rows_once_each_newest_first(many):
    many(1500)
    pages = walk(limit=200)
    found = [row for page in pages for row in page.rows]
    assert len(found) == len(set(keys(pages))) == 3000
    assert [row.at for row in found] == sorted((row.at for row in found), reverse=True)
    assert {len(page.rows) for page in pages} == {200}


def test_a_page_costs_two_reads_at_any_depth(many, django_assert_num_queries):
    many(2000)
    deep = str(walk(limit=500)[-2].older)
    with django_assert_num_queries(2):
        listing.page(ALL)
    with django_assert_num_queries(2):
        assert listing.page(ALL, before=deep).rows


def test_one_can_go_back_to_where_one_came_from(many):
    many(300)
    pages = walk(limit=100)
    back = listing.page(ALL, after=str(pages[2].newer), limit=100)
    assert back.rows == pages[1].rows
    assert listing.page(ALL, before=str(back.older), limit=100).rows == pages[2].rows
    top = listing.page(ALL, after=str(back.newer), limit=100)
    assert top.rows == pages[0].rows
    assert top.newer is None


def test_rows_that_arrive_meanwhile_move_nothing(many):
    many(100)
    first = listing.page(ALL, limit=60)
    many(50)
    second = listing.page(ALL, before=str(first.older), limit=60)
    third = listing.page(ALL, before=str(second.older), limit=200)
    assert len(set(keys([first, second, third]))) == 200


def test_filters(node):
    out = node.deliver()[0]
    refused = node.deliver(statuses=["no-agreement"])[0]
    came = node.receive()[0]

    def found(**wanted):
        return {row.message_id for row in listing.page(Filters(**wanted)).rows}

    assert found() == {out, refused, came}
    assert found(direction=Direction.IN) == {came}
    assert found(direction=Direction.OUT) == {out, refused}
    assert found(peer="gd") == {out, refused, came}
    assert found(peer="mo") == set()
    assert found(type="trial.note") == {out, refused, came}
    assert found(type="trial.other") == set()
    assert found(state=State.REFUSED) == {refused}
    assert found(state=State.WAITING) == {came}
    assert found(state=State.FAILED, direction=Direction.OUT) == set()
    assert found(text=str(came)) == {came}
    assert found(text=refused.hex.upper()) == {refused}


def test_a_conversation_is_found_by_its_beginning(node):
    first = node.receive()[0]
    conversation = InboxMessage.objects.get(message_id=first).conversation
    answer = node.send(conversation=conversation)[0]
    node.send()
    found = listing.page(Filters(text=str(conversation)[:-1])).rows
    assert {row.message_id for row in found} == {first, answer}


def test_a_search_uses_indexes_alone(many):
    many(20)
    low, high = listing.id_range("0192abcd")
    searches = (
        OutboxMessage.objects.order_by().filter(message_id__range=(low, high)),
        InboxMessage.objects.order_by().filter(peer__in=["gd"], message_id__range=(low, high)),
        InboxMessage.objects.order_by().filter(conversation__range=(low, high)),
    )
    plans = [rows.values_list("pk", flat=True)[:5].explain() for rows in searches]
    if connection.vendor == "sqlite":
        assert all("SEARCH" in plan and "USING" in plan and "SCAN" not in plan for plan in plans), plans


@pytest.mark.parametrize("text", ["0192", "not-an-id", "☃" * 10])
def test_a_search_that_cannot_succeed_says_how_to_search(node, text):
    with pytest.raises(BadSearch):
        listing.page(Filters(text=text))


@pytest.mark.parametrize("cursor", ["x", "1", "1.2.3", "0.-1", "9" * 20 + ".1"])
def test_a_damaged_cursor_is_refused(node, cursor):
    with pytest.raises(BadCursor):
        listing.page(ALL, before=cursor)
    with pytest.raises(BadCursor):
        listing.page(ALL, after=cursor)


def test_an_undeclared_type_is_shown_as_such(node):
    node.receive()
    InboxMessage.objects.update(type="some.other")
    row = listing.page(ALL).rows[0]
    assert (row.title, str(row.purpose)) == ("some.other", "Not declared on this node")


def test_the_export_holds_each_row_once_and_no_formula(node, many):
    many(1200)
    node.receive()
    InboxMessage.objects.filter(pk=listing.page(ALL).rows[0].number).update(type="=1+1")
    text = "".join(listing.csv_lines(ALL))
    assert text.startswith("\ufeffdirection,at,type")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == len({row["message_id"] for row in rows}) == 2401
    assert rows[0]["type"] == "'=1+1"
    assert rows[0]["side"] == "hk"
    assert rows[-1]["at"].endswith("+00:00")


def test_the_export_is_bounded(many):
    many(30)
    assert len(list(listing.csv_lines(ALL, most=7))) == 8


@pytest.mark.parametrize("step", [7, 40, 100_000])
@pytest.mark.parametrize("wanted", [{"peer": "mo"}, {"type": "trial.rare"}, {"state": State.HANDLED}])
def test_looking_through_a_part_at_a_time_finds_everything_once(many, monkeypatch, step, wanted):
    monkeypatch.setattr(listing, "LOOK_THROUGH", step)
    many(120)
    for model, every in ((OutboxMessage, 31), (InboxMessage, 47)):
        chosen = list(model.objects.order_by("pk").values_list("pk", flat=True)[::every])
        rest = model.objects.exclude(pk__in=chosen)
        model.objects.filter(pk__in=chosen).update(peer="mo", type="trial.rare")
        if "state" in wanted:
            rest.update(state="refused")
    Stream.objects.get_or_create(peer="mo")
    pages = walk(Filters(**wanted), limit=3)
    assert len(keys(pages)) == len(set(keys(pages))) == 7
    assert any(page.partial for page in pages) == (step < 120)
    # and back again, from the oldest to the newest
    forward = [listing.page(Filters(**wanted), after="0.0", limit=3)]
    while forward[-1].newer is not None:
        forward.append(listing.page(Filters(**wanted), after=str(forward[-1].newer), limit=3))
    assert sorted(keys(forward)) == sorted(keys(pages))


def test_one_direction_may_end_before_the_other(many):
    many(40)
    InboxMessage.objects.filter(pk__in=InboxMessage.objects.order_by("pk")[:35]).delete()
    pages = walk(limit=10)
    assert len(keys(pages)) == len(set(keys(pages))) == 45


def test_only_the_first_unanswered_batch_counts_as_sent(node, django_assert_num_queries):
    first = node.send()[0]
    sealed = sealing.seal_batch("gd")
    second = node.send()[0]
    sealing.seal_batch("gd")

    def shown():
        rows = listing.page(ALL).rows
        return {row.message_id: state_words(row.direction, row.state, ahead=row.ahead) for row in rows}

    with translation.override("en"):
        assert shown() == {first: "Sent, not answered yet", second: "Sealed, waiting its turn"}
        node.peer.answer(sealed)
        assert shown() == {first: "Accepted, not handled yet", second: "Sent, not answered yet"}
    with django_assert_num_queries(3):
        listing.page(ALL)
