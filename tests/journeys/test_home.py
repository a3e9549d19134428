"""A resident signs in at their own side: a real portal, and the demonstration's provider beside it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

import databases
from journeys import residing
from journeys.link import Link
from journeys.nodes import Node, wait_until
from kouan.demo.browser import Browser
from kouan.demo.homes import providers_of
from kouan.demo.nodes import establish, free_ports
from kouan.demo.up import is_up
from kouan.node.supervisor import Supervisor, processes_of

pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Hong Kong's portal and provider."""
    portal, door, provider = free_ports(3)
    home = tmp_path_factory.mktemp("home")
    databases.begin(home / "hk")
    (node,) = establish(home, {"hk": (portal, door)}, providers={"hk": provider})
    supervisor = Supervisor([*processes_of(node.path, ["portal"]), *providers_of([node])])
    supervisor.start()
    try:
        wait_until(lambda: is_up(node), 60, "portal and provider are up")
        yield node
    finally:
        supervisor.stop()


@pytest.fixture
def station(made):
    """Looks inside the node."""
    node = Node(made, Link())
    yield node
    node.close()
    node.link.close()


@pytest.fixture
def surfer():
    return Browser()


def sign_in(surfer, made, person, strength="app", path="/identity/enter?next=/accessibility"):
    """Go from the portal to the provider and back, and return where that leads."""
    page = surfer.open(made.config.portal_origin + path)
    assert page.url.startswith(made.config.homes[0].issuer)
    form = page.form("person")
    return surfer.send(page, form, ("person", person), ("strength", strength))


def test_somebody_signs_in_and_out_again(made, surfer, station):
    page = sign_in(surfer, made, "hk-chan")

    assert (page.status, urlsplit(page.url).path) == (200, "/accessibility")
    assert station.run(residing.home_sessions)[-1] == {
        "level": 4,
        "amr": ["hwk", "mfa"],
        "ended": False,
        "attributes": True,
    }

    # The provider knows the person by now: another service asks nobody anything.
    again = surfer.open(made.config.portal_origin + "/identity/enter?next=/accessibility")
    assert urlsplit(again.url).path == "/accessibility"

    left = surfer.open(made.config.homes[0].issuer + "/leave")
    form = left.form("csrfmiddlewaretoken")
    surfer.send(left, form)
    wait_until(
        lambda: station.run(residing.home_sessions)[-1]["ended"], 10, "the provider's logout token counts"
    )
    assert station.run(residing.home_sessions)[-1]["attributes"] is False


def test_somebody_cancels(made, surfer):
    page = surfer.open(made.config.portal_origin + "/identity/enter")
    form = page.form("person")
    page = surfer.send(page, form, ("cancel", "1"))

    assert page.status == 403
    assert "Try again" in page.text


def test_a_password_alone_is_not_enough_for_level_three(made, surfer):
    page = sign_in(surfer, made, "hk-chan", "password", "/identity/enter?next=/accessibility&level=3")

    assert page.status == 403
    assert "level 3" in page.text
    assert "Sign in in a stronger way" in page.text
    again = surfer.open(made.config.portal_origin + "/identity/enter?level=3")
    assert again.url.startswith(made.config.homes[0].issuer)
