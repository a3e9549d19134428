"""An institution's system in Python, against the node: consents, records, and what is not let cross."""

from __future__ import annotations

import runpy
import sys
import uuid
from pathlib import Path

import pytest

from apps.dataflow.made import OTHER, PURPOSE, VALUES
from apps.dataflow.test_consents import theirs  # noqa: F401 - a fixture
from apps.dataflow.test_notices import duty  # noqa: F401 - a fixture
from apps.dataflow.test_records import come, kept  # noqa: F401 - fixtures
from kouan.apps.dataflow import access, consents, contracts
from kouan.apps.dataflow.models import ConsentRequest, Record, Use
from kouan.client import NodeError
from kouan.institution import DataFlow
from served import served

EXAMPLE = Path(__file__).parents[3] / "examples/institution_system.py"


@pytest.fixture
def token(node):
    return access.issue(institution="harbour-bank", name="core banking")


def test_a_customer_is_asked_and_a_record_is_sent_once(signed, token, chan):
    contract = signed()

    def system(url):
        with DataFlow(url, token) as node:
            asked = node.ask(
                contract=contract.contract, customer="4711", document_number="A123456(3)",
                elements=sorted(VALUES), purposes=[PURPOSE],
            )  # fmt: skip
            while node.request(asked["id"])["state"] == "open":
                pass
            consent = node.request(asked["id"])["consent"]["id"]
            sent = node.send(consent=consent, purpose=PURPOSE, values=VALUES, key="one")
            again = node.send(consent=consent, purpose=PURPOSE, values=VALUES, key="one")
            with pytest.raises(NodeError) as refused:
                node.send(consent=consent, purpose=OTHER, values=VALUES)
            return sent, again, node.record(sent["id"]), refused.value

    def person_agrees():
        for row in ConsentRequest.objects.filter(answered_at=None):
            consents.give(
                key=row.key, person=chan, ticked=row.elements, language="en",
                terms=contracts.terms_of(contract),
            )  # fmt: skip

    sent, again, record, refused = served(system, between=person_agrees)
    assert sent["id"] == again["id"] == record["id"]
    assert Record.objects.count() == 1
    assert record["state"] == "waiting"
    assert (refused.status, refused.code) == (403, "other-purpose")
    assert refused.problem["params"]["clause"] == "contract scope purposes"


def test_what_has_come_is_listed_and_read(kept, token):  # noqa: F811 - the fixture
    record = kept()

    def system(url):
        with DataFlow(url, token) as node:
            (listed,) = node.records()
            assert node.records(after=listed["position"]) == []
            said = node.read(listed["id"], reader="Lending", purpose=PURPOSE)
            with pytest.raises(NodeError) as unknown:
                node.record(uuid.uuid4())
            return listed, said, unknown.value.status

    listed, said, status = served(system)
    assert listed["id"] == str(record.message_id)
    assert (said, status) == (VALUES, 404)
    assert Use.objects.get().reader == "Lending"


def test_a_notice_is_given_where_no_consent_is_asked_for(duty, signed, token):  # noqa: F811 - the fixture
    on_law, on_consent = duty(), signed(contract=str(uuid.uuid4()), purposes=[OTHER])

    def system(url):
        with DataFlow(url, token) as node:
            about = {"document_number": "A123456(3)", "elements": sorted(VALUES)}
            given = node.inform(contract=on_law.contract, purposes=[PURPOSE], **about)
            with pytest.raises(NodeError) as refused:
                node.inform(contract=on_consent.contract, purposes=[OTHER], **about)
            return given, node.send(consent=given["id"], purpose=PURPOSE, values=VALUES), refused.value

    given, sent, refused = served(system)
    assert sent["consent"] == given["id"]
    assert (refused.status, refused.code) == (409, "consent-needed")


@pytest.fixture
def run(token, monkeypatch, capsys):
    """Run the example, and return its exit status and what it printed."""

    def run(*arguments):
        def system(url):
            monkeypatch.setenv("KOUAN_URL", url)
            monkeypatch.setenv("KOUAN_TOKEN", token)
            monkeypatch.setattr(sys, "argv", ["institution_system.py", *arguments])
            with pytest.raises(SystemExit) as ended:
                runpy.run_path(str(EXAMPLE), run_name="__main__")
            return ended.value.code

        return served(system), capsys.readouterr().out

    return run


def test_the_example_sends_and_reads(signed, given, kept, run):  # noqa: F811 - as above
    kept()
    consent = given(signed())
    status, out = run("send", str(consent.key), "AA")
    assert status == 0
    assert "is waiting" in out
    status, out = run("read")
    assert (status, out.strip()) == (0, f"about {'g' * 8}…: AA")
    consents.withdraw(key=consent.key, person=consent.person)
    status, out = run("send", str(consent.key), "AA")
    assert status == 1
    assert "consent-withdrawn" in out
