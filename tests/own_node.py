"""What every test stands on: a node of its own in a temporary folder.

Loaded with ``-p`` before pytest-django reads the settings, which need the node to be there. With
``KOUAN_TEST_DATABASE`` (``postgresql://USER@HOST:PORT``) every test that needs a database has one on that
server, made for this run and dropped after it; otherwise SQLite, in memory.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

SERVER = os.environ.get("KOUAN_TEST_DATABASE", "")
_HOME = Path(tempfile.mkdtemp(prefix="kouan-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
_NODE = _HOME / "node.toml"
_DATABASE = f"{SERVER.rstrip('/')}/kouan_{secrets.token_hex(4)}" if SERVER else "sqlite:///kouan.sqlite3"
_NODE.write_text(
    f'side = "hk"\ndemonstration = true\ndatabase = "{_DATABASE}"\n'
    '[portal]\nlisten = "127.0.0.1:18100"\norigin = "http://127.0.0.1:18100"\n'
    '[door]\nlisten = "127.0.0.1:18101"\nurl = "https://127.0.0.1:18101"\n'
)
os.environ["KOUAN_NODE"] = str(_NODE)
os.environ["KOUAN_SECRET_KEY"] = "a-secret-for-the-tests-alone-0123456789"  # noqa: S105 - it guards nothing
