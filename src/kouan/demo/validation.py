"""``kouan demo validation``: a document validated across the boundary, while it stays with its owner."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import click

from kouan.core import cbor
from kouan.core.exchange import bundle, wire
from kouan.core.exchange.story import shown
from kouan.core.sides import get_side
from kouan.demo import DemonstrationFailed
from kouan.demo.http import Response, post_file, post_json, request
from kouan.demo.papers import Paper, degree_certificate, papers
from kouan.node.verification import print_report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kouan.demo.nodes import DemonstrationNode

API: Final = "/api/v1"
_PROVABLE_WITHIN: Final = 20.0
"""Seconds in which the other side's co-signature must be there."""


def show(hk: DemonstrationNode, gd: DemonstrationNode, out: Path) -> None:
    """Walk through it; raises ``DemonstrationFailed`` naming the step that went wrong."""
    _step(1, "Harbour University in Hong Kong registers a degree certificate (PDF).")
    original = degree_certificate()
    reference, carried = _register(hk, "degree.pdf", original, "academic-qualification")
    (out / "degree-as-carried.pdf").write_bytes(carried)
    click.echo(f"   reference {reference}; its owner carries a file of {len(carried)} bytes")

    _step(2, "In Shenzhen an employer validates the file at Guangdong's node. The file does not cross.")
    answer = _validate(gd, carried, "match")
    _what_crossed(gd, answer, out / "evidence.bundle")

    _step(3, "Somebody changes one character of the file. Guangdong's node asks again.")
    _validate(gd, carried.replace(b"First Class", b"Third Class"), "mismatch")

    _step(4, "The university revokes the certificate. The next validation says so.")
    revoked = post_json(
        hk, f"{API}/documents/{reference}/revocation", {"reason": "issued-in-error"}, token=_token(hk)
    )
    _expect(revoked, 200, "the revocation")
    _validate(gd, carried, "revoked")

    _step(
        5, "The other way: Pearl River Bank in Guangdong issues a statement (JSON), Hong Kong validates it."
    )
    statement = json.dumps({"account": "demonstration", "balance": "1024.00", "currency": "CNY"}).encode()
    _, carried_json = _register(gd, "statement.json", statement, "bank-statement")
    (out / "statement-as-carried.json").write_bytes(carried_json)
    answer = _validate(hk, carried_json, "match")
    _what_crossed(hk, answer, out / "evidence-hk.bundle")

    _step(6, "Anybody can check the evidence offline, years later: kouan verify evidence.bundle")
    if not print_report(out / "evidence.bundle", (), "en"):
        raise DemonstrationFailed("the evidence does not verify")

    _step(7, "One bit of the answer in the evidence is changed, and the check says where:")
    data = bytearray((out / "evidence.bundle").read_bytes())
    data[bytes(data).index(b"match")] ^= 1
    (out / "evidence-altered.bundle").write_bytes(data)
    if print_report(out / "evidence-altered.bundle", (), "en", problems_only=True):
        raise DemonstrationFailed("an altered bundle was taken for sound")


def show_papers(hk: DemonstrationNode, gd: DemonstrationNode, out: Path, names: Sequence[str]) -> None:
    """Take documents of these kinds across, one after the other, as PDF and as JSON."""
    for paper in papers():
        if paper.name in names:
            issuer, asker = (hk, gd) if paper.side == "hk" else (gd, hk)
            _show_paper(paper, issuer, asker, out)


def _show_paper(paper: Paper, issuer: DemonstrationNode, asker: DemonstrationNode, out: Path) -> None:
    where, there = (get_side(node.side).name.en for node in (issuer, asker))
    click.echo(f"\n{paper.title} ({paper.name})")
    _step(1, f"In {where} an institution registers it, as PDF with SHA-256 and as JSON with SM3.")
    _, pdf = _register(issuer, f"{paper.name}.pdf", paper.as_pdf(), paper.type)
    reference, data = _register(issuer, f"{paper.name}.json", paper.as_json(), paper.type, algorithm="sm3")
    (out / f"{paper.name}-as-carried.pdf").write_bytes(pdf)
    (out / f"{paper.name}-as-carried.json").write_bytes(data)
    _step(2, f"In {there} both files are validated. Neither crosses.")
    _validate(asker, pdf, "match")
    answer = _validate(asker, data, "match")
    bundle_file = out / f"{paper.name}.bundle"
    _what_crossed(asker, answer, bundle_file)
    _step(3, "Somebody changes one character.")
    line = paper.lines[1].encode()
    _validate(asker, pdf.replace(line, line.swapcase()), "mismatch")
    _step(4, "The institution takes the second one back.")
    revoked = post_json(
        issuer, f"{API}/documents/{reference}/revocation", {"reason": "superseded"}, token=_token(issuer)
    )
    _expect(revoked, 200, "the revocation")
    _validate(asker, data, "revoked")
    _step(5, "The evidence of the answer is checked offline.")
    if not print_report(bundle_file, (), "en", problems_only=True):
        raise DemonstrationFailed("the evidence does not verify")


def register_all(nodes: Sequence[DemonstrationNode], out: Path) -> None:
    """Register a paper of each kind on its side and leave what their owners carry in ``out``.

    Does nothing where that was done before.
    """
    sides = {node.side: node for node in nodes}
    for paper in papers():
        path = out / f"{paper.name}.pdf"
        if path.exists() or paper.side not in sides:
            continue
        out.mkdir(parents=True, exist_ok=True)
        _, carried = _register(sides[paper.side], path.name, paper.as_pdf(), paper.type)
        path.write_bytes(carried)


def _step(number: int, text: str) -> None:
    click.echo(f"\n{number}. {text}")


def _token(node: DemonstrationNode) -> str:
    return str(node.accounts["issuer"]["token"])


def _expect(response: Response, status: int, what: str) -> None:
    if response.status != status:
        raise DemonstrationFailed(f"{what} was answered {response.status}: {response.body[:300]!r}")


def _register(
    node: DemonstrationNode, name: str, data: bytes, kind: str, *, algorithm: str = "sha-256"
) -> tuple[str, bytes]:
    fields = {"type": kind, "algorithm": algorithm}
    response = post_file(node, f"{API}/documents", name, data, fields=fields, token=_token(node))
    _expect(response, 201, "the registration")
    return response.headers["kouan-reference"], response.body


def _validate(node: DemonstrationNode, data: bytes, expected: str) -> dict[str, Any]:
    started = time.perf_counter()
    response = post_file(node, f"{API}/validations?wait=5", "file", data, token=_token(node))
    _expect(response, 200, "the validation")
    answer: dict[str, Any] = response.json()
    if answer["outcome"] != expected:
        raise DemonstrationFailed(f"the outcome is {answer['outcome']} where {expected} was expected")
    issuer = f", issued by {answer['issuer']['name']['en']}" if answer["issuer"] else ""
    click.echo(
        f"   answer: {answer['outcome']}{issuer}, after {(time.perf_counter() - started) * 1000:.0f} ms"
    )
    return answer


def _what_crossed(node: DemonstrationNode, answer: dict[str, Any], path: Path) -> None:
    """Fetch the evidence, keep it at ``path``, and print every field that crossed."""
    deadline = time.monotonic() + _PROVABLE_WITHIN
    response = request(node, "GET", f"{API}/validations/{answer['id']}/evidence")
    while response.status == 409 and time.monotonic() < deadline:  # noqa: PLR2004 - not provable yet
        time.sleep(0.25)
        response = request(node, "GET", f"{API}/validations/{answer['id']}/evidence")
    _expect(response, 200, "the evidence")
    path.write_bytes(response.body)
    parts = bundle.Bundle.decode(response.body).parts
    for number in ("1", "2"):
        header = wire.Header.decode(parts[f"{number}/header"])
        payload = wire.decode_body(parts[f"{number}/body"], max_bytes=wire.MAX_BATCH_BYTES)
        click.echo(f"   crossed {header.sender} → {header.receiver}: {header.type}, {len(payload)} bytes")
        fields = cbor.decode(payload, max_bytes=wire.MAX_BATCH_BYTES)
        for name, value in fields.items() if isinstance(fields, dict) else ():
            if value is not None:
                click.echo(f"      {name}: {shown(value)}")
