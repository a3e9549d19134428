"""The commands ``kouan ledger`` and ``kouan reconcile``, and ``kouan verify`` on what the node made."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from django.db import transaction

from core.exchange.declared import Note
from kouan.core.exchange import outbox
from kouan.core.exchange.commands import ledger, reconcile
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.models import Reconciliation
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.ledger.checkpoint import LedgerProof
from kouan.core.ledger.models import Entry
from kouan.node.verification import Known, print_report


def run(command, *arguments):
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


@pytest.fixture
def delivered(gd, note, cosigned):
    with transaction.atomic():
        message = outbox.send(note, to="gd", payload=Note(text="outward"))
    sealed = seal_batch("gd")
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire)))
    cosigned(gd)
    return message


def test_show(delivered):
    done = run(ledger, "show")
    assert done.exit_code == 0
    assert "hk.kouan/ledger: 2 entries" in done.output
    assert "gd.kouan/witness" in done.output
    facts = json.loads(run(ledger, "show", "--json").output)
    assert (facts["entries"], facts["final"], facts["time_stamp"]) == (2, 2, None)
    assert facts["co_signed_by"] == ["gd.kouan/witness"]


def test_show_on_an_empty_ledger(gd):
    done = run(ledger, "show")
    assert done.exit_code == 0
    assert "none yet" in done.output


def test_prove(delivered):
    proof = LedgerProof.parse(run(ledger, "prove", "1").output.encode())
    assert proof.index == 1
    assert proof.note.startswith("hk.kouan/ledger\n2\n")


def test_audit_says_that_all_is_sound_or_what_is_not(delivered):
    done = run(ledger, "audit", "--signatures")
    assert done.exit_code == 0
    assert "The ledger is sound" in done.output
    Entry.objects.filter(pk=1).update(record=b"forged")
    done = run(ledger, "audit")
    assert done.exit_code == 1
    assert "entry 1: its hash is not that of its salt and record" in done.output
    facts = json.loads(run(ledger, "audit", "--json").stdout)
    assert facts["holds"] is False
    assert {"where": "entry 1", "code": "hash"}.items() <= facts["problems"][0].items()
    assert "記項" in run(ledger, "audit", "--language", "zh-hant").output


def test_reconcile_without_an_agreement_for_it_says_so(delivered):
    done = run(reconcile, "--peer", "gd", "--wait", "0")
    assert done.exit_code == 1
    assert "no-agreement" in done.output
    rows = json.loads(run(reconcile, "--json", "--wait", "0", "--day", "2026-01-31").output)
    assert [(row["peer"], row["day"], row["state"]) for row in rows] == [("gd", "2026-01-31", "failed")]
    assert Reconciliation.objects.count() == 2


@pytest.mark.parametrize("day", ["yesterday", "2999-01-01"])
def test_reconcile_a_day_that_is_none(gd, day):
    done = run(reconcile, "--day", day)
    assert done.exit_code == 1
    assert day in done.output


def test_a_bundle_is_told_as_a_story(gd, delivered, tmp_path, capsys):
    path = tmp_path / "evidence.bundle"
    path.write_bytes(evidence_bundle([delivered]))
    assert print_report(path, (), "en")
    shown = capsys.readouterr().out
    story = shown.partition("What happened")[2].partition("Checks")[0]
    places = [
        story.index(each)
        for each in ("Hong Kong made", "number 1", "Guangdong accepted", "Guangdong co-signed", "made this")
    ]
    assert places[:3] == sorted(places[:3])
    assert "To be tested." in shown
    assert "legal basis" in shown
    assert "Anything may cross for a test." in shown
    assert print_report(path, (), "zh-hans")
    assert "共同签署" in capsys.readouterr().out


def test_a_bundle_as_json(gd, delivered, tmp_path, capsys):
    path = tmp_path / "evidence.bundle"
    data = evidence_bundle([delivered])
    path.write_bytes(data)
    assert print_report(path, (), "en", as_json=True)
    report = json.loads(capsys.readouterr().out)
    (message,) = report["messages"]
    assert report["holds"] is True
    assert message["id"] == str(delivered)
    assert (message["purpose"], message["legal_basis"]) == ("To be tested.", "tests")
    assert message["payload"] == {"text": "outward"}
    assert message["receipt"]["accepted"] is True
    assert [each["by"] for each in message["co_signed"]] == ["gd.kouan/witness"]
    assert len(message["story"]) == 5
    assert not print_report(path, (), "en", as_json=True, known=Known(quorum=2))
    capsys.readouterr()
    path.write_bytes(data[:-1])
    assert not print_report(path, (), "en", as_json=True)
    assert json.loads(capsys.readouterr().out)["checks"][0]["part"] == "frame"
