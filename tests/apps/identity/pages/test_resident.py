"""“My identity”: a resident sees their own, nobody else's, and what they do takes effect once."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from apps.identity.pages.conftest import BROWSER, CLINIC
from kouan.apps.identity import consents, keys, receipts
from kouan.apps.identity.models import ConsentReceipt, HomeSession, Link, Notice, Resident, SignIn, SigningKey
from kouan.core.exchange.models import InboxMessage, OutboxMessage, ReceivedBatch
from kouan.web.access import grant_role

pytestmark = pytest.mark.django_db

PAGES = ("sign-ins/", "consents/", "links/")


@pytest.fixture
def me(client, session):
    """The resident's own browser."""
    store = client.session
    store["identity_home"] = str(session.key)
    store.save()
    client.cookies["kouan_hk_session"] = store.session_key
    return client


@pytest.fixture
def agreed(interaction, guangdong):
    def make(*claims):
        row = interaction()
        return consents.give(key=row.key, browser=BROWSER, ticked=claims).receipt

    return make


@pytest.fixture
def signed_in(resident):
    def make(**more):
        now = timezone.now()
        return SignIn.objects.create(
            **{
                "client": "urn:kouan:node:gd",
                "service": CLINIC.to_json(),
                "home_side": "hk",
                "resident": resident,
                "subject": uuid.uuid4().hex,
                "level": 3,
                "authenticated_at": now,
                "claims": ["name"],
                "at": now,
            }
            | more
        )

    return make


@pytest.fixture
def link(resident):
    def make(**more):
        return Link.objects.create(
            **{
                "resident": resident,
                "peer": "gd",
                "began_here": True,
                "state": "cooling",
                "began_at": timezone.now(),
                "cooling_until": timezone.now() + timedelta(hours=1),
                "documents": "hkid home-return-permit",
                "document": uuid.uuid4().bytes * 2,
            }
            | more
        )

    return make


def text_of(client, path):
    page = client.get(f"/identity/{path}")
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    return re.sub(r"\s+", " ", page.content.decode())


def test_who_is_not_signed_in_is_sent_to_sign_in(client, agreed, signed_in, link):
    receipt, row, one = agreed("name"), signed_in(), link()
    assert "Sign in with your identity of Hong Kong" in client.get("/identity/").content.decode()
    for path in (
        *PAGES,
        f"consents/{receipt.key}/",
        f"consents/{receipt.key}/receipt",
        f"consents/{receipt.key}/withdraw",
        f"sign-ins/{row.key}/",
        f"links/{one.key}/end",
    ):
        page = client.get(f"/identity/{path}")
        assert page["Location"].startswith("/identity/enter?next=%2Fidentity%2F")
    client.post(f"/identity/consents/{receipt.key}/withdraw")
    client.post(f"/identity/links/{one.key}/end")
    assert ConsentReceipt.objects.get().withdrawn_at is None
    assert Link.objects.get().state == "cooling"


def test_an_officer_is_nobody_here(client, agreed):
    user = User.objects.create_user("operator")
    grant_role(user=user, role="operator")
    client.force_login(user)
    assert client.get("/identity/consents/").status_code == 302


def test_a_session_that_is_over_shows_nothing_more(me, session):
    HomeSession.objects.update(expires_at=timezone.now())
    assert me.get("/identity/sign-ins/").status_code == 302
    assert "Sign in with your identity" in me.get("/identity/").content.decode()


def test_what_is_anothers_is_not_there(me, agreed, signed_in, link):
    stranger = Resident.objects.create(created_at=timezone.now())
    receipt, row, one = agreed("name"), signed_in(), link()
    for model in (ConsentReceipt, SignIn, Link):
        model.objects.update(resident=stranger)
    for path in (
        f"consents/{receipt.key}/",
        f"consents/{receipt.key}/receipt",
        f"consents/{receipt.key}/withdraw",
        f"sign-ins/{row.key}/",
        f"links/{one.key}/end",
    ):
        assert me.get(f"/identity/{path}").status_code == 404
    assert me.post(f"/identity/consents/{receipt.key}/withdraw").status_code == 404
    assert me.post(f"/identity/links/{one.key}/end").status_code == 404
    for path in ("", *PAGES):
        assert "Clinic appointments" not in text_of(me, path)


def test_the_sign_ins_say_where_the_record_is(me, signed_in, agreed):
    now = timezone.now()
    common = {
        "peer": "gd",
        "type": "identity.sign-in",
        "version": 1,
        "agreement": "a",
        "agreement_digest": b"\0" * 32,
        "clause": "1",
        "size": 0,
        "body_digest": b"\0" * 32,
        "created_at": now,
        "expires_at": now,
    }
    for state, places in (("handled", (48213, 51877)), ("waiting", (None, None)), ("refused", (7, None))):
        sent = OutboxMessage.objects.create(
            message_id=uuid.uuid4(),
            conversation=uuid.uuid4(),
            state=state,
            ledger_index=places[0],
            peer_ledger_index=places[1],
            **common,
        )
        signed_in(message_id=sent.message_id)
    signed_in(client="library", receipt=agreed("name"), ended_at=now, ended_by="service")
    text = text_of(me, "sign-ins/")
    for words in (
        "In both ledgers: entry 48213 here, entry 51877 on the other side.",
        "On its way into both ledgers.",
        "The record did not reach the other side.",
        "Nothing crossed: the service is on this side.",
    ):
        assert words in text
    row = SignIn.objects.get(client="library")
    assert "The service ended it." in text_of(me, f"sign-ins/{row.key}/")


def test_a_sign_in_with_a_linked_account_says_where_its_record_is(me, signed_in):
    """The service is on this side, and the identity was the other side's: something did cross."""
    now = timezone.now()
    batch = ReceivedBatch.objects.create(
        peer="gd", first=1, count=1, root=b"", statement=b"", statement_digest=b"", leaves=b"", wire_bytes=0,
        receipt=b"", received_at=now,
    )  # fmt: skip
    arrived = InboxMessage.objects.create(
        peer="gd", message_id=uuid.uuid4(), type="identity.sign-in", version=1, conversation=uuid.uuid4(),
        agreement="a", clause="1", header=b"", header_digest=b"", ciphertext_digest=b"", created_at=now,
        received_at=now, batch=batch, position=0, sequence=1, ledger_index=51877,
    )  # fmt: skip
    common = {"client": "library", "home_side": "gd"}
    signed_in(**common, peer_sid="1", message_id=arrived.message_id, witnessed_at=now)
    signed_in(**common, peer_sid="2")
    signed_in(**common, peer_sid="3", message_id=arrived.message_id, ended_at=now, ended_by="record")
    text = text_of(me, "sign-ins/")
    for words in ("both ledgers: entry 51877 here", "whose record of it is not here yet", "says otherwise"):
        assert words in text
    assert "Nothing crossed" not in text


def test_many_sign_ins_come_in_pages(me, signed_in):
    for _ in range(21):
        signed_in()
    assert 'aria-label="Pages"' in text_of(me, "sign-ins/")
    assert text_of(me, "sign-ins/?page=2").count('class="kouan-event"') == 1
    assert text_of(me, "sign-ins/?page=x").count('class="kouan-event"') == 20


def test_a_receipt_is_shown_and_handed_out(me, agreed):
    receipt = agreed("name", "birthdate")
    text = text_of(me, f"consents/{receipt.key}/")
    assert keys.current(SigningKey.Use.RECEIPT).kid in text
    assert "Name, Date of birth" in text
    page = me.get(f"/identity/consents/{receipt.key}/receipt")
    assert page["Content-Disposition"] == f'attachment; filename="consent-{receipt.key}.jws"'
    said = receipts.read(page.content.decode(), keys=[SigningKey.objects.get(use="receipt").public])
    assert said.id == receipt.key


def test_a_consent_is_withdrawn_once(me, agreed, signed_in):
    receipt = agreed("name")
    row = signed_in(receipt=receipt)
    address = f"/identity/consents/{receipt.key}/withdraw"
    assert "Withdraw your consent for Clinic appointments?" in me.get(address).content.decode()
    assert ConsentReceipt.objects.get().withdrawn_at is None
    page = me.post(address, follow=True).content.decode()
    assert "is withdrawn" in page
    row.refresh_from_db()
    assert row.ended_by == "consent-withdrawn"
    ended = row.ended_at
    assert "withdrawn already" in me.post(address, follow=True).content.decode()
    row.refresh_from_db()
    assert row.ended_at == ended


def test_a_form_of_another_site_withdraws_nothing(me, agreed, link):
    receipt, one = agreed("name"), link()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = me.cookies
    for path in (f"consents/{receipt.key}/withdraw", f"links/{one.key}/end", "links/begin", "news/read"):
        assert strict.post(f"/identity/{path}").status_code == 403
    assert ConsentReceipt.objects.get().withdrawn_at is None
    assert Link.objects.get().state == "cooling"


def test_a_link_under_way_shows_how_far_it_is(me, link):
    link()
    assert re.findall("kouan-timeline__step--([a-z]+)", me.get("/identity/links/").content.decode()) == [
        "done", "done", "current", "waiting",
    ]  # fmt: skip
    Link.objects.update(state="active")
    assert "kouan-timeline" not in me.get("/identity/links/").content.decode()


def test_links_are_shown_by_state_and_stopped(me, link):
    one = link()
    link(state="active", peer="mo")
    link(state="refused", ended_at=timezone.now(), document=b"x" * 32)
    text = text_of(me, "links/")
    for words in ("Cooling-off", "Valid from", "Linked", "Not linked", "Hong Kong identity card"):
        assert words in text
    page = me.post(f"/identity/links/{one.key}/end", follow=True).content.decode()
    assert "The link has ended, on both sides." in page or "Not done" in page


def test_a_cooling_off_that_is_over_counts(me, link):
    link(cooling_until=timezone.now() - timedelta(seconds=1))
    assert "Linked" in text_of(me, "links/")


def test_a_link_begins_with_a_fresh_sign_in(me, guangdong, session):
    HomeSession.objects.update(authenticated_at=timezone.now() - timedelta(hours=1))
    page = me.post("/identity/links/begin", {"side": "gd"}).content.decode()
    assert "/identity/enter?next=%2Fidentity%2Flinks%2F" in page
    assert "fresh=1" in page
    assert not Link.objects.exists()
    for side in ("mo", "", "hk"):
        assert me.post("/identity/links/begin", {"side": side})["Location"] == "/identity/links/"


def test_a_link_that_begins_leads_to_the_other_side(me, guangdong):
    page = me.post("/identity/links/begin", {"side": "gd"}).content.decode()
    row = Link.objects.get()
    assert (row.state, row.peer) == ("begun", "gd")
    assert re.search(r'content="0; url=/identity/sign-in/[0-9a-f-]{36}"', page)


def test_news_is_read_once(me, resident):
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    Notice.objects.create(
        resident=resident, at=timezone.now(), kind="link-cooling", params={"side": "gd", "until": until}
    )
    Notice.objects.create(resident=resident, at=timezone.now(), kind="something-new")
    text = text_of(me, "")
    assert "one in Guangdong was confirmed" in text
    assert "Something about your identity has changed." in text
    assert me.post("/identity/news/read").status_code == 302
    assert not Notice.objects.filter(read_at__isnull=True).exists()
    assert "I have read it" not in text_of(me, "")


# The operator's page


def test_the_operator_sees_providers_and_numbers_and_no_person(client, guangdong, signed_in, resident):
    assert client.get("/identity-providers/").status_code == 302
    user = User.objects.create_user("operator")
    grant_role(user=user, role="operator")
    client.force_login(user)
    guangdong.keys = [{"use": "token", "jwk": {"kid": "k" * 43}, "since": 1764000000, "until": 1771776000}]
    guangdong.save()
    for _ in range(3):
        signed_in()
    signed_in(client="library", ended_at=timezone.now())
    signed_in(at=timezone.now() - timedelta(days=31))
    text = client.get("/identity-providers/").content.decode()
    for words in ("http://127.0.0.1:18200", "k" * 43, "Signs tokens"):
        assert words in text
    table = re.findall(r"<span>([^<]*)</span>", text.partition("Sign-ins in numbers")[2])
    assert table == [
        "Hong Kong", "Guangdong", "3 – Substantial", "3", "3",
        "Hong Kong", "Hong Kong", "3 – Substantial", "1", "0",
    ]  # fmt: skip
    assert str(resident.key) not in text


def entrances(page):
    return re.findall('class="kouan-account__button" href="([^"]*)"', page.content.decode())


def test_the_header_leads_residents_to_their_own_sign_in(client, me, session):
    stranger = Client()
    assert entrances(stranger.get("/identity/")) == ["/identity/enter?next=%2Fidentity%2F"]
    assert entrances(stranger.get("/identity/left")) == ["/identity/enter?next=%2Fidentity%2F"]
    assert entrances(stranger.get(f"/identity/sign-in/{uuid.uuid4()}/side")) == []
    assert entrances(stranger.get("/")) == ["/sign-in"]
    assert entrances(me.get("/identity/")) == []
    home = me.get("/")
    assert entrances(home) == []
    assert 'action="/identity/leave"' in home.content.decode()


def test_an_officer_on_a_residents_page_can_still_sign_out(client):
    client.force_login(User.objects.create_user("operator"))
    page = client.get("/identity/").content.decode()
    assert 'class="kouan-account__name"' in page
    assert 'action="/sign-out"' in page
