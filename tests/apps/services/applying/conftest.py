"""Hong Kong's node with residents who apply; Guangdong, played by the test, publishes and works on cases."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from apps.services.applying.made import definition
from core.exchange.peer import Peer
from kouan.apps.evidence import announcing, keys, kinds, records
from kouan.apps.identity import residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.home.adapter import HomeSignIn
from kouan.apps.identity.models import PeerProvider
from kouan.apps.services.applying import drafts, sending
from kouan.apps.services.crossings import CASE_GRANTED, CASE_MOVED, SERVICE_PUBLISHED
from kouan.apps.services.payloads import CaseGranted, CaseMoved, ServicePublished
from kouan.config import BlobSettings
from kouan.core.credentials import broker
from kouan.core.exchange import Received, outbox, pressure
from kouan.core.exchange.blobs import folder, stream
from kouan.core.exchange.blobs.models import ReceivedBlob
from kouan.core.exchange.blobs.reference import Blob
from kouan.core.exchange.entrance.allowance import allowances
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.policy import policy_of
from kouan.core.sides import get_side
from kouan.core.trust import queries
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore
from kouan.web.persons import identities

NUMBER = "A123456(3)"
OTHER = "B765432(A)"
PORTAL = "https://gd.example"
"""Where people reach Guangdong's node, as it announced."""


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("applying")
    return {
        side: KeyStore.create(home / side, side, hosts=("127.0.0.1",), suite_id=1) for side in ("hk", "gd")
    }


@pytest.fixture
def node(db, settings, stores, tmp_path):
    """This process as the node of Hong Kong, under the demonstration's agreements."""
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    for name in ("evidence.toml", "public-services.toml"):
        source = resources.files("kouan.demo") / "agreements" / name
        (agreements / name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    queries.forget_members()
    outbox._waiting._counts.clear()
    pressure._held.forget()
    allowances.forget()
    keys._opened.clear()
    kinds._catalogue.cache_clear()
    announcing._silent.clear()
    settings.NODE = replace(
        settings.NODE,
        home=tmp_path,
        demonstration=True,
        keys=stores["hk"].directory,
        agreements=agreements,
        run=tmp_path / "run",
        blobs=BlobSettings(min_free_bytes=0),
        blobs_folder=tmp_path / "blobs",
    )
    settings.MAIL_IS_SENT = True
    yield settings.NODE
    queries.forget_members()


class Guangdong:
    """The side that offers the service."""

    def __init__(self, peer):
        self.peer = peer
        self.seq = 0
        self.reference = "GD-2026-000123"
        """The number that it gives a case."""

    def publish(self, **changes):
        made = definition(**changes)
        said = ServicePublished(definition=made.canonical())
        SERVICE_PUBLISHED.handle(Received(uuid.uuid4(), "gd", uuid.uuid4(), timezone.now(), said))
        return made

    def hear(self, *, of="services."):
        """Take all that waits for us, receipt it and return each message's type and payload."""
        heard = []
        while (sealed := seal_batch("gd")) is not None:
            opened = self.peer.open(sealed.wire)
            heard += zip((each["type"] for each in opened.headers), opened.payloads, strict=True)
            take_receipt(sealed, self.peer.receipt(opened))
        return [each for each in heard if each[0].startswith(of)]

    def move(self, row, kind, state, *, seq=None, sender="gd", **more):
        self.seq = seq or self.seq + 1
        said = CaseMoved(
            **{
                "application": row.key.bytes, "seq": self.seq, "kind": kind, "state": state,
                "reference": self.reference, "by": "transport", "words": "", "ask": [], "due_on": "",
                "pay_at": "", "at": int(timezone.now().timestamp()),
            } | more
        )  # fmt: skip
        CASE_MOVED.handle(Received(uuid.uuid4(), sender, row.key, timezone.now(), said))
        row.refresh_from_db()

    def grant(self, row, content, *, credential="ey.ey.sig~", digest=None):
        self.seq += 1
        message, key = uuid.uuid4(), stream.new_key()
        digest = digest or hashlib.sha256(content).digest()
        blob = Blob(
            id=uuid.uuid4().bytes, sha256=digest, size=len(content), media_type="application/pdf",
            kid=bytes(16), key=bytes(80),
        )  # fmt: skip
        now = timezone.now()
        kept = ReceivedBlob.objects.create(
            peer="gd", message_id=message, blob_id=uuid.UUID(bytes=blob.id), file=uuid.uuid4(),
            type=CASE_GRANTED.type, size=len(content), sealed_size=stream.sealed_size(len(content)),
            sha256=digest, key=key, chunks=1, state="here", next_attempt_at=now, until=now, created_at=now,
        )  # fmt: skip
        with folder.create(folder.incoming(kept.file)) as target:
            target.write(stream.Chunks(key).seal(0, content, last=True))
        said = CaseGranted(
            application=row.key.bytes, seq=self.seq, reference=self.reference, by="transport",
            words="Drive carefully.", document=blob, credential=credential, at=int(now.timestamp()),
        )  # fmt: skip
        CASE_GRANTED.handle(Received(message, "gd", row.key, now, said))
        row.refresh_from_db()


@pytest.fixture
def gd(node, stores):
    agreement = next(
        each for each in policy_of(node.agreements).agreements if each.id == "demonstration-public-services"
    )
    peer = Peer("gd", stores["gd"], queries.own().public, agreement)
    import_document(peer.document, expected_fingerprint=peer.fingerprint)
    PeerProvider.objects.create(
        side="gd", issuer=PORTAL, serial=1, told_at=timezone.now(), message_id=uuid.uuid4()
    )
    return Guangdong(peer)


def session_of(subject="chan", *, number=NUMBER, level=Level.SUBSTANTIAL, name="CHAN Siu Ming"):
    claims = {"name": name, "document_type": "hkid", "document_number": number, "email": "chan@example.com"}
    said = HomeSignIn(
        subject=subject, level=level, amr=("pwd",), authenticated_at=timezone.now(), claims=claims
    )
    return residents.signed_in(provider="demonstration", said=said)


class _Asking:
    """A request of a browser, as far as the identities look at one."""

    def __init__(self, session):
        self.session = {"identity_home": str(session.key)}


def person_of(session):
    return identities().person(_Asking(session))


def browser_of(session):
    client = Client()
    store = client.session
    store["identity_home"] = str(session.key)
    store.save()
    client.cookies["kouan_hk_session"] = store.session_key
    return client


@pytest.fixture
def chan(node):
    """A resident of Hong Kong: the person, and their browser."""
    session = session_of()
    return SimpleNamespace(session=session, person=person_of(session), browser=browser_of(session))


@pytest.fixture
def lee(node):
    """Another one."""
    session = session_of("lee", number=OTHER, name="LEE Ka Yan")
    return SimpleNamespace(session=session, person=person_of(session), browser=browser_of(session))


@pytest.fixture
def held(node):
    """What the department of immigration holds of the person."""
    today = timezone.now().astimezone(get_side("hk").zone).date()
    return records.put(
        entry=records.Entry(
            type="hk.identity",
            reference="ROP-1",
            document_number=NUMBER,
            claims={
                "name": "CHAN Siu Ming",
                "name_zh": "陳小明",
                "birthdate": "1990-02-03",
                "sex": "male",
                "document_type": "hkid",
            },
            valid_from=today - timedelta(days=30),
            valid_until=today + timedelta(days=300),
        ),
        by="tests",
        departments=None,
    )


@pytest.fixture
def begun(gd, chan, held):
    """A draft of the person's for a service of Guangdong."""

    def make(**changes):
        gd.publish(**changes)
        return drafts.begin(
            person=chan.person, side="gd", service="northbound-permit", language="en",
            attributes={"name": "CHAN Siu Ming"},
        )  # fmt: skip

    return make


@pytest.fixture
def filled(begun, chan, held):
    """A draft that can be sent."""

    def make(**changes):
        row = begun(**changes)
        draft = drafts.opened(row)
        answers = {
            "about": {"name": "CHAN Siu Ming", "born": "1990-02-03"},
            "vehicle": True,
            "plate": "AB1234",
        }
        drafts.change(
            key=row.key, person=chan.person, seen=draft.seen, answers=answers,
            picks={"identity": {"offer": str(held.key), "version": "1", "claims": ["name", "birthdate"]}},
        )  # fmt: skip
        return row

    return make


@pytest.fixture
def send(chan):
    def go(row, *, person=None, agreed=True, email="", seen=None):
        row.refresh_from_db()
        person = person or chan.person
        return sending.submit(
            key=row.key, person=person, agreed=agreed, email=email,
            seen=drafts.opened(row).seen if seen is None else seen,
        )  # fmt: skip

    return go


@pytest.fixture
def sent(filled, send):
    """An application that is on its way."""

    def make(**changes):
        return send(filled(**changes), email="chan@example.com")

    return make


@pytest.fixture
def shown_at_home(held, chan):
    """A credential that this side signed: no other one can have."""
    offer = str(held.key)
    holder = drafts.holder_of(chan.person)
    return broker().present(holder, offer, claims=["name"], to="gd", matter="matter").text
