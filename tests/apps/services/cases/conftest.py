"""Hong Kong's node in this process, with a service and officers; Guangdong is played by the test."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from importlib import resources

import pytest
from django.contrib.auth.models import User

from apps.services.cases.made import PlayedBroker, Sent, published
from core.exchange.peer import Peer
from kouan.apps.services import receipts
from kouan.apps.services.cases import clock, receiving
from kouan.apps.services.catalogue import queries as queries_of_catalogue
from kouan.apps.services.models import Case
from kouan.config import BlobSettings
from kouan.core import credentials
from kouan.core.exchange import inbox, outbox, pressure
from kouan.core.exchange.entrance.allowance import allowances
from kouan.core.exchange.handling import handle_waiting
from kouan.core.exchange.models import InboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.policy import policy_of
from kouan.core.sides import get_side
from kouan.core.sides.calendars import CalendarYear
from kouan.core.trust import cose, queries
from kouan.core.trust.receipts import CONSENT
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore
from kouan.web.access import grant_role


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("cases")
    return {
        side: KeyStore.create(home / side, side, hosts=("127.0.0.1",), suite_id=1) for side in ("hk", "gd")
    }


@pytest.fixture(autouse=True)
def _calendar(monkeypatch):
    """Have the calendar of this year and the next, whenever that is; a year without one is tried apart."""
    known, year = get_side("hk").calendar, clock.today().year
    here = {each: CalendarYear(each, "the plain week, for tests", {}) for each in (year, year + 1)}
    monkeypatch.setattr(clock, "calendar", lambda: replace(known, by_year=here | dict(known.by_year)))


@pytest.fixture
def node(db, settings, stores, tmp_path):
    """This process as the node of Hong Kong, under the demonstration's agreements."""
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    for name in ("public-services.toml", "document-validation.toml"):
        source = resources.files("kouan.demo") / "agreements" / name
        (agreements / name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    queries.forget_members()
    outbox._waiting._counts.clear()
    pressure._held.forget()
    allowances.forget()
    queries_of_catalogue.version.cache_clear()
    settings.NODE = replace(
        settings.NODE,
        keys=stores["hk"].directory,
        agreements=agreements,
        run=tmp_path / "run",
        blobs=BlobSettings(min_free_bytes=0),
        blobs_folder=tmp_path / "blobs",
    )
    yield settings.NODE
    queries.forget_members()


@pytest.fixture
def gd(node, stores):
    agreement = next(
        each for each in policy_of(node.agreements).agreements if each.id == "demonstration-public-services"
    )
    peer = Peer("gd", stores["gd"], queries.own().public, agreement)
    import_document(peer.document, expected_fingerprint=peer.fingerprint)
    return peer


@pytest.fixture
def broker():
    before = list(credentials._kept)
    played = PlayedBroker()
    credentials.kept_by(played)
    yield played
    credentials._kept[:] = before


@pytest.fixture
def definition(gd, broker):
    return published()


@pytest.fixture
def receipt(gd):
    """Guangdong's receipt of a person's consent to an application."""

    def sign(sent, values, *, signer=None, **changes):
        content = {
            "schema_version": receipts.SCHEMA,
            "application": str(sent.key),
            "service": values["service"],
            "digest": values["digest"].hex(),
            "subject": values["subject"],
            "kinds": values["kinds"],
        } | changes
        return cose.sign1(json.dumps(content).encode(), signer or gd.signer(), content_type=CONSENT)

    return sign


@pytest.fixture
def agreed(receipt):
    """The receipt of a person's consent to what they add to their case."""

    def sign(case, kinds=(), **changes):
        values = {
            "service": case.service, "digest": bytes(case.digest), "subject": case.subject,
            "kinds": list(kinds),
        }  # fmt: skip
        return receipt(case, values, **changes)

    return sign


@pytest.fixture
def sent(definition, receipt):
    return lambda of=None, **changes: Sent(of or definition, receipt, **changes)


@pytest.fixture
def case(sent):
    """A case that has just been opened."""

    def make(of=None, **changes):
        application = sent(of, **changes)
        receiving.opened(message=application.message())
        return Case.objects.get(key=application.key)

    return make


@pytest.fixture
def officer(db):
    """A caseworker of the whole side."""

    def make(name="officer", **more):
        user = User.objects.create_user(name, **more)
        grant_role(user=user, role="caseworker")
        return user

    return make


@pytest.fixture
def told(gd):
    """What Guangdong is told, message by message: type and payload."""

    def hear():
        heard = []
        while (sealed := seal_batch("gd")) is not None:
            opened = gd.open(sealed.wire)
            heard += list(zip([header["type"] for header in opened.headers], opened.payloads, strict=True))
            take_receipt(sealed, gd.receipt(opened))
        return heard

    return hear


@pytest.fixture
def post(gd):
    """Has Guangdong post a message through the door; returns how that ended: the state and the code."""

    def say(type_, payload, *, conversation, consent, **header):
        draft = gd.say(
            payload, type_=type_, basis=[gd.agreement.id, gd.agreement.digest, "6.2"],
            conv=conversation.bytes, consent=consent, **header,
        )  # fmt: skip
        posted = gd.batch(draft)
        (status,) = gd.read_receipt(inbox.accept(posted.wire), posted)["status"]
        gd.advance(posted)
        handle_waiting()
        row = InboxMessage.objects.filter(message_id=uuid.UUID(bytes=draft.header["id"])).first()
        return ("refused", status) if row is None or status else (row.state, row.code)

    return say
