"""Hong Kong's node in this process, Guangdong played by the test, and declarations of the tests' own."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from core.exchange.authority import serving
from core.exchange.declared import Note
from core.exchange.peer import Peer
from core.exchange.third import Third
from kouan.core.exchange import Consent, Crossing, outbox, pressure, registry, witness
from kouan.core.exchange.entrance.allowance import allowances
from kouan.core.exchange.models import Batch, InboxMessage, Incident, OutboxMessage, ReceivedBatch, Stream
from kouan.core.ledger.models import Entry
from kouan.core.ledger.notes import VerifierKey
from kouan.core.policy import policy_of
from kouan.core.trust import queries
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore

AGREEMENT = (Path(__file__).parent / "agreement.toml").read_text(encoding="utf-8")
LAPSED = (
    AGREEMENT.replace('id = "tests"', 'id = "lapsed"')
    .replace("2035-12-31", "2025-12-31")
    .replace('"test.note"', '"test.lapsed"')
)


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("exchange")
    hosts = ("127.0.0.1", "localhost")
    return {
        side: KeyStore.create(home / side, side, hosts=hosts, suite_id=suite)
        for side, suite in (("hk", 1), ("gd", 1), ("mo", 2))
    }


@pytest.fixture
def node(db, settings, stores, tmp_path):
    """This process as the node of Hong Kong; nobody is imported yet."""
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    (agreements / "tests.toml").write_text(AGREEMENT, encoding="utf-8")
    (agreements / "lapsed.toml").write_text(LAPSED, encoding="utf-8")
    queries.forget_members()
    outbox._waiting._counts.clear()
    pressure._held.forget()
    allowances.forget()
    run = tmp_path / "run"
    settings.NODE = replace(settings.NODE, keys=stores["hk"].directory, agreements=agreements, run=run)
    yield settings.NODE
    queries.forget_members()


@pytest.fixture
def peer_of(node, stores):
    """Play a side, whose trust document the node has imported."""

    def play(side):
        agreement = next(each for each in policy_of(node.agreements).agreements if each.id == "tests")
        peer = Peer(
            side, stores[side], queries.own().public, agreement, door_url=f"https://{side}.example:8443"
        )
        import_document(peer.document, expected_fingerprint=peer.fingerprint)
        return peer

    return play


@pytest.fixture
def gd(peer_of):
    return peer_of("gd")


@pytest.fixture
def declare():
    """Declare crossings for one test."""
    made = []

    def add(type_="test.note", *, payload=Note, consent=Consent.NOT_NEEDED, **more):
        crossing = Crossing(
            **{
                "type": type_,
                "version": 1,
                "payload": payload,
                "title": "A note",
                "purpose": "To be tested.",
                "purpose_code": "dpv:ServiceOptimisation",
                "legal_basis": "tests",
                "fields": dict.fromkeys(payload.model_fields, "Whatever."),
                "elements": dict.fromkeys(payload.model_fields, "technical.filler"),
                "consent": consent,
                "consent_reason": "Nobody is meant.",
                "expires_after": timedelta(hours=1),
            }
            | more
        )
        made.append(crossing)
        return crossing

    yield add
    for crossing in made:
        registry.remove(crossing)


@pytest.fixture
def note(declare):
    """A declaration whose handler has an effect that can be counted."""
    crossing = declare(max_bytes=4096)

    @crossing.handler
    def _handle(received):
        Group.objects.create(name=f"{received.payload.text[:100]} {received.id}")

    return crossing


@pytest.fixture
def cosigned():
    """Publish the node's checkpoint and have a peer co-sign it."""

    def witness_of(*peers):
        witness.publish()
        for peer in peers:
            asked = witness.request_for(peer.side)
            if asked is not None:
                size, body = asked
                note = body.decode().split("\n\n", 1)[1]
                witness.take_cosignature(peer.side, size, peer.cosign(note).encode())

    return witness_of


@pytest.fixture
def third(node):
    """A witness beside the peers, on HTTP."""
    ours = queries.own().public
    made = Third(VerifierKey.for_log(ours.log_origin, ours.log_key))
    with serving(made.reply) as url:
        made.url = url
        yield made


@pytest.fixture
def state():
    """Everything that a batch could change, as one value to compare."""
    kept = (Batch, OutboxMessage, ReceivedBatch, InboxMessage, Incident, Entry)

    def look():
        return (
            [model.objects.count() for model in kept],
            list(Stream.objects.order_by("pk").values()),
            list(OutboxMessage.objects.order_by("pk").values("state", "code")),
        )

    return look


@pytest.fixture
def unchanged(state):
    """See that what is done inside leaves everything as it was."""

    @contextlib.contextmanager
    def watch():
        before = state()
        yield
        assert state() == before
        assert connection.is_usable()

    return watch
