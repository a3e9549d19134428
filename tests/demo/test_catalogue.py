from __future__ import annotations

from typing import get_args

import pytest
from django.contrib.auth.models import User

from kouan.apps.services.catalogue import publishing
from kouan.apps.services.definition.checks import check
from kouan.apps.services.definition.model import Category, LifeEvent
from kouan.apps.services.definition.questions import questions
from kouan.apps.services.definition.reading import definition_of, from_folder
from kouan.apps.services.models import ServiceVersion
from kouan.apps.services.starter import folders
from kouan.demo.catalogue import publish
from kouan.web.access import departments_of, grant_role

FOLDERS = [*folders("hk"), *folders("gd")]
ALL = [definition_of(from_folder(folder), version=1) for folder in FOLDERS]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_each_starter_service_can_be_published_and_is_marked(folder):
    assert check(folder) == []
    definition = definition_of(from_folder(folder), version=1)
    assert definition.demonstration
    assert (definition.side, definition.service) == (folder.parent.name, folder.name)
    assert 4 <= len(definition.form["properties"]) <= 12


def test_the_starter_catalogue_has_both_sides_all_categories_and_enough():
    assert len(ALL) >= 24
    assert {each.side for each in ALL} == {"hk", "gd"}
    assert {each.category for each in ALL} == set(get_args(Category))
    assert {event for each in ALL for event in each.events} == set(get_args(LifeEvent))
    assert len({(each.side, each.service) for each in ALL}) == len(ALL)


def test_its_forms_ask_in_every_way_that_there_is():
    kinds = {
        str(each.schema.get("format") or ("oneOf" in each.schema and "choice") or each.schema.get("type"))
        for definition in ALL
        for each in questions(definition.form)
    }
    assert {
        "object",
        "array",
        "choice",
        "attachment",
        "date",
        "textarea",
        "boolean",
        "integer",
        "email",
    } <= kinds
    assert any(each.depends for definition in ALL for each in questions(definition.form))


def test_a_demonstration_node_offers_its_side_and_its_officers_hold_their_posts(db):
    user = User.objects.create_user("caseworker")
    grant_role(user=user, role="caseworker")
    publish("hk")
    published = ServiceVersion.objects.filter(state="published", side="hk")
    assert published.count() == len(folders("hk"))
    held = {each.code for each in departments_of(user, "caseworker")}
    assert held == {each.department.code for each in ALL if each.side == "hk"}


def test_loading_it_again_leaves_what_officers_have_done(db):
    publish("hk")
    publishing.withdraw("library-card", by="publisher")
    before = list(ServiceVersion.objects.order_by("pk").values_list("pk", "state"))
    publish("hk")
    assert list(ServiceVersion.objects.order_by("pk").values_list("pk", "state")) == before


def test_a_side_without_starter_services_has_none(db):
    publish("mo")
    assert not ServiceVersion.objects.exists()
