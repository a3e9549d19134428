from __future__ import annotations

import stat

from kouan.core.database.sqlite.base import DatabaseWrapper


def test_a_new_database_is_private_whatever_the_folder(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "node.sqlite3"
    settings = {
        "NAME": str(path), "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"}, "TIME_ZONE": None,
        "AUTOCOMMIT": True, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "ATOMIC_REQUESTS": False,
    }  # fmt: skip
    wrapper = DatabaseWrapper(settings, "other")
    try:
        connection = wrapper.get_new_connection(wrapper.get_connection_params())
        connection.execute("CREATE TABLE t (a)")
        files = list(tmp_path.iterdir())
        assert len(files) == 3  # the database, -wal and -shm
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        connection.close()
    finally:
        wrapper.close()
