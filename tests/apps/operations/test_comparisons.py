"""The pages about the comparisons with the peers, and the ledger's about witnesses and time."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from compared import compared  # noqa: F401 - a fixture
from kouan.core.exchange.models import OutboxMessage, Reconciliation


def text(response):
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
def test_every_page_stands(client, page, compared, language):  # noqa: F811 - the fixture
    client.cookies["kouan_language"] = language
    assert page(reverse("operations:comparisons")).status_code == 200
    assert page(reverse("operations:ledger")).status_code == 200
    for row in compared.values():
        assert page(reverse("operations:comparison", args=[row.run])).status_code == 200


def test_the_list(page, compared):  # noqa: F811 - the fixture
    shown = text(page(reverse("operations:comparisons")))
    for words in ("Under way", "Differs", "Agrees", "Could not be compared", "4 messages", "Hong Kong 1,204"):
        assert words in shown


def test_an_empty_list(page, node):
    assert "No day has been compared yet." in text(page(reverse("operations:comparisons")))


def test_one_that_differs_names_each_message(page, compared):  # noqa: F811 - the fixture
    row = compared["differs"]
    shown = text(page(reverse("operations:comparison", args=[row.run])))
    for each in row.differences.all():
        assert str(each.message_id) in shown
    ours = OutboxMessage.objects.order_by("pk")[0].message_id
    assert reverse("operations:crossing", args=[ours]) in shown
    assert "sent, but the receiver has no record of it" in shown
    assert "Ranges with 300 numbers" in shown
    assert "811 messages, numbers 900 to 1,711" in shown


def test_one_that_agrees(page, compared):  # noqa: F811 - the fixture
    shown = text(page(reverse("operations:comparison", args=[compared["agrees"].run])))
    assert "Both sides have the same messages on record." in shown
    assert "No message on this day" in shown


def test_none_of_that_id(page, node):
    assert page(reverse("operations:comparison", args=[uuid.uuid4()])).status_code == 404


def test_beginning_one_that_no_agreement_allows_is_kept_as_failed(client, operator, node):
    client.force_login(operator)
    address = reverse("operations:comparisons")
    assert client.post(address, {"peer": "gd", "day": "2026-01-31"}).status_code == 302
    row = Reconciliation.objects.get()
    assert (row.state, row.code, row.peer, str(row.day)) == ("failed", "no-agreement", "gd", "2026-01-31")
    shown = text(client.get(address))
    assert "The comparison with Guangdong has begun." in shown


@pytest.mark.parametrize(
    "data", [{"day": ""}, {"day": "x"}, {"day": "2999-01-01"}, {"peer": "mo", "day": "2026-01-31"}]
)
def test_what_cannot_be_compared_is_said(client, operator, node, data):
    client.force_login(operator)
    assert client.post(reverse("operations:comparisons"), data).status_code == 302
    assert not Reconciliation.objects.exists()
    assert "Not done" in text(client.get(reverse("operations:comparisons")))


@pytest.mark.parametrize("method", ["get", "post"])
def test_only_an_operator(client, issuer, node, method):
    client.force_login(issuer)
    assert getattr(client, method)(reverse("operations:comparisons")).status_code == 403
    assert client.get(reverse("operations:comparison", args=[uuid.uuid4()])).status_code == 403


def test_the_ledger_page_shows_witnesses_and_stamps(page, compared):  # noqa: F811 - the fixture
    shown = text(page(reverse("operations:ledger")))
    for words in (
        "witness.example/kouan",
        "Beside the peers",
        "TimeoutError",
        "A checkpoint is final when 1 witness has co-signed it.",
        "https://time.example/stamp",
        "Example stamps",
    ):
        assert words in shown
