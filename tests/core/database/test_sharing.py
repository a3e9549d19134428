"""A portal's threads on PostgreSQL: as many requests as there may be, and few sessions."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

import databases
from kouan.core.database.sharing import MOST, lend_session

pytestmark = pytest.mark.postgresql

THREADS = 24
PORTAL = """
import json, sys, threading, time
import django
django.setup()
from django.db import close_old_connections, connection
from kouan.core.database.sharing import lend_session, share_sessions

share_sessions()
THREADS = int(sys.argv[1])
together, waiting = threading.Barrier(THREADS), threading.Barrier(THREADS)
sessions, lent, counted = set(), [], []

def ask(question):
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]

def request(number):
    together.wait()
    sessions.add(ask("SELECT pg_backend_pid()"))
    time.sleep(0.02)
    lend_session()
    lent.append(connection.connection is None)
    waiting.wait(60)  # all of them wait for somebody else at one moment
    counted.append(ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"))
    close_old_connections()

threads = [threading.Thread(target=request, args=(number,)) for number in range(THREADS)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps([len(sessions), all(lent), max(counted), len(counted)]))
connection.close_pool()
"""


def test_many_threads_share_few_sessions_and_none_keeps_one_while_it_waits(tmp_path):
    database = databases.create()
    try:
        node = tmp_path / "node.toml"
        node.write_text(
            f'side = "hk"\ndemonstration = true\ndatabase = "{database}"\n'
            '[portal]\nlisten = "127.0.0.1:18100"\norigin = "http://127.0.0.1:18100"\n'
            '[door]\nlisten = "127.0.0.1:18101"\nurl = "https://127.0.0.1:18101"\n'
        )
        environment = os.environ | {"KOUAN_NODE": str(node), "DJANGO_SETTINGS_MODULE": "kouan.settings"}
        done = subprocess.run(
            [sys.executable, "-c", PORTAL, str(THREADS)],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
        used, all_lent, most, answered = json.loads(done.stdout)
        assert 1 < used <= MOST
        assert all_lent
        assert most <= MOST
        assert answered == THREADS
    finally:
        databases.drop(database)


@pytest.mark.django_db
def test_a_thread_with_a_session_of_its_own_keeps_it():
    connection.ensure_connection()
    lend_session()
    assert connection.connection is not None
