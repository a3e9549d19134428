"""Hong Kong's node in this process; Guangdong is played by the test, under the demonstration's agreement."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from core.exchange.peer import Peer
from kouan.apps.services.catalogue import federation, keeping
from kouan.apps.services.definition.model import parse
from kouan.apps.services.definition.reading import definition_of, from_folder
from kouan.apps.services.models import ServiceVersion
from kouan.core.exchange import inbox, outbox, pressure
from kouan.core.exchange.entrance.allowance import allowances
from kouan.core.exchange.handling import handle_waiting
from kouan.core.exchange.models import InboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.policy import policy_of
from kouan.core.trust import queries
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore

STARTER = Path(str(resources.files("kouan.apps.services"))) / "data" / "starter"


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("catalogue")
    return {
        side: KeyStore.create(home / side, side, hosts=("127.0.0.1",), suite_id=1) for side in ("hk", "gd")
    }


@pytest.fixture
def node(db, settings, stores, tmp_path):
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    source = resources.files("kouan.demo") / "agreements" / "public-services.toml"
    (agreements / "public-services.toml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    queries.forget_members()
    outbox._waiting._counts.clear()
    pressure._held.forget()
    allowances.forget()
    federation.forget()
    settings.NODE = replace(
        settings.NODE, keys=stores["hk"].directory, agreements=agreements, run=tmp_path / "run"
    )
    yield settings.NODE
    queries.forget_members()
    federation.forget()


class Guangdong:
    """The other side's node: it signs, seals and posts by itself, and reads what it is sent."""

    conversation = uuid.uuid4().bytes

    def __init__(self, peer):
        self.peer = peer

    def say(self, type_, payload):
        """Have one message arrive and be handled; return its state and code."""
        return self.say_all((type_, payload))[0]

    def say_all(self, *said):
        agreement = self.peer.agreement
        drafts = [
            self.peer.say(
                payload, type_=type_, basis=[agreement.id, agreement.digest, "6.1"], conv=self.conversation
            )
            for type_, payload in said
        ]
        posted = self.peer.batch(*drafts)
        receipt = self.peer.read_receipt(inbox.accept(posted.wire), posted)
        self.peer.advance(posted)
        handle_waiting()
        rows = {row.message_id: row for row in InboxMessage.objects.all()}
        ended = []
        for draft, status in zip(drafts, receipt["status"], strict=True):
            row = rows.get(uuid.UUID(bytes=draft.header["id"]))
            ended.append(("refused", status) if row is None or status else (row.state, row.code))
        return ended

    def hear(self):
        """Take all that waits for us, receipt it and return each message's type and payload."""
        heard = []
        while (sealed := seal_batch("gd")) is not None:
            opened = self.peer.open(sealed.wire)
            heard += [
                (header["type"], payload)
                for header, payload in zip(opened.headers, opened.payloads, strict=True)
            ]
            take_receipt(sealed, self.peer.receipt(opened))
        return heard

    def publishes(self, definition):
        return self.say("services.published", {"definition": definition.canonical()})

    def lists(self, *definitions, at, part=1, parts=1):
        lines = [
            {"service": each.service, "version": each.version, "digest": each.digest()}
            for each in definitions
        ]
        return self.say("services.catalogue", {"at": at, "part": part, "parts": parts, "services": lines})


@pytest.fixture
def gd(node, stores):
    (agreement,) = policy_of(node.agreements).agreements
    peer = Peer("gd", stores["gd"], queries.own().public, agreement)
    import_document(peer.document, expected_fingerprint=peer.fingerprint)
    return Guangdong(peer)


def starter(name, **changes):
    """A service of the starter catalogue, with what a test changes of it."""
    definition = definition_of(from_folder(STARTER / name), version=changes.pop("version", 1))
    if not changes:
        return definition
    return parse(json.loads(definition.canonical()) | changes)


@pytest.fixture
def kept(db):
    """Put services into the catalogue as they are."""

    def keep(*definitions, state=ServiceVersion.State.PUBLISHED):
        from django.utils import timezone  # noqa: PLC0415 - as the fixtures of the database

        return [keeping.add(each, state=state, by="test", now=timezone.now()) for each in definitions]

    return keep


@pytest.fixture
def folder(tmp_path):
    """A copy of a starter service's folder, with texts of its files replaced."""

    def make(name, *, toml=(), form=()):
        target = tmp_path / name.replace("/", "-")
        target.mkdir(exist_ok=True)
        for file, changes in (("service.toml", toml), ("form.json", form)):
            text = (STARTER / name / file).read_text(encoding="utf-8")
            for before, after in changes:
                assert before in text, before
                text = text.replace(before, after, 1)
            (target / file).write_text(text, encoding="utf-8")
        return target

    return make
