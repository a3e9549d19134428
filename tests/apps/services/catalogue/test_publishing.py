from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.services.catalogue.conftest import STARTER, starter
from kouan.apps.services.applying import fields
from kouan.apps.services.catalogue import publishing, queries
from kouan.apps.services.catalogue.differences import differences
from kouan.apps.services.catalogue.errors import (
    DraftChanged,
    FaultyDefinition,
    ForeignDefinition,
    NothingToPublish,
    NothingToWithdraw,
    OnlyForDemonstrations,
)
from kouan.apps.services.catalogue.queries import definition_in
from kouan.apps.services.definition.reading import MAX_FILE, Source, Unreadable, from_folder, from_zip
from kouan.apps.services.models import Application, ServiceVersion
from kouan.apps.staff import services as staff
from kouan.core.exchange.models import OutboxMessage
from kouan.core.text import Localised
from kouan.web.access import grant_role

CARD = from_folder(STARTER / "hk/library-card")
DEARER = Source(CARD.service.replace('amount = "130"', 'amount = "150"'), CARD.form)


def zipped(source=CARD, *, folder="library-card/", more=()):
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{folder}service.toml", source.service)
        archive.writestr(f"{folder}form.json", source.form)
        for name, data in more:
            archive.writestr(name, data)
    return output.getvalue()


@pytest.fixture
def officer(node):
    user = User.objects.create_user("wong")
    department = staff.add_department(code="leisure-and-culture", name=Localised("Leisure", "康文", "康文"))
    staff.grant_post(user=user, department=department, role="publisher", by="test")
    client = Client()
    client.force_login(user)
    return client


def states():
    return dict(ServiceVersion.objects.values_list("version", "state"))


def test_a_draft_is_tried_published_and_replaced_by_the_next_version(node):
    publishing.draft(CARD, by="wong")
    publishing.publish("library-card", by="wong")
    publishing.draft(DEARER, by="wong")
    assert states() == {1: "published", 2: "draft"}
    assert queries.published("hk", "library-card").fee.amount == "130"
    publishing.publish("library-card", by="wong")
    assert states() == {1: "replaced", 2: "published"}
    assert queries.published("hk", "library-card").fee.amount == "150"
    assert queries.version(starter("hk/library-card").digest()).fee.amount == "130"


def test_another_draft_takes_the_place_of_the_first(node):
    publishing.draft(CARD, by="wong")
    shown = bytes(ServiceVersion.objects.get().digest)
    publishing.draft(DEARER, by="cheung")
    assert states() == {1: "draft"}
    with pytest.raises(DraftChanged):
        publishing.publish("library-card", by="wong", digest=shown)
    assert states() == {1: "draft"}


def test_after_a_withdrawal_it_is_offered_again_as_a_later_version(node):
    publishing.publish_source(CARD, by="wong")
    publishing.withdraw("library-card", by="wong")
    assert publishing.publish_source(CARD, by="wong").version == 2
    assert states() == {1: "withdrawn", 2: "published"}


def test_publishing_the_very_same_again_changes_nothing(node):
    publishing.publish_source(CARD, by="wong")
    assert publishing.publish_source(CARD, by="wong") is None
    assert states() == {1: "published"}


def test_what_cannot_be_done_is_refused_by_name(node, settings):
    with pytest.raises(NothingToPublish):
        publishing.publish("library-card", by="wong")
    with pytest.raises(NothingToWithdraw):
        publishing.withdraw("library-card", by="wong")
    with pytest.raises(FaultyDefinition, match=r"service.toml:\d+: side"):
        publishing.draft(Source(CARD.service.replace('side = "hk"', 'side = "xx"'), CARD.form), by="wong")
    with pytest.raises(ForeignDefinition):
        publishing.draft(from_folder(STARTER / "gd/reader-card"), by="wong")
    with pytest.raises(ForeignDefinition):
        publishing.draft(CARD, by="wong", departments=["transport"])
    settings.NODE = replace(settings.NODE, demonstration=False)
    with pytest.raises(OnlyForDemonstrations):
        publishing.draft(CARD, by="wong")
    assert not ServiceVersion.objects.exists()


def test_a_department_cannot_take_over_another_ones_service(node):
    publishing.publish_source(CARD, by="wong")
    taken = Source(CARD.service.replace('code = "leisure-and-culture"', 'code = "transport"'), CARD.form)
    with pytest.raises(ForeignDefinition):
        publishing.draft(taken, by="lee", departments=["transport"])
    with pytest.raises(ForeignDefinition):
        publishing.withdraw("library-card", by="lee", departments=["transport"])


def test_differences_are_shown_place_by_place(node):
    before, after = starter("hk/library-card"), starter("hk/library-card", version=2, aliases=["books"])
    found = {each.where: (each.before, each.after) for each in differences(before, after)}
    assert found == {"aliases": (", ".join(before.aliases), "books")}
    assert differences(before, before) == []


def test_a_zip_file_is_read_with_or_without_its_folder():
    assert from_zip(zipped()) == from_zip(zipped(folder="")) == CARD
    assert (
        from_zip(zipped(more=[("__MACOSX/library-card/service.toml", b"x"), ("library-card/notes.md", b"")]))
        == CARD
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 no more",
        zipped()[:-200],
        zipped(folder="a/b/"),
        zipped(more=[("other/service.toml", b"side = 1")]),
        zipped(more=[(f"{number}.txt", b"") for number in range(60)]),
        zipped(Source(" " * (MAX_FILE + 1), CARD.form)),
        b"x" * (1 << 21),
    ],
    ids=["empty", "damaged", "cut", "too deep", "twice", "many", "bomb", "large"],
)
def test_a_zip_file_that_is_no_folder_is_refused(data):
    with pytest.raises(Unreadable):
        from_zip(data)


def test_an_upload_becomes_a_draft_and_is_published_from_its_page(officer):
    response = officer.post(reverse("services:publishing-upload"), {"folder": io.BytesIO(zipped())})
    assert response.status_code == 302
    page = officer.get(response.headers["Location"]).content.decode()
    assert "Version 1 is a draft" in page
    digest = bytes(ServiceVersion.objects.get().digest).hex()
    officer.post(reverse("services:publishing-publish", args=["library-card"]), {"digest": "00"})
    assert states() == {1: "draft"}
    officer.post(reverse("services:publishing-publish", args=["library-card"]), {"digest": digest})
    assert states() == {1: "published"}
    assert ServiceVersion.objects.get().by == "wong"
    listed = officer.get(reverse("services:publishing")).content.decode()
    assert "Card for the public libraries" in listed
    officer.post(reverse("services:publishing-withdraw", args=["library-card"]))
    assert states() == {1: "withdrawn"}


def test_an_upload_of_a_department_that_the_side_does_not_have_is_refused(node, client):
    """Where departments have been added: who publishes for the whole side may name any of them."""
    user = User.objects.create_user("wong")
    grant_role(user=user, role="publisher")
    client.force_login(user)
    for code, status in (("transport", 422), ("leisure-and-culture", 302)):
        staff.add_department(code=code, name=Localised("A department", "部門", "部门"))
        response = client.post(reverse("services:publishing-upload"), {"folder": io.BytesIO(zipped())})
        assert response.status_code == status
        said = "no department of this side is called leisure-and-culture" in response.content.decode()
        assert (said, ServiceVersion.objects.exists()) == (status == 422, status == 302)


def test_an_upload_with_faults_says_where_each_is_and_keeps_nothing(officer):
    wrong = Source(CARD.service.replace('side = "hk"', 'side = "xx"'), CARD.form)
    response = officer.post(reverse("services:publishing-upload"), {"folder": io.BytesIO(zipped(wrong))})
    text = response.content.decode()
    assert response.status_code == 422
    assert "service.toml:1" in text
    assert "no side is called xx" in text
    assert not ServiceVersion.objects.exists()
    assert officer.post(reverse("services:publishing-upload")).status_code == 422


def test_a_preview_shows_the_page_and_the_forms_questions(officer):
    publishing.draft(CARD, by="wong")
    text = officer.get(reverse("services:publishing-preview", args=["library-card", 1])).content.decode()
    assert "Nobody can apply from here" in text
    assert "Which library is nearest to you?" in text
    assert "depends on an answer" in text
    folder = officer.get(reverse("services:publishing-folder", args=["library-card", 1])).content
    assert publishing.definition_of(from_zip(folder), version=1) == starter("hk/library-card")


def test_a_publisher_sees_and_touches_only_their_departments_services(officer):
    publishing.publish_source(from_folder(STARTER / "hk/vehicle-particulars"), by="lee")
    assert "motor vehicle" not in officer.get(reverse("services:publishing")).content.decode()
    for name, args in (
        ("publishing-service", []),
        ("publishing-preview", [1]),
        ("publishing-try", [1]),
        ("publishing-folder", [1]),
        ("publishing-changes", [1]),
        ("publishing-withdraw", []),
    ):
        path = reverse(f"services:{name}", args=["vehicle-particulars", *args])
        assert officer.get(path).status_code == 404, name
    officer.post(reverse("services:publishing-withdraw", args=["vehicle-particulars"]))
    assert states() == {1: "published"}
    foreign = zipped(from_folder(STARTER / "hk/vehicle-particulars"))
    assert (
        officer.post(reverse("services:publishing-upload"), {"folder": io.BytesIO(foreign)}).status_code
        == 422
    )


def test_other_roles_do_not_reach_these_pages(node):
    user = User.objects.create_user("lee")
    grant_role(user=user, role="caseworker")
    client = Client()
    assert client.get(reverse("services:publishing")).status_code == 302
    client.force_login(user)
    assert client.get(reverse("services:publishing")).status_code == 403
    assert (
        client.post(reverse("services:publishing-upload"), {"folder": io.BytesIO(zipped())}).status_code
        == 403
    )
    assert not ServiceVersion.objects.exists()


def test_an_upload_from_another_site_is_refused(officer):
    client = Client(enforce_csrf_checks=True)
    client.cookies = officer.cookies
    assert (
        client.post(reverse("services:publishing-upload"), {"folder": io.BytesIO(zipped())}).status_code
        == 403
    )


def test_a_publisher_tries_the_form_and_nothing_is_kept_or_sent(officer):
    publishing.draft(CARD, by="wong")
    path = reverse("services:publishing-try", args=["library-card", 1])
    assert "nothing can be sent from here" in officer.get(path).content.decode()
    refused = officer.post(path, {"do": "check"})
    assert refused.status_code == 422
    assert 'href="#q-branch"' in refused.content.decode()
    given = {
        "about.name": "CHAN", "about.birthdate-day": "3", "about.birthdate-month": "2",
        "about.birthdate-year": "1990", "about.address": "1 Ferry Street", "kind": "adult",
        "branch": "central", "mail": "no", "contact.email": "chan@example.com", "do": "check",
    }  # fmt: skip
    shown = officer.post(path, given)
    text = shown.content.decode()
    assert (shown.status_code, "could go on with these answers" in text) == (200, True), text[-6000:]
    assert "1 Ferry Street" in text
    assert not Application.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_a_question_that_an_answer_raises_is_tried_too(officer):
    publishing.draft(CARD, by="wong")
    path = reverse("services:publishing-try", args=["library-card", 1])
    text = officer.post(path, {"kind": "child", "do": "check"}).content.decode()
    asked = fields.page_names(definition_in(ServiceVersion.objects.get()).form, {"kind": "child"})
    for name in asked:
        assert f'id="q-{name}' in text
