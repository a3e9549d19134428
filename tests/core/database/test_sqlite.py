from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys

from kouan.core.database.sqlite.base import DatabaseWrapper


def wrapper_of(path):
    settings = {
        "NAME": str(path), "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"}, "TIME_ZONE": None,
        "AUTOCOMMIT": True, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "ATOMIC_REQUESTS": False,
    }  # fmt: skip
    return DatabaseWrapper(settings, "other")


def connected(wrapper):
    return wrapper.get_new_connection(wrapper.get_connection_params())


def test_a_new_database_is_private_whatever_the_folder(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "node.sqlite3"
    wrapper = wrapper_of(path)
    try:
        connection = connected(wrapper)
        connection.execute("CREATE TABLE t (a)")
        files = list(tmp_path.iterdir())
        assert len(files) == 3  # the database, -wal and -shm
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        connection.close()
    finally:
        wrapper.close()


def test_a_second_connection_leaves_the_first_its_locks(tmp_path):
    path = tmp_path / "node.sqlite3"
    first, second = wrapper_of(path), wrapper_of(path)
    try:
        one = connected(first)
        one.execute("CREATE TABLE t (a)")
        one.execute("INSERT INTO t VALUES (1)")
        one.commit()
        two = connected(second)
        # Another process comes and goes. It is not the last one, so it must not take the WAL away.
        program = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM t'); c.close()"
        )
        subprocess.run([sys.executable, "-c", program, str(path)], check=True)
        assert path.with_name("node.sqlite3-shm").exists()
        one.execute("INSERT INTO t VALUES (2)")
        one.commit()
        assert two.execute("SELECT count(*) FROM t").fetchone() == (2,)
        elsewhere = sqlite3.connect(path)
        assert elsewhere.execute("SELECT count(*) FROM t").fetchone() == (2,)
        elsewhere.close()
        one.close()
        two.close()
    finally:
        first.close()
        second.close()
