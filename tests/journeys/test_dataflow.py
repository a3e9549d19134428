"""Data under a contract between two real nodes, both ways: agreed, read, withdrawn, cut off and killed."""

from __future__ import annotations

import http.client
import json
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from journeys import flowing, inside
from journeys.flowing import PURPOSE, VALUES
from journeys.nodes import say, wait_until
from kouan.core.exchange.verify import verify_bundle

if TYPE_CHECKING:
    from journeys.conftest import Group
    from journeys.nodes import Answer, Node
    from kouan.web.persons import Person

WAYS = [("hk", "gd"), ("gd", "hk")]
NUMBER = {"hk": "A123456(3)", "gd": "11010519491231002X"}
API = "/api/v1/dataflow"


@dataclass
class Flow:
    """A contract between an institution of one side and one of the other, and persons of the first."""

    exporter: Node
    importer: Node
    codes: dict[str, str] = field(init=False)
    tokens: dict[str, str] = field(init=False)
    contract: str = field(init=False)

    def __post_init__(self) -> None:
        self.codes = {node.side: f"bank-{secrets.token_hex(4)}" for node in (self.exporter, self.importer)}
        self.tokens = {
            node.side: node.run(flowing.token, self.codes[node.side])
            for node in (self.exporter, self.importer)
        }
        ends = [(node.side, self.codes[node.side]) for node in (self.exporter, self.importer)]
        self.contract = self.exporter.run(flowing.draft, *ends)
        wait_until(
            lambda: self.importer.run(flowing.state_of, self.contract) == "proposed", 20, "it is proposed"
        )
        self.importer.run(flowing.sign, self.contract)
        wait_until(lambda: self.exporter.run(flowing.state_of, self.contract) == "signed", 20, "it is signed")

    def ask(self, node: Node, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Call the API as the institution of a node."""
        named = {"Authorization": f"Bearer {self.tokens[node.side]}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return node.request(method, f"{API}{path}", data, named | headers)

    def consent(self) -> tuple[str, Person]:
        """Ask somebody, who agrees."""
        request, person = self.request()
        return self.exporter.run(flowing.agree, request, person), person

    def request(self) -> tuple[str, Person]:
        """Ask somebody."""
        number = NUMBER[self.exporter.side]
        asked = self.ask(
            self.exporter, "POST", "/consent-requests",
            {
                "contract": self.contract, "customer": "1", "document_number": number,
                "elements": sorted(VALUES), "purposes": [PURPOSE],
            },
        )  # fmt: skip
        assert asked.status == 201, asked.body
        person = self.exporter.run(flowing.new_person, number)
        return str(asked.json()["id"]), person

    def send(self, consent: str, key: str = "", **changes: Any) -> Answer:
        """Send a record."""
        body = {"consent": consent, "purpose": PURPOSE, "values": VALUES} | changes
        headers = {"Idempotency-Key": key or secrets.token_hex(8)}
        return self.ask(self.exporter, "POST", "/records", body, **headers)

    def sent(self, consent: str) -> str:
        """Send a record that is taken, and return its message."""
        answer = self.send(consent)
        assert answer.status == 202, answer.body
        return str(answer.json()["id"])

    def state(self, node: Node, message: str) -> str:
        """Return how far a record is, as one side has it."""
        answer = self.ask(node, "GET", f"/records/{message}")
        return str(answer.json().get("state", "")) if answer.status == 200 else ""


def refused(answer: Answer) -> tuple[str, str]:
    assert answer.status == 403, answer.body
    said = answer.json()
    return said["code"], said["params"]["clause"]


def agree(flow: Flow, consent: str) -> None:
    """See that both sides tell the same of each record under a consent."""
    ours, theirs = (
        {row.message: row for row in node.run(flowing.held, consent)}
        for node in (flow.exporter, flow.importer)
    )
    for message, here in ours.items():
        there = theirs.pop(message, None)
        if there is None:
            assert here.erased, f"{message}: sent, never kept there, and not known here"
            continue
        assert not here.content
        told = (here.erased, here.because, here.uses, here.digest)
        assert told == (there.erased, there.because, there.uses, there.digest), message
    assert not theirs, "records that nobody sent"


def audited(pair: Group) -> None:
    pair.prove()
    for node in pair.nodes.values():
        found = node.run(flowing.sampled)
        say(f"{node.side}: {found}")
        assert not found["wrong"]
        assert not found["problems"]
        assert not node.run(inside.facts).complaints


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_from_a_contract_to_an_erasure(pair: Group, way: tuple[str, str]) -> None:
    exporter, importer = (pair[side] for side in way)
    flow = Flow(exporter, importer)
    for node in (exporter, importer):
        node.run(flowing.file, flow.contract)
    for node in (exporter, importer):
        wait_until(
            lambda node=node: node.run(flowing.filed, flow.contract) == {"hk": "hk", "gd": "gd"}, 20,
            "both filings are known on both sides",
        )  # fmt: skip

    consent, person = flow.consent()
    more = VALUES | {"person.health": "well"}
    assert refused(flow.send(consent, values=more)) == ("scope-drift", "contract scope elements")
    assert refused(flow.send(consent, purpose="dpv:Marketing")) == (
        "other-purpose", "contract scope purposes",
    )  # fmt: skip
    message = flow.sent(consent)
    wait_until(lambda: flow.state(exporter, message) == "handled", 20, "it is handled")

    listed = flow.ask(importer, "GET", "/records").json()["records"]
    assert [row["id"] for row in listed] == [message]
    reading = {"reader": "Lending", "purpose": PURPOSE}
    read = flow.ask(importer, "POST", f"/records/{message}/read", reading)
    assert {each["element"]: each["value"] for each in read.json()["values"]} == VALUES
    wait_until(
        lambda: [row.uses for row in exporter.run(flowing.held, consent)] == [1], 20, "the reading is known"
    )

    exporter.run(flowing.withdraw, consent, person)
    assert refused(flow.send(consent)) == ("consent-withdrawn", "consent")
    wait_until(lambda: flow.state(importer, message) == "erased", 20, "it is erased")
    wait_until(lambda: flow.state(exporter, message) == "erased", 20, "its erasure is known")
    assert flow.ask(importer, "POST", f"/records/{message}/read", reading).status == 410
    agree(flow, consent)

    audited(pair)
    trusted = {node.side: node.run(inside.fingerprint) for node in pair.nodes.values()}
    for node in (exporter, importer):
        report = verify_bundle(node.run(flowing.bundle_of, message, exporter.side), trusted=trusted)
        assert report.holds, report.problems


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_withdrawn_while_the_line_is_cut(pair: Group, way: tuple[str, str]) -> None:
    """What waits does not cross any more; what was sealed before is erased as soon as it is there."""
    exporter, importer = (pair[side] for side in way)
    flow = Flow(exporter, importer)
    consent, person = flow.consent()
    pair.wait_at_rest()
    before = exporter.run(flowing.dead_letters)
    importer.link.cut()
    under_way = flow.sent(consent)
    wait_until(lambda: exporter.run(flowing.sent, under_way)[0] == "sealed", 20, "it is sealed")
    waiting = [flow.sent(consent) for _ in range(3)]
    exporter.run(flowing.withdraw, consent, person)
    assert refused(flow.send(consent)) == ("consent-withdrawn", "consent")
    for message in waiting:
        assert exporter.run(flowing.sent, message) == ("cancelled", "consent-withdrawn", False)
    wait_until(lambda: exporter.run(flowing.dead_letters) == before + 3, 20, "they are dead letters")
    importer.link.mend()
    wait_until(lambda: importer.run(flowing.withdrawn, consent), 30, "the withdrawal is there")
    pair.wait_at_rest()
    assert not any(importer.run(flowing.arrived, message) for message in waiting)
    kept = importer.run(flowing.held, consent)
    assert [(row.message, row.content, row.because) for row in kept] == [(under_way, False, "withdrawn")]
    agree(flow, consent)
    audited(pair)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_erased_because_the_person_asked_though_both_sides_are_killed(
    pair: Group, way: tuple[str, str]
) -> None:
    """Asked, killed, answered, killed: erased once on both sides, with the ledgers whole and a receipt."""
    exporter, importer = (pair[side] for side in way)
    flow = Flow(exporter, importer)
    consent, person = flow.consent()
    messages = [flow.sent(consent) for _ in range(3)]
    wait_until(lambda: len(importer.run(flowing.held, consent)) == 3, 30, "they are there")
    request = exporter.run(flowing.ask_erasure, consent, person)
    exporter.kill_everything()
    pair.put_in_order()
    wait_until(
        lambda: [each[1] for each in importer.run(flowing.erasures, consent)] == ["asked"], 30, "asked"
    )
    importer.run(flowing.answer_erasure, request)
    importer.kill_everything()
    pair.put_in_order()
    done = [(request, "erased", 3, True)]
    wait_until(lambda: exporter.run(flowing.erasures, consent) == done, 30, "the answer is there")
    wait_until(
        lambda: {row.because for row in exporter.run(flowing.held, consent)} == {"asked"},
        30,
        "all are erased",
    )
    pair.wait_at_rest()
    for node in (exporter, importer):
        assert node.run(flowing.erasures, consent) == done
        assert node.run(flowing.bodies_of, messages) == 0
        assert not any(row.content for row in node.run(flowing.held, consent))
        assert not node.run(flowing.all_proven)
    later = flow.sent(consent)  # the consent stands, and what comes after the answer is kept
    pair.wait_at_rest()
    assert [row.content for row in importer.run(flowing.held, consent) if row.message == later] == [True]
    agree(flow, consent)
    audited(pair)


@pytest.mark.timeout(300)
def test_many_at_once(pair: Group) -> None:
    """One answer, one record under one key, and nothing under a consent that is withdrawn meanwhile."""
    flow = Flow(pair["hk"], pair["gd"])
    request, person = flow.request()
    told = flow.exporter.run(flowing.agree_at_once, request, person, 4)
    assert told.count("unknown-consent-request") == 3
    (consent,) = (each for each in told if each != "unknown-consent-request")

    with ThreadPoolExecutor(8) as many:
        same = list(many.map(lambda _: flow.send(consent, "one key"), range(8)))
        assert {answer.status for answer in same} == {202}
        assert len({answer.json()["id"] for answer in same}) == 1

        sending = [many.submit(flow.send, consent) for _ in range(40)]
        for each in sending[:4]:
            each.result()
        flow.exporter.run(flowing.withdraw, consent, person)
        answers = [each.result() for each in sending]
    taken = [answer.json()["id"] for answer in answers if answer.status == 202]
    late = [refused(answer) for answer in answers if answer.status != 202]
    say(f"{len(taken)} before the withdrawal, {len(late)} after it")
    assert set(late) <= {("consent-withdrawn", "consent")}
    assert refused(flow.send(consent)) == ("consent-withdrawn", "consent")
    pair.wait_at_rest()
    assert not any(row.content for row in flow.importer.run(flowing.held, consent))
    assert len(flow.exporter.run(flowing.held, consent)) == len(taken) + 1
    agree(flow, consent)
    audited(pair)


class Stream:
    """Records that are sent through the portal, each under a key of its own until it is answered."""

    def __init__(self, flow: Flow, consents: list[str], count: int) -> None:
        self._flow, self._consents, self._count = flow, consents, count
        self.sent: dict[str, list[str]] = {consent: [] for consent in consents}
        self.again = 0
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def finish(self) -> None:
        self._thread.join(120)
        assert not self._thread.is_alive(), "the stream of records is stuck"
        if self.fault is not None:
            raise self.fault

    def _run(self) -> None:
        try:
            for number in range(self._count):
                consent = self._consents[number % len(self._consents)]
                self.sent[consent].append(self._until_answered(consent, f"key {number}"))
                time.sleep(0.05)
        except BaseException as error:  # noqa: BLE001 - raised again by `finish`, in the test's own thread
            self.fault = error

    def _until_answered(self, consent: str, key: str) -> str:
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline:
            try:
                answer = self._flow.send(consent, key)
            except (OSError, http.client.HTTPException):
                self.again += 1
                time.sleep(0.2)
                continue
            if answer.status == 202:
                return str(answer.json()["id"])
            assert answer.status >= 500, answer.body
            self.again += 1
            time.sleep(0.2)
        raise AssertionError("never answered")


@pytest.mark.timeout(600)
def test_both_sides_killed_in_the_middle_of_it(pair: Group) -> None:
    flows = [Flow(pair[here], pair[there]) for here, there in WAYS]
    given = [[flow.consent() for _ in range(3)] for flow in flows]
    streams = [
        Stream(flow, [consent for consent, _person in each], 60)
        for flow, each in zip(flows, given, strict=True)
    ]
    for _ in range(2):
        time.sleep(1.0)
        say("kill -9 of all processes of both sides")
        for side in ("hk", "gd"):
            pair[side].kill_everything()
        pair.put_in_order()
    for stream in streams:
        stream.finish()
        say(f"{stream.again} tries had no answer")
    pair.wait_at_rest()
    for flow, each, stream in zip(flows, given, streams, strict=True):
        (consent, person), *others = each
        flow.exporter.run(flowing.withdraw, consent, person)
        pair.wait_at_rest()
        for key, messages in stream.sent.items():
            assert len(set(messages)) == 20
            theirs = flow.importer.run(flowing.held, key)
            assert sorted(row.message for row in theirs) == sorted(messages), "lost, doubled or invented"
            assert {row.content for row in theirs} == {key != consent}
            agree(flow, key)
        assert others
    audited(pair)
