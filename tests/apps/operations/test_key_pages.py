"""What the operator reads about keys."""

from __future__ import annotations

from django.urls import reverse

from operations_keys import eventful  # noqa: F401 - a fixture


def text(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_keys_and_who_knows_them(page, eventful):  # noqa: F811 - the fixture
    shown = text(page(reverse("operations:keys")))
    for words in (
        "Uses it, and has signed so",
        "Comes next",
        "Compromised",
        "A laptop was lost",
        "A disk was sold",
        "kouan trust confirm gd",
        "cdcdcdcd",
    ):
        assert words in shown, words
    assert reverse("operations:compromised", args=[eventful]) in shown


def test_what_a_stolen_key_signed(page, eventful):  # noqa: F811 - as above
    shown = text(page(reverse("operations:compromised", args=[eventful])))
    assert "Batch sent" in shown
    assert "A laptop was lost" in shown
    nothing = text(page(reverse("operations:compromised", args=["ef" * 16])))
    assert "holds nothing" in nothing


def test_a_key_that_nobody_reported_has_no_page(page, eventful):  # noqa: F811 - as above
    assert page(reverse("operations:compromised", args=["00" * 16])).status_code == 404


def test_only_an_operator_reads_about_keys(client, issuer, eventful):  # noqa: F811 - as above
    address = reverse("operations:compromised", args=[eventful])
    assert client.get(address).status_code == 302
    client.force_login(issuer)
    assert client.get(address).status_code == 403
