"""A node that began on a file goes on on a server, with all that is on record."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import databases
from kouan.demo.nodes import free_ports
from kouan.node.layout import DATABASE, NewNode, create, environment_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.postgresql

WORK = """
import django; django.setup()
from datetime import UTC, datetime
from django.contrib.auth.models import Group, User
from django.db import transaction
from kouan.core.exchange.models import Stream
from kouan.core.ledger import services as ledger
from kouan.core.trust.models import Member
with transaction.atomic():
    ledger.append([ledger.Record("test", f"entry {number}".encode()) for number in range(300)])
    user = User.objects.create_user("officer", password="a long password, 漢字")
    user.groups.add(Group.objects.create(name="一組"))
    then = datetime(2026, 7, 1, tzinfo=UTC)
    Member.objects.create(side="gd", document=b"\\x00\\xff", serial=1, imported_at=then)
    for number in range(120):
        Stream.objects.create(peer=f"p{number}", out_sequence=number, last_error="漢字\\t\\\\N\\n")
"""
# A server keeps the members of an object in an order of its own.
LOOK = """
import django; django.setup()
import json
from django.apps import apps
from django.db import models
from kouan.core.ledger import queries

def plain(value):
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    return bytes(value) if isinstance(value, memoryview) else value

for model in apps.get_models(include_auto_created=True):
    names = [f.attname for f in model._meta.concrete_fields]
    for row in model._base_manager.order_by("pk").values_list(*names):
        print(model._meta.label, [plain(value) for value in row])
print(queries.root_at(queries.size()).hex())
"""
GO_ON = """
import django; django.setup()
from django.contrib.auth.models import User
from kouan.core.exchange.models import Stream
from kouan.core.ledger import services as ledger, queries
from django.db import transaction
assert User.objects.get(username="officer").check_password("a long password, 漢字")
assert Stream.objects.create(peer="mo").pk == 121
with transaction.atomic():
    ledger.append([ledger.Record("test", b"one more")])
print(queries.size())
"""


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment_of(path), capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def python(path: Path, code: str) -> str:
    done = run(path, "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kouan(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(path, "-m", "kouan.cli", "--node", str(path), *arguments)


def test_all_that_is_on_record_goes_to_the_server_and_the_node_goes_on(tmp_path: Path) -> None:
    portal, door = free_ports(2)
    home, url = tmp_path / "hk", databases.begin(tmp_path / "hk")
    new = NewNode(side="hk", portal=f"127.0.0.1:{portal}", door=f"127.0.0.1:{door}")
    path, file = create(home, new), home / DATABASE.removeprefix("sqlite:///")
    try:
        assert kouan(path, "migrate").returncode == 0
        python(path, WORK)
        before = python(path, LOOK)
        refused = kouan(path, "move-database", str(file))
        assert "names no PostgreSQL server" in refused.stderr

        path.write_text(path.read_text().replace(DATABASE, url))
        broken = shutil.copy(file, tmp_path / "broken")
        with sqlite3.connect(broken) as other:
            other.execute('UPDATE ledger_entry SET leaf_hash = zeroblob(32) WHERE "index" = 7')
        refused = kouan(path, "move-database", str(broken))
        assert refused.returncode == 1
        assert "Nothing was copied" in refused.stderr

        done = kouan(path, "move-database", str(file))
        assert done.returncode == 0, done.stderr
        assert "300 entries" in done.stdout
        assert before.splitlines()[-1] in done.stdout
        assert python(path, LOOK) == before
        assert "holds something already" in kouan(path, "move-database", str(file)).stderr
        assert python(path, GO_ON).split() == ["301"]
    finally:
        databases.drop(url)
