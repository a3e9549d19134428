"""A node's folder: laid out once, private, and never written over."""

from __future__ import annotations

import stat

import pytest

from kouan.config import ConfigError, load
from kouan.core.sides import UnknownSideError
from kouan.core.trust.store import KeyStore
from kouan.node.layout import SECRET_FILE, NewNode, create, environment_of

NEW = NewNode(side="gd", portal="127.0.0.1:18200", door="127.0.0.1:18201")


def test_a_new_node_is_whole_and_private(tmp_path):
    home = tmp_path / "gd"
    path = create(home, NEW)
    environment = environment_of(path, {})
    config = load(path, environment)
    assert (config.side, config.demonstration) == ("gd", False)
    assert config.door_url == "https://127.0.0.1:18201"
    assert KeyStore.open(config.keys).side == "gd"
    assert len(config.secret_key) >= 32
    for private in (home / SECRET_FILE, config.keys):
        assert stat.S_IMODE(private.stat().st_mode) & 0o077 == 0
    assert environment["KOUAN_NODE"] == str(path)
    assert environment["DJANGO_SETTINGS_MODULE"] == "kouan.settings"


def test_two_nodes_share_no_secret(tmp_path):
    secrets = {environment_of(create(tmp_path / name, NEW), {})["KOUAN_SECRET_KEY"] for name in ("a", "b")}
    assert len(secrets) == 2


def test_what_is_there_is_not_written_over(tmp_path):
    path = create(tmp_path, NEW)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(ConfigError, match="exists already"):
        create(tmp_path, NEW)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    assert path in before


def test_an_unknown_side_leaves_nothing_behind(tmp_path):
    home = tmp_path / "atlantis"
    with pytest.raises(UnknownSideError):
        create(home, NewNode(side="atlantis", portal="127.0.0.1:1", door="127.0.0.1:2"))
    assert not home.exists()


def test_what_the_exchange_is_told(tmp_path):
    path = create(
        tmp_path,
        NewNode("hk", "127.0.0.1:1", "127.0.0.1:2", "https://far.example:9", exchange={"linger_ms": 0}),
    )
    config = load(path, environment_of(path, {}))
    assert (config.exchange.linger_ms, config.door_url) == (0, "https://far.example:9")


def test_a_secret_that_others_may_read_stops_the_node(tmp_path):
    path = create(tmp_path, NEW)
    (tmp_path / SECRET_FILE).chmod(0o640)
    with pytest.raises(ConfigError, match=r"chmod 600 .*node\.env"):
        environment_of(path, {})
    elsewhere = {"KOUAN_SECRET_KEY": "from elsewhere", "KOUAN_DATABASE_PASSWORD": ""}
    with pytest.raises(ConfigError, match=r"chmod 600 .*node\.env"):
        environment_of(path, elsewhere)


def test_what_the_environment_does_not_hold_comes_from_the_file_whatever_else_it_holds(tmp_path):
    path = create(tmp_path, NEW)
    with (tmp_path / SECRET_FILE).open("a") as file:
        file.write("KOUAN_HOME_SECRET=of a provider\nPATH=/nowhere\n")
    elsewhere = {"KOUAN_SECRET_KEY": "from elsewhere", "KOUAN_DATABASE_PASSWORD": "", "PATH": "/bin"}
    made = environment_of(path, elsewhere)
    assert elsewhere.items() <= made.items()
    assert made.get("KOUAN_HOME_SECRET", "").endswith(" provider")


def test_without_a_secret_the_key_is_named(tmp_path):
    path = create(tmp_path, NEW)
    (tmp_path / SECRET_FILE).unlink()
    with pytest.raises(ConfigError, match="KOUAN_SECRET_KEY"):
        load(path, environment_of(path, {}))
