"""Hong Kong's node in this process with its joint work plan; Guangdong is played by the test."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib import resources

import pytest

from apps.programme.plan.made import OFFICER, YEAR, Guangdong, drafted, plan
from core.exchange.peer import Peer
from kouan.apps.programme.models import Draft, Subject, Version
from kouan.apps.programme.plan import drafting, negotiating, reporting
from kouan.apps.programme.plan.domain import plan_number
from kouan.core.exchange import outbox, pressure
from kouan.core.exchange.entrance.allowance import allowances
from kouan.core.policy import policy_of
from kouan.core.trust import queries
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("plan")
    return {
        side: KeyStore.create(home / side, side, hosts=("127.0.0.1",), suite_id=1) for side in ("hk", "gd")
    }


@pytest.fixture
def node(db, settings, stores, tmp_path):
    """This process as the node of Hong Kong, under the demonstration's agreement."""
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    source = resources.files("kouan.demo") / "agreements" / "programme.toml"
    (agreements / "programme.toml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    queries.forget_members()
    outbox._waiting._counts.clear()
    pressure._held.forget()
    allowances.forget()
    (tmp_path / "run").mkdir()
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
def today(monkeypatch):
    """A day in the plan's year."""
    day = date(YEAR, 10, 1)
    monkeypatch.setattr(reporting, "today", lambda: day)
    return day


@pytest.fixture
def begun(gd):
    """A draft of this side, whole."""

    def make(**changes):
        draft = drafting.begin(peer="gd", year=YEAR, officer=OFFICER)
        Draft.objects.filter(pk=draft.pk).update(content=drafted(plan(**changes)))
        return Draft.objects.select_related("subject").get(pk=draft.pk)

    return make


@pytest.fixture
def proposed(begun):
    """A plan that this side has put before Guangdong."""

    def make(**changes):
        draft = begun(**changes)
        return negotiating.propose(subject=draft.subject, edition=draft.edition, officer=OFFICER)

    return make


@pytest.fixture
def signed(gd, proposed):
    """A plan that both sides have signed."""

    def make(**changes):
        row = proposed(**changes)
        gd.hear()
        assert gd.answer(bytes(row.digest), row.subject.key) == ("handled", "")
        return Version.objects.select_related("subject").get(pk=row.pk)

    return make


def subject():
    return Subject.objects.get(key=plan_number(["hk", "gd"], YEAR))


def states():
    return {(row.author, row.number): row.state for row in Version.objects.all()}
