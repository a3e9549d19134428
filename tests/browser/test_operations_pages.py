"""The operator's pages and the catalogue, with everything on them that can be there at once."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.apps.operations import watching
from kouan.apps.operations.alarms import Alarm, AlarmKind
from kouan.apps.operations.incident_labels import WORDS
from kouan.core.exchange import handling, sealing
from kouan.core.exchange.blobs.models import ReceivedBlob, SentBlob
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.models import Channel, InboxMessage, Incident, OutboxMessage, Stream
from kouan.core.exchange.recovery.halts import Loss, halt
from kouan.core.ledger.models import Equivocation, WitnessedLog
from operations_node import declared, home, node, note  # noqa: F401 - fixtures

ABOUT = {
    AlarmKind.RECORD_MISSING: "gd",
    AlarmKind.PEER_SILENT: "gd",
    AlarmKind.UNWITNESSED: "gd",
    AlarmKind.WAITING_LONG: "gd",
    AlarmKind.OUTBOX_GROWING: "gd",
    AlarmKind.KEY_ENDING: "hk tls",
}


@pytest.fixture
def busy(node):  # noqa: F811 - the fixture
    """A node on which everything has happened; returns ids of messages worth opening."""
    handled = node.deliver(5, statuses=[None, None, "no-agreement", "oversized-payload", None])
    came = node.receive(3)
    handling.handle_waiting()
    failed, waits = node.receive(2)
    InboxMessage.objects.filter(message_id=failed).update(state="failed", code="ValueError", attempts=8)
    answer = node.send(conversation=InboxMessage.objects.get(message_id=came[0]).conversation)[0]
    InboxMessage.objects.filter(message_id=waits).update(
        attempts=2, next_attempt_at=timezone.now() + timedelta(seconds=20)
    )
    node.witnessed()
    sealing.seal_batch("gd")
    node.send(2)
    OutboxMessage.objects.filter(message_id=handled[0]).update(state="handled", finished_at=timezone.now())
    now = timezone.now()
    Stream.objects.update(
        last_error="The door of gd does not answer (ClientConnectorError: cannot connect).", last_error_at=now
    )
    for kind in (*WORDS, "some-other-kind"):
        Incident.objects.create(peer="gd", kind=kind, detail=f"message {came[1]}", at=now)
    told = "They had put a backup back. <Asked Ms Li to compare.>"
    Incident.objects.create(
        peer="gd",
        kind="stream-fork",
        detail="number 7",
        at=now,
        settled_at=now,
        settled_by="wong",
        remark=told,
    )
    signed = "gd.kouan/ledger\n1280\nAAAA\n\n— gd.kouan/ledger BBBB\n"
    log = WitnessedLog.objects.create(origin="gd.kouan/ledger", size=1280, note=signed, at=now)
    kept = {"kept_note": signed, "offered_note": signed}
    Equivocation.objects.create(log=log, finding="same-size", size=1280, root=bytes(32), at=now, **kept)
    every = [Alarm(kind, ABOUT.get(kind, ""), 4000, 300) for kind in AlarmKind]
    watching.record(every, now - timedelta(hours=2))
    watching.record(every[:6], now)
    _files(came[0], now)
    return {
        "handled": handled[0],
        "refused": handled[2],
        "came": came[0],
        "failed": failed,
        "in-doubt": answer,
    }


def _files(message, now):
    """Have files in every stage."""
    mib = 1 << 20
    for at, (state, chunks, more) in enumerate(
        [
            ("fetching", 0, {}),
            ("fetching", 700, {"error": "The door of gd does not answer (TimeoutError)."}),
            ("here", 2000, {}),
            ("failed", 3, {"code": "blob-damaged"}),
        ]
    ):
        ReceivedBlob.objects.create(
            peer="gd",
            message_id=message if at == 1 else uuid.uuid4(),
            blob_id=uuid.uuid4(),
            file=uuid.uuid4(),
            type="files.file",
            size=2000 * mib,
            sealed_size=2000 * (mib + 16),
            sha256=bytes(32),
            state=state,
            chunks=chunks,
            next_attempt_at=now,
            until=now,
            created_at=now - timedelta(minutes=at),
            **more,
        )
    for at, (state, served) in enumerate([("sealing", 0), ("sent", 30), ("gone", 5)]):
        SentBlob.objects.create(
            blob_id=uuid.uuid4(),
            peer="gd",
            message_id=None if state == "sealing" else uuid.uuid4(),
            type="files.file",
            size=50 * mib,
            sealed_size=50 * mib,
            served=served,
            state=state,
            created_at=now - timedelta(hours=1 + at),
        )


def test_the_pages_are_accessible_and_fit(visit, busy, language):
    visitor = visit(language=language)
    for name in ("catalogue", "agreements"):
        visitor.open(f"/{name}/")
        visitor.check(name)
    visitor.sign_in("operator")
    for name in ("", "crossings/", "waiting/", "files/", "dead-letters/", "incidents/", "ledger/", "alarms/"):
        visitor.open(f"/operations/{name}")
        visitor.check(f"operations-{name.strip('/') or 'overview'}")
    for name, message in busy.items():
        sender = "?from=gd" if name in ("came", "failed") else ""
        visitor.open(f"/operations/crossings/{message}/{sender}")
        visitor.check(f"operations-crossing-{name}")
    visitor.open("/operations/crossings/?q=1")
    visitor.check("operations-search-refused")
    visitor.open(f"/operations/crossings/{busy['refused']}/retry")
    visitor.check("operations-retry")


def test_what_evidence_proves_is_accessible_and_fits(visit, node, language):  # noqa: F811 - the fixture
    (message,) = node.deliver()
    node.witnessed()
    visitor = visit(language=language)
    page = visitor.open("/check-evidence")
    visitor.check("evidence")
    for name, data in (("proved", evidence_bundle([message])), ("refused", b"no bundle")):
        file = {"name": "evidence.bundle", "mimeType": "application/octet-stream", "buffer": data}
        page.locator("input[type=file]").set_input_files(file)
        page.locator("main form[enctype] button.govuk-button[type=submit]").click()
        page.wait_for_selector("#verdict")
        visitor.check(f"evidence-{name}")


def test_a_halted_channel_says_what_is_missing_and_what_to_do(visit, node, language):  # noqa: F811 - the fixture
    loss = Loss(79, 211, 138, 142, 279, 587, until="2026-11-22T08:49:27+00:00")
    halt("gd", Channel.Cause.RESTORED, loss=loss, evidence=b"proof")
    visitor = visit(language=language)
    visitor.sign_in("operator")
    visitor.open("/operations/")
    visitor.check("operations-overview-halted")
    page = visitor.open("/operations/channels/")
    visitor.check("operations-channels")
    text = page.locator("main").inner_text()
    assert "211" in text
    assert "kouan channel resync --peer gd" in text


def test_an_incident_is_acknowledged_by_keyboard_alone(visit, busy):
    visitor = visit()
    visitor.sign_in("operator")
    page = visitor.open("/operations/incidents/")
    form = page.locator("main form").first
    form.locator("textarea").fill("Spoke to them: a disk was put back.")
    form.locator("button").press("Enter")
    page.wait_for_selector(".govuk-notification-banner--success")
    assert Incident.objects.exclude(settled_by="").filter(remark__startswith="Spoke to them").count() == 1
    with page.expect_download() as download:
        page.locator("main a[download]").first.press("Enter")
    assert download.value.suggested_filename.endswith(".zip")


def test_a_dead_letter_is_sent_again_by_keyboard_alone(visit, busy):
    visitor = visit()
    visitor.sign_in("operator")
    page = visitor.open(f"/operations/crossings/{busy['refused']}/")
    page.locator("a.govuk-button", has_text="Try again").press("Enter")
    page.locator("main form button").press("Enter")
    page.wait_for_selector(".govuk-notification-banner--success")
    assert OutboxMessage.objects.get(retry_of=busy["refused"]).state == "waiting"
