"""The worker process: what it may not do, and that its end over a file hurts nobody."""

from __future__ import annotations

import io
import os
import tempfile
import zlib
from pathlib import Path

import pytest

import signed_papers as papers
from kouan.apps.signing.validating.pool import Ended, Pool, Process
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Trust
from kouan.apps.signing.validating.worker import GROWN
from signed_papers import NOW


@pytest.fixture(scope="module")
def pool():
    made = Pool(1)
    yield made
    made.close()


def file_of(data):
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(data)
    file.flush()
    return file


TRUST = Trust(
    roots=(papers.root().der,), crls=(papers.crl(papers.root()), papers.crl(papers.authority())), moment=NOW
)


def test_a_file_is_judged_in_the_worker_and_the_worker_is_used_again(pool):
    with file_of(papers.signed_pdf()) as file:
        first = pool.validate(file, TRUST)
        running = {process.pid for process in pool._running}
        assert (first.verdict, first.signer) == (Verdict.TOTAL_PASSED, "Chan Tai Man")
        assert pool.validate(file, TRUST) == first
        assert {process.pid for process in pool._running} == running


def test_a_worker_is_used_again_however_large_the_process_is_that_started_it(pool):
    large = b"." * GROWN
    with file_of(papers.signed_pdf()) as file:
        started = Process()
        assert len(large) == GROWN
        del large
        try:
            job = {"what": "validate", "trust": TRUST.digest, "seconds": 30}
            assert started.do(job, file, trust=TRUST, seconds=60)
            assert started.alive()
        finally:
            started.end()


def test_another_trust_gives_another_verdict(pool):
    with file_of(papers.signed_pdf()) as file:
        assert pool.validate(file, Trust(moment=NOW)).verdict is Verdict.INDETERMINATE
        assert pool.validate(file, TRUST).verdict is Verdict.TOTAL_PASSED


def test_a_file_that_takes_too_long_gets_a_report_that_says_so_and_the_next_is_judged(pool):
    with file_of(papers.signed_pdf()) as file:
        found = pool.validate(file, TRUST, seconds=0.0001)
        assert (found.verdict, found.sub_indication) == (Verdict.INDETERMINATE, SubIndication.GENERIC)
        assert found.reasons[0].code == "took-too-long"
        assert pool.validate(file, TRUST).verdict is Verdict.TOTAL_PASSED


def test_a_worker_that_is_killed_over_a_file_is_replaced(pool):
    with file_of(papers.signed_pdf()) as file:
        pool.validate(file, TRUST)
        (process,) = pool._running
        os.kill(process.pid, 9)
        assert process._child.wait() == -9
        assert pool.validate(file, TRUST).verdict is Verdict.TOTAL_PASSED


def test_a_worker_has_no_secrets_and_ends_with_its_line():
    process = Process()
    environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    names = {each.partition(b"=")[0] for each in environment.split(b"\0") if each}
    assert names <= {b"LANG", b"PYTHONDONTWRITEBYTECODE"}
    process._line.close()
    assert process._child.wait(timeout=20) is not None


def test_a_page_is_drawn_as_png_and_a_file_without_pages_is_not(pool):
    with file_of(papers.signed_pdf()) as file:
        assert pool.draw(file, {"page": 1}).startswith(b"\x89PNG")
        with pytest.raises(Ended):
            pool.draw(file, {"page": 9})
    with file_of(papers.sealed_ofd()) as file:
        assert b"<svg" in pool.draw(file, {"page": 1})[:200]
    with file_of(b"no pages") as file, pytest.raises(Ended):
        pool.draw(file, {"page": 1})


def test_memory_is_bounded_where_a_file_asks_for_more():
    # A PDF whose object stream claims to unpack to far more than a worker may have.
    bomb = zlib.compress(bytes(64 << 20), 9)
    head = b"%PDF-1.7\n1 0 obj\n<</Type/ObjStm/N 1/First 10/Filter/FlateDecode/Length "
    data = (
        head + str(len(bomb)).encode() + b">>\nstream\n" + bomb + b"\nendstream\nendobj\nstartxref\n9\n%%EOF"
    )
    made = Pool(1)
    try:
        with file_of(data) as file:
            assert made.validate(file, TRUST).verdict is not Verdict.TOTAL_PASSED
    finally:
        made.close()


def test_the_answer_survives_a_file_object_that_was_read_before(pool):
    with file_of(papers.signed_cms()) as file:
        file.seek(0, io.SEEK_END)
        assert pool.validate(file, TRUST).verdict is Verdict.TOTAL_PASSED
