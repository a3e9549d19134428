from __future__ import annotations

import hashlib
import os
import tracemalloc
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from kouan.apps.validation import queries, services
from kouan.apps.validation.bulk import files, progress, work
from kouan.apps.validation.bulk.errors import MissingColumn, TooManyJobs, UnknownJob
from kouan.apps.validation.bulk.starting import MOST_OPEN, start
from kouan.apps.validation.domain import JobKind, JobState, Outcome, Reference, RevocationReason
from kouan.apps.validation.errors import EmptyFile, UnknownDocument
from kouan.apps.validation.models import BulkJob, RegisteredDocument

pytestmark = pytest.mark.django_db

HEAD = "reference,type,fingerprint\n"


def line(reference: str, seed: str = "") -> str:
    return f"{reference},academic-qualification,{hashlib.sha256((seed or reference).encode()).hexdigest()}\n"


def references(count: int) -> list[str]:
    return [str(Reference.new("hk")) for _ in range(count)]


def problems(job) -> list[tuple[int, str, str]]:
    return [(row.line, row.column, row.code) for row in progress.problem_rows(job.key)]


def waiting_files(node) -> list:
    folder = node.blobs_folder / "bulk"
    return list(folder.iterdir()) if folder.is_dir() else []


def test_a_file_is_registered_as_a_whole(run, node, university):
    made = references(12)
    job = run(HEAD + "".join(map(line, made)))
    assert (job.state, job.good, job.unchanged, job.bad, job.percent) == (JobState.DONE, 12, 0, 0, 100)
    found = queries.document(made[3], of=[university])
    answer = queries.look_up(reference=made[3], digest=bytes(found.digest))
    assert (answer.outcome, answer.issued_on) == (Outcome.MATCH, queries.today())
    assert not waiting_files(node)


def test_the_same_file_again_is_no_news_and_another_fingerprint_is_an_error(run):
    made = references(3)
    text = HEAD + "".join(map(line, made))
    run(text)
    again = run(text + line(references(1)[0]))
    assert (again.good, again.unchanged, again.bad) == (1, 3, 0)
    other = run(HEAD + line(made[0], "another document"))
    assert (other.state, problems(other)) == (JobState.REFUSED, [(2, "reference", "other-fingerprint")])


def test_the_same_row_twice_in_a_file(run):
    one = references(1)[0]
    assert (run(HEAD + line(one) * 2).good, RegisteredDocument.objects.count()) == (1, 1)
    two = references(1)[0]
    job = run(HEAD + line(two) + line(two, "other"))
    assert (job.state, problems(job)) == (JobState.REFUSED, [(3, "reference", "other-fingerprint")])
    assert RegisteredDocument.objects.count() == 1


def test_one_bad_row_and_nothing_changes(run, monkeypatch):
    monkeypatch.setattr(work, "ROWS", 2)
    made = references(7)
    text = HEAD + "".join(map(line, made[:5])) + "x,y,z\n" + "".join(map(line, made[5:]))
    job = run(text)
    assert (job.state, job.good, job.bad) == (JobState.REFUSED, 0, 1)
    assert problems(job) == [(7, "reference", "not-a-reference")]
    assert not RegisteredDocument.objects.exists()
    job = run(text, take_good=True)
    assert (job.state, job.good, job.bad) == (JobState.DONE, 7, 1)
    assert queries.on_the_register().count() == 7


def test_how_far_everything_is_put_back_is_told_too(begin, university, monkeypatch):
    """Of a million rows that takes a minute, in which the page would stand still."""
    monkeypatch.setattr(work, "ROWS", 2)
    key = begin(HEAD + "".join(line(each) for each in references(10)) + "nonsense,other,x\n")
    told = []
    while work.step():
        found = progress.job(key, of=[university])
        if found.state is JobState.CLEARING:
            told.append((found.percent, found.good))
    percents = [percent for percent, _good in told]
    assert percents == sorted(percents)
    assert percents[0] < 25
    assert percents[-1] == 99
    assert [good for _percent, good in told] == [10, 8, 6, 4, 2, 0]
    ended = progress.job(key, of=[university])
    assert (ended.state, ended.percent, ended.good, ended.bad) == (JobState.REFUSED, 100, 0, 1)


def test_rows_are_not_on_the_register_before_the_file_has_ended(begin, university, monkeypatch):
    monkeypatch.setattr(work, "ROWS", 2)
    made = references(5)
    key = begin(HEAD + "".join(map(line, made)))
    assert work.step()
    row = RegisteredDocument.objects.get(reference=made[0])
    assert queries.look_up(reference=made[0], digest=bytes(row.digest)).outcome is Outcome.UNKNOWN
    with pytest.raises(UnknownDocument):
        queries.document(made[0], of=[university])
    assert not queries.documents(of=[university]).exists()
    assert 0 < progress.job(key, of=[university]).percent < 100
    while work.step():
        pass
    assert queries.documents(of=[university]).count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_in_a_piece_loses_that_piece_alone(begin, university, monkeypatch):
    monkeypatch.setattr(work, "ROWS", 2)
    made = references(6)
    key = begin(HEAD + "".join(map(line, made)))
    work.step()
    good = work._end_of_file

    class Killed(BaseException):
        pass

    def dies(*_args):
        raise Killed

    before = BulkJob.objects.get(key=key).offset
    monkeypatch.setattr(work, "_note", dies)
    with pytest.raises(Killed):
        work.step()
    assert (BulkJob.objects.get(key=key).offset, RegisteredDocument.objects.count()) == (before, 2)
    monkeypatch.undo()
    assert work._end_of_file is good
    while work.step():
        pass
    job = progress.job(key, of=[university])
    assert (job.state, job.good, queries.on_the_register().count()) == (JobState.DONE, 6, 6)


def test_a_piece_that_another_worker_took_meanwhile_counts_once(begin, university, monkeypatch):
    monkeypatch.setattr(work, "ROWS", 2)
    key = begin(HEAD + "".join(map(line, references(4))))
    read = work._read

    def overtaken(job):
        piece = read(job)
        monkeypatch.setattr(work, "_read", read)
        assert work.step()
        return piece

    monkeypatch.setattr(work, "_read", overtaken)
    work.step()
    assert BulkJob.objects.get(key=key).good == 2
    while work.step():
        pass
    assert progress.job(key, of=[university]).good == 4


def test_another_institutions_reference_is_not_taken_over(run, bank):
    made = references(1)
    run(HEAD + line(made[0]))
    job = run(HEAD + line(made[0]), institution=bank)
    assert (job.state, problems(job)) == (JobState.REFUSED, [(2, "reference", "other-fingerprint")])


def test_a_file_that_cannot_be_read_changes_nothing(begin, node, university):
    key = begin(HEAD + line(references(1)[0]))
    path = node.blobs_folder / "bulk" / key.hex
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    while work.step():
        pass
    assert progress.job(key, of=[university]).state is JobState.REFUSED
    assert not RegisteredDocument.objects.exists()


@pytest.fixture
def half_taken(begin, issue, monkeypatch):
    """Begin to take two documents back, and stop when the first of them is; return the job's id and both."""
    monkeypatch.setattr(work, "ROWS", 1)
    first, second = issue()[0], issue()[0]
    key = begin(f"reference,reason\n{first.reference},fraud\n{second.reference},fraud\n", JobKind.REVOKE)
    for _ in range(3):
        assert work.step()
    return key, first, second


def reasons(*documents) -> list[str]:
    for one in documents:
        one.refresh_from_db()
    return [one.revocation_reason for one in documents]


def test_a_file_that_cannot_be_read_for_a_moment_waits_where_it_is(
    half_taken, begin, university, monkeypatch
):
    key, *documents = half_taken
    read = files.read

    def fails(whose, offset, count):
        if whose == key:
            raise OSError("the disk is away")
        return read(whose, offset, count)

    monkeypatch.setattr(files, "read", fails)
    assert not work.step()
    later = begin(HEAD + line(references(1)[0]))
    assert work.step()
    assert progress.job(later, of=[university]).state is JobState.DONE
    assert not work.step()
    found = progress.job(key, of=[university])
    assert (found.state, found.good, found.bad) == (JobState.TAKING, 1, 0)
    monkeypatch.setattr(files, "read", read)
    while work.step():
        pass
    found = progress.job(key, of=[university])
    assert (found.state, found.good, found.bad) == (JobState.DONE, 2, 0)
    assert reasons(*documents) == ["fraud", "fraud"]


def test_a_file_that_is_altered_while_documents_are_taken_back_has_failed(half_taken, node, university):
    key, *documents = half_taken
    path = node.blobs_folder / "bulk" / key.hex
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    while work.step():
        pass
    found = progress.job(key, of=[university])
    assert (found.state, found.good, problems(found)) == (JobState.FAILED, 1, [(3, "", "file-unreadable")])
    assert found.finished_at is not None
    assert reasons(*documents) == ["fraud", ""]
    assert not waiting_files(node)


def test_a_file_that_is_gone_is_given_up_after_a_day(half_taken, node, university):
    key, *documents = half_taken
    (node.blobs_folder / "bulk" / key.hex).unlink()
    assert not work.step()
    BulkJob.objects.update(created_at=timezone.now() - work.PATIENCE)
    assert work.step()
    assert progress.job(key, of=[university]).state is JobState.FAILED
    assert reasons(*documents) == ["fraud", ""]


@pytest.mark.parametrize("take_good", [False, True])
def test_what_became_wrong_since_the_look_is_told(begin, issue, university, monkeypatch, take_good):
    monkeypatch.setattr(work, "ROWS", 5)
    document, other = issue()[0], issue()[0]
    today = queries.today()
    bad = f"{Reference.new('hk')},expired,\n" if take_good else ""
    text = (
        f"reference,reason,expires_on\n{bad}{document.reference},expired,{today + timedelta(days=3)}\n"
        f"{other.reference},expired,{today + timedelta(days=3)}\n"
    )
    key = begin(text, JobKind.REVOKE, take_good=take_good)
    assert work.step()
    RegisteredDocument.objects.filter(pk=document.pk).update(expires_on=today)
    while work.step():
        pass
    found = progress.job(key, of=[university])
    line_of = 3 if take_good else 2
    told = [(2, "reference", "unknown-document")] if take_good else []
    assert problems(found) == [*told, (line_of, "reference", "later-expiry")]
    assert (found.state, found.good, found.bad) == (JobState.DONE, 1, len(told) + 1)


@pytest.mark.parametrize("kind", JobKind)
def test_no_row_is_lost_at_midnight(begin, issue, university, monkeypatch, kind):
    monkeypatch.setattr(work, "ROWS", 1)
    today, now = queries.today(), timezone.now()
    if kind is JobKind.REVOKE:
        rows = [f"{issue()[0].reference},expired,{today}\n" for _ in range(2)]
        key = begin("reference,reason,expires_on\n" + "".join(rows), kind)
    else:
        rows = [line(one).strip() + f",{today}\n" for one in references(2)]
        key = begin("reference,type,fingerprint,expires_on\n" + "".join(rows), kind)
    assert work.step()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(days=1))
    while work.step():
        pass
    found = progress.job(key, of=[university])
    assert (found.state, found.good, found.bad) == (JobState.DONE, 2, 0)


def test_the_file_waits_sealed(begin, node):
    reference = references(1)[0]
    key = begin(HEAD + line(reference))
    path = node.blobs_folder / "bulk" / key.hex
    assert reference.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert files.read(key, 0, 1000) == (HEAD + line(reference)).encode()


@pytest.mark.parametrize(("text", "error"), [("", EmptyFile), ("reference,type\n", MissingColumn)])
def test_a_file_that_is_refused_at_once_leaves_nothing(begin, node, text, error):
    with pytest.raises(error):
        begin(text)
    assert not waiting_files(node)
    assert not BulkJob.objects.exists()


def test_only_so_many_files_wait(begin, university):
    for _ in range(MOST_OPEN):
        begin(HEAD)
    with pytest.raises(TooManyJobs):
        begin(HEAD)
    while work.step():
        pass
    begin(HEAD)


def test_a_job_is_its_institutions_alone(begin, bank):
    key = begin(HEAD)
    with pytest.raises(UnknownJob):
        progress.job(key, of=[bank])


def test_documents_are_taken_back_and_let_expire_by_file(run, issue):
    (fraud, _), (old, _), (kept, _) = issue(), issue(), issue()
    day = queries.today() + timedelta(days=3)
    job = run(
        f"reference,reason,expires_on\n{fraud.reference},fraud,\n{old.reference},expired,{day}\n",
        JobKind.REVOKE,
    )
    assert (job.state, job.good, job.bad) == (JobState.DONE, 2, 0)
    for row in (fraud, old, kept):
        row.refresh_from_db()
    assert (fraud.revocation_reason, fraud.revoked_on) == ("fraud", queries.today())
    assert (old.expires_on, old.revoked_on, kept.revoked_on) == (day, None, None)
    again = run(f"reference,reason\n{fraud.reference},fraud\n", JobKind.REVOKE)
    assert (again.state, again.good, again.unchanged) == (JobState.DONE, 0, 1)


def test_one_bad_row_and_nothing_is_taken_back(run, issue, bank):
    document, _ = issue()
    revoked, _ = issue()
    services.revoke(document=revoked, reason=RevocationReason.OTHER)
    ended, _ = issue(expires_on=queries.today())
    tomorrow = queries.today() + timedelta(days=1)
    text = (
        f"reference,reason,expires_on\n{document.reference},fraud,\n{Reference.new('hk')},fraud,\n"
        f"{revoked.reference},fraud,\n{ended.reference},expired,{tomorrow}\n"
    )
    job = run(text, JobKind.REVOKE)
    assert (job.state, job.good) == (JobState.REFUSED, 0)
    assert problems(job) == [
        (3, "reference", "unknown-document"),
        (4, "reference", "already-revoked"),
        (5, "reference", "later-expiry"),
    ]
    document.refresh_from_db()
    assert document.revoked_on is None
    job = run(text, JobKind.REVOKE, take_good=True)
    assert (job.state, job.good, job.bad) == (JobState.DONE, 1, 3)
    document.refresh_from_db()
    assert document.revocation_reason == "fraud"
    job = run(f"reference,reason\n{document.reference},fraud\n", JobKind.REVOKE, institution=bank)
    assert problems(job) == [(2, "reference", "unknown-document")]


def test_of_two_reasons_in_one_file_the_first_stands(run, issue, monkeypatch):
    monkeypatch.setattr(work, "ROWS", 1)
    document, _ = issue()
    text = f"reference,reason\n{document.reference},fraud\n{document.reference},superseded\n"
    job = run(text, JobKind.REVOKE)
    assert (job.state, job.good, problems(job)) == (JobState.DONE, 1, [(3, "reference", "already-revoked")])
    document.refresh_from_db()
    assert document.revocation_reason == "fraud"


def test_only_some_of_many_problems_are_kept(run, monkeypatch):
    monkeypatch.setattr(work, "KEPT_PROBLEMS", 3)
    monkeypatch.setattr(work, "ROWS", 2)
    job = run(HEAD + "x,y,z\n" * 8)
    assert (job.bad, len(problems(job))) == (8, 3)


def peak_of(university, count) -> int:
    """Register so many documents, 2 KB a row, and return the most memory that Python held, in bytes."""
    wide = " " * 1900 + "\n"  # spaces around a field mean nothing
    lines = (line(str(Reference.new("hk"))).rstrip("\n") + wide for _ in range(count))
    pieces = (piece.encode() for part in ((HEAD,), lines) for piece in part)
    tracemalloc.start()
    try:
        key = start(institution=university, kind=JobKind.REGISTER, pieces=pieces, take_good=False).key
        while work.step():
            pass
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    found = progress.job(key, of=[university])
    assert (found.state, found.good, found.bad) == (JobState.DONE, count, 0)
    return most


def test_memory_does_not_grow_with_the_file(university):
    """From the first byte that arrives to the last row: four times as many rows hold no more at a time.

    Both files are longer than what is sealed, read and entered at a time, a megabyte each.
    """
    few, many = (peak_of(university, count) for count in (1_500, 6_000))
    assert many < few * 1.1, f"{few} for 3 MB, {many} for 12 MB"
    assert many < 16 << 20


def test_an_abandoned_file_is_swept(node, begin):
    begin(HEAD)
    stray = node.blobs_folder / "bulk" / ("0" * 32)
    stray.write_bytes(b"")
    old = timezone.now().timestamp() - 7200
    os.utime(stray, (old, old))
    while work.step():
        pass
    with transaction.atomic():
        work.step()
    assert not stray.exists()
