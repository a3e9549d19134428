"""A witness beside the peers, over real HTTP: what it co-signs counts, what it says wrong does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import transaction

from kouan.core.errors import KouanError
from kouan.core.exchange import witness, witnesses
from kouan.core.exchange.witnesses import ask, asker
from kouan.core.ledger import queries
from kouan.core.ledger import services as ledger
from kouan.core.ledger.errors import LedgerRangeError, NoteSignatureError, UntrustedNoteError
from kouan.core.ledger.models import Helper


@pytest.fixture
def grown(gd):
    def grow(count=1):
        with transaction.atomic():
            ledger.append([ledger.Record("test", b"x")] * count)
        assert witness.publish()

    return grow


def test_it_co_signs_each_newest_checkpoint_once(grown, third):
    assert not ask(third.settings)
    for size in (3, 6, 9):
        grown(3)
        assert ask(third.settings)
        assert not ask(third.settings)
        assert queries.cosigned_size(third.name) == size == third.known["hk.kouan/ledger"][0]
    assert queries.latest_checkpoint().witnesses == (third.name,)


def test_it_is_asked_from_the_size_that_it_knows(grown, third):
    grown(3)
    ask(third.settings)
    from kouan.core.ledger.models import Cosignature  # noqa: PLC0415 - for this test alone

    Cosignature.objects.all().delete()  # its answer was lost
    grown(5)
    assert ask(third.settings)
    assert queries.cosigned_size(third.name) == 8


def test_a_quorum_is_reached_by_peer_and_witness_together(grown, gd, third, settings, cosigned):
    settings.NODE = replace(settings.NODE, witnesses=(third.settings,))
    grown(2)
    assert queries.newest_final(quorum=1) is None
    ask(third.settings)
    assert queries.newest_final(quorum=1).size == 2
    assert queries.newest_final(quorum=2) is None
    cosigned(gd)
    assert queries.newest_final(quorum=2).size == 2
    grown(1)
    cosigned(gd)
    assert queries.newest_final(quorum=2).size == 2
    assert queries.newest_final(quorum=2, after=2) is None
    assert set(witnesses.verifier_keys()) == {"gd.kouan/witness", third.name}


def test_one_that_knows_a_longer_ledger_is_believed(grown, third):
    grown(2)
    third.known["hk.kouan/ledger"] = (9, bytes(32))
    with pytest.raises(LedgerRangeError):
        ask(third.settings)


def test_one_that_saw_another_ledger_refuses_and_is_shown(grown, third):
    grown(2)
    third.known["hk.kouan/ledger"] = (1, bytes(32))
    run = asker(third.settings)
    assert not run()
    assert "HTTP 422" in Helper.objects.get(name=third.name).problem
    del third.known["hk.kouan/ledger"]
    run()
    assert Helper.objects.get(name=third.name).problem == ""
    assert queries.cosigned_size(third.name) == 2


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda _data: b"", KouanError),
        (lambda _data: b"\xff\x00garbage", KouanError),
        (lambda data: data.replace(b"w.example/one", b"w.example/two"), UntrustedNoteError),
        (lambda data: data[:40] + (b"A" if data[40:41] != b"A" else b"B") + data[41:], NoteSignatureError),
        (lambda data: data * 2000, KouanError),
    ],
)
def test_what_it_says_wrong_is_not_kept(grown, third, spoil, error):
    grown(2)
    third.spoil = spoil
    with pytest.raises(error):
        ask(third.settings)
    assert queries.cosigned_size(third.name) == 0
    assert not asker(third.settings)()
    assert Helper.objects.get(name=third.name).problem


def test_nobody_there(grown, third):
    grown(1)
    gone = replace(third.settings, url="http://127.0.0.1:1")
    assert not asker(gone)()
    assert "does not answer" in Helper.objects.get(name=third.name).problem
