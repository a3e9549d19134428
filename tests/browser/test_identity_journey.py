"""A person with a real browser and two real nodes: signing in there, out again on both, applying there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import databases
from browser.conftest import _axe, _shape
from browser.visiting import ERRANDS, Visit, apply
from journeys.nodes import say, wait_until
from kouan.demo.homes import providers_of
from kouan.demo.nodes import DemonstrationNode, establish, free_ports
from kouan.demo.services import origin_of, services_of
from kouan.demo.up import is_up
from kouan.node.supervisor import NODES_GRACE, Supervisor, node_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = {"hk": "Hong Kong", "gd": "Guangdong"}
PEOPLE = {"hk": ("hk-chan", "CHAN Siu Ming"), "gd": ("gd-wang", "WANG Xiaofang")}
"""Who goes there and back; the other tests are other people's, whose consents nobody else has given."""

FIVE_MINUTES, MOST_STEPS = 300, 40


@dataclass(frozen=True)
class Side:
    """One side of the demonstration, as a person finds it."""

    node: DemonstrationNode

    @property
    def portal(self) -> str:
        return self.node.config.portal_origin

    @property
    def service(self) -> str:
        return origin_of(self.node.path.parent)

    @property
    def provider(self) -> str:
        return self.node.config.homes[0].issuer


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Both sides with their providers and services, as ``kouan up`` runs them."""
    ports, home = free_ports(8), tmp_path_factory.mktemp("both")
    for side in ("hk", "gd"):
        databases.begin(home / side)
    nodes = establish(
        home,
        {"hk": (ports[0], ports[1]), "gd": (ports[2], ports[3])},
        providers={"hk": ports[4], "gd": ports[5]},
        services={"hk": ports[6], "gd": ports[7]},
    )
    supervisor = Supervisor(
        [*(node_of(node.path) for node in nodes), *providers_of(nodes), *services_of(nodes)],
        grace=NODES_GRACE,
    )
    with pytest.MonkeyPatch.context() as here:
        forget_other_node(here)
        supervisor.start()
    try:
        wait_until(lambda: all(map(is_up, nodes)), 60, "both sides are up")
        yield {node.side: Side(node) for node in nodes}
    finally:
        supervisor.stop()


def forget_other_node(here: pytest.MonkeyPatch) -> None:
    """Take the tests' own node out of what nodes inherit: with its secret they could not read their data."""
    for name in [name for name in os.environ if name.startswith("KOUAN_")]:
        here.delenv(name)


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def sound(page: Page) -> None:
    """Fail with everything that is wrong with the page that is open."""
    problems = [*_axe(page), *_shape(page)]
    assert not problems, f"{page.url}:\n" + "\n".join(problems)


def text(page: Page) -> str:
    return page.locator("main").inner_text()


def go_to_provider(page: Page, sides, *, service: str, home: str) -> None:
    """Go from a side's service to the home provider of another."""
    page.goto(sides[service].service)
    sound(page)
    page.get_by_role("button", name="Sign in with your government identity").click()
    wait_until(lambda: offered(page, NAMES[home]), 20, "the sides know each other's providers")
    sound(page)
    page.get_by_role("button", name=NAMES[home]).click()


def offered(page: Page, name: str) -> bool:
    """Whether a side can be chosen; it cannot until its provider's announcement is here."""
    if page.get_by_role("button", name=name).is_enabled():
        return True
    page.reload()
    return False


def sign_in_there(page: Page, sides, home: str, person: str = "") -> None:
    """Be somebody at the home provider, and come to the home node's question."""
    page.wait_for_url(f"{sides[home].provider}/authorize**")
    page.locator(f"input[name=person][value={person or PEOPLE[home][0]}]").check()
    page.locator("main form button").first.click()
    page.wait_for_url(f"{sides[home].portal}/identity/sign-in/*/consent")


def agree(page: Page, *claims: str) -> None:
    for claim in claims:
        page.get_by_label(claim, exact=True).check()
    page.get_by_role("button", name="Agree and continue").click()


@pytest.mark.parametrize(("service", "home"), [("gd", "hk"), ("hk", "gd")])
@pytest.mark.timeout(300)
def test_there_and_back_and_out_again_on_both_sides(page, sides, service, home):
    go_to_provider(page, sides, service=service, home=home)
    sign_in_there(page, sides, home)
    sound(page)
    asked = text(page)
    assert PEOPLE[home][1] in asked
    assert NAMES[service] in asked
    agree(page, "Name")
    page.wait_for_url(f"{sides[service].service}/")
    sound(page)
    told = text(page)
    assert f"Welcome, {PEOPLE[home][1]}" in told
    assert "Date of birth" not in told
    assert re.search(r"Level of your sign-in\s+4 – High", told)

    page.goto(f"{sides[home].portal}/identity/sign-ins/")
    wait_until(lambda: recorded(page), 30, "the sign-in stands in both ledgers")
    sound(page)
    assert "Told: Name\n" in text(page)

    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/identity/leave")
    sound(page)
    wait_until(lambda: signed_out(page, sides[service]), 30, "the service on the other side knows of it")
    sound(page)


def recorded(page: Page) -> bool:
    page.reload()
    return (
        re.search(r"In both ledgers: entry \d+ here, entry \d+ on the other side\.", text(page)) is not None
    )


def signed_out(page: Page, side: Side) -> bool:
    page.goto(side.service)
    return "Your sign-in was ended elsewhere" in text(page)


@pytest.mark.timeout(300)
def test_withdrawing_signs_out_on_the_other_side(page, sides):
    go_to_provider(page, sides, service="gd", home="hk")
    sign_in_there(page, sides, "hk", "hk-lee")
    agree(page)
    page.wait_for_url(f"{sides['gd'].service}/")
    assert "You are signed in" in text(page)
    assert "LEE" not in text(page)

    page.goto(f"{sides['hk'].portal}/identity/consents/")
    page.get_by_role("link", name="Withdraw").first.click()
    page.get_by_role("button", name="Withdraw").click()
    assert "is withdrawn" in text(page)
    assert "No consent is in force" in text(page)
    wait_until(lambda: signed_out(page, sides["gd"]), 30, "the service on the other side knows of it")


@pytest.mark.timeout(300)
def test_not_agreeing_tells_the_service_nothing(page, sides):
    go_to_provider(page, sides, service="hk", home="gd")
    sign_in_there(page, sides, "gd", "gd-zhang")
    page.get_by_label("Name", exact=True).check()
    page.get_by_role("button", name="Do not agree").click()
    page.wait_for_url(f"{sides['hk'].service}/back**")
    sound(page)
    assert "It knows nothing of you." in text(page)
    page.goto(f"{sides['gd'].portal}/identity/consents/")
    assert "No consent is in force" in text(page)


@pytest.mark.timeout(300)
def test_a_weak_sign_in_does_not_get_in(page, sides):
    """The clinic asks for level 3; a password alone is good for 2."""
    go_to_provider(page, sides, service="gd", home="hk")
    page.wait_for_url(f"{sides['hk'].provider}/authorize**")
    page.locator("input[name=person][value=hk-chan]").check()
    page.locator("input[name=strength][value=password]").check()
    page.locator("main form button").first.click()
    page.wait_for_url(f"{sides['hk'].portal}/**")
    sound(page)
    assert "A stronger sign-in is needed" in text(page)
    page.get_by_role("link", name="Go back to the service without signing in").click()
    page.wait_for_url(f"{sides['gd'].service}/back**")
    assert "It knows nothing of you." in text(page)


@pytest.mark.parametrize("errand", ERRANDS, ids=["hk-gd", "gd-hk"])
@pytest.mark.timeout(300)
def test_a_first_visitor_applies_there_in_less_than_five_minutes(page, sides, errand):
    home = sides[errand.home].portal
    wait_until(lambda: known(page, f"{home}/services/{errand.other}/{errand.service}/"), 40, "the catalogue")
    page.goto(f"{home}/")
    visit = Visit(page)
    number = apply(visit, home, errand)
    say(f"{number}: {visit.steps} steps, {len(visit.pages)} pages, {visit.taken:.0f} s")
    assert visit.steps <= MOST_STEPS
    assert visit.taken < FIVE_MINUTES


def known(page: Page, address: str) -> bool:
    """Whether the other side's catalogue has arrived."""
    answer = page.goto(address)
    return answer is not None and answer.ok
