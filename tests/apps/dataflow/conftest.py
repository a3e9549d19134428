"""Hong Kong's node in this process, with contracts, persons and consents; Guangdong is played by the test."""

from __future__ import annotations

import uuid
from dataclasses import replace
from importlib import resources

import pytest
from django.utils import timezone

from apps.dataflow.guangdong import Guangdong
from apps.dataflow.made import CHAN, PURPOSE, VALUES, in_force
from apps.dataflow.systems import System
from core.exchange.peer import Peer
from kouan.apps.dataflow import access, consents, contracts
from kouan.apps.dataflow.models import Contract
from kouan.apps.identity.models import Resident
from kouan.core.exchange import outbox, pressure
from kouan.core.exchange.entrance.allowance import allowances
from kouan.core.policy import policy_of
from kouan.core.trust import queries
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore

OFFICER = "CHEUNG Mei Ling, Senior Manager"


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("dataflow")
    return {
        side: KeyStore.create(home / side, side, hosts=("127.0.0.1",), suite_id=1)
        for side in ("hk", "gd", "mo")
    }


@pytest.fixture
def node(db, settings, stores, tmp_path):
    """This process as the node of Hong Kong, under the demonstration's agreement."""
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    source = resources.files("kouan.demo") / "agreements" / "data-flow.toml"
    (agreements / "data-flow.toml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    queries.forget_members()
    outbox._waiting._counts.clear()
    pressure._held.forget()
    allowances.forget()
    settings.NODE = replace(
        settings.NODE, keys=stores["hk"].directory, agreements=agreements, run=tmp_path / "run"
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
    return contracts.today()


@pytest.fixture
def terms(today):
    """The terms of a contract that is in force today; of Hong Kong's exporter, unless they say otherwise."""
    return lambda **changes: in_force(today, **changes)


@pytest.fixture
def signed(gd, terms):
    """A contract that both sides have signed."""

    def make(said=None, **changes):
        said = said or terms(**changes)
        contracts.draft(said)
        contracts.propose(digest=said.digest(), officer=OFFICER)
        gd.hear()
        answer = {
            "digest": said.digest(), "outcome": "signed", "statement": gd.statement(said.digest()),
            "reason": "",
        }  # fmt: skip
        conversation = uuid.UUID(said.contract)
        assert gd.say("dataflow.contract-answer", answer, conversation=conversation) == ("handled", "")
        return Contract.objects.get(digest=said.digest())

    return make


@pytest.fixture
def chan(node):
    """A resident of Hong Kong who signed in as surely as can be."""
    resident = Resident.objects.create(created_at=timezone.now())
    return replace(CHAN, key=str(resident.key))


@pytest.fixture
def asked():
    """An institution's request to a customer."""

    def make(contract, **changes):
        values = {
            "reference": "customer 1", "document_number": "A123456(3)", "elements": sorted(VALUES),
            "purposes": [PURPOSE],
        } | changes  # fmt: skip
        return consents.ask(contract=contract, terms=contracts.terms_of(contract), **values)

    return make


@pytest.fixture
def given(chan, asked):
    """A person's consent to all that they were asked."""

    def make(contract, *, person=chan, ticked=None, request=None):
        request = request or asked(contract)
        return consents.give(
            key=request.key, person=person, ticked=request.elements if ticked is None else ticked,
            terms=contracts.terms_of(contract), language="en",
        )  # fmt: skip

    return make


@pytest.fixture
def system(client, node):
    def make(institution="harbour-bank"):
        return System(client, access.issue(institution=institution, name="core banking"))

    return make


@pytest.fixture
def bank(system):
    return system()


@pytest.fixture
def record(signed, given):
    """A consent, and the request to send what it covers."""
    consent = given(signed())
    return {"consent": str(consent.key), "purpose": PURPOSE, "values": VALUES}
