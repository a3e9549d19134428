"""``kouan trust``, as an operator types it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from django.utils import timezone

from core.exchange.test_keyset import acknowledge, gd, key_set, own_store  # noqa: F401 - fixtures
from kouan.core.exchange import keynews, keyset
from kouan.core.exchange.keycommands import trust
from kouan.core.trust import queries
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.models import KeyNews
from kouan.core.trust.rotation import rotate

pytestmark = pytest.mark.usefixtures("own_store")


def run(*words, status=0):
    result = CliRunner().invoke(trust, list(words))
    assert result.exit_code == status, result.output
    return result.output


def test_status_in_words_and_for_programs(gd):  # noqa: F811 - the fixture
    assert "was given the first document by hand" in run("status")
    run("rotate", "sign", "--now")
    keynews.look_after()
    assert "end as soon as every side has acknowledged" in run("status")
    assert "has not acknowledged the present document" in run("status")
    found = json.loads(run("status", "--json"))
    assert (found["serial"], found["ending"]) == (2, ["sign"])
    assert [key["state"] for key in found["keys"] if key["use"] == "sign"] == ["in-use", "next"]


def test_a_key_that_ends_soon_is_named(gd, own_store, monkeypatch):  # noqa: F811 - as above
    assert "Run: kouan trust rotate" not in run("status")
    monkeypatch.setattr(keynews, "REMINDER", timedelta(days=800))
    assert "Run: kouan trust rotate sign" in run("status")
    run("rotate", "sign")
    monkeypatch.setattr(keynews, "REMINDER", timedelta(days=700))
    assert "Run: kouan trust rotate sign" not in run("status")


def test_compromise_and_what_the_key_signed(gd):  # noqa: F811 - as above
    kid = queries.own().signer(timezone.now()).kid.hex()
    said = run("compromise", "sign", kid[:8], "--since", "2026-01-31T08:00", "--reason", "lost")
    assert "The document 2 tells the other sides" in said
    assert "Signed since then, as far as this node knows: 0" in run("compromised", kid[:8])
    assert json.loads(run("compromised", kid, "--json"))["use"] == "sign"
    assert "compromised" in run("status")
    assert "No key 00" in run("compromised", "00", status=1)
    assert "reported compromised before" in run(
        "compromise", "sign", kid, "--since", "2026-01-31", "--reason", "lost", status=1
    )
    assert "write a time such as" in run(
        "compromise", "sign", kid, "--since", "yesterday", "--reason", "lost", status=2
    )


def test_a_compromised_anchor_says_the_new_fingerprint(gd):  # noqa: F811 - as above
    kid = queries.own().fingerprint[:8]
    said = run("compromise", "anchor", kid, "--since", "2026-01-31", "--reason", "the safe was opened")
    assert queries.own().fingerprint[:4] in said.splitlines()[-1]


def test_confirm_takes_the_compared_fingerprint(gd):  # noqa: F811 - as above
    rotate(gd.store, KeyUse.ANCHOR)
    from core.exchange.test_keyset import again  # noqa: PLC0415 - beside its use

    again(gd)
    keyset.accept_posted(keyset.KEY_SET.encode(key_set(gd)))
    assert "gd has a new anchor" in run("status")
    assert "not the expected one" in run("confirm", "gd", "--fingerprint", "00", status=1)
    assert "gd is trusted" in run("confirm", "gd", "--fingerprint", gd.fingerprint)


def test_prune_waits_for_every_peer(gd):  # noqa: F811 - as above
    run("rotate", "sign")
    keynews.look_after()
    assert "gd has not acknowledged" in run("prune", status=1)
    keyset.take_acknowledgement("gd", acknowledge(gd, KeyNews.objects.get()))
    assert "Private keys deleted: 0" in run("prune")
