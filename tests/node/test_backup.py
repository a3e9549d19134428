"""A node's database is copied while it is used, and put back at rest."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import databases
from kouan.demo.nodes import free_ports
from kouan.node.layout import DATABASE, NewNode, create, environment_of
from own_node import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEMBER = """
import django; django.setup()
from django.utils import timezone
from kouan.core.exchange.models import Stream
from kouan.core.trust.models import Member
Member.objects.create(side={side!r}, document=b"x", serial=1, imported_at=timezone.now())
Stream.objects.create(peer={side!r}, out_sequence={number}, last_error="漢字\\t\\\\N\\n{side}")
"""
LOOK = """
import django; django.setup()
from kouan.core.exchange.models import Stream
print(list(Stream.objects.order_by("peer").values_list("peer", "out_sequence", "last_error")))
"""


class Home:
    """A node's folder with its database, and the program beside it."""

    def __init__(self, folder: Path, side: str, database: str) -> None:
        portal, door = free_ports(2)
        self.path = create(
            folder,
            NewNode(side=side, portal=f"127.0.0.1:{portal}", door=f"127.0.0.1:{door}", database=database),
        )
        assert self.kouan("migrate").returncode == 0

    def kouan(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "kouan.cli", "--node", str(self.path), *arguments]
        environment = environment_of(self.path) | more
        return subprocess.run(
            program, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def python(self, code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment_of(self.path),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def node(folder: Path, side: str) -> Iterator[Home]:
    url = databases.create() if SERVER else DATABASE
    try:
        yield Home(folder, side, url)
    finally:
        if SERVER:
            databases.drop(url)


@pytest.fixture(scope="module")
def hk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    if SERVER:
        assert shutil.which("pg_dump"), "the server's own programs are not installed"
    with node(tmp_path_factory.mktemp("hk"), "hk") as home:
        home.python(MEMBER.format(side="gd", number=7))
        yield home


def test_what_was_backed_up_is_put_back_whole(hk: Home, tmp_path: Path) -> None:
    file, before = tmp_path / "one.backup", hk.python(LOOK)
    done = hk.kouan("backup", str(file))
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["one.backup"], "nothing half-written stays"
    hk.python(MEMBER.format(side="mo", number=9))
    assert hk.python(LOOK) != before
    done = hk.kouan("restore", str(file), "--yes")
    assert done.returncode == 0, done.stderr
    assert hk.python(LOOK) == before
    # Rows go on being numbered: sequences were put back as well.
    hk.python(MEMBER.format(side="mo", number=9))
    assert hk.kouan("restore", str(file), "--yes").returncode == 0
    assert hk.python(LOOK) == before


def test_nothing_is_written_over(hk: Home, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    file.write_text("mine")
    done = hk.kouan("backup", str(file))
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert file.read_text() == "mine"


def test_what_is_no_backup_of_this_side_changes_nothing(hk: Home, tmp_path: Path) -> None:
    before = hk.python(LOOK)
    (tmp_path / "text").write_text("not a database")
    done = hk.kouan("restore", str(tmp_path / "text"), "--yes")
    assert done.returncode == 1
    foreign = tmp_path / "foreign.backup"
    with node(tmp_path / "gd", "gd") as gd:
        gd.python(MEMBER.format(side="hk", number=1))
        assert gd.kouan("backup", str(foreign)).returncode == 0
    done = hk.kouan("restore", str(foreign), "--yes")
    assert done.returncode == 1
    assert "another side's" in done.stderr
    assert hk.python(LOOK) == before


@pytest.mark.postgresql
def test_a_dump_of_something_else_is_refused(hk: Home, tmp_path: Path) -> None:
    url, file = databases.create(), tmp_path / "other.backup"
    try:
        subprocess.run(["pg_dump", "--format=custom", f"--file={file}", url], check=True)
    finally:
        databases.drop(url)
    done = hk.kouan("restore", str(file), "--yes")
    assert done.returncode == 1
    assert "not a backup of a node" in done.stderr


@pytest.mark.postgresql
def test_nothing_is_put_back_while_another_machine_uses_the_database(hk: Home, tmp_path: Path) -> None:
    import psycopg  # noqa: PLC0415 - only where there is such a server

    file, before = tmp_path / "one.backup", hk.python(LOOK)
    assert hk.kouan("backup", str(file)).returncode == 0
    url = next(line.split('"')[1] for line in hk.path.read_text().splitlines() if line.startswith("database"))
    with psycopg.connect(url):
        assert hk.kouan("backup", str(tmp_path / "two.backup")).returncode == 0, "a backup needs no rest"
        done = hk.kouan("restore", str(file), "--yes")
    assert done.returncode == 1
    assert "stop the node on every machine" in done.stderr
    assert hk.python(LOOK) == before


@pytest.mark.postgresql
def test_a_server_that_cannot_be_proved_gets_no_backup(hk: Home, tmp_path: Path) -> None:
    """What ``node.toml`` asks of TLS holds for PostgreSQL's own programs as well."""
    text = hk.path.read_text()
    line = next(line for line in text.splitlines() if line.startswith("database"))
    (tmp_path / "ca.pem").write_text("")
    asked = f'{line[:-1]}?sslmode=verify-full&sslrootcert={tmp_path / "ca.pem"}"'
    hk.path.write_text(text.replace(line, asked))
    try:
        done = hk.kouan("backup", str(tmp_path / "one.backup"))
    finally:
        hk.path.write_text(text)
    assert done.returncode == 1
    assert "pg_dump" in done.stderr
    assert not list(tmp_path.glob("*one.backup*"))


@pytest.mark.postgresql
def test_a_missing_program_is_named(hk: Home, tmp_path: Path) -> None:
    done = hk.kouan("backup", str(tmp_path / "one.backup"), PATH="/nowhere")
    assert done.returncode == 1
    assert "pg_dump is not installed" in done.stderr
