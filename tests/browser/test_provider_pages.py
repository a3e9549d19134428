"""The demonstration provider's pages, as people meet them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode, urlsplit

import pytest

from journeys.nodes import wait_until
from kouan.apps.identity.home.adapter import CALLBACK
from kouan.config import load
from kouan.demo.homes import give_provider
from kouan.demo.nodes import free_ports
from kouan.demo.up import answers
from kouan.node.layout import NewNode, create, environment_of


class _Back(BaseHTTPRequestHandler):
    """Where the node would be: people come back to it."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.end_headers()
        self.wfile.write(b"back")

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    back = ThreadingHTTPServer(("127.0.0.1", 0), _Back)
    threading.Thread(target=back.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    portal = f"127.0.0.1:{back.server_port}"
    node = NewNode(side="gd", portal=portal, door="127.0.0.1:18301", demonstration=True)
    path = create(tmp_path_factory.mktemp("provider") / "gd", node)
    give_provider(path, "gd", free_ports(1)[0])
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KOUAN_")}
    environment = environment_of(path, clean)
    process = subprocess.Popen([sys.executable, "-m", "kouan.demo.provider"], env=environment)
    config = load(path, environment)
    try:
        wait_until(lambda: answers(urlsplit(config.homes[0].issuer).port), 60, "the provider is up")
        yield config
    finally:
        process.kill()
        process.wait()
        back.shutdown()
        back.server_close()


@pytest.fixture
def portal(running):
    """Take the provider for what is visited."""
    return running.homes[0].issuer


@pytest.fixture
def way(running):
    """Return the address at which the node asks who somebody is."""
    home = running.homes[0]
    return "/authorize?" + urlencode(
        {
            "client_id": home.client_id,
            "redirect_uri": running.portal_origin + CALLBACK.format(home.id),
            "response_type": "code",
            "scope": "openid profile",
            "state": "state",
            "nonce": "nonce",
            "code_challenge": "c" * 43,
            "code_challenge_method": "S256",
        }
    )


def test_who_are_you_today(visit, running, way, language):
    visitor = visit(language=language)
    visitor.open(way)
    visitor.check("provider-who")

    visitor.page.locator("main form button").first.click()
    visitor.check("provider-nobody")


def test_signing_in_leads_back_to_the_node(visit, running, way):
    visitor = visit()
    visitor.open(way)
    visitor.page.locator("input[name=person]").first.check()
    visitor.page.locator("main form button").first.click()
    visitor.page.wait_for_url(running.portal_origin + "/**")
    assert "code=" in visitor.page.url


def test_signing_out(visit, running, way, language):
    visitor = visit(language=language)
    visitor.open(way)
    visitor.page.locator("input[name=person]").first.check()
    visitor.page.locator("main form button").first.click()
    visitor.page.wait_for_url(running.portal_origin + "/**")
    visitor.faults.clear()  # the node is another origin
    visitor.open("/")
    visitor.check("provider-start")
    visitor.open("/leave")
    visitor.check("provider-leave")
    visitor.page.locator("main form button").click()
    visitor.check("provider-left")


def test_a_request_that_leads_nowhere(visit, running, language):
    visitor = visit(language=language, width=320)
    visitor.open("/authorize?client_id=another")
    visitor.check("provider-wrong")
