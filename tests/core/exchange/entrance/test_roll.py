"""Whose client certificate it is: the authority that issued it and the node that it names, together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding

from kouan.core.exchange.entrance import roll as roll_module
from kouan.core.exchange.entrance.roll import Roll
from kouan.core.trust import certificates
from kouan.core.trust.keys import KeyUse

NOW = datetime.now(UTC)


def leaf(store, side, hosts=()):
    """A client certificate that the authority of ``store`` issues for ``side``'s node."""
    ca_key = next(key.private for key in store.keys if key.use is KeyUse.TLS_CA)
    public = generate_private_key(SECP256R1()).public_key()
    made = certificates.make_leaf(ca_key, store.tls_ca(), public, side=side, hosts=hosts, now=NOW)
    return made.public_bytes(Encoding.DER)


@pytest.fixture
def roll(peer_of):
    peer_of("gd")
    peer_of("mo")
    return Roll.call()


@pytest.mark.parametrize("side", ["gd", "mo"])
def test_a_members_own_certificate(roll, stores, side):
    assert roll.caller(leaf(stores[side], side)).side == side


@pytest.mark.parametrize(
    ("issuer", "named"), [("mo", "gd"), ("gd", "mo"), ("hk", "gd"), ("hk", "hk"), ("gd", "xx")]
)
def test_no_authority_speaks_for_another_side(roll, stores, issuer, named):
    assert roll.caller(leaf(stores[issuer], named)) is None


def test_two_names_in_one_certificate_are_its_issuers_side(roll, stores):
    assert roll.caller(leaf(stores["mo"], "mo", hosts=["gd.node.kouan"])).side == "mo"
    assert roll.caller(leaf(stores["mo"], "gd", hosts=["mo.node.kouan"])).side == "mo"


@pytest.mark.parametrize("nonsense", [None, b"", b"\x30\x80", bytes(5000)])
def test_what_is_no_certificate(roll, nonsense):
    assert roll.caller(nonsense) is None


def test_the_roll_is_made_anew_only_when_it_changes(roll, peer_of, monkeypatch, stores):
    assert Roll.call(roll) is roll
    caller = roll.caller(leaf(stores["gd"], "gd"))
    assert roll.knows(caller)
    left = tuple(each for each in roll_module.members() if each.side != "gd")
    monkeypatch.setattr(roll_module, "members", lambda: left)
    later = Roll.call(roll)
    assert later is not roll
    assert not later.knows(caller)
    assert later.caller(leaf(stores["gd"], "gd")) is None


def test_an_authority_under_anothers_name_is_left_out(roll, stores, monkeypatch, caplog):
    """Two authorities of one name: TLS would look for the one and find the other."""
    key = generate_private_key(SECP256R1())
    forged = certificates.make_ca(key, "gd", NOW).public_bytes(Encoding.DER)
    mo, gd = (next(each for each in roll_module.members() if each.side == side) for side in ("mo", "gd"))
    content = replace(mo.trust.content, tls_ca=forged)
    hostile = replace(mo, trust=replace(mo.trust, content=content))
    monkeypatch.setattr(roll_module, "members", lambda: (gd, hostile))
    assert set(Roll.call().authorities) == {"gd"}
    assert "bears another name" in caplog.text
