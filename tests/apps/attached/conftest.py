"""A side's own declaration, two systems, and Guangdong as it is known to this node."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

import kouan.demo
from core.exchange.peer import Peer
from kouan.apps.attached import crossings, limits, receiving, services
from kouan.core.exchange import Received
from kouan.core.exchange.outbox import _waiting
from kouan.core.policy import policy_of
from kouan.core.trust import document as trust_document
from kouan.core.trust import queries as trust_queries
from kouan.core.trust import services as trust_services
from kouan.core.trust.own import load as load_keys
from kouan.core.trust.store import KeyStore

DEMO = Path(kouan.demo.__file__).parent
DECLARATION = DEMO / "declarations" / "vessel-arrival-notice.toml"
TYPE = "vessel.arrival-notice"
NOTICE = {
    "imo": "9321483",
    "name": "Pearl Star",
    "port": "CNSHK",
    "expected_at": "2026-11-23T06:30:00+08:00",
    "cargo": [{"kind": "bulk", "tonnes": 4200.5}],
}


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("attached-keys")
    return {side: KeyStore.create(home / side, side, hosts=["127.0.0.1"]) for side in ("hk", "gd")}


@pytest.fixture
def node(db, settings, tmp_path, stores):
    """This process as Hong Kong's node, which knows Guangdong."""
    settings.NODE = replace(
        settings.NODE, keys=stores["hk"].directory, agreements=DEMO / "agreements", run=tmp_path / "run"
    )
    trust_queries.forget_members()
    _waiting._counts.clear()
    limits._limits.clear()
    theirs = load_keys(stores["gd"].directory, side="gd", door_url="https://127.0.0.1:18201").document
    content = trust_document.parse(theirs)
    trust_services.import_document(
        theirs, expected_fingerprint=trust_document.fingerprint(content), imported_by="test"
    )
    yield settings.NODE
    trust_queries.forget_members()


@pytest.fixture
def write(tmp_path):
    """Write the declaration, changed, and return its path."""

    def write(*changes, name="notice.toml"):
        folder = tmp_path / "declarations"
        folder.mkdir(exist_ok=True)
        text = DECLARATION.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return write


@pytest.fixture
def declare():
    """Declare a folder for one test."""
    made = []

    def declare(folder):
        made.extend(crossings.register(folder))
        return made

    yield declare
    crossings.withdraw(made)


@pytest.fixture
def declared(declare):
    (one,) = declare(DECLARATION.parent)
    return one


@pytest.fixture
def desk(node, declared):
    system, token = services.attach(
        name="vessel-desk", department="Marine", may_send=[TYPE], may_receive=[TYPE]
    )
    system.token = token
    return system


@pytest.fixture
def other(node, declared):
    system, token = services.attach(name="other-desk", department="Other", may_send=[], may_receive=[TYPE])
    system.token = token
    return system


@pytest.fixture
def api():
    """Call the API of attached systems as a system does."""

    def call(system, method, path, body=None, *, key=None, raw=None):  # noqa: PLR0913 - as a request has
        headers = {"Authorization": f"Bearer {getattr(system, 'token', system)}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return Client().generic(
            method, f"/api/v1/attached{path}", data, content_type="application/json", headers=headers
        )

    return call


@pytest.fixture
def request_body():
    def body(**changes):
        return {"type": TYPE, "version": 1, "to": "gd", "payload": NOTICE} | changes

    return body


@pytest.fixture
def gd(node, stores):
    """Guangdong's node, played by the test."""
    agreement = next(
        each for each in policy_of(node.agreements).agreements if each.id == "demonstration-vessel-arrival"
    )
    return Peer("gd", stores["gd"], trust_queries.own().public, agreement, door_url="https://127.0.0.1:18201")


@pytest.fixture
def arrive(node):
    """Have a message of Guangdong's stored, as the crossing's handler does."""

    def arrive(payload=NOTICE, *, message_id=None, conversation=None):
        one = crossings.find(TYPE, 1)
        message = Received(
            id=message_id or uuid.uuid4(),
            sender="gd",
            conversation=conversation or uuid.uuid4(),
            sent_at=timezone.now(),
            payload=one.crossing.payload.model_validate(payload),
        )
        receiving.store(message, one)
        return message.id

    return arrive
