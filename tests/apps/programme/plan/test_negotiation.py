"""Two tables that hear of each other late, in order, come to the same version in effect."""

from __future__ import annotations

import hashlib
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kouan.apps.programme.plan.negotiation import Impossible, State, Table


def digest(name):
    return hashlib.sha256(name.encode()).digest()


class Node:
    """One side: its table, and what is under way to it, in the order in which it was sent."""

    def __init__(self, name):
        self.name = name
        self.table = Table()
        self.coming = deque()
        self.other = None
        self.made = 0

    def tell(self, *message):
        self.other.coming.append(message)

    def propose(self):
        self.made += 1
        text = digest(f"{self.name} {self.made}")
        base = self.table.in_effect and self.table.in_effect.digest
        try:
            answers = self.table.propose(text, replaces=base)
        except Impossible:
            return
        self.tell("proposed", text, base, answers)

    def on_standing(self, act, word):
        standing = self.table.standing
        if standing is not None and standing.ours is (act == "withdraw"):
            getattr(self.table, act)(standing.digest)
            self.tell(word, standing.digest)

    def act(self, what):
        match what:
            case "propose":
                self.propose()
            case "accept":
                self.on_standing("accept", "accepted")
            case "refuse":
                self.on_standing("refuse", "refused")
            case "withdraw":
                mine = self.table.live(ours=True)
                if mine is not None:
                    self.table.withdraw(mine.digest)
                    self.tell("withdrawn", mine.digest)
            case "hear":
                self.hear()

    def hear(self):
        if not self.coming:
            return
        word, text, *more = self.coming.popleft()
        try:
            if word == "proposed":
                self.table.proposed(text, replaces=more[0], answers=more[1])
            elif word == "undelivered":
                self.table.refused(text)
            else:
                getattr(self.table, word)(text)
        except Impossible as problem:
            # Only a proposal may be too late: an answer always finds its place.
            if word != "proposed":
                raise AssertionError(word) from problem
            self.tell("undelivered", text)

    @property
    def effect(self):
        return self.table.in_effect and self.table.in_effect.digest


def pair():
    hk, gd = Node("hk"), Node("gd")
    hk.other, gd.other = gd, hk
    return hk, gd


def drain(*nodes):
    while any(node.coming for node in nodes):
        for node in nodes:
            node.hear()


STEP = st.tuples(
    st.booleans(), st.sampled_from(["propose", "accept", "accept", "refuse", "withdraw", "hear", "hear"])
)


@settings(max_examples=300)
@given(st.lists(STEP, max_size=40))
def test_whatever_both_sides_do_they_end_with_the_same_version_in_effect(steps):
    hk, gd = pair()
    for at_hk, what in steps:
        (hk if at_hk else gd).act(what)
        for node in (hk, gd):
            signed = [each for each in node.table.proposals.values() if each.state is State.SIGNED]
            assert len(signed) <= 1
    drain(hk, gd)
    assert hk.effect == gd.effect
    standing = [node.table.standing and node.table.standing.digest for node in (hk, gd)]
    assert standing[0] == standing[1]
    for text in hk.table.proposals.keys() & gd.table.proposals.keys():
        here, there = hk.table.proposals[text], gd.table.proposals[text]
        assert (here.state in LIVE, here.state is State.SIGNED) == (
            there.state in LIVE,
            there.state is State.SIGNED,
        )


LIVE = {State.PROPOSED}


def test_a_proposal_a_counter_proposal_and_its_acceptance():
    hk, gd = pair()
    hk.propose()
    first = hk.table.standing.digest
    gd.hear()
    gd.propose()
    assert gd.table.proposals[first].state is State.COUNTERED
    hk.hear()
    assert hk.table.proposals[first].state is State.COUNTERED
    hk.act("accept")
    gd.hear()
    assert hk.effect == gd.effect == gd.table.in_effect.digest != first


def test_of_two_proposals_that_cross_the_lower_digest_stands_and_the_other_once_it_is_off_the_table():
    hk, gd = pair()
    hk.propose()
    gd.propose()
    drain(hk, gd)
    low, high = sorted([digest("hk 1"), digest("gd 1")])
    assert hk.table.standing.digest == gd.table.standing.digest == low
    owner = hk if low == digest("hk 1") else gd
    owner.act("withdraw")
    drain(hk, gd)
    assert hk.table.standing.digest == gd.table.standing.digest == high


def test_an_acceptance_counts_though_the_proposer_withdrew_meanwhile():
    hk, gd = pair()
    hk.propose()
    gd.hear()
    gd.act("accept")
    hk.act("withdraw")
    drain(hk, gd)
    assert hk.effect == gd.effect == digest("hk 1")


def test_the_acceptance_of_an_older_version_is_overruled_by_nothing_and_the_newer_proposal_is():
    hk, gd = pair()
    hk.propose()
    gd.hear()
    hk.propose()
    gd.act("accept")
    drain(hk, gd)
    assert hk.effect == gd.effect == digest("hk 1")
    assert hk.table.proposals[digest("hk 2")].state in {State.OVERRULED, State.REFUSED}
    assert digest("hk 2") not in gd.table.proposals


def test_a_version_takes_the_place_of_the_one_before():
    hk, gd = pair()
    hk.propose()
    gd.hear()
    gd.act("accept")
    drain(hk, gd)
    gd.propose()
    hk.hear()
    hk.act("accept")
    drain(hk, gd)
    assert hk.effect == gd.effect == digest("gd 1")
    assert {node.table.proposals[digest("hk 1")].state for node in (hk, gd)} == {State.REPLACED}


def test_what_has_been_said_once_cannot_be_said_again():
    hk, gd = pair()
    hk.propose()
    text = digest("hk 1")
    gd.hear()
    with pytest.raises(Impossible, match="twice"):
        gd.table.proposed(text, replaces=None, answers=None)
    with pytest.raises(Impossible, match="not-ours"):
        hk.table.accept(text)
    with pytest.raises(Impossible, match="unknown"):
        gd.table.accept(digest("nobody's"))
    gd.act("refuse")
    with pytest.raises(Impossible, match="over"):
        gd.table.accept(text)
    with pytest.raises(Impossible, match="not-ours"):
        gd.table.withdraw(text)


def test_an_acceptance_that_never_arrived_gives_the_version_before_its_place_back():
    hk, gd = pair()
    hk.propose()
    gd.hear()
    gd.act("accept")
    drain(hk, gd)
    hk.propose()
    gd.hear()
    gd.table.accept(digest("hk 2"))
    gd.table.unsigned(digest("hk 2"))
    assert gd.effect == digest("hk 1")
    assert gd.table.standing.digest == digest("hk 2")
