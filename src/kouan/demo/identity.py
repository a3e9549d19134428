"""``kouan demo identity``: signed in at home, recognised on the other side, both ways, without a browser."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

import click

from kouan.core.sides import get_side
from kouan.demo import DemonstrationFailed
from kouan.demo.browser import Browser
from kouan.demo.nodes import node_environment
from kouan.demo.relying import Service, SignInFailed
from kouan.node.verification import print_report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kouan.demo.browser import Page
    from kouan.demo.nodes import DemonstrationNode
    from kouan.demo.relying import SignedIn

CLAIMS: Final = ("name", "name#zh-Hant", "birthdate", "document_type")
TICKED: Final = ("name", "name#zh-Hant", "document_type")
CALLBACK: Final = "http://127.0.0.1:9/back"
"""Nobody listens there: the demonstration reads what the browser would bring."""
PEOPLE: Final = {"hk": "hk-chan", "gd": "gd-wang"}
_WITHIN: Final = 60.0
_SECRET: Final = frozenset({"code", "state", "request_uri", "csrfmiddlewaretoken", "nonce", "code_challenge"})


def show(hk: DemonstrationNode, gd: DemonstrationNode, out: Path) -> None:
    """Walk through it; raises ``DemonstrationFailed`` naming the step that went wrong."""
    nodes = {"hk": hk, "gd": gd}
    _step(1, "On each side the registrar registers a service: which claims it may ask for, at which level.")
    services = {side: registered(node, out) for side, node in nodes.items()}
    try:
        _step(2, "Each node tells the other over the door which keys sign for its identities.")
        for service, home in ((services["gd"], "hk"), (services["hk"], "gd")):
            wait_for_provider(service, home)
            click.echo(f"   the node of {service.issuer} knows the provider of {home}")
        _step(3, "A resident of Hong Kong opens a service in Guangdong.")
        first = _one_way(nodes["hk"], services["gd"])
        _step(4, "A resident of Guangdong opens a service in Hong Kong.")
        _one_way(nodes["gd"], services["hk"])
        _step(5, "Both sides' ledgers hold the record of the sign-in. Anybody can check that offline.")
        _evidence(hk, gd, out / "evidence.bundle")
        _step(6, "The person signs out at the service: both sides' nodes end the sign-in.")
        _signed_out(hk, gd, services["gd"], first)
    except (LookupError, SignInFailed) as failure:
        raise DemonstrationFailed(str(failure)) from None


def sign_in(  # noqa: PLR0913 - who, where and what, by name
    browser: Browser,
    address: str,
    *,
    person: str,
    redirect_uri: str,
    strength: str = "app",
    ticked: Sequence[str] = TICKED,
) -> str:
    """Go a person's way from a service's request to its answer and return where that leads.

    ``address`` is a request for residents of one side; the person signs in there, ticks and agrees.
    """

    def back(url: str) -> bool:
        return url.startswith(redirect_uri)

    page = browser.open(address, until=back)
    for _ in range(6):
        if back(page.url):
            return page.url
        page = _answered(browser, page, person, strength, ticked, back)
    raise LookupError(f"the way does not end: {page.url}")


def _answered(  # noqa: PLR0913, PLR0917 - all that a person decides
    browser: Browser, page: Page, person: str, strength: str, ticked: Sequence[str], back: Any
) -> Page:
    for form in page.forms:
        if "person" in form.choices:
            return browser.send(page, form, ("person", person), ("strength", strength), until=back)
        if "answer" in form.buttons:
            ticks = [("claims", name) for name in ticked if name in form.choices.get("claims", [])]
            return browser.send(page, form, *ticks, ("answer", "agree"), until=back)
    said = " ".join(page.heading.split())
    raise LookupError(f"{_told(page.url)} answers {page.status} ({said}) and asks nothing that is known")


def _one_way(home: DemonstrationNode, service: Service) -> SignedIn:
    browser = Browser()
    begun = service.begin(claims=CLAIMS, level=3, side=home.side)
    started = time.perf_counter()
    address = sign_in(browser, begun.url, person=PEOPLE[home.side], redirect_uri=service.redirect_uri)
    signed_in = service.finish(begun, address)
    seconds = time.perf_counter() - started
    for hop in browser.hops:
        to = f" → {_told(hop.location)}" if hop.location else ""
        click.echo(f"   {hop.method:4} {_told(hop.url)}: {hop.status}{to}")
    click.echo(f"   {_told(address)}")
    click.echo(f"   signed in after {seconds:.1f} s, ID token SHA-256 {_digest(signed_in.id_token)}")
    click.echo(f"      sub: {signed_in.subject}\n      acr: {signed_in.acr}")
    for name, value in signed_in.claims.items():
        if name in CLAIMS:
            click.echo(f"      {name}: {value}")
    if set(signed_in.claims) & set(CLAIMS) - set(TICKED):
        raise DemonstrationFailed("the service was told what was not ticked")
    return signed_in


def registered(node: DemonstrationNode, out: Path) -> Service:
    """Register a service on a node, as its registrar would from a file, and return it."""
    side = node.side
    service = Service(f"demonstration-{side}", CALLBACK, node.config.portal_origin)
    name = get_side(side).name
    registration = {
        "client_id": service.client_id,
        "department": f"{name.en} (demonstration)",
        "name": {
            "en": f"Appointments in {name.en} (demonstration)",
            "zh-hant": f"{name.zh_hant}預約服務（示範）",
            "zh-hans": f"{name.zh_hans}预约服务（示范）",
        },
        "purpose": {
            "en": "To book an appointment in your name.",
            "zh-hant": "以閣下名義預約。",
            "zh-hans": "以您的名义预约。",
        },
        "redirect_uris": [CALLBACK],
        "jwks": service.jwks,
        "claims": list(CLAIMS),
        "level": 3,
        "sides": ["gd" if side == "hk" else "hk"],
    }
    path = out / f"service-{side}.json"
    path.write_text(json.dumps(registration, ensure_ascii=False, indent=2), encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "kouan.cli", "--node", str(node.path), "service", "add", str(path)],
        env=node_environment(node),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemonstrationFailed(f"registering a service failed: {done.stderr.strip()}")
    click.echo(f"   {side}: {service.client_id}, level 3, may ask for {', '.join(CLAIMS)}")
    return service


def wait_for_provider(service: Service, home: str) -> None:
    """Wait until a service's node knows the provider of another side."""
    deadline = time.monotonic() + _WITHIN
    while True:
        page = Browser().open(service.begin(side=home).url)
        if page.status == 200:  # noqa: PLR2004 - the home provider's page
            return
        if time.monotonic() > deadline:
            raise DemonstrationFailed(f"the provider of {home} is not known")
        time.sleep(0.5)


def _signed_out(
    home: DemonstrationNode, other: DemonstrationNode, service: Service, signed_in: SignedIn
) -> None:
    Browser().open(service.leave(signed_in))
    browsers = {node.side: _operator(node) for node in (home, other)}
    deadline = time.monotonic() + _WITHIN
    while True:
        rows = [
            row
            for node in (home, other)
            for row in _records(browsers[node.side], node, "identity.sign-out")
            if row["state"] == "handled"
        ]
        if len(rows) > 1:
            click.echo(f"   message {rows[0]['id']}: {rows[0]['type']}, {other.side} → {home.side}, handled")
            return
        if time.monotonic() > deadline:
            raise DemonstrationFailed("the sign-out did not reach the other side")
        time.sleep(0.5)


def _evidence(home: DemonstrationNode, other: DemonstrationNode, path: Path) -> None:
    """Find the record of a sign-in on both sides as their operators would, and check the evidence."""
    browsers = {node.side: _operator(node) for node in (home, other)}
    deadline = time.monotonic() + _WITHIN
    while True:
        rows = {node.side: _records(browsers[node.side], node) for node in (home, other)}
        found = [row for row in rows[home.side] if row["id"] in {each["id"] for each in rows[other.side]}]
        if found:
            address = f"{home.config.portal_origin}/operations/crossings/{found[-1]['id']}/evidence"
            try:
                path.write_bytes(browsers[home.side].fetch(address))
                break
            except LookupError:
                pass  # the other side's co-signature is still to come
        if time.monotonic() > deadline:
            raise DemonstrationFailed("the record of the sign-in is not provable")
        time.sleep(0.5)
    click.echo(f"   message {found[-1]['id']}: {found[-1]['type']}, {home.side} → {other.side}")
    if not print_report(path, (), "en"):
        raise DemonstrationFailed("the evidence does not verify")


def _operator(node: DemonstrationNode) -> Browser:
    browser, origin = Browser(), node.config.portal_origin
    account = node.accounts["operator"]
    page = browser.open(f"{origin}/sign-in")
    form = page.form("username", "password")
    browser.send(page, form, ("username", account["name"]), ("password", account["password"]))
    return browser


def _records(
    browser: Browser, node: DemonstrationNode, kind: str = "identity.sign-in"
) -> list[dict[str, Any]]:
    address = f"{node.config.portal_origin}/api/v1/operations/crossings?type={kind}"
    rows: list[dict[str, Any]] = json.loads(browser.fetch(address))["items"]
    return rows


def _told(url: str) -> str:
    """Return an address with whatever is secret in it by its digest."""
    parts = urlsplit(url)
    shown = [
        f"{name}={'#' + _digest(value) if name in _SECRET else value}"
        for name, value in parse_qsl(parts.query)
    ]
    origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return origin + parts.path + (f"?{'&'.join(shown)}" if shown else "")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _step(number: int, text: str) -> None:
    click.echo(f"\n{number}. {text}")
