"""``kouan demo dataflow``: a contract, a consent, what crosses under them and what does not; both ways."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

import click

from kouan.demo import DemonstrationFailed, http
from kouan.demo.browser import Browser
from kouan.demo.nodes import node_environment
from kouan.node.verification import print_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kouan.demo.browser import Form, Page
    from kouan.demo.nodes import DemonstrationNode

PURPOSE: Final = "dpv:CreditChecking"
VALUES: Final = {
    "person.name": "(made up)",
    "person.credit": "AA, no default in 60 months (made up)",
}
PARTIES: Final = {
    "hk": {
        "code": "harbour-bank",
        "name": {
            "en": "Harbour Bank (demonstration)",
            "zh_hant": "海港銀行（示範）",
            "zh_hans": "海港银行（示范）",
        },
        "registration": "",
        "place": "hk",
    },
    "gd": {
        "code": "pearl-river-bank",
        "name": {
            "en": "Pearl River Bank (demonstration)",
            "zh_hant": "珠江銀行（示範）",
            "zh_hans": "珠江银行（示范）",
        },
        "registration": "",
        "place": "gd:shenzhen",
    },
}
OFFICERS: Final = {"hk": "CHEUNG Mei Ling, Compliance Officer", "gd": "HUANG Jing, Compliance Officer"}
PEOPLE: Final = {"hk": ("hk-chan", "A123456(3)"), "gd": ("gd-wang", "11010519491231002X")}
"""Who is asked on each side, and the number that their bank has of their document."""
READER: Final = "Lending department"
_API: Final = "/api/v1/dataflow"
_WITHIN: Final = 60.0
_ZONE: Final = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Way:
    """One direction: whose data goes where."""

    exporter: DemonstrationNode
    importer: DemonstrationNode
    tokens: Mapping[str, str]

    @property
    def name(self) -> str:
        """The direction, in a few characters."""
        return f"{self.exporter.side} → {self.importer.side}"


def show(hk: DemonstrationNode, gd: DemonstrationNode, out: Path) -> None:
    """Walk through it; raises ``DemonstrationFailed`` naming the step that went wrong."""
    _step("On each side, the institution's own system gets a token for its node.")
    tokens = {}
    for node in (hk, gd):
        code = str(PARTIES[node.side]["code"])
        tokens[node.side] = _kouan(node, "dataflow", "token", code, "--name", "core system")
        click.echo(f"   {node.side}: {code}, {tokens[node.side][:18]}…")
    try:
        for way in (Way(hk, gd, tokens), Way(gd, hk, tokens)):
            _one_way(way, out)
    except LookupError as failure:
        raise DemonstrationFailed(str(failure)) from None


def _one_way(way: Way, out: Path) -> None:
    click.echo(f"\n━━ {way.name} ━━")
    contract = _contract(way, out)
    consent, browser = _consent(way, contract)
    record = _crossing(way, consent)
    _read(way, record)
    _view(way, browser, record)
    _withdrawal(way, browser, consent, record)
    address = f"{way.exporter.config.portal_origin}/my-data/export.zip"
    _export(lambda: browser.fetch(address), record, out / f"my-data-{way.exporter.side}.zip")


def _export(export: Callable[[], bytes], record: str, path: Path) -> None:
    _step("The person takes all of it away: consents, receipts, readers, and what proves each crossing.")
    bundle = f"evidence/{record}.bundle"

    def provable() -> bool:
        path.write_bytes(export())
        with zipfile.ZipFile(path) as archive:
            return bundle in archive.namelist()

    _until("the other side has co-signed the ledger", provable)
    with zipfile.ZipFile(path) as archive:
        (kept,) = json.loads(archive.read("my-data.json"))["consents"]
        if kept["withdrawn_at"] is None:
            raise DemonstrationFailed("the export does not say that the consent was withdrawn")
        for name in archive.namelist():
            click.echo(f"   {name}, {archive.getinfo(name).file_size} bytes")
        proof = path.with_suffix(".bundle")
        proof.write_bytes(archive.read(bundle))
    if not print_report(proof, (), "en"):
        raise DemonstrationFailed("the evidence does not verify")


def _contract(way: Way, out: Path) -> str:
    exporter, importer = way.exporter, way.importer
    _step("The exporter's officer drafts a contract: who, what, for what, where, for how long.")
    today = datetime.now(_ZONE).date()
    path = out / f"contract-{exporter.side}-{importer.side}.json"
    path.write_text(
        json.dumps(terms(exporter.side, importer.side, today), ensure_ascii=False, indent=2), "utf-8"
    )
    number = _kouan(exporter, "dataflow", "draft", str(path))
    click.echo(f"   contract {number}: {', '.join(sorted(VALUES))} for {PURPOSE}")
    refused = terms(exporter.side, importer.side, today)
    refused["importer" if importer.side == "gd" else "exporter"]["place"] = "gd:shantou"
    outside = out / "outside-the-area.json"
    outside.write_text(json.dumps(refused, ensure_ascii=False), "utf-8")
    click.echo(f"   for a city outside the area: {_refused(exporter, 'dataflow', 'draft', str(outside))}")
    outside.unlink()

    _step("Both sides' officers sign the same text; each node keeps both signatures.")
    _kouan(exporter, "dataflow", "sign", number, "--officer", OFFICERS[exporter.side])
    _until("the proposal is on the other side", lambda: number in _kouan(importer, "dataflow", "contracts"))
    _kouan(importer, "dataflow", "sign", number, "--officer", OFFICERS[importer.side])

    def signed() -> bool:
        lines = _kouan(exporter, "dataflow", "contracts").splitlines()
        return any(line.split("\t")[:3] == [number, "1", "signed"] for line in lines)

    _until("both have signed", signed)
    click.echo(f"   signed by {OFFICERS[exporter.side]} and {OFFICERS[importer.side]}")

    _step(
        "Each party files it with its own authority; the clock is ten working days on each side's calendar."
    )
    for node, reference in ((exporter, "DEMO-1"), (importer, "DEMO-2")):
        _kouan(node, "dataflow", "filed", number, "--reference", f"{node.side.upper()}-{reference}")
        click.echo(f"   filed in {node.side}")
    return number


def _consent(way: Way, contract: str) -> tuple[str, Browser]:
    person, number = PEOPLE[way.exporter.side]
    _step("The bank's system asks its customer; who may answer is known by the document's number alone.")
    asked = _call(
        way.exporter, way.tokens, "/consent-requests",
        {
            "contract": contract, "customer": "customer 1", "document_number": number,
            "elements": sorted(VALUES), "purposes": [PURPOSE],
        },
    )  # fmt: skip
    click.echo(f"   {asked['url']}")
    other, stranger = Browser(), "hk-lee" if way.exporter.side == "hk" else "gd-zhang"
    seen = _signed_in(other, asked["url"], stranger)
    click.echo(f"   {stranger} signs in there: {seen.status}, {' '.join(seen.heading.split())}")
    if seen.status == 200:  # noqa: PLR2004 - somebody else saw the request
        raise DemonstrationFailed("somebody else may answer the request")

    _step("The person signs in at home, ticks each kind of data, and agrees.")
    browser = Browser()
    page = _signed_in(browser, asked["url"], person)
    form = page.form("answer")
    ticks = [("elements", name) for name in form.choices.get("elements", []) if name in VALUES]
    page = browser.send(page, form, *ticks, ("answer", "agree"))
    told = _get(way.exporter, way.tokens, f"/consent-requests/{asked['id']}")
    if told["state"] != "given":
        raise DemonstrationFailed(f"the consent was not given: {page.status}, {told['state']}")
    click.echo(f"   consent {told['consent']['id']}: {', '.join(told['consent']['elements'])}")
    return str(told["consent"]["id"]), browser


def _crossing(way: Way, consent: str) -> str:
    _step("The bank sends what contract and consent both name; more than that is denied, with its clause.")
    more = {"person.health": "(made up)"}
    denied = _send(way, consent, VALUES | more)
    if denied.status != 403:  # noqa: PLR2004 - denied
        raise DemonstrationFailed(f"health data was let pass: {denied.status}")
    _tell(denied)
    sent = _send(way, consent, VALUES)
    if sent.status != 202:  # noqa: PLR2004 - taken
        raise DemonstrationFailed(f"the record was refused: {sent.body.decode()}")
    record = str(sent.json()["id"])
    _until("it is on the other side", lambda: _record(way.exporter, way, record)["state"] == "handled")
    click.echo(f"   message {record}: dataflow.record, {way.name}, handled")
    return record


def _read(way: Way, record: str) -> None:
    _step("The importer's system lists what came, and reads it for the purpose it came for.")
    listed = _get(way.importer, way.tokens, "/records")["records"]
    if record not in {row["id"] for row in listed}:
        raise DemonstrationFailed("the record is not listed on the other side")
    path = f"/records/{record}/read"
    wrong = _post(way.importer, way.tokens, path, {"reader": "Sales", "purpose": "dpv:Marketing"})
    _tell(wrong)
    read = _call(way.importer, way.tokens, path, {"reader": READER, "purpose": PURPOSE})
    if {each["element"]: each["value"] for each in read["values"]} != VALUES:
        raise DemonstrationFailed("what was read is not what was sent")
    click.echo(f"   read by {READER}: {', '.join(each['element'] for each in read['values'])}")


def _view(way: Way, browser: Browser, record: str) -> None:
    _step("The person sees who has read it, when, and for what.")
    address = f"{way.exporter.config.portal_origin}/my-data/export.json"

    def uses() -> list[dict[str, Any]]:
        rows = json.loads(browser.fetch(address))["records"]
        return [use for row in rows if row["message"] == record for use in row["read"]]

    _until("the person sees the reading", lambda: bool(uses()))
    for use in uses():
        click.echo(f"   {use['at']}: {use['reader']}, {use['purpose']}")


def _withdrawal(way: Way, browser: Browser, consent: str, record: str) -> None:
    _step("The person withdraws. The next crossing is denied, and what had crossed is erased there.")
    page = browser.open(f"{way.exporter.config.portal_origin}/my-data/consents/{consent}/withdraw")
    browser.send(page, _own_form(page))
    denied = _send(way, consent, VALUES)
    if denied.status != 403:  # noqa: PLR2004 - denied
        raise DemonstrationFailed(f"a record was let pass after the withdrawal: {denied.status}")
    _tell(denied)
    _until("it is erased there", lambda: _record(way.importer, way, record)["state"] == "erased")
    _until("the exporter knows", lambda: _record(way.exporter, way, record)["state"] == "erased")
    again = _post(way.importer, way.tokens, f"/records/{record}/read", {"reader": READER, "purpose": PURPOSE})
    _tell(again)
    if again.status == 200:  # noqa: PLR2004 - it was read
        raise DemonstrationFailed("what was erased can still be read")
    click.echo(f"   message {record}: erased in {way.importer.side}, known in {way.exporter.side}")


def terms(exporter: str, importer: str, today: date) -> dict[str, Any]:
    """Return a made-up contract's terms, in force from today for a year."""
    return {
        "schema": "kouan-contract/1",
        "contract": str(uuid.uuid4()),
        "version": 1,
        "replaces": None,
        "basis": "gba-standard-contract",
        "exporter": dict(PARTIES[exporter]),
        "importer": dict(PARTIES[importer]),
        "purposes": [PURPOSE],
        "elements": sorted(VALUES),
        "persons": 1000,
        "retention_days": 90,
        "onward": [],
        "assessment": {"digest": "0" * 64, "made_on": today.isoformat()},
        "effective": today.isoformat(),
        "expires": (today + timedelta(days=364)).isoformat(),
    }


def _signed_in(browser: Browser, address: str, person: str) -> Page:
    page = browser.open(address)
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


def _send(way: Way, consent: str, values: Mapping[str, str]) -> http.Response:
    body = {"consent": consent, "purpose": PURPOSE, "values": dict(values)}
    return _post(way.exporter, way.tokens, "/records", body)


def _record(node: DemonstrationNode, way: Way, record: str) -> dict[str, Any]:
    return _get(node, way.tokens, f"/records/{record}")


def _post(
    node: DemonstrationNode, tokens: Mapping[str, str], path: str, body: dict[str, Any]
) -> http.Response:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    return http.post_json(node, f"{_API}{path}", body, token=tokens[node.side], headers=headers)


def _call(
    node: DemonstrationNode, tokens: Mapping[str, str], path: str, body: dict[str, Any]
) -> dict[str, Any]:
    return _good(_post(node, tokens, path, body), path)


def _get(node: DemonstrationNode, tokens: Mapping[str, str], path: str) -> dict[str, Any]:
    return _good(http.request(node, "GET", f"{_API}{path}", token=tokens[node.side]), path)


def _good(response: http.Response, path: str) -> dict[str, Any]:
    if response.status >= 300:  # noqa: PLR2004 - no success
        raise DemonstrationFailed(f"{path} answers {response.status}: {response.body.decode()}")
    value: dict[str, Any] = response.json()
    return value


def _tell(denied: http.Response) -> None:
    said = denied.json()
    clause = said.get("params", {}).get("clause", "")
    click.echo(f"   {said['code']}{f', clause “{clause}”' if clause else ''}: {said['detail']}")


def _kouan(node: DemonstrationNode, *arguments: str) -> str:
    done = _run(node, arguments)
    if done.returncode:
        raise DemonstrationFailed(f"kouan {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _refused(node: DemonstrationNode, *arguments: str) -> str:
    done = _run(node, arguments)
    if not done.returncode:
        raise DemonstrationFailed(f"kouan {' '.join(arguments[:2])} was not refused")
    return done.stderr.strip().removeprefix("Error: ")


def _run(node: DemonstrationNode, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "kouan.cli", "--node", str(node.path), *arguments],
        env=node_environment(node),
        capture_output=True,
        text=True,
        check=False,
    )


def _until(what: str, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN
    while not done():
        if time.monotonic() > deadline:
            raise DemonstrationFailed(f"not within {_WITHIN:.0f} seconds: {what}")
        time.sleep(0.3)


def _step(text: str) -> None:
    click.echo(f"\n• {text}")
