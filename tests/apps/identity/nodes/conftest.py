"""Hong Kong's node in this process, with a service and residents; Guangdong's node is played by the test."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import timedelta
from importlib import resources

import pytest
from django.utils import timezone

from apps.identity.nodes.guangdong import Guangdong
from kouan.apps.identity import residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.home.adapter import HomeSignIn
from kouan.apps.identity.models import ConsentReceipt, Interaction, Service, SignIn
from kouan.apps.identity.provider.clients import ServiceFacts, of_service
from kouan.apps.identity.provider.requests import Request
from kouan.core.exchange import Received, calling, outbox
from kouan.core.text import Localised
from kouan.core.trust import queries
from kouan.core.trust.own import load
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore
from kouan.sections import IdentitySettings

BROWSER = hashlib.sha256(b"a browser").digest()
ANOTHER = hashlib.sha256(b"another browser").digest()
NAME = Localised("Library card", "圖書證", "图书证")
CLINIC = ServiceFacts("clinic", "gd", Localised("Clinic", "診所", "诊所"), NAME, "Health")


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("sides")
    return {
        side: KeyStore.create(home / side, side, hosts=("127.0.0.1",), suite_id=1)
        for side in ("hk", "gd", "mo")
    }


@pytest.fixture
def node(db, settings, stores, tmp_path):
    """This process as the node of Hong Kong, with an agreement with Guangdong and Macao."""
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    source = resources.files("kouan.demo") / "agreements" / "identity-authentication.toml"
    (agreements / "identity.toml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    queries.forget_members()
    outbox._waiting._counts.clear()
    settings.NODE = replace(
        settings.NODE,
        keys=stores["hk"].directory,
        agreements=agreements,
        run=tmp_path,
        identity=IdentitySettings(cooling_off_s=3600),
    )
    for side in ("gd", "mo"):
        known = load(stores[side].directory, side=side, door_url=f"https://{side}.example:8443")
        import_document(known.document, expected_fingerprint=known.fingerprint)
    yield settings.NODE
    queries.forget_members()


@pytest.fixture
def gd(node, monkeypatch):
    """Guangdong's provider behind its door, announced to us."""
    played = Guangdong(hk_issuer=node.portal_origin)
    monkeypatch.setattr(calling, "connection_to", played.connection)
    calling.forget()
    played.announce()
    return played


@pytest.fixture
def library(node):
    """A service of ours that takes residents of Guangdong."""
    names = {
        f"{word}_{script}": "Library"
        for word in ("name", "purpose")
        for script in ("en", "zh_hant", "zh_hans")
    }
    return Service.objects.create(
        client_id="library",
        department="Leisure",
        redirect_uris=["https://library.example/back"],
        backchannel_logout_uri="https://library.example/ended",
        claims=["name", "birthdate", "document_number"],
        level=2,
        sides=["gd"],
        created_at=timezone.now(),
        **names,
    )


@pytest.fixture
def interaction(library):
    """Begin a sign-in at our library by somebody of Guangdong."""

    def make(**changes):
        request = Request(
            **{
                "client_id": "library",
                "redirect_uri": "https://library.example/back",
                "scopes": ("openid",),
                "claims": ("name", "birthdate"),
                "level": Level.SUBSTANTIAL,
                "service": of_service(library).service,
                "code_challenge": "c" * 43,
            }
            | changes
        )
        now = timezone.now()
        return Interaction.objects.create(
            browser=BROWSER,
            client="library",
            params=request.to_json(),
            stage="peer",
            side="gd",
            began_at=now,
            expires_at=now + timedelta(minutes=15),
        )

    return make


@pytest.fixture
def session(node):
    """Sign a resident of Hong Kong in at home."""

    def make(subject="chan", **changes):
        claims = {
            "name": "CHAN", "birthdate": "1985-02-28", "document_type": "hkid", "document_number": "A1234563",
        }  # fmt: skip
        said = {
            "subject": subject, "level": Level.SUBSTANTIAL, "amr": ("pwd",),
            "authenticated_at": timezone.now(), "claims": claims,
        } | changes  # fmt: skip
        return residents.signed_in(provider="demonstration", said=HomeSignIn(**said))

    return make


@pytest.fixture
def arrived():
    """A message from another side, as its handler sees it."""

    def make(payload, *, sender="gd", conversation=None):
        return Received(
            id=uuid.uuid4(),
            sender=sender,
            conversation=conversation or uuid.uuid4(),
            sent_at=timezone.now(),
            payload=payload,
        )

    return make


@pytest.fixture
def told_to_clinic(session):
    """A resident of ours who is signed in to a service in Guangdong, with a consent."""

    def make():
        held = session()
        now = timezone.now()
        receipt = ConsentReceipt.objects.create(
            resident=held.resident, peer="gd", service_id="clinic", service=CLINIC.to_json(), claims=["name"],
            given_at=now, expires_at=now + timedelta(days=1), jws="a.b.c",
        )  # fmt: skip
        return SignIn.objects.create(
            client="urn:kouan:node:gd", service=CLINIC.to_json(), home_side="hk", resident=held.resident,
            home_session=held, subject="s" * 43, level=3, authenticated_at=now, claims=["name"],
            receipt=receipt, at=now,
        )  # fmt: skip

    return make


@pytest.fixture
def at_library(library):
    """Somebody of Guangdong who is signed in to our library."""

    def make(sid=None, **changes):
        now = timezone.now()
        values = {
            "client": "library", "service": of_service(library).service.to_json(), "home_side": "gd",
            "peer_sid": str(sid or uuid.uuid4()), "subject": "l" * 43, "level": 3, "authenticated_at": now,
            "claims": ["name"], "at": now,
        }  # fmt: skip
        return SignIn.objects.create(**values | changes)

    return make
