"""What must hold before a node starts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings

from kouan.config import ConfigError
from kouan.core.trust import queries
from kouan.core.trust.store import KeyStore
from kouan.node.accounts import DEMONSTRATION_GROUP, make_account
from kouan.node.run import check

pytestmark = pytest.mark.django_db


@pytest.fixture
def config(tmp_path, settings):
    """A node that is no demonstration, with keys and no agreement."""
    keys = KeyStore.create(tmp_path / "keys", "hk", hosts=("127.0.0.1",))
    (tmp_path / "agreements").mkdir()
    settings.NODE = replace(
        settings.NODE, keys=keys.directory, agreements=tmp_path / "agreements", demonstration=False
    )
    queries.forget_members()
    yield settings.NODE
    queries.forget_members()


def test_a_node_in_order_may_start(config):
    check(config)


def test_made_up_accounts_are_refused_outside_a_demonstration(config):
    make_account("operator", ("operator", DEMONSTRATION_GROUP), "!")
    with pytest.raises(ConfigError, match="'operator', and this node is not a demonstration"):
        check(config)
    settings.NODE = replace(config, demonstration=True)
    check(settings.NODE)


def test_an_agreement_that_cannot_be_read_is_named(config):
    (config.agreements / "broken.toml").write_text("= nothing")
    with pytest.raises(ConfigError, match=r"broken\.toml"):
        check(config)
