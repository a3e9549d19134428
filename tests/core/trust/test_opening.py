"""Which private keys a process opens: those that it uses, when it uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from kouan.core.trust import own
from kouan.core.trust.errors import KeyStoreDamaged, UnsafeKeyFile
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.store import LIST_NAME, KeyStore

URL = "https://127.0.0.1:18101"
NOW = datetime.now(UTC)
# What the portal, the door and the worker do, and what else any of them asks of this side's keys.
PROGRAM = """
import json, os, sys
from datetime import UTC, datetime
from pathlib import Path
from kouan.core.trust import own

opened = []

def hear(name, about):
    if name == "open":
        opened.append(os.path.basename(str(about[0])))

sys.addaudithook(hear)
now, uses = datetime.now(UTC), {}

def count(step, do):
    opened.clear()
    do()
    uses[step] = sorted({name.rpartition("-")[0] for name in opened if name.endswith(".pem")})

steps = {
    "look": lambda: (keys.public, keys.tls_key, keys.tls_certificate, keys.ending, keys.suite),
    "sign": lambda: keys.signer(now).sign(b"x"),
    "sign again": lambda: keys.signer(now).sign(b"x"),
    "open": lambda: keys.decryption_key(next(k.kid for k in keys.keys if k.use.value == "decrypt")),
    "co-sign": lambda: keys.witness_key.sign(b"x"),
    "publish": lambda: keys.log_key.sign(b"x"),
}
opened.clear()
keys = own.load(Path(sys.argv[1]), side="hk", door_url=sys.argv[2])
uses["load"] = sorted({name.rpartition("-")[0] for name in opened if name.endswith(".pem")})
for step, do in steps.items():
    count(step, do)
print(json.dumps(uses))
"""


@pytest.fixture
def folder(tmp_path):
    KeyStore.create(tmp_path / "keys", "hk", hosts=["127.0.0.1"], now=NOW)
    own.load(tmp_path / "keys", side="hk", door_url=URL)  # signs the first trust document
    return tmp_path / "keys"


def without_public_halves(folder):
    """Write the list as an older version did."""
    path = folder / LIST_NAME
    raw = json.loads(path.read_text())
    for item in raw["keys"]:
        if item["file"]:
            del item["spki"]
    path.write_text(json.dumps(raw))


def test_a_process_opens_the_keys_that_it_uses_when_it_uses_them(folder):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), URL],
        check=True, capture_output=True, text=True, timeout=120, env=os.environ,
    )  # fmt: skip
    assert json.loads(done.stdout) == {
        "load": [],
        "look": [],
        "sign": ["sign"],
        "sign again": [],
        "open": ["decrypt"],
        "co-sign": ["witness"],
        "publish": ["log"],
    }


def test_a_list_of_an_older_version_is_read_by_opening_them(folder):
    before = {key.kid: key for key in KeyStore.open(folder, sparing=True).keys}
    without_public_halves(folder)
    keys = own.load(folder, side="hk", door_url=URL)
    assert {key.kid: key.public for key in keys.keys} == {kid: key.public for kid, key in before.items()}
    keys.signer(NOW).sign(b"x")


def test_a_key_that_is_not_the_listed_one_is_found_out_when_it_is_used(folder):
    store = KeyStore.open(folder)
    sign, tls = (store.path_of(store.current(use, NOW)) for use in (KeyUse.SIGN, KeyUse.TLS))
    sign.write_bytes(tls.read_bytes())
    keys = own.load(folder, side="hk", door_url=URL)
    with pytest.raises(KeyStoreDamaged, match="another key than the one listed"):
        keys.signer(NOW)


def test_a_file_that_others_may_read_is_refused_although_nothing_of_it_is_used(folder):
    store = KeyStore.open(folder)
    path = store.path_of(store.current(KeyUse.WITNESS, NOW))
    path.chmod(0o640)
    with pytest.raises(UnsafeKeyFile, match=f"chmod 600 {path}"):
        own.load(folder, side="hk", door_url=URL)
    path.unlink()
    with pytest.raises(KeyStoreDamaged, match=str(path)):
        own.load(folder, side="hk", door_url=URL)


def test_a_public_half_that_is_not_the_listed_one_stops_opening(folder):
    path = folder / LIST_NAME
    raw = json.loads(path.read_text())
    sign, log = (next(item for item in raw["keys"] if item["use"] == use) for use in ("sign", "log"))
    sign["spki"] = log["spki"]
    path.write_text(json.dumps(raw))
    with pytest.raises(KeyStoreDamaged, match="another key than the one listed"):
        own.load(folder, side="hk", door_url=URL)
