"""``kouan demo service``: an application made at home, decided on the other side; both ways."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from kouan.demo import DemonstrationFailed
from kouan.demo.browser import Browser
from kouan.demo.http import post_file
from kouan.node.verification import print_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kouan.demo.browser import Form, Page
    from kouan.demo.nodes import DemonstrationNode

_WITHIN: Final = 60.0
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Way:
    """One direction: who applies at home, and for what on the other side."""

    home: DemonstrationNode
    other: DemonstrationNode
    person: str
    service: str
    answers: Mapping[str, str]
    """What is not known beforehand, by the question's path."""
    officer: Mapping[str, str]
    """What the officer fills in on the result."""
    fee: bool = False

    @property
    def name(self) -> str:
        """The direction, in a few characters."""
        return f"{self.home.side} → {self.other.side}"


def show(hk: DemonstrationNode, gd: DemonstrationNode, out: Path) -> None:
    """Walk through it; raises ``DemonstrationFailed`` naming the step that went wrong."""
    ways = (
        Way(
            hk, gd, "hk-chan", "social-security-certificate",
            {
                "insured.city": "shenzhen", "insured.kinds": "pension", "period": "year", "for": "bank",
                "address_shown": "no",
            },
            {"kinds": "Pension (made up)", "months": "12 (made up)"},
        ),
        Way(
            gd, hk, "gd-wang", "vehicle-particulars",
            {
                "vehicle.mark": "KN 1997", "vehicle.class": "private-car", "why.reason": "buying",
                "declared": "yes",
            },
            {"make_and_model": "Star Motors Ferry 2 (made up)", "first_registered": "2019-05-01"},
            fee=True,
        ),
    )  # fmt: skip
    try:
        for way in ways:
            _one_way(way, out)
    except LookupError as failure:
        raise DemonstrationFailed(str(failure)) from None


def _one_way(way: Way, out: Path) -> None:
    click.echo(f"\n━━ {way.name}: {way.person} applies for {way.service} ━━")
    browser, application = _applied(way)
    reference = _case(way, browser, application)
    paper, credential = _result(way, browser, application, out)
    _checked(way, paper, credential)
    _readers(way, browser, application, out)
    click.echo(f"   case {reference}: granted, and known on both sides")


def _applied(way: Way) -> tuple[Browser, str]:
    home = way.home.config.portal_origin
    _step("The person finds the service in their own side's catalogue.")
    browser = Browser()
    address = f"{home}/services/{way.other.side}/{way.service}/"
    _until("the other side's catalogue has arrived", lambda: browser.open(address).status == _OK)
    click.echo(f"   {address}")

    _step("They sign in with the identity of home, and begin.")
    page = _signed_in(browser, f"{home}/apply/{way.other.side}/{way.service}/", way.person)
    if "/apply/" not in page.url:
        raise DemonstrationFailed(f"the sign-in ended at {page.url} ({page.status})")
    page = browser.send(page, _own_form(page))
    application = page.url.rstrip("/").rsplit("/", 1)[-1]

    _step("They fill in the form. What home knows of them is filled in already.")
    base = f"{home}/applications/{application}/"
    for name in _links(page, base, "answers/"):
        page = browser.open(f"{base}answers/{name}")
        form = page.form("seen")
        known = {field for field, value in form.fields if value}
        given = [(path, value) for path, value in way.answers.items() if path.split(".")[0] == name]
        page = browser.send(page, form, *given, ("do", "next"))
        if page.status != _OK:
            raise DemonstrationFailed(f"the answers to {name} were refused ({page.status}): {_faults(page)}")
        before = sorted(field for field in known if field.split(".")[0] == name)
        click.echo(f"   {name}: {', '.join([path for path, _ in given] or before)}{' (known)' * (not given)}")

    _step("They see the evidence that home's departments hold of them, and tick what may be shown.")
    page = browser.open(base)
    for requirement in _links(page, base, "evidence/"):
        seen = browser.open(f"{base}evidence/{requirement}")
        form = seen.form("seen", "choice")
        offers = [each for each in form.choices["choice"] if each not in {"upload", "nothing"}]
        if offers and "nothing" not in form.choices["choice"]:
            ticked = [pair for pair in form.fields if pair[0] == f"claims-{offers[0]}"]
            seen = browser.send(seen, form, ("choice", offers[0]), *ticked)
            click.echo(f"   {requirement}: {', '.join(value for _name, value in ticked)}")
        elif "nothing" in form.choices["choice"]:
            seen = browser.send(seen, form, ("choice", "nothing"))
            click.echo(f"   {requirement}: nothing is shown")
        if seen.status != _OK:
            raise DemonstrationFailed(f"the evidence for {requirement} was refused: {_faults(seen)}")

    _step("They check all of it on one page, agree, and send.")
    page = browser.open(f"{base}check")
    page = browser.send(page, page.form("agree"), ("agree", "yes"))
    if page.status != _OK or page.url.endswith("check"):
        raise DemonstrationFailed(f"it was not sent ({page.status}): {_faults(page)}")
    return browser, application


def _case(way: Way, browser: Browser, application: str) -> str:
    address = f"{way.home.config.portal_origin}/applications/{application}/"
    found: list[str] = []

    def received() -> bool:
        found[:] = re.findall(rf"\b{way.other.side.upper()}-\d{{4}}-\d{{4,}}\b", browser.open(address).text)
        return bool(found)

    _until("the other side has made it a case", received)
    reference = found[0]
    click.echo(f"   it is case {reference}")

    _step("On the other side a caseworker reads it, with its evidence checked, and decides.")
    officer = Browser()
    cases = f"{way.other.config.portal_origin}/cases/{reference}/"
    _officer_signs_in(way.other, officer)
    page = officer.open(cases)
    if page.status != _OK:
        raise DemonstrationFailed(f"the caseworker does not see the case ({page.status})")
    _acted(officer, cases, "take-up")
    if way.fee:
        _acted(officer, cases, "ask-payment")
        _paid(browser, address)
    _acted(officer, cases, "grant", *((f"line-{name}", value) for name, value in way.officer.items()))
    return reference


def _acted(officer: Browser, cases: str, act: str, *given: tuple[str, str]) -> None:
    link = re.search(rf'href="[^"]*/{act}(\?changed=\d+)"', officer.open(cases).text)
    if link is None:  # each link names the state of the case that the officer has read
        raise DemonstrationFailed(f"the case offers no {act}")
    page = officer.open(f"{cases}{act}{link[1]}")
    page = officer.send(page, page.form("changed"), *given)
    if page.status != _OK or f"/{act}" in page.url:
        raise DemonstrationFailed(f"the case did not move ({act}, {page.status}): {_faults(page)}")
    click.echo(f"   {act}")


def _paid(browser: Browser, address: str) -> None:
    """Pay the fee where the other side says that it is paid: at the provider that is played there."""
    found: list[str] = []

    def asked() -> bool:
        found[:] = re.findall(r'href="([^"]+/pay/[0-9a-f-]{36}/)"', browser.open(address).text)
        return bool(found)

    _until("the applicant is asked for the fee", asked)
    page = browser.open(found[0])
    page = browser.send(page, _own_form(page))  # to the provider
    page = browser.send(page, _own_form(page), ("answer", "pay"))  # where one says that one pays
    if page.url != found[0] or page.status != _OK:
        raise DemonstrationFailed(f"the fee was not taken ({page.status}): {_faults(page)}")
    click.echo(f"   the applicant pays at {found[0].rsplit('/', 3)[0]}/")


def _result(way: Way, browser: Browser, application: str, out: Path) -> tuple[bytes, bytes]:
    _step("The result comes home: a signed PDF, and the same as a credential.")
    base = f"{way.home.config.portal_origin}/applications/{application}/"
    _until("the result is here", lambda: "result.pdf" in browser.open(base).text)
    paper, credential = browser.fetch(base + "result.pdf"), browser.fetch(base + "result.sd-jwt")
    for name, data in (("pdf", paper), ("sd-jwt", credential)):
        path = out / f"result-{way.home.side}.{name}"
        path.write_bytes(data)
        click.echo(f"   {path.name}, {len(data)} bytes")
    return paper, credential


def _checked(way: Way, paper: bytes, credential: bytes) -> None:
    _step("Anybody at home can have both checked.")
    if b"/ETSI.CAdES.detached" not in paper:
        raise DemonstrationFailed("the PDF carries no PAdES signature")
    _until("the PDF is on the other side's register", lambda: _validated(way.home, paper) == "match")
    click.echo("   PDF: match, asked over the door; the file did not cross")
    _until("the department's signature counts here", lambda: _recognised(way.home, paper))
    click.echo("   PDF: signed by the departments' office, whose certificate both sides recognise")
    changed = paper.replace(b"/Author", b"/Auth0r", 1)
    if changed != paper and _validated(way.home, changed) == "match":
        raise DemonstrationFailed("a changed PDF matches")
    stranger = Browser()
    first = next(iter(way.officer.values()))

    def genuine() -> bool:  # once the issuer's status list has arrived
        page = stranger.open(f"{way.home.config.portal_origin}/check-credential")
        page = stranger.send(page, page.form("text"), ("text", credential.decode()))
        return page.heading.strip() == "The credential is genuine and counts" and first in page.text

    _until("the credential is genuine and counts", genuine)
    click.echo("   credential: genuine and counts, and says what the officer filled in")


def _validated(node: DemonstrationNode, paper: bytes) -> str:
    token = node.accounts["issuer"]["token"]
    response = post_file(node, "/api/v1/validations?wait=5", "file", paper, token=token)
    return str(response.json().get("outcome", "")) if response.status == _OK else ""


def _recognised(node: DemonstrationNode, paper: bytes) -> bool:
    response = post_file(node, "/api/v1/signing/validations", "result.pdf", paper)
    return response.status == _OK and response.json()["recognised"] is True


def _readers(way: Way, browser: Browser, application: str, out: Path) -> None:
    _step("The person sees who has read their data, crossing by crossing, and takes the proof along.")
    base = f"{way.home.config.portal_origin}/applications/{application}/"
    path = out / f"application-{way.home.side}.bundle"

    def proved() -> bool:
        messages = re.findall(r"/proof/([0-9a-f-]{36})", browser.open(base + "who-has-read").text)
        try:
            path.write_bytes(browser.fetch(f"{base}proof/{messages[0]}"))
        except LookupError:  # none is there yet, or its place in the ledger is not co-signed yet
            return False
        return True

    _until("the other side has co-signed the ledger", proved)
    if not print_report(path, (), "en"):
        raise DemonstrationFailed("the evidence does not verify")


def _officer_signs_in(node: DemonstrationNode, browser: Browser) -> None:
    account = node.accounts["caseworker"]
    page = browser.open(f"{node.config.portal_origin}/sign-in")
    form = page.form("username", "password")
    page = browser.send(page, form, ("username", account["name"]), ("password", account["password"]))
    if page.url.endswith("/sign-in"):
        raise DemonstrationFailed("the caseworker cannot sign in")


def _signed_in(browser: Browser, address: str, person: str) -> Page:
    page = browser.open(address)
    target = re.search(r'href="(/[^"]*enter[^"]*)"', page.text)
    if target is None:
        raise DemonstrationFailed(f"{address} leads to no sign-in ({page.status})")
    origin = address.split("/apply/", maxsplit=1)[0]
    page = browser.open(origin + target.group(1).replace("&amp;", "&"))
    if any("person" in form.choices for form in page.forms):
        page = browser.send(page, page.form("person"), ("person", person), ("strength", "app"))
    return page


def _own_form(page: Page) -> Form:
    """Return the one form that is the page's own; raises ``LookupError``."""
    everywhere = ("leave", "language", "sign-out")
    for form in page.forms:
        if form.method == "post" and not any(word in form.action for word in everywhere):
            return form
    raise LookupError(f"{page.url} shows no form of its own (status {page.status})")


def _links(page: Page, base: str, below: str) -> list[str]:
    """Return the names of what a page links to below an address, in its order."""
    path = "/" + base.split("/", 3)[3] + below
    found = re.findall(rf'href="{re.escape(path)}([a-z0-9_-]+)', page.text)
    return list(dict.fromkeys(found))


def _faults(page: Page) -> str:
    found = re.findall(r'class="[^"]*govuk-error-summary__list"[^>]*>(.*?)</ul>', page.text, re.DOTALL)
    texts = [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in found]
    return "; ".join(texts) or " ".join(page.heading.split())


def _step(text: str) -> None:
    click.echo(f"\n{text}")


def _until(what: str, done: Callable[[], bool]) -> None:
    end = time.monotonic() + _WITHIN
    while not done():
        if time.monotonic() > end:
            raise DemonstrationFailed(f"{what}: not within {_WITHIN:.0f} seconds")
        time.sleep(0.3)
