"""A side's signature under terms: whose it is, under which text, and nothing else."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.dataflow.made import terms
from kouan.apps.dataflow import statements
from kouan.apps.dataflow.errors import BadSignature
from kouan.core.trust import cose
from kouan.core.trust.keys import KeyUse

DIGEST = terms().digest()


@pytest.fixture
def ours(node):
    return statements.sign(statements.Statement(DIGEST, "hk", "CHEUNG, Manager", timezone.now()))


def test_our_own_is_read_back(ours):
    read = statements.read(ours, side="hk", digest=DIGEST)
    assert (read.side, read.digest, read.officer) == ("hk", DIGEST, "CHEUNG, Manager")
    assert abs((read.at - timezone.now()).total_seconds()) < 60


def test_the_other_sides_is_read(gd):
    assert statements.read(gd.statement(DIGEST), side="gd", digest=DIGEST).officer == "WANG Fang, Director"


def test_no_bit_may_be_another(ours):
    for place in range(len(ours)):
        changed = bytearray(ours)
        changed[place] ^= 1
        with pytest.raises(BadSignature):
            statements.read(bytes(changed), side="hk", digest=DIGEST)


@pytest.mark.parametrize("size", [0, 1, 20, -1])
def test_a_piece_of_it_is_nothing(ours, size):
    with pytest.raises(BadSignature):
        statements.read(ours[:size], side="hk", digest=DIGEST)


def test_too_much_is_refused(ours):
    with pytest.raises(BadSignature):
        statements.read(ours + bytes(statements.MAX), side="hk", digest=DIGEST)


def test_another_text(ours):
    with pytest.raises(BadSignature):
        statements.read(ours, side="hk", digest=terms(version=2, replaces=DIGEST.hex()).digest())


def test_another_sides_key(gd, ours):
    for data, side in ((gd.statement(DIGEST, side="hk"), "hk"), (ours, "gd"), (gd.statement(DIGEST), "hk")):
        with pytest.raises(BadSignature):
            statements.read(data, side=side, digest=DIGEST)


def test_a_side_that_nobody_knows(node, ours):
    with pytest.raises(BadSignature):
        statements.read(ours, side="mo", digest=DIGEST)


def test_a_key_for_another_use(gd):
    log = gd.peer.signer(next(use for use in KeyUse if use not in {KeyUse.SIGN, KeyUse.DECRYPT}))
    with pytest.raises(BadSignature):
        statements.read(gd.statement(DIGEST, signer=log), side="gd", digest=DIGEST)


@pytest.mark.parametrize("at", [-(1 << 62), (1 << 62), 0])
def test_a_time_at_which_no_key_counts(gd, at):
    with pytest.raises(BadSignature):
        statements.read(gd.statement(DIGEST, at=at), side="gd", digest=DIGEST)


def test_another_kind_of_statement(gd):
    data = cose.sign1(
        cose.read1(gd.statement(DIGEST), content_type=statements.TYPE, max_bytes=4096).payload,
        gd.peer.signer(),
        content_type="application/kouan-batch+cose",
    )
    with pytest.raises(BadSignature):
        statements.read(data, side="gd", digest=DIGEST)
