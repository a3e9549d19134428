"""The pages about identity, with everything on them that can be there at once."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from apps.identity.pages.conftest import (  # noqa: F401 - fixtures
    CLINIC,
    guangdong,
    interaction,
    keys,
    library,
    registration,
    resident,
    session,
)
from browser.conftest import beside_the_browser
from kouan.apps.identity import consents, register
from kouan.apps.identity.models import Link, Notice, PeerProvider, SignIn
from kouan.apps.identity.provider.clients import CALLBACK, of_service
from kouan.apps.identity.provider.interactions import browser_digest
from kouan.core.exchange.models import OutboxMessage


class _Asked:
    def __init__(self, store):
        self.session = store


@pytest.fixture
def known(visit, transactional_db, session):  # noqa: F811 - the fixture
    """A visitor whose browser is the resident's, with what ties interactions to it."""

    def make(**more):
        visitor = visit(**more)
        store = SessionStore()
        store["identity_home"] = str(session.key)
        visitor.digest = browser_digest(_Asked(store))
        store.save()
        visitor.page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": store.session_key, "url": visitor.portal}]
        )
        return visitor

    return make


@pytest.fixture
def asked(known, interaction, guangdong, library):  # noqa: F811 - the fixtures
    def make(visitor, **more):
        return interaction(browser=visitor.digest, **more)

    return make


def signed_in(resident, service, client, **more):  # noqa: F811 - the fixture's value
    now = timezone.now()
    return SignIn.objects.create(
        **{
            "client": client,
            "service": service.to_json(),
            "home_side": "hk",
            "resident": resident,
            "subject": uuid.uuid4().hex,
            "level": 3,
            "authenticated_at": now,
            "claims": ["name", "birthdate"],
            "at": now,
        }
        | more
    )


@pytest.fixture
def busy(interaction, guangdong, library, resident, session):  # noqa: F811 - the fixtures
    """A resident with a past: sign-ins of every kind, consents, links and news."""
    now = timezone.now()
    row = interaction()
    first = consents.give(key=row.key, browser=bytes(row.browser), ticked=["name", "birthdate"]).receipt
    consents.withdraw(resident=resident, key=first.key)
    row = interaction()
    second = consents.give(key=row.key, browser=bytes(row.browser), ticked=["name"]).receipt
    message = OutboxMessage.objects.create(
        message_id=uuid.uuid4(),
        peer="gd",
        type="identity.sign-in",
        version=1,
        conversation=uuid.uuid4(),
        agreement="a",
        agreement_digest=b"\0" * 32,
        clause="1",
        size=0,
        body_digest=b"\0" * 32,
        created_at=now,
        expires_at=now,
        state="handled",
        ledger_index=48213,
        peer_ledger_index=51877,
    )
    signed_in(resident, of_service(library).service, "library", claims=[])
    signed_in(
        resident, CLINIC, "urn:kouan:node:gd", at=now - timedelta(days=3), message_id=message.message_id,
        receipt=second,
    )  # fmt: skip
    signed_in(
        resident, CLINIC, "urn:kouan:node:gd", at=now - timedelta(days=40), ended_at=now, receipt=first,
        ended_by="consent-withdrawn",
    )  # fmt: skip
    for state, more in (
        ("refused", {"ended_at": now}),
        ("cooling", {"cooling_until": now + timedelta(hours=70), "documents": "hkid home-return-permit"}),
    ):
        Link.objects.create(
            resident=resident, peer="gd", began_here=True, state=state, began_at=now, document=b"", **more
        )
    Notice.objects.create(
        resident=resident, at=now, kind="link-cooling",
        params={"side": "gd", "until": (now + timedelta(hours=70)).isoformat()},
    )  # fmt: skip
    Notice.objects.create(resident=resident, at=now, kind="link-asked", params={"side": "gd"}, read_at=now)
    return second


def test_a_sign_in_step_by_step(known, asked, library, language):  # noqa: F811 - the fixture
    visitor = known(language=language)
    choosing = asked(visitor, client="library", service=of_service(library).service, stage="choose", side="")
    visitor.open(f"/identity/sign-in/{choosing.key}/side")
    visitor.check("identity-side")
    row = asked(visitor)
    visitor.open(f"/identity/sign-in/{row.key}/consent")
    visitor.check("identity-consent")
    own = asked(visitor, client="library", service=of_service(library).service, claims=("name",))
    visitor.open(f"/identity/sign-in/{own.key}/consent")
    visitor.check("identity-consent-own")
    link = asked(visitor, claims=("document_type",), link=str(uuid.uuid4()))
    visitor.open(f"/identity/sign-in/{link.key}/consent")
    visitor.check("identity-consent-link")


def test_my_identity(known, busy, language):
    visitor = known(language=language)
    for path in (
        "",
        "sign-ins/",
        "consents/",
        f"consents/{busy.key}/",
        f"consents/{busy.key}/withdraw",
        "links/",
        f"links/{Link.objects.get(state='cooling').key}/end",
        f"sign-ins/{SignIn.objects.get(receipt=busy).key}/",
    ):
        visitor.open(f"/identity/{path}")
        name = path.strip("/").replace("/", "-").replace(str(busy.key), "one")
        visitor.check(f"identity-mine-{name[:24] or 'overview'}")
    visitor.page.emulate_media(media="print")
    visitor.open("/identity/sign-ins/")
    visitor.check("identity-mine-sign-ins-printed")


def test_before_signing_in(visit, transactional_db, language):
    visitor = visit(language=language)
    visitor.open("/identity/")
    visitor.check("identity-welcome")


def test_the_registrars_pages(visit, transactional_db, registration, language):  # noqa: F811 - the fixture
    register.add(registration=registration(), by=None)
    register.change(
        client_id="library", registration=registration(claims=("name",), level=3, sides=()), by=None
    )
    register.add(
        registration=registration(
            client_id="tax", claims=("document_number",), legal_reason="Cap. 112 s. 51", sides=("gd", "mo")
        ),
        by=None,
    )
    register.disable(client_id="tax", by=None)
    visitor = visit(language=language)
    visitor.sign_in("registrar")
    for path in ("", "new", "library/", "tax/", "library/change", "library/keys", "library/disable"):
        visitor.open(f"/registered-services/{path}")
        visitor.check(f"identity-services-{path.strip('/').replace('/', '-') or 'list'}")
    visitor.open("/registered-services/new")
    visitor.page.locator("main form button[type=submit]").click()
    visitor.page.wait_for_selector(".govuk-error-summary")
    visitor.check("identity-services-errors")


def test_the_operators_page(visit, transactional_db, busy, language):
    PeerProvider.objects.update(
        keys=[
            {"use": use, "jwk": {"kid": "k" * 43}, "since": 1764000000, "until": 1771776000}
            for use in ("token", "client", "receipt")
        ]
    )
    visitor = visit(language=language)
    visitor.sign_in("operator")
    visitor.open("/identity-providers/")
    visitor.check("identity-providers")


@pytest.fixture
def elsewhere():
    """Another origin that remembers what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_answer_goes_on_by_itself_without_scripts(known, asked, elsewhere):
    """A form leads to this origin alone (``form-action``); the page after it leads on."""
    origin, seen = elsewhere
    visitor = known(scripts=False)
    with beside_the_browser():
        PeerProvider.objects.filter(side="gd").update(issuer=origin)
    row = asked(visitor, redirect_uri=f"{origin}{CALLBACK}")
    page = visitor.open(f"/identity/sign-in/{row.key}/consent")
    page.get_by_label("Name", exact=True).check()
    page.get_by_role("button", name="Agree and continue").click()
    page.wait_for_url(f"{origin}{CALLBACK}**")
    assert seen[0].startswith(f"{CALLBACK}?code=")
