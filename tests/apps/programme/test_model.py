"""A model proposes more: over HTTP, to a simulated provider that this test starts and that says so itself."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kouan.apps.programme.domain import Act, State
from kouan.apps.programme.models import Claim, Meeting
from kouan.apps.programme.records import deciding, importing, queries, rereading
from kouan.sections.programme import ModelSettings, ProgrammeSettings

TEXT = """\
The 21st plenary meeting of the Hong Kong/Guangdong Expert Group on Co-operation in Informatisation \
was held in Guangzhou on 17 September 2026.

Over tea the hosts unveiled a joint sandbox for harbour data. Ms Lau thanked them for it.

Some years before, the circle had gathered for the eighteenth time by the Pearl River.
"""
SANDBOX = "Over tea the hosts unveiled a joint sandbox for harbour data."
GATHERED = "Some years before, the circle had gathered for the eighteenth time by the Pearl River."
MEETING = {"group": "informatisation", "number": 21}
GOOD = {**MEETING, "field": "event", "text": "a joint sandbox for harbour data", "sentence": SANDBOX}


class Provider(ThreadingHTTPServer):
    """A simulated provider of a model: it answers with what a test gave it, and keeps what it was asked."""

    daemon_threads = True
    answer = b""
    status = 200
    waits = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = []
        self.over = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((self.path, dict(self.headers), json.loads(body)))
        if self.server.waits:
            self.server.over.wait(60)
        self.send_response(self.server.status)
        self.send_header("content-type", "application/json")
        self.send_header("server-note", "simulated provider of a test")
        self.send_header("content-length", str(len(self.server.answer)))
        self.end_headers()
        with contextlib.suppress(OSError):  # who asked has given up, as it should
            self.wfile.write(self.server.answer)

    def log_message(self, *_args):
        pass


@pytest.fixture
def provider():
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def model(settings, provider):
    """Return a way to set the model of the node: this provider, which answers with these proposals."""

    def use(*proposals, **given):
        provider.answer = json.dumps({"proposals": list(proposals)}).encode()
        port = provider.server_address[1]
        made = ModelSettings(f"http://127.0.0.1:{port}/propose", "simulated-1", **given)
        settings.NODE = replace(settings.NODE, programme=ProgrammeSettings(made))

    return use


def proposed():
    return Claim.objects.filter(by="model:simulated-1")


def test_what_a_model_proposes_counts_for_nothing_until_an_officer_confirms_it(
    read_in, model, provider, officer
):
    model(GOOD, token="a-token")  # noqa: S106 - a test's
    record = read_in("a.txt", TEXT).record
    claim = proposed().get()
    assert (claim.field, claim.state, claim.confidence) == ("event", "proposed", 50)
    assert record.text[claim.start : claim.end] == SANDBOX
    assert record.text[claim.mark_start : claim.mark_end] == GOOD["text"]
    assert queries.meetings()[0].of("event") == ()
    path, headers, asked = provider.asked[0]
    assert (path, headers["authorization"]) == ("/propose", "Bearer a-token")
    assert asked["task"] == "kouan.programme.proposals/1"
    assert asked["meetings"] == [MEETING]
    assert asked["record"] == record.text
    page = officer.get(f"/programme/records/{record.key}/").content.decode()
    assert "Proposed by a model" in page
    page = officer.get(f"/programme/records/{record.key}/values/{claim.key}").content.decode()
    assert "simulated-1 proposed this" in page
    assert "per cent sure" not in page
    assert "sandbox" not in officer.get(f"/programme/meetings/{claim.meeting.key}").content.decode()
    deciding.confirm_all(record=record.key, by="lee")
    claim.refresh_from_db()
    assert claim.state == "proposed"
    deciding.judge(claim=claim.key, act=Act.CONFIRM, seen=State.PROPOSED, by="lee")
    assert [each.said["text"] for each in queries.meetings()[0].of("event")] == [GOOD["text"]]


def test_a_meeting_that_only_a_model_tells_of_is_shown_once_it_is_confirmed(read_in, model):
    told = {"group": "informatisation", "number": 18, "sentence": GATHERED}
    model(
        {**told, "field": "held", "text": "the eighteenth time"},
        {**told, "field": "place", "text": "the Pearl River"},
    )
    read_in("a.txt", TEXT)
    assert [each.number for each in queries.meetings()] == [21]
    assert Meeting.objects.get(number=18).place == ""
    held = proposed().get(field="held")
    deciding.judge(claim=held.key, act=Act.CONFIRM, seen=State.PROPOSED, by="lee")
    assert [each.number for each in queries.meetings()] == [18, 21]


@pytest.mark.parametrize(
    "changed",
    [
        {"sentence": "The hosts unveiled a joint sandbox."},
        {"sentence": SANDBOX.replace("tea", "TEA")},
        {"sentence": ""},
        {"sentence": " "},
        {"sentence": SANDBOX + "\x00"},
        {"text": "a joint sandbox for port data"},
        {"text": ""},
        {"text": ["a joint sandbox"]},
        {"field": "verdict"},
        {"field": "date", "text": "tea", "iso": "2026-02-30"},
        {"field": "mode", "text": "tea", "mode": "telepathy"},
        {"group": "informatisation", "number": 99},
        {"group": "no-such-group"},
        {"group": None},
        {"number": True},
        {"number": 10**30},
        {"confidence": float("nan")},
        {"confidence": 7},
        {"field": "held", "group": "no-such-group", "text": "tea"},
        {"group": "\ud800"},
    ],
    ids=range(20),
)
def test_a_proposal_that_does_not_stand_in_the_record_is_dropped(read_in, model, changed):
    model(GOOD | changed)
    record = read_in("a.txt", TEXT).record
    assert not proposed().exists()
    assert {"code": "model-dropped", "count": 1} in record.warnings


def test_a_proposal_that_the_rules_have_found_is_no_second_value(read_in, model):
    sentence = TEXT.split("\n", 1)[0]
    model({**MEETING, "field": "place", "text": "Guangzhou", "sentence": sentence}, GOOD, GOOD)
    read_in("a.txt", TEXT)
    assert proposed().count() == 1
    assert Claim.objects.filter(field="place").count() == 1


def test_only_so_many_proposals_are_looked_at(read_in, model):
    model(*([{"field": "x"}] * 250), GOOD)
    record = read_in("a.txt", TEXT).record
    assert not proposed().exists()
    assert {"code": "model-dropped", "count": 251} in record.warnings


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, b"{}"),
        (302, b"{}"),
        (200, b""),
        (200, b"Sure! Here are the facts:"),
        (200, b"[]"),
        (200, b'{"proposals": {}}'),
        (200, b"[" * 100_000),
        (200, b'{"proposals": []}' + b" " * (300 << 10)),
        (200, b"\xff\xfe"),
    ],
    ids=range(9),
)
def test_a_record_is_read_without_a_model_that_gives_no_answer(read_in, model, provider, status, answer):
    model()
    provider.status, provider.answer = status, answer
    record = read_in("a.txt", TEXT).record
    assert {"code": "model-silent"} in record.warnings
    assert [each.number for each in queries.meetings()] == [21]


def test_a_slow_model_is_waited_for_so_long_and_no_longer(read_in, model, provider):
    model(GOOD, seconds=0.2)
    provider.waits = True
    began = time.monotonic()
    record = read_in("a.txt", TEXT).record
    assert time.monotonic() - began < 30
    assert {"code": "model-silent"} in record.warnings


def test_a_model_that_nobody_runs_is_no_hindrance(read_in, settings):
    made = ModelSettings("http://127.0.0.1:9/", "simulated-1")
    settings.NODE = replace(settings.NODE, programme=ProgrammeSettings(made))
    assert {"code": "model-silent"} in read_in("a.txt", TEXT).record.warnings


def test_the_chat_contract_asks_and_answers_as_others_do(read_in, model, provider):
    model(contract="chat")
    content = "```json\n" + json.dumps({"proposals": [GOOD]}) + "\n```"
    provider.answer = json.dumps(
        {"choices": [{"message": {"role": "assistant", "content": content}}]}
    ).encode()
    read_in("a.txt", TEXT)
    assert proposed().count() == 1
    _path, _headers, asked = provider.asked[0]
    assert (asked["model"], asked["stream"]) == ("simulated-1", False)
    assert [each["role"] for each in asked["messages"]] == ["system", "user"]
    for wrong in ({}, {"choices": []}, {"choices": [{"message": {"content": None}}]}, {"choices": 1}):
        provider.answer = json.dumps(wrong).encode()
        assert importing.read_text(TEXT)[1] == [{"code": "model-silent"}]


def test_reading_again_asks_again_and_leaves_what_cannot_be_asked(read_in, model, provider, settings):
    model(GOOD)
    record = read_in("a.txt", TEXT).record
    assert rereading.reread(record=record.key, by="lee").same
    provider.status = 500
    assert rereading.reread(record=record.key, by="lee").same
    settings.NODE = replace(settings.NODE, programme=ProgrammeSettings())
    assert rereading.outdated() == [record.key]
    assert rereading.reread(record=record.key, by="lee").same
    assert proposed().get().reread == ""
    model()
    provider.status = 200
    assert rereading.reread(record=record.key, by="lee").gone == 1
    assert proposed().get().reread == "gone"
