"""Signed in at home, recognised on the other side: two real nodes, a home provider and a service on each."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from journeys import identifying as inside
from journeys.conftest import make_group
from journeys.nodes import PATIENCE, healthy, listens, say, wait_until
from kouan.demo.browser import Browser
from kouan.demo.identity import sign_in
from kouan.demo.relying import Service, SignInFailed
from own_node import SERVER

if TYPE_CHECKING:
    from journeys.conftest import Group

WAYS = [("hk", "gd"), ("gd", "hk")]
PERSON = {"hk": "hk-lee", "gd": "gd-zhang"}
NAME = {"hk": "LEE Ka Yan", "gd": "ZHANG Wei"}
CLAIMS = ("name", "birthdate", "document_type", "document_number")
COOLING_OFF = 3


class Site:
    """A service of one side with its address for the end of sign-ins."""

    def __init__(self, name, node):
        self.told = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.client = Service(name, f"{self.origin}/back", node.made.config.portal_origin)
        names = dict.fromkeys(("en", "zh-hant", "zh-hans"), name)
        other = "gd" if node.side == "hk" else "hk"
        node.run(
            inside.add_service,
            {
                "client_id": name, "department": "Department", "name": names, "purpose": names,
                "redirect_uris": [self.client.redirect_uri], "jwks": self.client.jwks,
                "backchannel_logout_uri": f"{self.origin}/ended", "claims": list(CLAIMS[:3]),
                "level": 2, "sides": [other],
            },
        )  # fmt: skip

    def _handler(site):  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                site.told.put(site.client.told_of_end(parse_qs(body)["logout_token"][0]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        return Handler

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class World:
    def __init__(self, group: Group, sites):
        self.group, self.sites = group, sites

    def __getitem__(self, side):
        return self.group[side]

    def sign_in(self, home, service, *, browser=None, person=None, ticked=("name",), **asked):
        """Sign somebody in to a service and return what it learns."""
        strength = asked.pop("strength", "app")
        client = self.sites[service].client
        begun = client.begin(**{"claims": CLAIMS, "side": home} | asked)
        address = sign_in(
            browser or Browser(), begun.url, person=person or PERSON[home],
            redirect_uri=client.redirect_uri, strength=strength, ticked=ticked,
        )  # fmt: skip
        return client.finish(begun, address)

    def enter(self, side, person, path="/identity/"):
        """Sign somebody in to the pages of their own."""
        browser = Browser()
        origin = self[side].made.config.portal_origin
        page = browser.open(f"{origin}/identity/enter?next={path}&level=3&fresh=1")
        return browser, browser.send(page, page.form("person"), ("person", person), ("strength", "app"))

    def link(self, side, person, other_person):
        """Begin a link on a side and go all the way; return the page on which that ends."""
        other = "gd" if side == "hk" else "hk"
        browser, page = self.enter(side, person, "/identity/links/")
        page = browser.send(page, page.form("side"), ("side", other))
        page = browser.send(page, page.form("person"), ("person", other_person), ("strength", "app"))
        return browser.send(page, page.form("answer"), ("claims", "document_type"), ("answer", "agree"))

    def last(self, side):
        return self[side].run(inside.sign_ins)[-1]


def own_form(page):
    """Return the one form that is the page's own."""
    everywhere = ("leave", "language", "sign-out")
    (form,) = (each for each in page.forms if not any(word in each.action for word in everywhere))
    return form


def ok(page):
    return page if page.status == 200 else None


@pytest.fixture(scope="module")
def _world(tmp_path_factory):
    group = make_group(tmp_path_factory.mktemp("identity"), ("hk", "gd"), residents=True)
    for node in group.nodes.values():
        with node.made.path.open("a", encoding="utf-8") as settings:
            settings.write(f"\n[identity]\ncooling_off_s = {COOLING_OFF}\n")
    providers = [
        subprocess.Popen([sys.executable, "-m", "kouan.demo.provider"], env=node.environment())
        for node in group.nodes.values()
    ]
    sites = {}
    try:
        group.put_in_order()
        sites |= {side: Site(f"site-{side}", node) for side, node in group.nodes.items()}
        for home, other in WAYS:
            wait_until(lambda o=other, h=home: group[o].run(inside.knows, h), 30, f"{other} knows {home}")
        yield World(group, sites)
    finally:
        for site in sites.values():
            site.close()
        for provider in providers:
            provider.terminate()
            provider.wait(60)
        group.close()


@pytest.fixture
def world(_world):
    _world.group.put_in_order()
    for site in _world.sites.values():
        while not site.told.empty():
            site.told.get()
    return _world


@pytest.mark.parametrize(("home", "service"), WAYS)
def test_recognised_on_the_other_side_and_on_both_records(world, home, service):
    came = world.sign_in(home, service, ticked=("name", "document_type"))
    assert came.acr in {"urn:gba:loa:3", "urn:gba:loa:4"}
    assert came.claims["name"] == NAME[home]
    assert not {"birthdate", "document_number"} & came.claims.keys(), "not ticked, and never told"

    wait_until(lambda: world.last(service)["witnessed"], 20, "the record is here and agrees")
    there, here = world.last(home), world.last(service)
    assert here["peer_sid"] == there["key"]
    assert here["digests"] == there["digests"]
    assert here["message"] == there["message"]
    assert here["key"] == came.sid
    assert len({came.subject, there["subject"], here["peer_sid"]}) == 3, "each knows the person otherwise"
    assert (here["claims"], here["home"]) == (["name", "document_type"], home)

    (sent,) = (
        row for row in world[home].run(inside.crossed, "identity.sign-in") if row["id"] == there["message"]
    )
    assert sent["state"] in {"accepted", "handled"}
    (arrived,) = (
        row for row in world[service].run(inside.crossed, "identity.sign-in") if row["id"] == there["message"]
    )
    assert arrived["ours"] == sent["theirs"]

    again = world.sign_in(home, service)
    assert again.subject == came.subject
    world.group.prove()
    assert not world[service].run(inside.incidents)


@pytest.mark.parametrize(("home", "service"), WAYS)
def test_signed_out_at_the_service(world, home, service):
    site = world.sites[service]
    came = world.sign_in(home, service)
    Browser().open(site.client.leave(came))
    assert site.told.get(timeout=20 * PATIENCE) == came.sid
    assert world.last(service)["ended"] == "service"
    wait_until(lambda: world.last(home)["ended"] == "peer", 20, "the home side ends it too")
    wait_until(lambda: world[service].run(inside.deliveries)[-1] == "delivered", 10, "it was told once")
    world.group.prove()
    assert site.told.empty()


@pytest.mark.parametrize(("home", "service"), WAYS)
def test_signed_out_at_home(world, home, service):
    site, browser = world.sites[service], Browser()
    came = world.sign_in(home, service, browser=browser)
    page = browser.open(f"{world[home].made.config.portal_origin}/identity/")
    leaving = next(form for form in page.forms if form.action.endswith("/identity/leave"))
    browser.send(page, leaving)
    assert world.last(home)["ended"] == "resident"
    assert site.told.get(timeout=20 * PATIENCE) == came.sid
    assert world.last(service)["ended"] == "peer"
    assert world.last(service)["told"] is False


def test_a_withdrawn_consent_ends_what_rests_on_it(world):
    site, browser = world.sites["gd"], Browser()
    came = world.sign_in("hk", "gd", browser=browser, ticked=("birthdate",))
    wait_until(lambda: world.last("gd")["witnessed"], 20, "the record is here")
    key = world["hk"].run(inside.consents)[-1]
    page = browser.open(f"{world['hk'].made.config.portal_origin}/identity/consents/{key}/withdraw")
    browser.send(page, own_form(page))
    wait_until(lambda: site.told.get(timeout=20 * PATIENCE) == came.sid, 60, "the service is told")
    assert world.last("gd")["ended"] in {"consent-withdrawn", "peer"}
    world.group.prove()


def test_who_says_no_is_not_signed_in(world):
    client, browser = world.sites["gd"].client, Browser()
    begun = client.begin(side="hk")
    page = browser.open(begun.url)
    page = browser.send(page, page.form("person"), ("person", "hk-lee"), ("strength", "app"))
    page = browser.send(
        page, page.form("answer"), ("answer", "refuse"), until=lambda url: url.startswith(client.redirect_uri)
    )
    with pytest.raises(SignInFailed, match="access_denied"):
        client.finish(begun, page.url)


def test_too_weak_a_sign_in_does_not_come_back(world):
    with pytest.raises(LookupError, match="403"):
        world.sign_in("hk", "gd", strength="password", level=3)


def test_a_level_that_never_crosses(world):
    with pytest.raises(LookupError, match="403"):
        world.sign_in("hk", "gd", person="hk-ho")


def test_an_answer_counts_once_and_in_its_own_browser(world):
    client, browser = world.sites["gd"].client, Browser()
    begun = client.begin(side="hk")
    relay = f"{world['gd'].made.config.portal_origin}/identity/relay/callback"

    def arrived(url):
        return url.startswith(relay)

    page = browser.open(begun.url)
    page = browser.send(page, page.form("person"), ("person", "hk-lee"), ("strength", "app"), until=arrived)
    page = browser.send(page, page.form("answer"), ("answer", "agree"), until=arrived)

    stolen = Browser().open(page.url)
    assert stolen.status == 410, "another browser takes nothing, and uses nothing up"
    other = page.url.replace(
        urlsplit(world["hk"].made.config.portal_origin).netloc.replace(":", "%3A"), "evil.example"
    )
    there = browser.open(page.url, until=lambda url: url.startswith(client.redirect_uri))
    assert client.finish(begun, there.url).subject
    assert browser.open(page.url).status == 410, "it is used up"
    assert browser.open(other).status == 410


def leaders(node, name):
    """Return the processes of one kind, each the first of its session."""
    return [pids[0] for label, pids in node.running().items() if label.partition("@")[0] == name]


KILLED = ["portal", "door", "worker", *(["one door of several"] if SERVER else [])]


@pytest.mark.parametrize("name", KILLED)
def test_killed_on_the_way(world, name):
    """What is killed starts again; a person goes on or begins anew; nothing happens twice.

    A node on PostgreSQL runs two doors: one that is killed is not missed, only all of them are.
    """
    assert (len(leaders(world["hk"], "door")) > 1) is bool(SERVER)
    client, browser = world.sites["gd"].client, Browser()
    begun = client.begin(side="hk")
    back = client.redirect_uri
    relay = f"{world['gd'].made.config.portal_origin}/identity/relay/callback"
    before = {side: len(world[side].run(inside.sign_ins)) for side in ("hk", "gd")}

    page = browser.open(begun.url)
    page = browser.send(page, page.form("person"), ("person", "hk-lee"), ("strength", "app"))
    page = browser.send(
        page, page.form("answer"), ("answer", "agree"), until=lambda url: url.startswith(relay)
    )
    victim = world["gd" if name == "portal" else "hk"]
    old = leaders(victim, name.removeprefix("one ").partition(" ")[0])
    for leader in old[:1] if name == "one door of several" else old:
        os.killpg(leader, signal.SIGKILL)
    if name == "door":
        wait_until(lambda: not listens(victim.door), 10, "the door is gone")
        failed = browser.open(page.url, until=lambda url: url.startswith(back))
        say(f"without the door: {failed.status}")
        assert failed.status == 503
        key = next(hop.url for hop in browser.hops if hop.url.endswith("/peer"))
        again = wait_until(lambda: ok(browser.open(key)), 30, "the door is back and the way goes on")
        page = browser.send(
            again, again.form("answer"), ("answer", "agree"), until=lambda url: url.startswith(back)
        )
    else:
        if name in {"portal", "worker"}:
            wait_until(lambda: set(leaders(victim, name)) - set(old), 30, f"a new {name}")
        if name == "portal":
            wait_until(lambda: healthy(victim.portal), 30, "the portal answers")
        page = browser.open(page.url, until=lambda url: url.startswith(back))
    assert client.finish(begun, page.url).subject
    wait_until(lambda: world.last("gd")["witnessed"], 30, "the record is here")
    after = {side: len(world[side].run(inside.sign_ins)) for side in ("hk", "gd")}
    assert after["gd"] == before["gd"] + 1
    world.group.prove()
    assert not world["gd"].run(inside.incidents)


@pytest.mark.parametrize(
    ("side", "person", "there"), [("hk", "hk-chan", "gd-chan"), ("gd", "gd-lee", "hk-lee")]
)
def test_two_accounts_linked_from_either_side(world, side, person, there):
    """A link is shown by the issuer, cools off, and then has services know the one person."""
    other = "gd" if side == "hk" else "hk"
    persons = {side: person, other: there}
    page = world.link(side, person, there)
    assert page.url.endswith("/identity/links/")
    for each in WAYS:
        wait_until(
            lambda s=each[0]: world[s].run(inside.links)[-1]["state"] in {"cooling", "active"}, 20, "yes"
        )
    assert all(not world[each].run(inside.links)[-1]["sealed"] for each in ("hk", "gd"))
    for each in ("hk", "gd"):
        wait_until(lambda s=each: world[s].run(inside.links)[-1]["counts"], COOLING_OFF + 10, "it counts")
    at_home = world.sign_in("gd", "gd", person=persons["gd"])
    from_afar = world.sign_in("hk", "gd", person=persons["hk"])
    assert at_home.subject == from_afar.subject

    browser, page = world.enter(other, there, "/identity/links/")
    key = world[other].run(inside.links)[-1]["key"]
    page = browser.open(f"{world[other].made.config.portal_origin}/identity/links/{key}/end")
    browser.send(page, own_form(page))
    for each in ("hk", "gd"):
        wait_until(lambda s=each: world[s].run(inside.links)[-1]["state"] == "ended", 20, "unlinked on both")
    told = world.sites["gd"].told  # also of sign-ins of the minute before the link counted
    wait_until(
        lambda: told.get(timeout=20 * PATIENCE) == from_afar.sid,
        20,
        "who was known by the link is signed out",
    )
    for each in ("hk", "gd"):
        wait_until(lambda s=each: world.last(s)["ended"], 20, "and the sign-in is over on both sides")
        assert world.last(each)["told"] is False
    assert next(row["ended"] for row in world["gd"].run(inside.sign_ins) if row["key"] == at_home.sid) == ""
    assert world.sign_in("hk", "gd", person=persons["hk"]).subject != at_home.subject
    world.group.prove()
    for each in ("hk", "gd"):
        assert {"link-asked", "link-cooling", "link-ended"} <= set(world[each].run(inside.notices))


def test_two_people_are_not_linked(world):
    world.link("hk", "hk-lee", "gd-chan")
    for side in ("hk", "gd"):
        wait_until(lambda s=side: world[s].run(inside.links)[-1]["state"] == "refused", 20, "no")
    assert world["hk"].run(inside.notices)[-1] == "link-refused"
    world.group.prove()
