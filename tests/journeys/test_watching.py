"""A pair of nodes as operators watch it: alarms rise and clear, traces join, readiness tells the truth."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from journeys import inside
from journeys.conftest import Group, make_group
from journeys.nodes import Node, wait_until
from kouan.demo.nodes import free_ports, node_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAR = """
import sys
with open(sys.argv[1], "ab") as file:
    file.write(sys.stdin.buffer.read())
"""
"""A program that is told of alarms: it keeps what it hears."""
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def three_ports() -> int:
    """Return the first of three ports in a row that nobody listens on."""
    while True:
        first = free_ports(1)[0]
        if first > 65000:
            continue
        try:
            for port in range(first, first + 3):
                with socket.socket() as each:
                    each.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """Nodes that look at themselves twice a second and bear little."""
    home = tmp_path_factory.mktemp("watched")
    (home / "hear.py").write_text(HEAR)
    watch = {
        side: {
            "listen": f"127.0.0.1:{three_ports()}",
            "logs": "json",
            "traces": "run/traces",
            "traces_share": 1.0,
            "notify": [sys.executable, str(home / "hear.py"), str(home / side / "run" / "heard.jsonl")],
            "every_s": 0.5,
            "silence_s": 4.0,
            "waiting_s": 3.0,
            "unwitnessed_s": 5.0,
            "disk_free_mb": 0,
        }
        for side in ("hk", "gd")
    }
    group = make_group(home, ("hk", "gd"), watch=watch)
    try:
        group.put_in_order()
        yield group
    finally:
        group.close()


def metrics(node: Node, process: str) -> dict[str, float]:
    """Return what a process tells Prometheus: each series by its whole name."""
    first = node.made.config.watch.listen
    assert first is not None
    port = first.port + ("portal", "door", "worker").index(process)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def raised(node: Node) -> dict[tuple[str, str], Any]:
    """Return the alarms that the API tells an operator of."""
    cookie = f"kouan_{node.side}_session={node.run(inside.operator_session)}"
    answer = node.request("GET", "/api/v1/operations/alarms", headers={"Cookie": cookie})
    assert answer.status == 200, answer.body
    return {(one["alarm"], one["about"]): one for one in answer.json()["raised"]}


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def test_a_cut_link_raises_alarms_that_clear_when_it_is_mended(watched: Group) -> None:
    hk, gd = watched["hk"], watched["gd"]
    run = hk.made.config.run
    wait_until(lambda: not raised(hk), 60, "no alarm before anything is wrong")
    gd.link.cut()
    hk.run(inside.ask, "gd", 3)
    expected = {("waiting-long", "gd"), ("peer-silent", "gd"), ("unwitnessed", "gd")}
    wait_until(lambda: expected <= raised(hk).keys(), 60, "the alarms rise")
    sentence = raised(hk)["peer-silent", "gd"]["sentence"]
    assert "Guangdong" in sentence, sentence
    assert metrics(hk, "worker")['kouan_alarm{about="gd",alarm="waiting-long"}'] == 1
    assert metrics(hk, "worker")['kouan_posts_failed_total{peer="gd"}'] >= 1
    assert metrics(hk, "worker")['kouan_outbox_oldest_seconds{peer="gd"}'] > 3
    assert health(hk).returncode == 3
    assert hk.request("GET", "/readyz").status == 200, "the node itself can do its work"

    gd.link.mend()
    wait_until(lambda: not raised(hk), 60, "the alarms clear")
    figures = metrics(hk, "worker")
    assert figures['kouan_alarm{about="gd",alarm="waiting-long"}'] == 0
    assert figures['kouan_alarm{about="gd",alarm="peer-silent"}'] == 0

    def heard() -> set[tuple[str, str]]:
        return {(told["event"], told["alarm"]) for told in lines(run / "heard.jsonl")}

    wanted = {(event, kind) for event in ("raised", "cleared") for kind, _ in expected}
    wait_until(lambda: wanted <= heard(), 30, "the program is told")
    told = [line for line in lines(run / "worker.log") if line.get("code") == "peer-silent"]
    assert [line["text"].partition(":")[0] for line in told][:2] == ["alarm raised", "alarm cleared"]
    watched.prove()


def test_the_spans_of_both_nodes_join_in_one_trace(watched: Group) -> None:
    hk, gd = watched["hk"], watched["gd"]
    (key,) = hk.run(inside.ask, "gd", 1)
    wait_until(lambda: hk.run(inside.outcome, key), 60, "the answer")
    watched.wait_at_rest()
    message = hk.run(inside.sent_messages)[0]

    def spans() -> list[tuple[str, str, dict[str, Any]]]:
        found = []
        for node in (hk, gd):
            for path in (node.made.config.run / "traces").glob("*.jsonl"):
                for line in lines(path):
                    for resource in line["resourceSpans"]:
                        about = {each["key"]: each["value"] for each in resource["resource"]["attributes"]}
                        side = about["service.namespace"]["stringValue"]
                        for scope in resource["scopeSpans"]:
                            found += [(side, span["name"], span) for span in scope["spans"]]
        return [each for each in found if each[2]["traceId"] == message.hex]

    names = {
        ("hk", "send"),
        ("hk", "seal"),
        ("hk", "post"),
        ("hk", "notice"),
        ("gd", "accept"),
        ("gd", "handle"),
    }
    wait_until(lambda: names <= {(side, name) for side, name, _ in spans()}, 30, "all spans are written")
    (root,) = [span for _, name, span in spans() if name == "send"]
    assert not root.get("parentSpanId")
    assert {span["parentSpanId"] for _, name, span in spans() if name != "send"} == {root["spanId"]}
    assert all(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]) for _, _, span in spans())


def test_each_process_tells_what_it_does_and_nothing_about_a_message(watched: Group) -> None:
    hk, gd = watched["hk"], watched["gd"]
    before = metrics(hk, "worker").get('kouan_messages_sent_total{peer="gd"}', 0)
    asked = hk.run(inside.ask_at_once, "gd", 20)
    wait_until(lambda: all(hk.run(inside.outcomes, asked)), 60, "the answers")
    watched.wait_at_rest()
    worker, door = metrics(hk, "worker"), metrics(gd, "door")
    assert worker['kouan_messages_sent_total{peer="gd"}'] >= before + 20
    assert worker['kouan_send_to_receipt_seconds_count{peer="gd"}'] >= 20
    assert worker['kouan_messages_handled_total{peer="gd",result="handled"}'] >= 20
    assert worker['kouan_receipt_to_handled_seconds_count{peer="gd"}'] >= 20
    assert door['kouan_messages_received_total{peer="hk",result="accepted"}'] >= 20
    assert door['kouan_door_requests_total{route="/batch",status="200"}'] >= 1
    hk.request("GET", "/no/such/page")
    portal = metrics(hk, "portal")
    assert portal['kouan_portal_requests_total{status="404",view="other"}'] >= 1
    wait_until(lambda: metrics(hk, "worker")["kouan_ledger_entries"] > 20, 20, "the figures")
    for node in (hk, gd):
        for process in ("portal", "door", "worker"):
            told = metrics(node, process)
            # A zero that was never read would be an alarm to whoever asks how old it is.
            assert ("kouan_figures_timestamp_seconds" in told) == (process == "worker")
            assert any(name.startswith("process_resident_memory_bytes") for name in told)
            assert any(f'process="{process}"' in name for name in told if name.startswith("kouan_build"))
            assert not [name for name in told if re.search(UUID, name)]


def test_readiness_tells_when_the_worker_is_gone(watched: Group) -> None:
    hk = watched["hk"]
    assert hk.request("GET", "/healthz").json() == {"status": "ok"}
    wait_until(lambda: hk.request("GET", "/readyz").status == 200, 30, "ready")
    ready = hk.request("GET", "/readyz").json()
    assert ready["checks"] == dict.fromkeys(("database", "migrations", "keys", "worker"), "ok")
    wait_until(lambda: health(hk).returncode == 0, 60, "all well")
    workers = hk.all_of("worker")
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        wait_until(lambda: hk.request("GET", "/readyz").status == 503, 60, "not ready")
        assert hk.request("GET", "/readyz").json()["checks"]["worker"] == "failing"
        assert hk.request("GET", "/healthz").status == 200
        told = health(hk, "--json")
        assert told.returncode == 1
        assert json.loads(told.stdout)["checks"] | {"worker": True} == dict.fromkeys(
            ("database", "migrations", "keys", "worker", "portal", "door"), True
        )
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
    wait_until(lambda: hk.request("GET", "/readyz").status == 200, 30, "ready again")


def test_every_line_of_every_log_is_json_with_known_fields(watched: Group) -> None:
    hk = watched["hk"]
    answer = hk.request("GET", "/api/v1/no-such-address?id=A123456(7)")
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["kouan-request"])
    wait_until(
        lambda: any(
            line.get("request") == answer.headers["kouan-request"]
            for line in lines(hk.made.config.run / "portal.log")
        ),
        20,
        "the log knows the request by its id",
    )
    for process in ("portal", "door", "worker"):
        for line in lines(hk.made.config.run / f"{process}.log"):
            assert line["process"] == process
            assert line["side"] == "hk"
            assert "A123456" not in json.dumps(line)


def health(node: Node, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kouan.cli", "--node", str(node.made.path), "health", *options],
        env=node_environment(node.made),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
