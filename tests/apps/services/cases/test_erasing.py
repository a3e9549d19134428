"""What a case holds of the person is erased once the department's term is over, and what is left of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.services.cases.made import word
from kouan.apps.services.cases import erasing, errors, queries, receiving, working
from kouan.apps.services.models import Case
from kouan.core.exchange.models import OutboxBody, OutboxMessage
from kouan.sections.services import ServicesSettings


@pytest.fixture
def refused(case, officer, told):
    """A case that was refused so many days ago."""

    def make(days, **changes):
        row, worker = case(), officer()
        row = working.take_up(case=row, officer=worker, changed=row.changed)
        row = working.refuse(
            case=row, officer=worker, changed=row.changed, words="Wang Fang lives elsewhere."
        )
        told()
        Case.objects.update(decided_at=timezone.now() - timedelta(days=days), **changes)
        row.refresh_from_db()
        return row, worker

    return make


def holds(row):
    """What a case holds of a person: the number of things."""
    row.refresh_from_db()
    sealed = [row.answers, row.told, row.consent, *row.events.values_list("told", flat=True)]
    return sum(map(bool, [*sealed, row.subject])) + row.evidence.count() + row.files.count()


def test_before_its_term_is_over_nothing_is_erased(refused):
    row, _worker = refused(2556)
    before = holds(row)
    assert before > 4
    assert erasing.run() is False
    assert (holds(row), row.erased_at) == (before, None)


@pytest.mark.parametrize("restricted", [False, True])
def test_after_its_term_number_dates_and_outcome_are_left(refused, restricted):
    row, _worker = refused(2558, restricted_at=timezone.now() if restricted else None)
    events = row.events.count()
    assert OutboxBody.objects.filter(message__conversation=row.key).exists()
    assert erasing.run() is False
    assert holds(row) == 0
    assert (row.state, row.reference != "", row.erased_at is not None) == ("refused", True, True)
    assert (row.digest, row.message_id, row.received_at) != (b"", None, None)
    assert row.events.count() == events + 1
    assert not OutboxBody.objects.filter(message__conversation=row.key).exists()
    assert OutboxMessage.objects.filter(conversation=row.key, header__isnull=False).exists()
    seen = queries.shown(row, "en")
    assert (seen.passages, seen.evidence, seen.files, seen.cosigners) == ([], (), (), ())
    assert (seen.story[0].kind, {each.words for each in seen.story}) == ("erased", {""})
    changed = row.changed
    erasing.run()
    row.refresh_from_db()
    assert row.changed == changed


def test_an_open_case_is_not_erased_however_old_it_is(case):
    row = case()
    Case.objects.update(decided_at=timezone.now() - timedelta(days=9000))  # decided, appealed, open again
    before = holds(row)
    erasing.run()
    assert holds(row) == before


def test_the_node_says_how_long_the_term_is(refused, settings):
    row, _worker = refused(100)
    settings.NODE = replace(settings.NODE, services=ServicesSettings(keep_cases_days=99))
    erasing.run()
    assert holds(row) == 0


def test_a_portion_is_bounded(case, monkeypatch):
    monkeypatch.setattr(erasing, "AT_ONCE", 2)
    for _ in range(3):
        case()
    Case.objects.update(turn="nobody", state="lapsed", decided_at=timezone.now() - timedelta(days=9000))
    assert [erasing.run(), erasing.run()] == [True, False]
    assert not Case.objects.filter(erased_at=None).exists()


def test_nothing_more_is_done_with_an_erased_case(refused):
    row, worker = refused(9000)
    erasing.run()
    row.refresh_from_db()
    for action in ("message", "withdraw-consent", "appeal"):
        with pytest.raises(errors.NotNow):
            receiving.acted(message=word(row, action, words="I ask once more."))
    with pytest.raises(errors.CaseErased):
        working.note(case=row, officer=worker, changed=row.changed, words="Looked again.")
    assert holds(row) == 0
