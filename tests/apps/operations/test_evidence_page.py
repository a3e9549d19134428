"""The page that checks evidence: sound, altered, a stranger's, and whatever else is sent to it."""

from __future__ import annotations

import html
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse

from kouan.apps.operations import evidence_views
from kouan.core.exchange import outbox
from kouan.core.exchange.bundle import MAX_BUNDLE
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.trust.models import Member, MemberHistory
from kouan.web.models import Attempt

ADDRESS = "/check-evidence"


@pytest.fixture
def bundle(node):
    """The evidence of one message of ours."""
    (message,) = node.deliver()
    node.witnessed()
    return evidence_bundle([message])


def send(client, data, name="evidence.bundle", **more):
    return client.post(ADDRESS, {"file": SimpleUploadedFile(name, data), **more})


def text(answer):
    return html.unescape(answer.content.decode())


def test_anybody_may_ask_for_the_page(client, db):
    answer = client.get(reverse("operations:evidence-check"))
    assert answer.status_code == 200
    assert 'type="file"' in text(answer)
    assert reverse("operations:evidence-check") in text(client.get("/")), "the footer names it"


def test_what_holds_is_told_with_who_when_and_on_which_basis(client, bundle, node):
    answer = send(client, bundle)
    shown = text(answer)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "The evidence holds" in shown
    assert "It proves 1 message." in shown
    for part in ("Hong Kong", "Guangdong", "trial.note/1", "signed a receipt", "co-signed the ledger of"):
        assert part in shown, part
    happened = (
        "made the message",
        "sealed it to",
        "signed a receipt",
        "co-signed the ledger of",
        "made this evidence",
    )
    assert [shown.index(each) for each in happened] == sorted(shown.index(each) for each in happened)
    assert "Does not hold" not in shown
    assert shown.count("Knows it") == 2, "both sides' keys are those that this node knows"


@pytest.mark.parametrize("language", ["zh-hant", "zh-hans"])
def test_it_is_told_in_each_script(client, bundle, language):
    client.cookies["kouan_language"] = language
    shown = text(send(client, bundle))
    assert "The evidence holds" not in shown
    assert "香港" in shown


def test_one_altered_bit_is_shown_with_its_part(client, bundle):
    place = bundle.index(b"trial.note")
    altered = bundle[:place] + bytes([bundle[place] ^ 1]) + bundle[place + 1 :]
    shown = text(send(client, altered))
    assert "The evidence does not hold" in shown
    assert "Do not rely on it." in shown
    assert "The evidence holds" not in shown
    assert re.search(r"Changed after the bundle was made: \S+\.", shown)
    assert shown.index("Does not hold") < shown.index("Holds"), "what failed stands first"


def test_keys_of_another_with_a_sides_name_are_no_evidence(client, bundle):
    Member.objects.filter(side="gd").update(fingerprint="0" * 64)
    MemberHistory.objects.filter(side="gd").update(fingerprint="1" * 64)
    shown = text(send(client, bundle))
    assert "The evidence does not hold" in shown
    assert "It names keys of Guangdong that are not those of Guangdong which this node knows." in shown
    assert "Knows another" in shown


def test_a_former_key_is_told_from_the_present_one(client, bundle, node):
    row = Member.objects.get(side="gd")
    MemberHistory.objects.create(
        side="gd",
        fingerprint=row.fingerprint,
        serial=99,
        digest="0" * 64,
        document=b"",
        imported_at=row.imported_at,
    )
    Member.objects.filter(side="gd").update(fingerprint="0" * 64)
    shown = text(send(client, bundle))
    assert "The evidence holds" in shown
    assert "Knew it before" in shown


def test_a_side_that_this_node_does_not_know_is_named(client, bundle):
    Member.objects.all().delete()
    MemberHistory.objects.all().delete()
    shown = text(send(client, bundle))
    assert "The evidence holds" in shown
    assert "This node does not know the keys of: gd." in shown


@pytest.mark.parametrize(
    "data", [b"x", b"\x00" * 3000, b"<script>alert(1)</script>", b"\xff" * 100], ids=range(4)
)
def test_what_is_no_bundle_is_told_so(client, node, data):
    answer = send(client, data)
    assert answer.status_code == 200
    assert "The evidence does not hold" in text(answer)
    assert b"<script>alert" not in answer.content


def test_a_missing_and_a_large_file_are_refused(client, node):
    assert client.post(ADDRESS, {}).status_code == 422
    assert send(client, b"").status_code == 422
    answer = send(client, bytes(MAX_BUNDLE + 1))
    assert answer.status_code == 413
    assert "larger than any evidence bundle" in text(answer)
    assert send(client, bytes(MAX_BUNDLE + (1 << 20))).status_code == 413
    assert send(client, bytes(MAX_BUNDLE)).status_code == 200


def test_the_first_file_of_the_forms_own_field_counts(client, bundle):
    files = [SimpleUploadedFile(name, data) for name, data in (("a", b"x"), ("b", bundle), ("c", b"x"))]
    answer = client.post(ADDRESS, {"other": files[0], "file": files[1:]})
    assert "The evidence holds" in text(answer)


def test_the_words_of_a_message_are_words_only(client, node):
    with transaction.atomic():
        message = outbox.send(node.crossing, to="gd", payload=node.payload("<b>bold</b> & co"))
    node.deliver()
    node.witnessed()
    answer = send(client, evidence_bundle([message]))
    assert b"<b>bold" not in answer.content
    assert "<b>bold</b> & co" in text(answer)


def test_another_sites_form_is_refused(bundle):
    from django.test import Client  # noqa: PLC0415 - one that checks

    answer = send(Client(enforce_csrf_checks=True), bundle)
    assert answer.status_code == 403


def test_one_address_checks_so_many_a_minute(client, node):
    for _ in range(evidence_views.CHECKS.limit):
        assert send(client, b"x").status_code == 200
    answer = send(client, b"x")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    Attempt.objects.all().delete()
    assert send(client, b"x").status_code == 200
