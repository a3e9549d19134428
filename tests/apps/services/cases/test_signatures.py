"""Who did something, and who signed it: in which sign-in, and whether they saw what the officer sees."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
import rfc8785

from apps.services.cases.made import ANSWERS, cosigner, presentation, word
from apps.services.cases.test_receiving import OF_ANSWERS, OF_EVIDENCE
from kouan.apps.services.cases import errors, queries, receiving, working
from kouan.apps.services.crossings import APPLICANT_ACTED_1
from kouan.apps.services.models import Case
from kouan.apps.services.payloads import ApplicantActed1

MENDED = ANSWERS | {"plate": "CD 99"}


@pytest.fixture
def signed(case, officer, client):
    """A case that somebody else signed too, of which a correction is asked; the officer's browser."""

    def make():
        row, worker = case(cosigners=[cosigner()]), officer()
        client.force_login(worker)
        return working.ask_correction(
            case=row, officer=worker, changed=row.changed, ask=["answers.plate"], words="Look again."
        )

    return make


def correct(row, agreed, answers, **more):
    kinds = OF_ANSWERS + more.pop("kinds", [])
    receiving.acted(
        message=word(
            row, "correct", answers=rfc8785.dumps(answers), kinds=kinds, receipt=agreed(row, kinds), **more
        )
    )
    return Case.objects.get(pk=row.pk)


def marks(row):
    return [each["before"] for each in queries.shown(row, "en").cosigners]


def test_a_signature_does_not_stand_for_what_was_corrected_after_it(signed, agreed, client):
    row = signed()
    assert marks(row) == [False]
    row = correct(row, agreed, MENDED)
    assert marks(row) == [True]
    assert "Signed before it was changed" in client.get(f"/cases/{row.reference}/").text


def test_a_signature_stands_while_nothing_is_changed(signed, agreed, client):
    row = correct(signed(), agreed, ANSWERS)
    assert marks(row) == [False]
    assert "Signed before it was changed" not in client.get(f"/cases/{row.reference}/").text


def test_what_is_changed_back_is_what_was_signed(signed, agreed, officer):
    row = correct(signed(), agreed, MENDED)
    row = working.ask_correction(
        case=row, officer=officer("another"), changed=row.changed, ask=["answers.plate"], words="As it was."
    )
    assert marks(correct(row, agreed, ANSWERS)) == [False]


def test_evidence_that_comes_later_was_not_signed(signed, agreed):
    row = correct(signed(), agreed, ANSWERS, evidence=[presentation()], kinds=OF_EVIDENCE)
    assert marks(row) == [True]


# The sign-in


@pytest.mark.parametrize("action", ["correct", "message", "withdraw"])
def test_what_is_done_in_a_weaker_sign_in_than_the_service_wants_is_refused(signed, agreed, action):
    row = signed()
    kinds = OF_ANSWERS if action == "correct" else []
    more = {"answers": rfc8785.dumps(MENDED), "kinds": kinds, "receipt": agreed(row, kinds)} if kinds else {}
    with pytest.raises(errors.LevelTooLow):
        receiving.acted(message=word(row, action, words="So.", level=1, **more))
    assert Case.objects.get(pk=row.pk).state == "correction"
    assert not row.events.filter(role="applicant").exclude(kind="received").exists()
    receiving.acted(message=word(row, action, words="So.", level=2, **more))


def test_a_node_that_tells_no_sign_in_is_heard(signed):
    row = signed()
    said = word(row, "message", words="So.")
    before = ApplicantActed1(**{name: value for name, value in dict(said.payload).items() if name != "level"})
    APPLICANT_ACTED_1.handle(replace(said, id=uuid.uuid4(), payload=before))
    assert row.events.filter(kind="message").exists()
