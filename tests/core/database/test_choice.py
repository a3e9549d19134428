"""``database`` in node.toml: what it becomes, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kouan.config import ConfigError
from kouan.core.database.choice import settings_of

HOME = Path("/srv/kouan/hk")


def chosen(url, **environment):
    return settings_of(url, home=HOME, environment=environment, application="kouan hk")


def test_a_file_beside_the_settings():
    assert chosen("sqlite:///kouan.sqlite3")["NAME"] == "/srv/kouan/hk/kouan.sqlite3"
    assert chosen("sqlite:////var/kouan.db")["NAME"] == "/var/kouan.db"


def test_a_server_beyond_this_machine_has_to_prove_who_it_is():
    made = chosen("postgresql://kouan@db.example:5433/kouan_hk", KOUAN_DATABASE_PASSWORD="s3cret")  # noqa: S106 - of no server
    assert made["ENGINE"] == "kouan.core.database.postgresql"
    assert (made["USER"], made["HOST"], made["PORT"], made["NAME"]) == (
        "kouan",
        "db.example",
        "5433",
        "kouan_hk",
    )
    assert made["PASSWORD"] == "s3cret"  # noqa: S105 - as above
    assert made["OPTIONS"]["sslmode"] == "verify-full"
    assert made["OPTIONS"]["application_name"] == "kouan hk"
    for setting in ("synchronous_commit=on", "lock_timeout=", "idle_in_transaction_session_timeout="):
        assert setting in made["OPTIONS"]["options"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", ""])
def test_on_this_machine_tls_is_as_the_server_offers_it(host):
    made = chosen(f"postgresql://{host}/kouan")
    assert made["OPTIONS"]["sslmode"] == "prefer"
    assert made["PASSWORD"] == ""


def test_the_operator_decides_how_tls_is_used():
    made = chosen("postgresql://db.example/kouan?sslmode=verify-ca&sslrootcert=db-ca.pem")
    assert made["OPTIONS"]["sslmode"] == "verify-ca"
    assert made["OPTIONS"]["sslrootcert"] == "/srv/kouan/hk/db-ca.pem"
    assert chosen("postgresql://d/k?sslrootcert=system")["OPTIONS"]["sslrootcert"] == "system"


def test_a_unix_socket():
    made = chosen("postgresql://kouan@/kouan?host=/run/postgresql")
    assert made["HOST"] == "/run/postgresql"
    assert "host" not in made["OPTIONS"]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://x/y",
        "kouan.sqlite3",
        "postgresql://kouan:secret@db.example/kouan",
        "postgresql://db.example",
        "postgresql://db.example/",
        "postgresql://db.example/a/b",
        "postgresql://db.example/" + "n" * 64,
        "postgresql://db.example:port/kouan",
        "postgresql://[db/kouan",
        "postgresql://db.example/kouan?sslmode=maybe",
        "postgresql://db.example/kouan?options=-cfsync=off",
        "postgresql://db.example/kouan?host=/run/postgresql",
        "postgresql:///kouan?host=db.example",
        "postgresql://db.example/kouan#x",
    ],
)
def test_what_cannot_be_used_is_named_and_no_password_is_repeated(url):
    with pytest.raises(ConfigError, match="`database`") as refused:
        chosen(url)
    assert "secret" not in str(refused.value)
