"""Hong Kong's node in this process, with records of its departments; Guangdong is played by the test."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from importlib import resources

import pytest
from django.utils import timezone

from apps.evidence.guangdong import Guangdong
from core.exchange.peer import Peer
from kouan.apps.evidence import announcing, keys, kinds, records
from kouan.apps.evidence.domain import ZONE
from kouan.core.credentials import Holder, broker
from kouan.core.exchange import outbox, pressure
from kouan.core.exchange.entrance.allowance import allowances
from kouan.core.policy import policy_of
from kouan.core.trust import queries
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore

NUMBER = "A123456(3)"
IDENTITY = {
    "name": "CHAN Siu Ming",
    "name_zh": "陳小明",
    "birthdate": "1985-02-28",
    "sex": "Male",
    "document_type": "Hong Kong identity card",
}


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("evidence")
    return {side: KeyStore.create(home / side, side, hosts=("127.0.0.1",)) for side in ("hk", "gd")}


@pytest.fixture
def node(db, settings, stores, tmp_path):
    """This process as the node of Hong Kong, under the demonstration's agreement."""
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    source = resources.files("kouan.demo") / "agreements" / "evidence.toml"
    (agreements / "evidence.toml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
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
        keys=stores["hk"].directory,
        agreements=agreements,
        run=tmp_path / "run",
    )
    yield settings.NODE
    queries.forget_members()


@pytest.fixture
def gd(node, stores):
    (agreement,) = policy_of(node.agreements).agreements
    peer = Peer("gd", stores["gd"], queries.own().public, agreement)
    import_document(peer.document, expected_fingerprint=peer.fingerprint)
    return Guangdong(peer)


@pytest.fixture
def today(node):
    return timezone.now().astimezone(ZONE).date()


@pytest.fixture
def put(today):
    """A department's record, of an identity unless it says otherwise."""

    def make(*, by="immigration-officer", departments=None, **changes):
        values = {
            "type": "hk.identity",
            "reference": f"ROP-{uuid.uuid4().hex[:8]}",
            "document_number": NUMBER,
            "claims": IDENTITY,
            "valid_from": today - timedelta(days=300),
            "valid_until": today + timedelta(days=700),
        } | changes
        return records.put(entry=records.Entry(**values), by=by, departments=departments)

    return make


@pytest.fixture
def chan():
    """A resident of Hong Kong who signed in as surely as can be."""
    return Holder(str(uuid.uuid4()), 4, NUMBER)


@pytest.fixture
def shown(gd, put, chan):
    """A presentation of an identity to Guangdong."""

    def make(claims=("name",), *, holder=chan, matter="matter-1", record=None):
        row = record or put()
        return broker().present(holder, str(row.key), claims=claims, to="gd", matter=matter)

    return make
