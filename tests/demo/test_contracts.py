"""The made-up contracts of a fresh demonstration: sound, named as made up, and never on a real node."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.test import Client

from apps.dataflow.conftest import gd, node, stores  # noqa: F401 - fixtures
from kouan.apps.dataflow import checks
from kouan.apps.dataflow.contracts import today
from kouan.apps.dataflow.domain import Terms
from kouan.apps.dataflow.models import Contract, Filing
from kouan.apps.dataflow.papers import paper
from kouan.demo import contracts
from kouan.node.layout import NewNode, create, environment_of
from kouan.web.access import grant_role


@pytest.mark.parametrize("kind", [contracts.SIGNED, contracts.PROPOSED, contracts.DRAFT])
def test_the_terms_could_be_in_force_and_say_that_they_are_made_up(node, kind):  # noqa: F811 - the fixture
    said = Terms.model_validate(contracts.made_up(kind, today()))
    checks.check(said, today())
    for party in (said.exporter, said.importer):
        assert "demonstration" in party.name.en
        assert "示" in party.name.zh_hant
        assert "示" in party.name.zh_hans
    assert contracts.made_up(kind, today())["contract"] == said.contract


def as_guangdong(gd, payload):  # noqa: F811 - the fixture
    answer = {
        "digest": Terms.model_validate_json(payload["terms"]).digest(), "outcome": "signed",
        "statement": gd.statement(Terms.model_validate_json(payload["terms"]).digest()), "reason": "",
    }  # fmt: skip
    number = uuid.UUID(Terms.model_validate_json(payload["terms"]).contract)
    assert gd.say("dataflow.contract-answer", answer, conversation=number) == ("handled", "")


def test_hong_kongs_part_fills_the_pages_and_done_again_changes_nothing(
    gd,  # noqa: F811 - as above
    settings,
    monkeypatch,
    tmp_path,
    django_user_model,
):
    (tmp_path / "run").mkdir(exist_ok=True)
    settings.NODE = replace(settings.NODE, demonstration=True)
    calls = []

    def other_side(seconds):
        """What Guangdong's node does meanwhile."""
        calls.append(seconds)
        assert len(calls) < 5
        ((_type, payload),) = [each for each in gd.hear() if each[0] == "dataflow.contract"]
        as_guangdong(gd, payload)

    monkeypatch.setattr(contracts.time, "sleep", other_side)
    contracts.main()
    states = {str(row.contract): row.state for row in Contract.objects.all()}
    assert sorted(states.values()) == ["draft", "signed"]
    filing = Filing.objects.get(side="hk")
    assert (filing.filed_on, filing.reference) == (today(), "DEMO-HK-0001")
    before = list(Contract.objects.order_by("pk").values())
    contracts.main()
    assert list(Contract.objects.order_by("pk").values()) == before
    browser = Client()
    user = django_user_model.objects.create_user("data")
    grant_role(user=user, role="data")
    browser.force_login(user)
    text = browser.get("/data-contracts/").content.decode()
    assert text.count("Harbour Bank (demonstration)") >= 2
    assert "Harbour Bank (demonstration)" in browser.get("/data-flows/").content.decode()
    assert b"demonstration" in paper(Contract.objects.get(state="signed"))


def test_a_real_node_refuses(tmp_path):
    create(tmp_path / "hk", NewNode(side="hk", portal="127.0.0.1:18991", door="127.0.0.1:18992"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KOUAN_")}
    done = subprocess.run(
        [sys.executable, "-m", "kouan.demo.contracts"],
        env=environment_of(tmp_path / "hk" / "node.toml", environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    assert "made-up contracts are refused" in done.stderr


def test_what_was_done_is_not_begun_again_and_a_lone_side_begins_nothing(tmp_path):
    (tmp_path / contracts.MARK).touch()
    config = SimpleNamespace(run=tmp_path)
    hk, guangdong = (SimpleNamespace(side=side, config=config) for side in ("hk", "gd"))
    assert contracts.begin([hk, guangdong]) == []
    (tmp_path / contracts.MARK).unlink()
    assert contracts.begin([hk]) == []
