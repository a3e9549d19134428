"""Spans as they stand in the file that OpenTelemetry's collector reads."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime

import pytest

from kouan.core.exchange.ids import new_id
from kouan.core.watch import channel, traces
from kouan.core.watch.files import RollingFile


@pytest.fixture
def tracing(tmp_path):
    """Tracing of every message, and what is in the file once it has stopped."""
    traces.start("worker", "hk", tmp_path / "traces", 1.0)

    def spans():
        traces.stop()
        text = (tmp_path / "traces" / "worker.jsonl").read_text("utf-8")
        return [
            span
            for line in text.splitlines()
            for resource in json.loads(line)["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    yield spans
    traces.stop()


def test_a_message_is_one_trace_from_sending_to_notice(tracing):
    message, made = new_id(), datetime.now(UTC)
    channel.batch_sealed("gd", 1, messages=[(message, made)], size=1, began=time.time())
    channel.batch_receipted("gd", 1, accepted=1, refused=0)
    channel.batch_received(
        "gd",
        messages=[message],
        refused=0,
        repeated=0,
        ended=[(message, True)],
        size=1,
        began=time.time(),
    )
    channel.group_handled([("gd", message, made, "handled")], began=time.time())
    spans = {span["name"]: span for span in tracing()}
    assert set(spans) == {"send", "seal", "post", "accept", "handle", "notice"}
    assert {span["traceId"] for span in spans.values()} == {message.hex}
    root = spans.pop("send")
    assert root["spanId"] == message.hex[16:]
    assert {span["parentSpanId"] for span in spans.values()} == {root["spanId"]}
    assert len({span["spanId"] for span in spans.values()}) == 5
    told = {each["key"]: each["value"] for each in spans["handle"]["attributes"]}
    assert told["kouan.result"] == {"stringValue": "handled"}


def test_both_sides_choose_the_same_messages_and_the_share_is_kept(tmp_path):
    messages = [new_id() for _ in range(4000)]
    chosen = []
    for side in ("hk", "gd"):
        traces.start("worker", side, tmp_path / side, 0.25)
        chosen.append([message for message in messages if traces.is_traced(message)])
        traces.stop()
    assert chosen[0] == chosen[1]
    assert 800 < len(chosen[0]) < 1200
    traces.start("worker", "hk", tmp_path / "none", 0.0)
    assert not any(map(traces.is_traced, messages))
    traces.stop()


CLIENTS = "{'requests', 'httpx', 'urllib3'}"


def imported(program, names):
    """Return which of these packages a program of its own has imported at its end."""
    program += f"\nimport sys; print(sorted({{name.partition('.')[0] for name in sys.modules}} & {names}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_when_it_is_off_nothing_is_written_or_imported():
    assert not traces.on
    assert not traces.is_traced(uuid.uuid4())
    assert (
        imported("import kouan.core.watch.channel", "{'opentelemetry', 'requests', 'httpx', 'urllib3'}")
        == "[]"
    )


def test_tracing_brings_no_second_http_client(tmp_path):
    program = "import pathlib; from kouan.core.watch import traces; "
    program += f"traces.start('worker', 'hk', pathlib.Path({str(tmp_path)!r}), 1.0); traces.stop()"
    assert imported(program, CLIENTS) == "[]"


def test_a_node_without_the_library_says_how_to_get_it(tmp_path):
    program = (
        "import sys, pathlib; sys.modules['opentelemetry'] = None; from kouan.core.watch import traces\n"
        f"try: traces.start('worker', 'hk', pathlib.Path({str(tmp_path)!r}), 1.0)\n"
        "except traces.TracingNotInstalled as error: print(error)\n"
        "try: traces.check_installed()\n"
        "except traces.TracingNotInstalled as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.count("docs/operate.md") == 2
    traces.check_installed()


def test_a_file_is_set_aside_when_it_is_full_and_few_are_kept(tmp_path):
    path = tmp_path / "lines.jsonl"
    file = RollingFile(path, most=100, kept=2)
    for number in range(50):
        file.write(f"line {number:020}\n")
    file.close()
    file.close()
    names = sorted(each.name for each in tmp_path.iterdir())
    assert names == ["lines.jsonl", "lines.jsonl.1", "lines.jsonl.2"]
    assert all(each.stat().st_size <= 100 for each in tmp_path.iterdir())
    assert path.read_text().splitlines()[-1] == f"line {49:020}"
    assert path.stat().st_mode & 0o077 == 0
    again = RollingFile(path, most=100, kept=2)
    again.write("after a restart\n")
    again.close()
    assert path.read_text().splitlines()[-1] == "after a restart"
