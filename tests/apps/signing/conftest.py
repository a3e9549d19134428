"""Hong Kong's node in this process; Guangdong is played by the test."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import pytest

from apps.signing.guangdong import Guangdong
from core.exchange.peer import Peer
from kouan.apps.signing.lists import drafts, publishing, telling
from kouan.core.exchange import outbox, pressure
from kouan.core.exchange.entrance.allowance import allowances
from kouan.core.policy import policy_of
from kouan.core.trust import queries
from kouan.core.trust.own import load
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("signing")
    return {side: KeyStore.create(home / side, side, hosts=("127.0.0.1",)) for side in ("hk", "gd")}


@pytest.fixture(scope="session")
def gd_keys(stores):
    return load(stores["gd"].directory, side="gd", door_url="https://127.0.0.1:18201")


@pytest.fixture
def node(db, settings, stores, tmp_path):
    """This process as the node of Hong Kong, under the demonstration's agreement."""
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    name = "electronic-signatures.toml"
    source = resources.files("kouan.demo") / "agreements" / name
    (agreements / name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    queries.forget_members()
    outbox._waiting._counts.clear()
    pressure._held.forget()
    allowances.forget()
    telling._silent.clear()
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
def gd(node, stores, gd_keys):
    (agreement,) = policy_of(node.agreements).agreements
    peer = Peer("gd", stores["gd"], queries.own().public, agreement)
    import_document(peer.document, expected_fingerprint=peer.fingerprint)
    return Guangdong(peer, gd_keys)


@pytest.fixture
def publish(node):
    """Two officers of this side publish an edition with these entries beside those that are there."""

    def make(*given, days=90):
        drafts.begin(by="chan")
        if given:
            drafts.put(given=given, by="chan")
        draft = drafts.submit(by="chan", days=days)
        return publishing.publish(by="wong", officer="WONG Mei", version=draft.version)

    return make
