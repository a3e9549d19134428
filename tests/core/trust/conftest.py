"""Two sides' key stores, made once; tests that change one copy it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kouan.core.trust import queries
from kouan.core.trust.own import load
from kouan.core.trust.store import KeyStore

NOW = datetime(2026, 3, 2, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("stores")
    hosts = ("127.0.0.1", "localhost")
    return {
        side: KeyStore.create(home / side, side, hosts=hosts, suite_id=suite, now=NOW)
        for side, suite in (("hk", 1), ("gd", 1), ("mo", 2))
    }


@pytest.fixture
def store_of(stores, tmp_path):
    """A copy of a side's store for one test."""

    def copy(side):
        folder = tmp_path / f"keys-{side}"
        shutil.copytree(stores[side].directory, folder)
        return KeyStore.open(folder)

    return copy


@pytest.fixture
def keys_of(store_of):
    def keys(side, *, now=NOW):
        return load(store_of(side).directory, side=side, door_url=f"https://{side}.example:8443", now=now)

    return keys


@pytest.fixture
def node(settings, store_of):
    """This process as the node of Hong Kong, with keys of its own."""
    queries.forget_members()
    settings.NODE = replace(settings.NODE, keys=store_of("hk").directory)
    yield settings.NODE
    queries.forget_members()
