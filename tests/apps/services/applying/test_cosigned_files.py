"""A cosigner signs files that they can open, and no others."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from django.urls import reverse

from apps.services.applying.made import ANSWERS, PDF, PNG
from apps.services.applying.test_following import ask
from apps.services.applying.test_sending import attach
from apps.services.applying.test_views import page
from kouan.apps.services.applying import drafts, sending
from kouan.apps.services.models import Application, ApplicationFile

OTHER_PDF = PDF.replace(b"x", b"y")


@pytest.fixture
def with_files(filled, chan):
    """A draft that somebody is asked to sign, with a file in place of evidence and one of an answer."""

    def make():
        row = filled(cosigners={"least": 1, "most": 2})
        attach(row, chan, PDF, place="needs.identity", name="id.pdf")
        attach(row, chan, PNG)
        draft = drafts.opened(drafts.mine(row.key, chan.person))
        drafts.change(
            key=row.key, person=chan.person, seen=draft.seen, picks={"identity": {"upload": True}},
            answers={**ANSWERS, "photo": hashlib.sha256(PNG).hexdigest()},
        )  # fmt: skip
        return row, ask(row, chan)

    return make


def test_a_cosigner_opens_each_file_that_goes_over(with_files, chan, lee):
    row, asked = with_files()
    shown = page(lee.browser, "cosign", asked.key).text
    for name, data in (("id.pdf", PDF), ("me.png", PNG)):
        file = row.files.get(name=name)
        address = reverse("services:cosign-file", args=[asked.key, file.key])
        assert f'href="{address}"' in shown
        back = lee.browser.get(address)
        assert (back.status_code, back.content) == (200, data)
        assert chan.browser.get(address).status_code == 403
    page(lee.browser, "cosign-file", asked.key, uuid.uuid4(), status=404)


def test_a_file_that_does_not_go_over_is_not_opened(with_files, chan, lee, held):
    row, asked = with_files()
    draft = drafts.opened(drafts.mine(row.key, chan.person))
    pick = {"offer": str(held.key), "version": "1", "claims": ["name", "birthdate"]}
    drafts.change(key=row.key, person=chan.person, seen=draft.seen, picks={"identity": pick})
    file = ApplicationFile.objects.get(name="id.pdf")
    page(lee.browser, "cosign-file", asked.key, file.key, status=404)


def test_a_file_that_is_swapped_while_a_cosigner_reads_is_not_signed(with_files, chan, lee):
    row, asked = with_files()
    digest = drafts.opened(Application.objects.get(pk=row.pk)).digest().hex()
    row.files.get(name="id.pdf").delete()
    attach(row, chan, OTHER_PDF, place="needs.identity", name="id.pdf")
    url = reverse("services:cosign", args=[asked.key])
    refused = lee.browser.post(url, {"answer": "sign", "agree": "yes", "digest": digest})
    assert refused.status_code == 409
    signed, _open = sending.cosigned(drafts.opened(Application.objects.get(pk=row.pk)))
    assert signed == []
