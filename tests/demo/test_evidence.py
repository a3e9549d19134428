"""The demonstration's evidence: of all types, for the residents of both sides."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from django.contrib.auth.models import User

from kouan.apps.evidence import kinds
from kouan.apps.evidence.models import EvidenceRecord, RecordChange
from kouan.core.credentials import Holder, broker
from kouan.demo.evidence import load
from kouan.demo.provider.people import PEOPLE, levels_of
from kouan.web.access import departments_of
from pace import patience

REQUIREMENTS = {
    "identity", "residence", "tax-residency", "company-registration", "no-conviction",
    "academic-qualification", "vehicle-licence", "property-search", "representation",
    "representation-of-company", "representation-of-person",
}  # fmt: skip


@pytest.fixture(params=["hk", "gd"])
def side(request, db, settings, tmp_path):
    settings.NODE = replace(settings.NODE, side=request.param, home=tmp_path)
    kinds._catalogue.cache_clear()
    return request.param


def offered(side, person):
    holder = Holder(person.subject, levels_of(side)[person.acr], person.document_number)
    other = {"hk": "gd", "gd": "hk"}[side]
    return {each for each in REQUIREMENTS if broker().offers(holder, each, to=other)}


def test_who_signs_in_surely_can_prove_everything(side):
    load(side)
    for person in PEOPLE[side]:
        if not person.document_number:
            assert offered(side, person) == set()
        elif levels_of(side)[person.acr] >= 3:
            assert offered(side, person) == REQUIREMENTS
        else:
            assert offered(side, person) == {"identity", "residence"}


def test_again_changes_nothing(side):
    began = time.process_time()
    count = load(side)
    assert time.process_time() - began < patience(20)
    before = RecordChange.objects.count()
    assert load(side) == count == EvidenceRecord.objects.count()
    assert RecordChange.objects.count() == before


def test_the_made_up_officer_keeps_each_departments(side):
    user = User.objects.create_user("evidence")
    load(side)
    load(side)
    assert {each.code for each in departments_of(user, "evidence")} == set(kinds.catalogue().departments)


def test_a_side_without_a_set(db):
    assert load("mo") == 0
