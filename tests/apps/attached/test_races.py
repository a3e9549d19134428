"""Many at once under one key, on a database that processes share: one message."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.attached.conftest import NOTICE, TYPE
from kouan.demo.nodes import establish, free_ports, node_environment

TRY = """
import json, sys, threading
import django
django.setup()
from kouan.apps.attached import queries, sending
from kouan.core.exchange.models import OutboxMessage
system = queries.system("vessel-desk")
request = sending.parse(sys.argv[1].encode())
answers, begin = [], threading.Barrier(4)
def go():
    begin.wait()
    answers.append(sending.send_once(system=system, key="one", request=request).decode())
threads = [threading.Thread(target=go) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
print(json.dumps([answers, OutboxMessage.objects.filter(type=request.type).count()]))
"""


@pytest.mark.timeout(300)
def test_threads_and_processes_under_one_key_send_one_message(tmp_path):
    ports = free_ports(4)
    hk, _gd = establish(tmp_path, {"hk": ports[:2], "gd": ports[2:]})
    environment = node_environment(hk)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "kouan.cli",
            "system",
            "add",
            "vessel-desk",
            "--department",
            "M",
            "--may-send",
            TYPE,
        ],
        env=environment,
        check=True,
        capture_output=True,
    )
    body = json.dumps({"type": TYPE, "version": 1, "to": "gd", "payload": NOTICE})
    with ThreadPoolExecutor(2) as both:
        done = list(
            both.map(
                lambda _: subprocess.run(
                    [sys.executable, "-c", TRY, body],
                    env=environment,
                    check=True,
                    capture_output=True,
                    text=True,
                ),
                range(2),
            )
        )
    results = [json.loads(each.stdout) for each in done]
    assert len({answer for answers, _ in results for answer in answers}) == 1
    assert [len(answers) for answers, _ in results] == [4, 4]
    assert {count for _, count in results} == {1}
