from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from kouan.web import home, navigation
from kouan.web.access import grant_role
from kouan.web.registry import Registry


@dataclass(frozen=True)
class Thing:
    key: str
    order: int = 100


def test_entries_stand_in_order_and_the_same_twice_is_harmless():
    registry: Registry[Thing] = Registry("things")
    for thing in (Thing("b"), Thing("a"), Thing("z", 1), Thing("a")):
        registry.add(thing)
    assert [thing.key for thing in registry.in_order()] == ["z", "a", "b"]


def test_a_key_taken_by_another_is_refused():
    registry: Registry[Thing] = Registry("things")
    registry.add(Thing("a"))
    with pytest.raises(ValueError, match="registered twice"):
        registry.add(Thing("a", 5))


def test_navigation_shows_a_role_only_to_its_holders_and_marks_the_page(monkeypatch):
    monkeypatch.setattr(navigation, "_items", Registry("navigation"))
    navigation.register(navigation.NavigationItem(key="home", text="Home", url_name="web:home", order=0))
    navigation.register(navigation.NavigationItem(key="help", text="Help", url_name="web:accessibility"))
    navigation.register(
        navigation.NavigationItem(key="x", text="X", url_name="staff:sign-in", role="operator")
    )
    request = RequestFactory().get("/accessibility/more")
    request.user = AnonymousUser()
    assert [(link.text, link.current) for link in navigation.links_for(request)] == [
        ("Home", False),
        ("Help", True),
    ]


def test_the_footer_takes_no_role():
    with pytest.raises(ValueError, match="same for everybody"):
        navigation.register_footer(
            navigation.NavigationItem(key="x", text="X", url_name="web:home", role="issuer")
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("roles", "seen"), [(("issuer",), 1), (("operator",), 1), (("issuer", "operator"), 1), (("data",), 0)]
)
def test_a_card_for_two_roles_is_seen_once_by_whoever_holds_either_or_both(roles, seen, django_user_model):
    user = django_user_model.objects.create_user("chan")
    for role in roles:
        grant_role(user=user, role=role)
    cards = [card for card in home.cards_for(user) if card.url_name == "validation:statistics"]
    assert len(cards) == seen


def test_home_cards_of_a_role_are_hidden_from_others(monkeypatch):
    monkeypatch.setattr(home, "_cards", Registry("home"))
    for key, role in (("a", None), ("b", "issuer")):
        home.register(
            home.HomeCard(key=key, title="T", text="t", url_name="web:home", icon="check", role=role)
        )
    assert [card.key for card in home.cards_for(AnonymousUser())] == ["a"]


def test_an_entrance_is_for_the_pages_below_its_own_and_no_others(monkeypatch):
    monkeypatch.setattr(navigation, "_entrances", Registry("entrances"))
    navigation.register_entrance(
        navigation.Entrance(key="x", url_name="web:accessibility", enter=lambda request: f"x{request.path}")
    )
    requests = RequestFactory()
    assert navigation.sign_in_for(requests.get("/accessibility/more")) == "x/accessibility/more"
    assert navigation.sign_in_for(requests.get("/accessibility-more")) == "/sign-in"
    assert navigation.sign_in_for(requests.get("/")) == "/sign-in"
