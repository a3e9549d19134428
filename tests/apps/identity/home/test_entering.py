"""A resident comes to the pages of their own."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.identity.home.conftest import PROVIDER
from kouan.apps.identity import residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.errors import InteractionOver, NotThisStep
from kouan.apps.identity.home import attempts
from kouan.apps.identity.home.adapter import Asked, Begun
from kouan.apps.identity.models import HomeAttempt, HomeSession, Interaction, Resident


def test_a_resident_signs_in_and_is_recognised(browser):
    response = browser.enter(next="/accessibility")

    assert response.status_code == 302
    assert response["Location"] == "/accessibility"
    session = browser.session
    assert session.level == Level.SUBSTANTIAL
    assert residents.attributes_of(session) == {"name": "LEE Ka Yan", "name#zh-Hant": "李嘉欣"}


def test_the_same_account_is_the_same_resident(browser, another):
    browser.enter()
    another.enter()

    assert Resident.objects.count() == 1
    assert HomeSession.objects.count() == 2
    assert browser.session.resident == another.session.resident
    assert browser.session != another.session


@pytest.mark.parametrize("page", ["web:home", "identity:mine", "services:find", "services:mine"])
def test_the_header_of_every_page_lets_a_resident_sign_out_once_signed_in(browser, page):
    way_out = f'action="{reverse("identity:leave")}"'
    header = browser.client.get(reverse(page)).content.decode().partition("</header>")[0]
    assert way_out not in header

    browser.enter()

    header = browser.client.get(reverse(page)).content.decode().partition("</header>")[0]
    assert way_out in header
    assert reverse("staff:sign-in") not in header


def test_leaving_ends_the_session_and_erases_what_it_said(browser):
    browser.enter()
    session = browser.session

    response = browser.client.post(reverse("identity:leave"))

    assert response.status_code == 200
    assert browser.session is None
    session.refresh_from_db()
    assert session.ended_at is not None
    assert session.attributes is None


class Away:
    """A home provider to which nobody has to go."""

    id = PROVIDER

    def begin(self, _asked):
        return Begun("https://home.example/", "state", {})


def test_for_what_was_ended_or_went_on_meanwhile_nothing_is_begun(browser):
    ended, gone_on = browser.interaction(side="hk"), browser.interaction(side="hk")
    Interaction.objects.filter(pk=ended.pk).delete()
    Interaction.objects.filter(pk=gone_on.pk).update(stage=Interaction.Stage.DONE)
    for row, error in ((ended, InteractionOver), (gone_on, NotThisStep)):
        with pytest.raises(error):
            attempts.begin(browser=row.browser, adapter=Away(), asked=Asked(Level.LOW), interaction=row)
    assert not HomeAttempt.objects.exists()
