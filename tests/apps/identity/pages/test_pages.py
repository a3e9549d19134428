"""The pages of a sign-in: whose identity, what to agree to; and what other sites and browsers cannot do."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.identity.pages.conftest import CLAIMS
from kouan.apps.identity.models import ConsentReceipt, HomeSession, Interaction
from kouan.apps.identity.provider.clients import of_service
from kouan.apps.identity.provider.interactions import browser_digest
from kouan.apps.identity.views.pages import REMEMBERED

pytestmark = pytest.mark.django_db


class _Asked:
    """A request as far as ``browser_digest`` looks at it."""

    def __init__(self, session):
        self.session = session


@pytest.fixture
def ours(client):
    """The digest that ties interactions to the test's browser."""
    session = client.session
    digest = browser_digest(_Asked(session))
    session.save()
    client.cookies["kouan_hk_session"] = session.session_key
    return digest


@pytest.fixture
def asked(interaction, guangdong, ours):
    return interaction(browser=ours)


@pytest.fixture
def choosing(interaction, library, guangdong, ours):
    return interaction(
        browser=ours,
        client="library",
        service=of_service(library).service,
        claims=("name",),
        stage="choose",
        side="",
    )


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


# Whose identity


def test_the_sides_that_the_service_takes_are_offered(client, choosing):
    page = client.get(f"/identity/sign-in/{choosing.key}/side")
    assert "no-store" in page["Cache-Control"]
    text = text_of(page)
    for words in ("Library card", "Hong Kong", "Guangdong", "2 – Low", 'value="hk"', 'value="gd"'):
        assert words in text
    assert 'value="mo"' not in text


def test_the_choice_is_taken_once_and_remembered(client, choosing):
    address = f"/identity/sign-in/{choosing.key}/side"
    page = client.post(address, {"side": "gd"})
    assert f'url=/identity/sign-in/{choosing.key}/peer"' in text_of(page)
    choosing.refresh_from_db()
    assert (choosing.stage, choosing.side) == ("peer", "gd")
    assert client.cookies[REMEMBERED].value == "gd"
    assert client.cookies[REMEMBERED]["httponly"]
    assert client.post(address, {"side": "hk"}).status_code == 409
    assert client.get(address)["Location"] == f"/identity/sign-in/{choosing.key}/peer"


def test_the_side_of_last_time_stands_first(client, choosing):
    client.cookies[REMEMBERED] = "gd"
    text = text_of(client.get(f"/identity/sign-in/{choosing.key}/side"))
    assert text.index('value="gd"') < text.index('value="hk"')
    assert "You used this last time" in text


@pytest.mark.parametrize("side", ["mo", "", "xx", "hk gd", "<b>"])
def test_no_other_side_can_be_chosen(client, choosing, side):
    page = client.post(f"/identity/sign-in/{choosing.key}/side", {"side": side})
    assert page.status_code == 422
    assert REMEMBERED not in client.cookies
    choosing.refresh_from_db()
    assert choosing.stage == "choose"


def test_a_side_without_a_provider_cannot_be_chosen_yet(client, choosing, guangdong):
    guangdong.delete()
    text = text_of(client.get(f"/identity/sign-in/{choosing.key}/side"))
    assert re.search(r'value="gd" disabled', text)
    assert "Not available at present" in text


# Consent


def test_the_page_shows_who_asks_and_what_would_be_told(client, asked):
    page = client.get(f"/identity/sign-in/{asked.key}/consent")
    assert "no-store" in page["Cache-Control"]
    text = text_of(page)
    for words in (
        "Clinic appointments",
        "Health Commission",
        "Guangdong",
        "To book an appointment in your name.",
        "LEE Ka Yan",
        "李嘉欣",
        "12 April 1988",
        "Hong Kong identity card",
        "3 – Substantial",
    ):
        assert words in text
    assert "A123456" not in text
    assert "checked" not in text


def test_an_answer_goes_on_and_leaves_a_receipt(client, asked):
    page = client.post(
        f"/identity/sign-in/{asked.key}/consent", {"answer": "agree", "claims": ["name", "gender"]}
    )
    assert f'content="0; url=/identity/sign-in/{asked.key}/done"' in text_of(page)
    asked.refresh_from_db()
    assert (asked.stage, asked.granted) == ("done", ["name"])
    assert ConsentReceipt.objects.get().claims == ["name"]


@pytest.mark.parametrize("answer", ["refuse", "", "AGREE", None])
def test_any_other_answer_tells_nothing(client, asked, answer):
    form = {"claims": list(CLAIMS)} | ({} if answer is None else {"answer": answer})
    page = client.post(f"/identity/sign-in/{asked.key}/consent", form)
    assert f"url=/identity/sign-in/{asked.key}/stop" in text_of(page)
    assert not ConsentReceipt.objects.exists()
    gone = client.get(f"/identity/sign-in/{asked.key}/stop")
    assert gone["Location"].startswith("http://127.0.0.1:18200/identity/relay/callback?error=access_denied")
    assert not Interaction.objects.exists()


def test_a_form_of_another_site_agrees_to_nothing(asked, client):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    for path, form in (("consent", {"answer": "agree", "claims": "name"}), ("side", {"side": "gd"})):
        page = strict.post(f"/identity/sign-in/{asked.key}/{path}", form)
        assert page.status_code == 403
    asked.refresh_from_db()
    assert asked.stage == "consent"


def test_nobody_puts_the_page_into_a_frame(client, asked):
    page = client.get(f"/identity/sign-in/{asked.key}/consent")
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert "form-action 'self'" in page["Content-Security-Policy"]


def test_another_browser_sees_nothing_and_agrees_to_nothing(asked):
    other = Client()
    address = f"/identity/sign-in/{asked.key}/consent"
    for page in (other.get(address), other.post(address, {"answer": "agree", "claims": "name"})):
        assert page.status_code == 410
        assert b"LEE Ka" not in page.content
    assert not ConsentReceipt.objects.exists()


def test_a_page_that_has_grown_old_leads_to_the_next_step(client, asked):
    address = f"/identity/sign-in/{asked.key}/consent"
    form = {"answer": "agree", "claims": "name"}
    client.post(address, form)
    assert client.get(address)["Location"] == f"/identity/sign-in/{asked.key}/done"
    assert client.post(address, form).status_code == 409
    assert ConsentReceipt.objects.count() == 1


def test_who_signed_out_meanwhile_agrees_to_nothing(client, asked):
    HomeSession.objects.update(ended_at="2026-01-01T00:00:00Z")
    address = f"/identity/sign-in/{asked.key}/consent"
    assert client.get(address).status_code == 410
    assert client.post(address, {"answer": "agree", "claims": "name"}).status_code == 410
    assert not ConsentReceipt.objects.exists()


def test_a_link_is_asked_for_as_one(client, interaction, guangdong, ours):
    row = interaction(browser=ours, link="7a0b5c1e-3c3e-4f60-9d8e-1f2b3c4d5e6f", claims=("document_type",))
    text = text_of(client.get(f"/identity/sign-in/{row.key}/consent"))
    assert "Link your accounts?" in text
    assert "Agree only if you have begun this yourself" in text


def test_an_earlier_consent_is_said_and_ticked(client, interaction, guangdong, ours):
    first = interaction(browser=ours, claims=("name",))
    client.post(f"/identity/sign-in/{first.key}/consent", {"answer": "agree", "claims": "name"})
    again = interaction(browser=ours, claims=("name",))
    text = text_of(client.get(f"/identity/sign-in/{again.key}/consent"))
    assert "You agreed to all of this before" in text
    assert re.search(r'value="name"[^>]* checked', text)


def test_a_part_that_was_agreed_to_before_is_said_and_ticked(client, interaction, guangdong, ours):
    first = interaction(browser=ours)
    client.post(f"/identity/sign-in/{first.key}/consent", {"answer": "agree", "claims": "name"})
    again = interaction(browser=ours)
    text = text_of(client.get(f"/identity/sign-in/{again.key}/consent"))
    assert "You agreed to a part of this before" in text
    assert "You agreed to all of this before" not in text
    assert re.search(r'value="name"[^>]* checked', text)
    assert not re.search(r'value="birthdate"[^>]* checked', text)
