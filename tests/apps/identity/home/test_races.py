"""Many at one moment, on a database that processes share: one resident, one answer, one end."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import databases
from kouan.demo.nodes import establish, free_ports, node_environment

BEFORE = """
import django
django.setup()
from datetime import timedelta
from django.utils import timezone
from kouan.apps.identity.home import attempts
from kouan.apps.identity.models import HomeAttempt
for name in ("one", "two"):
    state = attempts._digest(name)
    HomeAttempt.objects.create(
        state=state, browser=b"b" * 32, provider="p", level=2,
        kept=attempts._VAULT.seal(b"{}", of=state.hex()), expires_at=timezone.now() + timedelta(hours=1),
    )
"""
TRY = """
import json, threading
import django
django.setup()
from django.utils import timezone
from kouan.apps.identity import residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.errors import InteractionOver
from kouan.apps.identity.home import attempts
from kouan.apps.identity.home.adapter import Ended, HomeSignIn
from kouan.apps.identity.models import HomeAccount, HomeSession, Resident
errors, taken, ended, begin = [], [], [], threading.Barrier(4)
def take(name):
    try:
        attempts.take(browser=b"b" * 32, provider="p", state=name)
    except InteractionOver:
        return
    taken.append(name)
def go():
    try:
        begin.wait()
        said = HomeSignIn("subject", Level.HIGH, timezone.now(), claims={"name": "N"}, sid="sid")
        residents.signed_in(provider="p", said=said)
        take("one")
        take("two")
        begin.wait()
        ended.append(residents.ended_at_provider(provider="p", notice=Ended("jti", sid="sid")))
    except Exception as error:
        errors.append(repr(error))
        begin.abort()
threads = [threading.Thread(target=go) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
print(json.dumps([errors, taken, ended]))
"""
AFTER = """
import json
import django
django.setup()
from kouan.apps.identity.models import HomeAccount, HomeSession, Resident
print(json.dumps([model.objects.count() for model in (Resident, HomeAccount, HomeSession)]))
"""


@pytest.mark.timeout(300)
def test_threads_and_processes_at_one_moment(tmp_path):
    ports = free_ports(2)
    with databases.of_nodes(tmp_path, "hk") as places:
        (node,) = establish(tmp_path, {"hk": (ports[0], ports[1])}, databases=places)
        environment = node_environment(node)

        def run(script):
            done = subprocess.run(
                [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
            )
            return json.loads(done.stdout or "null")

        run(BEFORE)
        with ThreadPoolExecutor(2) as both:
            results = list(both.map(run, [TRY, TRY]))
        assert [errors for errors, _, _ in results] == [[], []]
        assert sorted(name for _, taken, _ in results for name in taken) == ["one", "two"]
        assert run(AFTER) == [1, 1, 8]
        assert len([count for _, _, ended in results for count in ended if count]) == 1
