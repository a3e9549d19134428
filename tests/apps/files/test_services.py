"""Sending a file, taking one in, saving it."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from click.testing import CliRunner
from django.utils import timezone

from kouan.apps.files import queries, services
from kouan.apps.files.commands import file as command
from kouan.apps.files.crossings import FILE, File
from kouan.apps.files.errors import CannotReadFile, FileExists, UnknownFile, UnsoundName
from kouan.apps.files.models import ReceivedFile, SentFile
from kouan.core.exchange.blobs import folder, stream
from kouan.core.exchange.blobs.errors import BlobNotHere
from kouan.core.exchange.blobs.models import ReceivedBlob, SentBlob
from kouan.core.exchange.blobs.reference import Blob
from kouan.core.exchange.crossing import Received
from kouan.core.exchange.models import OutboxMessage
from kouan.core.policy import Denied
from kouan.core.trust.errors import UnknownMember


@pytest.fixture
def paper(tmp_path):
    path = tmp_path / "報告.pdf"
    path.write_bytes(b"content")
    return path


def test_a_sent_file_is_one_message_with_its_name(node, paper):
    message = services.send_file(path=paper, to="gd")
    row = SentFile.objects.get(message_id=message)
    assert (row.name, row.size, bytes(row.sha256)) == ("報告.pdf", 7, hashlib.sha256(b"content").digest())
    (listed,) = queries.files()
    assert (listed.name, listed.transfer.outgoing, listed.transfer.share) == ("報告.pdf", True, "0 %")


def test_what_may_not_go_is_not_even_sealed(node, paper, tmp_path):
    with pytest.raises(UnsoundName):
        services.send_file(path=paper, to="gd", name="../x")
    with pytest.raises(CannotReadFile):
        services.send_file(path=tmp_path / "missing", to="gd")
    with pytest.raises(CannotReadFile):
        services.send_file(path=tmp_path, to="gd", name="folder")
    with pytest.raises(UnknownMember):
        services.send_file(path=paper, to="mo")
    with pytest.raises(Denied):
        services.send_file(path=paper, to="xx")
    assert not SentBlob.objects.exists()
    assert not OutboxMessage.objects.exists()


@pytest.fixture
def received(node):
    """A file that has come, as the exchange leaves it."""

    def come(content=b"content", name="報告.pdf"):
        message, key = uuid.uuid4(), stream.new_key()
        blob = Blob(
            id=uuid.uuid4().bytes,
            sha256=hashlib.sha256(content).digest(),
            size=len(content),
            media_type="application/pdf",
            kid=bytes(16),
            key=bytes(80),
        )
        now = timezone.now()
        row = ReceivedBlob.objects.create(
            peer="gd",
            message_id=message,
            blob_id=uuid.UUID(bytes=blob.id),
            file=uuid.uuid4(),
            type=FILE.type,
            size=len(content),
            sealed_size=stream.sealed_size(len(content)),
            sha256=blob.sha256,
            key=key,
            chunks=1,
            state="here",
            next_attempt_at=now,
            until=now,
            created_at=now,
        )
        with folder.create(folder.incoming(row.file)) as target:
            target.write(stream.Chunks(key).seal(0, content, last=True))
        FILE.handle(Received(message, "gd", uuid.uuid4(), now, File(name=name, content=blob)))
        return message

    return come


def test_a_received_file_is_saved_under_its_name_once(received, tmp_path):
    message = received()
    out = tmp_path / "out"
    out.mkdir()
    saved = services.save_file(message_id=message, out=out)
    assert saved == out / "報告.pdf"
    assert saved.read_bytes() == b"content"
    with pytest.raises(FileExists):
        services.save_file(message_id=message, out=out)
    assert services.save_file(message_id=message, out=out / "other").read_bytes() == b"content"
    assert {path.name for path in out.iterdir()} == {"other", "報告.pdf"}


def test_a_name_that_leads_elsewhere_refuses_the_message(received):
    with pytest.raises(UnsoundName):
        received(name="../../keys/x")
    assert not ReceivedFile.objects.exists()


def test_what_is_not_here_cannot_be_saved(received, tmp_path):
    with pytest.raises(UnknownFile):
        services.save_file(message_id=uuid.uuid4(), out=tmp_path)
    message = received()
    with pytest.raises(CannotReadFile):
        services.save_file(message_id=message, out=tmp_path / "no" / "such")
    ReceivedBlob.objects.update(state="gone", key=None)
    with pytest.raises(BlobNotHere):
        services.save_file(message_id=message, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_program_sends_lists_and_saves(received, paper, tmp_path):
    run = CliRunner().invoke
    sent = run(command, ["send", str(paper), "--to", "gd"])
    assert sent.exit_code == 0, sent.output
    message = received(b"12345", "data.csv")
    listed = run(command, ["list"]).output.splitlines()
    assert [line.split("\t")[1:6] for line in listed] == [
        ["in", "gd", "here 100 %", "5", "data.csv"],
        ["out", "gd", "waiting 0 %", "7", "報告.pdf"],
    ]
    saved = run(command, ["save", str(message), "--out", str(tmp_path)])
    assert saved.output.strip() == str(tmp_path / "data.csv")
    again = run(command, ["save", str(message), "--out", str(tmp_path)])
    assert again.exit_code == 1
    assert "exists already" in again.output
    assert run(command, ["send", str(paper), "--to", "mo"]).exit_code == 1
