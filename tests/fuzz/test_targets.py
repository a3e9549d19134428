"""A short run of what ``make fuzz`` does at length, and every input that once broke something."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from fuzz import targets
from fuzz.changed import changed
from kouan.core.exchange.verify import verify_bundle

INPUTS = [(name, data) for name in targets.TARGETS for data in targets.corpus(name)]
SOUND = (
    "batches",
    "receipts",
    "statement",
    "header",
    "receipt",
    "trust",
    "note",
    "add-checkpoint",
    "proof",
    "odrl",
)


def test_each_target_has_a_corpus_and_each_corpus_a_target():
    assert {path.stem for path in targets.CORPUS.iterdir()} == set(targets.TARGETS)
    assert sum(len(data) for _, data in INPUTS) < 100_000


@pytest.mark.parametrize(("name", "data"), INPUTS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_corpus_is_read_or_refused(name, data):
    targets.run(name, data)


@pytest.mark.parametrize("name", SOUND)
def test_the_corpus_begins_with_what_is_sound(name):
    targets.TARGETS[name](targets.corpus(name)[0])


def test_the_bundle_of_the_corpus_holds():
    assert verify_bundle(targets.corpus("evidence")[0]).holds


def test_a_finding_is_not_swallowed(monkeypatch):
    def broken(_data):
        raise IndexError

    monkeypatch.setitem(targets.TARGETS, "cbor", broken)
    with pytest.raises(IndexError):
        targets.run("cbor", b"")


@pytest.mark.parametrize("name", targets.names())
def test_a_short_run(name):
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=changed(targets.corpus(name)))
    def feed(data):
        targets.run(name, data)

    feed()
