from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from kouan.apps.operations import queries
from kouan.core.exchange import bodies, handling, sealing, setaside, wire
from kouan.core.exchange.bundle import Bundle
from kouan.core.exchange.ids import new_id
from kouan.core.exchange.models import Batch, InboxMessage, Incident, OutboxMessage, Stream
from kouan.core.ledger.models import Equivocation, WitnessedLog
from kouan.web.filters import date_long

PAGES = [
    "overview", "crossings", "crossings-csv", "waiting", "files", "dead-letters", "ledger", "comparisons",
    "keys",
]  # fmt: skip
ONE = ["crossing", "evidence", "retry", "cancel"]


def text(response):
    return " ".join(response.content.decode().split())


def fetch(page, name, *args, status=200, **data):
    response = page(reverse(f"operations:{name}", args=args), **data)
    assert response.status_code == status, response.content[:2000]
    return text(response) if not response.streaming else "".join(part.decode() for part in response)


@pytest.mark.parametrize("name", PAGES + ONE)
def test_only_an_operator_gets_in(client, issuer, node, name):
    address = reverse(f"operations:{name}", args=[new_id()] if name in ONE else [])
    response = client.get(address)
    assert response.status_code == 302
    assert response.headers["Location"] == f"{reverse('staff:sign-in')}?next={address}"
    client.force_login(issuer)
    assert client.get(address).status_code == 403


@pytest.mark.parametrize("name", ["retry", "cancel"])
def test_only_an_operator_acts(client, issuer, node, name):
    message = node.deliver(statuses=["denied"])[0]
    client.force_login(issuer)
    assert client.post(reverse(f"operations:{name}", args=[message])).status_code == 403
    assert not OutboxMessage.objects.get().dismissed


@pytest.mark.parametrize("name", ["catalogue", "agreements", "evidence-check"])
def test_what_may_cross_is_public(client, node, name):
    assert client.get(reverse(f"operations:{name}")).status_code == 200


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
@pytest.mark.parametrize("name", [*PAGES, "catalogue", "agreements", "evidence-check"])
def test_every_page_stands_on_an_empty_node(client, page, node, name, language):
    client.cookies["kouan_language"] = language
    assert fetch(page, name)


def test_the_overview_says_that_all_is_well(page, node):
    node.deliver(2)
    node.receive()
    handling.handle_waiting()
    node.witnessed()
    shown = fetch(page, "overview")
    assert "All is well" in shown
    assert "It is not behind." in shown
    assert "operations-chart__under-way" in shown


def test_the_overview_says_what_is_the_matter(page, node):
    node.deliver(statuses=["no-agreement"])
    node.send()
    Stream.objects.update(last_error="PeerUnreachable: connection refused", last_error_at=timezone.now())
    Incident.objects.create(peer="gd", kind="id-conflict", detail="message <x>", at=timezone.now())
    shown = fetch(page, "overview")
    assert "3 things need your attention." in shown
    assert '<span lang="en">PeerUnreachable: connection refused</span>' in shown
    assert "Two messages with one id" in shown
    listed = fetch(page, "incidents")
    assert "message &lt;x&gt;" in listed
    assert "the first stands" in listed


def test_the_overview_shows_the_batch_in_doubt(page, node):
    node.send(2)
    sealing.seal_batch("gd")
    assert "One batch with 2 messages: sent, not answered yet since" in fetch(page, "overview")
    Batch.objects.update(attempts=3)
    assert "3 tries failed." in fetch(page, "overview")


@pytest.mark.parametrize("name", ["overview", "waiting"])
def test_what_is_sealed_ahead_is_counted_and_what_is_in_doubt_linked(page, node, name):
    first = node.send(6)
    sealing.seal_batch("gd")
    assert "waiting for the one before it" not in fetch(page, name)
    second = node.send(2)
    sealing.seal_batch("gd")
    shown = fetch(page, name)
    assert "Sealed, waiting for the one before it: 1 batch (messages: 2)." in shown
    linked = [message for message in first if f"/operations/crossings/{message}/" in shown]
    assert linked == first[: queries.IN_DOUBT_MOST]
    assert f"/operations/crossings/{second[0]}/" not in shown
    everything = "?direction=out&amp;peer=gd&amp;state=sealed"
    assert f"{reverse('operations:crossings')}{everything}" in shown
    node.send()
    sealing.seal_batch("gd")
    assert "Sealed, each waiting for the one before it: 2 batches (messages: 3)." in fetch(page, name)


def test_all_is_well_mentions_what_was_refused_today(page, client, node):
    message = node.deliver(2, statuses=["no-agreement", None])[0]
    node.receive(poison=True)
    handling.handle_waiting()
    node.witnessed()
    client.post(reverse("operations:cancel", args=[message]))
    shown = fetch(page, "overview")
    assert "All is well" in shown
    assert "1 message from this side was refused by another side today." in shown
    assert "1 message from another side was refused here today." in shown
    OutboxMessage.objects.filter(state="refused").update(finished_at=timezone.now() - timedelta(days=2))
    InboxMessage.objects.filter(state="refused").update(finished_at=timezone.now() - timedelta(days=2))
    assert "refused here today" not in fetch(page, "overview")
    assert "by another side today" not in fetch(page, "overview")


def test_nothing_unsent_is_headed_as_if_it_had_crossed(page, client, node):
    waits, doubtful, delivered = "What will cross", "What is crossing", "What crossed"
    message = node.deliver()[0]
    assert delivered in fetch(page, "crossing", message)
    assert delivered in fetch(page, "crossing", node.receive()[0])
    first = node.send()[0]
    assert waits in fetch(page, "crossing", first)
    sealing.seal_batch("gd")
    assert doubtful in fetch(page, "crossing", first)
    second = node.send()[0]
    sealing.seal_batch("gd")
    assert waits in fetch(page, "crossing", second)
    assert "Sealed, waiting its turn" in fetch(page, "crossing", second)
    third = node.send()[0]
    for state in ("cancelled", "expired"):
        OutboxMessage.objects.filter(message_id=third).update(state=state)
        assert "What did not cross" in fetch(page, "crossing", third)


def test_a_witness_is_named_by_its_side(page, node):
    message = node.deliver()[0]
    node.witnessed()
    WitnessedLog.objects.create(origin="gd.kouan/ledger", size=5000, note="n", at=timezone.now())
    shown = fetch(page, "crossing", message)
    assert "kouan/witness" not in shown
    assert "co-signed by Guangdong," in shown
    assert "co-signed by Hong Kong," in shown


def test_the_list_and_its_filters(page, node):
    out = node.deliver()[0]
    came = node.receive()[0]
    shown = fetch(page, "crossings")
    assert f"/operations/crossings/{out}/" in shown
    assert f"/operations/crossings/{came}/?from=gd" in shown
    assert "hk-gd-test 3.1" in shown
    assert "1,000" in shown  # the place in the other side's ledger
    shown = fetch(page, "crossings", direction="in", q=str(came))
    assert str(came) in shown
    assert str(out) not in shown
    assert "Nothing that crossed fits" in fetch(page, "crossings", state="failed")
    assert fetch(page, "crossings", direction="sideways", state="???", peer="é" * 99)


def test_a_short_search_is_an_error_beside_its_field(page, node):
    shown = fetch(page, "crossings", q="01", status=422)
    assert "Search with at least the first 8 digits" in shown
    assert "govuk-input--error" in shown


def test_paging_keeps_the_filters(page, many):
    many(60)
    shown = fetch(page, "crossings", direction="out", peer="gd")
    assert "?direction=out&amp;peer=gd&amp;before=" in shown
    assert fetch(page, "crossings", before="nonsense", status=400)


def test_a_page_of_the_list_costs_the_same_at_any_size(page, many, django_assert_max_num_queries):
    many(3000)
    fetch(page, "ledger")  # the session's first page also begins its record
    with django_assert_max_num_queries(8):
        fetch(page, "crossings")


def test_the_export_is_streamed(page, many):
    many(10)
    response = page(reverse("operations:crossings-csv"), direction="in")
    assert response.streaming
    assert response.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in response.headers["Content-Disposition"]
    assert len(b"".join(response).splitlines()) == 11
    assert page(reverse("operations:crossings-csv"), q="x").status_code == 422


def test_one_crossing_without_its_content(page, node):
    message = node.deliver()[0]
    node.send(conversation=OutboxMessage.objects.get().conversation)
    node.witnessed()
    shown = fetch(page, "crossing", message)
    assert "Number 0" not in shown
    for words in (
        "What is said",
        "Sealed and signed",
        "Entry 0 of the ledger of",
        "Either side may send notes",
    ):
        assert words in shown
    assert f"/operations/crossings/{message}/evidence" in shown
    assert fetch(page, "crossing", new_id(), status=404)


def test_the_evidence_bundle(page, node):
    message = node.deliver()[0]
    address = reverse("operations:evidence", args=[message])
    assert page(address).status_code == 409
    node.witnessed()
    response = page(address)
    assert response.status_code == 200
    assert f'filename="{message}.evidence.bundle"' in response.headers["Content-Disposition"]
    assert "1/receipt" in Bundle.decode(response.content).parts
    assert page(reverse("operations:evidence", args=[new_id()])).status_code == 404


def test_a_dead_letter_is_retried_after_asking(page, client, node):
    message = node.deliver(statuses=["no-agreement"])[0]
    shown = fetch(page, "dead-letters")
    assert "holds no agreement that covers this message or the answer to it" in shown
    assert f"/operations/crossings/{message}/retry" in shown
    assert "Try this message again?" in fetch(page, "retry", message)
    assert OutboxMessage.objects.count() == 1
    address = reverse("operations:retry", args=[message])
    answer = client.post(address, follow=True)
    assert "sent again, under the new id" in text(answer)
    new = OutboxMessage.objects.latest("pk").message_id
    assert answer.redirect_chain[-1][0] == reverse("operations:crossing", args=[new])
    again = client.post(address, follow=True)
    assert "nothing was done twice" in text(again)
    assert OutboxMessage.objects.count() == 2
    assert "No dead letters" in fetch(page, "dead-letters")


def test_what_failed_here_is_retried_by_its_sender(page, client, node):
    message = node.receive()[0]
    InboxMessage.objects.update(state="failed", code="ValueError")
    shown = fetch(page, "dead-letters")
    assert "Its handler broke (ValueError)" in shown
    address = reverse("operations:retry", args=[message]) + "?from=gd"
    assert f"/operations/crossings/{message}/retry?from=gd" in shown
    answer = client.post(address, {"from": "gd"}, follow=True)
    assert "waits for its handler again" in text(answer)
    assert InboxMessage.objects.get().state == "waiting"


def test_what_may_hold_data_about_a_person_says_until_when_it_waits(page, node):
    message = node.receive()[0]
    InboxMessage.objects.update(state="failed", code="ValueError", finished_at=timezone.now())
    assert "kept until" not in fetch(page, "dead-letters")
    InboxMessage.objects.update(type="test.nobody-declares-it")
    shown = fetch(page, "dead-letters")
    assert "kept until" in shown
    day = timezone.now() + setaside.KEPT
    assert date_long(day) in shown
    address = reverse("operations:crossing", args=[message]) + "?from=gd"
    assert f"until {date_long(day)} at most" in text(page(address))


def test_of_a_dead_letter_whose_content_was_erased_it_is_only_put_away(page, client, node):
    message = node.deliver(statuses=["no-agreement"])[0]
    bodies.erase_sent([message])
    shown = fetch(page, "dead-letters")
    assert "its content was erased" in shown
    assert f"/operations/crossings/{message}/retry" not in shown
    whole = text(page(reverse("operations:crossing", args=[message])))
    assert "Put away" in whole
    assert "Try again" not in whole
    answer = client.post(reverse("operations:retry", args=[message]), follow=True)
    assert "was erased, so it cannot be sent again" in text(answer)
    client.post(reverse("operations:cancel", args=[message]))
    assert "No dead letters" in fetch(page, "dead-letters")


def test_cancelling_after_asking(page, client, node):
    message = node.send()[0]
    assert str(message) in fetch(page, "waiting")
    assert "Cancel this message?" in fetch(page, "cancel", message)
    answer = client.post(reverse("operations:cancel", args=[message]), follow=True)
    assert "It has not left this side." in text(answer)
    assert OutboxMessage.objects.get().state == "cancelled"


def test_what_can_no_longer_be_done_is_said_and_not_done(page, client, node):
    message = node.deliver()[0]
    assert "This is no longer possible" in fetch(page, "cancel", message)
    answer = client.post(reverse("operations:cancel", args=[message]), follow=True)
    assert "cannot be withdrawn" in text(answer)
    answer = client.post(reverse("operations:retry", args=[message]), follow=True)
    assert "is not a dead letter" in text(answer)


def test_acting_needs_our_own_form(client, operator, node, settings):
    from django.test import Client  # noqa: PLC0415 - the one test that wants the check

    message = node.send()[0]
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator)
    assert strict.post(reverse("operations:cancel", args=[message])).status_code == 403
    assert OutboxMessage.objects.get().state == "waiting"


def test_the_waiting_page(page, node):
    node.send(2)
    sealing.seal_batch("gd")
    node.send()
    node.receive()
    shown = fetch(page, "waiting")
    assert "It may or may not have arrived" in shown
    assert "1 message waits." in shown
    assert "Nothing waits to be handled." not in shown


def test_the_ledger_page(page, node):
    for _ in range(3):
        node.deliver()
        node.witnessed()
    log = WitnessedLog.objects.create(origin="gd.kouan/ledger", size=5, note="a note", at=timezone.now())
    Equivocation.objects.create(
        log=log, finding="same-size", size=5, kept_note="kept", offered_note="<offered>", at=timezone.now()
    )
    shown = fetch(page, "ledger")
    for words in ("hk.kouan/ledger", "gd.kouan/witness", "a note", "different roots", "&lt;offered&gt;"):
        assert words in shown
    assert "Not yet" not in shown
    assert fetch(page, "ledger", before="4")
    assert fetch(page, "ledger", before="9" * 5000)


def test_many_checkpoints_are_paged_without_a_query_each(page, node, django_assert_max_num_queries):
    from kouan.core.ledger.models import SignedCheckpoint  # noqa: PLC0415 - made by hand here alone

    now = timezone.now()
    SignedCheckpoint.objects.bulk_create(
        SignedCheckpoint(size=size, root=bytes(32), note="n", published_at=now) for size in range(1, 3001)
    )
    fetch(page, "crossings")  # the session's first page also begins its record
    with django_assert_max_num_queries(21):
        shown = fetch(page, "ledger")
    assert "?before=2976" in shown
    assert "?before=2951" in fetch(page, "ledger", before="2976")


def test_a_batch_of_notices_alone_breaks_no_page(page, node):
    node.receive()
    handling.handle_waiting()
    InboxMessage.objects.update(finished_at=timezone.now() - timedelta(minutes=1))  # notices wait for company
    node.peer.answer(sealing.seal_batch("gd"), [])
    node.receive(0, notices=[wire.Notice(new_id(), None, 0)])
    for name in PAGES:
        assert fetch(page, name)


def test_the_catalogue_names_what_a_message_holds(client, node):
    shown = text(client.get(reverse("operations:catalogue")))
    for words in (
        "Note for trying out",
        "trial.note",
        "dpv:ServiceProvision",
        "Arrangement on trying things out",
        "text, at most 40 characters",
        "bytes, exactly 4 bytes",
        "one of “memo”, “question”",
        "2 hours",
        "512 bytes",
        "Not needed",
    ):
        assert words in shown


def test_agreements_in_three_scripts(client, node):
    shown = text(client.get(reverse("operations:agreements")))
    for words in (
        "Either side may send notes",
        "任何一方均可向另一方發送便箋。",
        "任何一方均可向另一方发送便笺。",
        "In force",
        "1 January 2020",
    ):
        assert words in shown


def test_the_portal_offers_the_pages(client, operator, node):
    shown = text(client.get(reverse("web:home")))
    assert reverse("operations:catalogue") in shown
    assert reverse("operations:overview") not in shown
    client.force_login(operator)
    assert reverse("operations:overview") in text(client.get(reverse("web:home")))
