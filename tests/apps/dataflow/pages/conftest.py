"""Hong Kong's node with a bank's contract, residents and officers; Guangdong signs with keys of its own."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from apps.dataflow.pages.ledger_there import LedgerThere
from apps.dataflow.sending import send_record
from kouan.apps.dataflow import consents, contracts, statements
from kouan.apps.dataflow.domain import Terms
from kouan.apps.dataflow.models import Contract
from kouan.apps.dataflow.payloads import ContractAnswered, ContractProposed
from kouan.apps.identity import residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.home.adapter import HomeSignIn
from kouan.core import cbor
from kouan.core.exchange import Received, calling, outbox
from kouan.core.exchange.times import milliseconds
from kouan.core.trust import cose, queries
from kouan.core.trust.own import load
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore
from kouan.web.access import grant_role
from kouan.web.persons import identities
from operations_node import Peer

NUMBER = "A123456(3)"
HARBOUR = {
    "code": "harbour-bank",
    "name": {"en": "Harbour Bank", "zh_hant": "海港銀行", "zh_hans": "海港银行"},
    "registration": "BR-12345678",
    "place": "hk",
}
PEARL = {
    "code": "pearl-bank",
    "name": {"en": "Pearl River Bank", "zh_hant": "珠江銀行", "zh_hans": "珠江银行"},
    "registration": "91440300X",
    "place": "gd:shenzhen",
}
ELEMENTS = ["person.account", "person.credit", "person.name"]
PURPOSES = ["dpv:CreditChecking", "dpv:ServiceProvision"]


def terms_with(**changes):
    today = contracts.today()
    value = {
        "schema": "kouan-contract/1",
        "contract": str(uuid.uuid4()),
        "version": 1,
        "replaces": None,
        "basis": "gba-standard-contract",
        "exporter": HARBOUR,
        "importer": PEARL,
        "purposes": PURPOSES,
        "elements": ELEMENTS,
        "persons": 2000,
        "retention_days": 180,
        "onward": [{"name": "Pearl River Credit", "place": "gd:guangzhou"}],
        "assessment": {"digest": "ab" * 32, "made_on": today.isoformat()},
        "effective": today.isoformat(),
        "expires": (today + timedelta(days=300)).isoformat(),
    }
    return Terms.model_validate(value | changes)


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("dataflow-pages")
    return {side: KeyStore.create(home / side, side, hosts=("127.0.0.1",)) for side in ("hk", "gd")}


@pytest.fixture
def node(db, settings, stores, tmp_path):
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    source = resources.files("kouan.demo") / "agreements" / "data-flow.toml"
    (agreements / "data-flow.toml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    queries.forget_members()
    outbox._waiting._counts.clear()
    settings.NODE = replace(settings.NODE, keys=stores["hk"].directory, agreements=agreements, run=tmp_path)
    yield settings.NODE
    queries.forget_members()


@pytest.fixture
def gd(node, stores):
    """Guangdong: its signatures, receipts and co-signatures are real."""
    peer = Peer(load(stores["gd"].directory, side="gd", door_url="https://127.0.0.1:18201"))
    import_document(peer.keys.document, expected_fingerprint=peer.keys.fingerprint, imported_by="tests")
    return peer


@pytest.fixture
def there(gd, monkeypatch):
    """Guangdong's ledger behind its door."""
    played = LedgerThere(gd)
    monkeypatch.setattr(calling, "connection_to", played.connection)
    calling.forget()
    yield played
    calling.forget()


@pytest.fixture
def signed_there(gd):
    """Guangdong's statement under terms."""

    def make(terms, officer="Li Na, Digital Office"):
        now = timezone.now()
        content = cbor.encode(
            {"digest": terms.digest(), "side": "gd", "officer": officer, "at": milliseconds(now)}
        )
        return cose.sign1(content, gd.keys.signer(now), content_type=statements.TYPE)

    return make


@pytest.fixture
def arrived():
    def make(payload, conversation=None):
        return Received(uuid.uuid4(), "gd", conversation or uuid.uuid4(), timezone.now(), payload)

    return make


@pytest.fixture
def proposed(signed_there, arrived):
    """A contract that Guangdong has put before us."""

    def make(**changes):
        terms = terms_with(**changes)
        said = ContractProposed(terms=terms.canonical(), statement=signed_there(terms))
        contracts.received(message=arrived(said, uuid.UUID(terms.contract)))
        return Contract.objects.get(digest=terms.digest())

    return make


@pytest.fixture
def signed(signed_there, arrived):
    """A contract that both sides have signed."""

    def make(**changes):
        terms = terms_with(**changes)
        contracts.draft(terms)
        contracts.propose(digest=terms.digest(), officer="Chan Siu Ming, Digital Office")
        said = ContractAnswered(
            digest=terms.digest(), outcome="signed", statement=signed_there(terms), reason=""
        )
        contracts.answered(message=arrived(said))
        return Contract.objects.get(digest=terms.digest())

    return make


def person_signed_in(level=Level.SUBSTANTIAL, *, subject="lee-ka-yan", number=NUMBER):
    claims = {"name": "LEE Ka Yan", "document_type": "hkid", "document_number": number}
    said = HomeSignIn(
        subject=subject, level=level, amr=("pwd",), authenticated_at=timezone.now(), claims=claims
    )
    return residents.signed_in(provider="demonstration", said=said)


def browser_of(session):
    """Return the browser of a resident."""
    client = Client()
    store = client.session
    store["identity_home"] = str(session.key)
    store.save()
    client.cookies["kouan_hk_session"] = store.session_key
    return client


@pytest.fixture
def me(node):
    return browser_of(person_signed_in())


@pytest.fixture
def asked(gd):
    """A request of the bank to one of its customers."""

    def make(contract, number=NUMBER, elements=tuple(ELEMENTS)):
        return consents.ask(
            contract=contract,
            terms=contracts.terms_of(contract),
            reference="customer 7",
            document_number=number,
            elements=elements,
            purposes=PURPOSES,
        )

    return make


class _Asking:
    """A request of a browser, as far as the identities look at one."""

    def __init__(self, session):
        self.session = {"identity_home": str(session.key)}


def the_person(session):
    return identities().person(_Asking(session))


@pytest.fixture
def given(asked):
    """A consent that the resident of ``me`` gave."""

    def make(contract, *, session=None, elements=tuple(ELEMENTS)):
        return consents.give(
            key=asked(contract, elements=elements).key,
            person=the_person(session or person_signed_in()),
            ticked=elements,
            terms=contracts.terms_of(contract),
            language="en",
        )

    return make


@pytest.fixture
def sent():
    """A record under a contract and a consent."""

    def make(contract, consent, purpose="dpv:CreditChecking", **values):
        values = values or {"person.name": "LEE Ka Yan", "person.credit": "AA"}
        return send_record(
            contract=contract, consent=consent, purpose=purpose,
            values={key.replace("__", "."): value for key, value in values.items()},
        )  # fmt: skip

    return make


@pytest.fixture
def doings(signed, proposed, given, sent, arrived):
    """All that a test may have happen, by name."""
    return SimpleNamespace(signed=signed, proposed=proposed, given=given, sent=sent, arrived=arrived)


def officer(*roles, name="chan"):
    user = User.objects.create_user(name, first_name="Siu Ming", last_name="Chan")
    for role in roles:
        grant_role(user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def chan(node):
    """The data officer's browser."""
    return officer("data")


@pytest.fixture
def auditor(node):
    return officer("auditor", name="wong")
