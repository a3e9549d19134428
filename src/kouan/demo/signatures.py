"""``kouan demo signing``: signed on one side, recognised on the other; and what is not, and why."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click
from asn1crypto import pem
from PIL import Image, ImageDraw

from kouan.apps.signing.ofd.writing import package, sealing
from kouan.core.trust import sm2, sm2_certificates
from kouan.demo import DemonstrationFailed
from kouan.demo.http import post_file, request
from kouan.demo.nodes import node_environment
from kouan.demo.papers import degree_certificate
from kouan.demo.signers import OFFICE, REVOKED, SIGNERS, UNLISTED

if TYPE_CHECKING:
    from pathlib import Path

    from kouan.demo.nodes import DemonstrationNode

_API: Final = "/api/v1/signing"
_WITHIN: Final = 30.0
_NOTICE: Final = "A notice of the Digital Office (demonstration). 示範通知。示范通知。\n".encode()
_RED: Final = (200, 30, 30, 255)
_EDITION: Final = 4
"""Of the seal's format: GB/T 38540."""


def show(hk: DemonstrationNode, gd: DemonstrationNode, out: Path) -> None:
    """Walk through it; raises ``DemonstrationFailed`` naming the step that went wrong."""
    _step(1, "Each side has published whose certificates it recognises; each holds the other's list.")
    for node in (hk, gd):
        _lists(node)
    tokens = {node.side: _token(node) for node in (hk, gd)}

    _step(2, "An office in Hong Kong signs a degree certificate with RSA, inside the PDF (PAdES).")
    degree = _signed(hk, tokens, OFFICE, "degree.pdf", degree_certificate(), out / "degree-signed.pdf")
    click.echo("   Guangdong's node validates the file. Nothing of it crosses:")
    _judged(gd, "degree-signed.pdf", degree, out, passes=True)

    _step(3, "An office in Guangdong signs a notice with SM2 and SM3, as GM/T 0010 has it.")
    notice = _signed(gd, tokens, OFFICE, "notice.txt", _NOTICE, out / "notice.txt.p7m")
    click.echo("   Hong Kong's node validates it:")
    _judged(hk, "notice.txt.p7m", notice, out, passes=True)

    _step(4, "The same office puts its electronic seal on an OFD document (GB/T 38540), with SM2 too.")
    permit = _sealed(gd)
    (out / "permit.ofd").write_bytes(permit)
    _judged(hk, "permit.ofd", permit, out, passes=True)

    _step(5, "Somebody signs with a certificate that its authority has revoked: it is not recognised.")
    for signer, validator in ((hk, gd), (gd, hk)):
        name, data = _one_more(signer, tokens, REVOKED, out)
        _judged(validator, name, data, out, passes=False, sub="REVOKED_NO_POE")

    _step(6, "Somebody signs under an authority that neither list names: it is not recognised either.")
    for signer, validator in ((hk, gd), (gd, hk)):
        name, data = _one_more(signer, tokens, UNLISTED, out)
        _judged(validator, name, data, out, passes=False, sub="NO_CERTIFICATE_CHAIN_FOUND")

    _step(7, "One word of the signed certificate is changed: the signature fails.")
    changed = degree.replace(b"First Class", b"Third Class")
    if changed == degree:
        raise DemonstrationFailed("the certificate has no word to change")
    (out / "degree-changed.pdf").write_bytes(changed)
    _judged(gd, "degree-changed.pdf", changed, out, passes=False, sub="HASH_FAILURE")

    _step(8, "Without a token nobody signs.")
    refused = post_file(hk, f"{_API}/signatures", "notice.txt", _NOTICE, fields={"signer": OFFICE})
    if refused.status != 401:  # noqa: PLR2004 - not refused
        raise DemonstrationFailed(f"who shows no token is answered {refused.status}")
    click.echo(f"   {refused.status}: {refused.json()['detail']}")


def _lists(node: DemonstrationNode) -> None:
    deadline = time.monotonic() + _WITHIN
    while True:
        response = request(node, "GET", f"{_API}/trust-lists")
        if response.status != 200:  # noqa: PLR2004 - no answer
            raise DemonstrationFailed(f"{node.side} does not tell its lists: {response.status}")
        found = {each["side"]: each for each in response.json()}
        if {"hk", "gd"} <= found.keys():
            break
        if time.monotonic() > deadline:
            raise DemonstrationFailed(f"{node.side} does not hold both sides' lists after {_WITHIN:.0f} s")
        time.sleep(0.1)
    for side, each in sorted(found.items()):
        click.echo(
            f"   {node.side} holds {side}'s list: edition {each['sequence']}, "
            f"{len(each['entries'])} entries, SHA-256 {each['digest'][:16]}…"
        )


def _token(node: DemonstrationNode) -> str:
    given = [f"--signer={each}" for each in (OFFICE, REVOKED, UNLISTED)]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "kouan.cli", "--node", str(node.path), "signing", "access", "demo", *given],
        env=node_environment(node),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemonstrationFailed(f"kouan signing access failed in {node.side}: {done.stderr.strip()}")
    return done.stdout.strip()


def _signed(  # noqa: PLR0913, PLR0917 - who signs what, and where it goes
    node: DemonstrationNode, tokens: dict[str, str], signer: str, name: str, data: bytes, path: Path
) -> bytes:
    response = post_file(
        node, f"{_API}/signatures", name, data, fields={"signer": signer}, token=tokens[node.side]
    )
    if response.status != 200:  # noqa: PLR2004 - not signed
        raise DemonstrationFailed(f"{node.side} does not sign {name}: {response.body[:300]!r}")
    path.write_bytes(response.body)
    click.echo(f"   {node.side}, signer “{signer}”: {path.name}, {len(response.body)} bytes")
    return response.body


def _one_more(node: DemonstrationNode, tokens: dict[str, str], signer: str, out: Path) -> tuple[str, bytes]:
    if node.side == "hk":
        path = out / f"degree-{signer}.pdf"
        return path.name, _signed(node, tokens, signer, "degree.pdf", degree_certificate(), path)
    path = out / f"notice-{signer}.txt.p7m"
    return path.name, _signed(node, tokens, signer, "notice.txt", _NOTICE, path)


def _judged(  # noqa: PLR0913 - what is expected of it
    node: DemonstrationNode, name: str, data: bytes, out: Path, *, passes: bool, sub: str = ""
) -> None:
    """Have a node validate a file, print what it says, and fail if that is not what it should say."""
    response = post_file(node, f"{_API}/validations", name, data)
    if response.status != 200:  # noqa: PLR2004 - no report
        raise DemonstrationFailed(f"{node.side} does not validate {name}: {response.body[:300]!r}")
    found: dict[str, Any] = response.json()
    (out / f"{name}.report.json").write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")
    verdict, said = found["verdict"], found["sub_indication"] or ""
    click.echo(
        f"   {node.side}: {name}: {verdict}{f' / {said}' if said else ''}, "
        f"{'recognised' if found['recognised'] else 'NOT recognised'}"
    )
    for each in found["signatures"]:
        _by(each, counts=found["recognised"])
    if found["reasons"]:
        word = "told as well" if found["recognised"] else "because"
        click.echo(f"      {word}: {', '.join(each['code'] for each in found['reasons'])}")
    right = (verdict == "TOTAL-PASSED", found["recognised"]) == (passes, passes) and (passes or said == sub)
    if not right:
        wanted = "passed and recognised" if passes else f"not recognised, {sub}"
        raise DemonstrationFailed(f"{name} should be {wanted}, and is {verdict} {said}: {found['reasons']}")


def _by(signature: dict[str, Any], *, counts: bool) -> None:
    click.echo(f"      signed by {' ← '.join(each['subject']['name'] for each in signature['chain'])}")
    recognition = signature["recognition"]
    if counts and recognition is not None:
        click.echo(
            f"      entry “{recognition['entry']}” of {recognition['list_side']}'s list, "
            f"edition {recognition['list_sequence']}"
        )


# The sealed document. Making seals is for seal makers: the node checks them and makes none.


class _SealKey:
    """The office's certificate and SM2 key, as the writer of OFD takes them."""

    algorithm = "1.2.156.10197.1.501"

    def __init__(self, folder: Path) -> None:
        (_kind, _headers, self.certificate), *_chain = pem.unarmor(
            (folder / f"{OFFICE}.pem").read_bytes(), multiple=True
        )
        subject = sm2_certificates.load(self.certificate).subject.native
        self.holder: str = subject["organization_name"]
        """Whose name its seal bears, to be recognised."""
        self.sign = sm2.PrivateKey.from_pem((folder / f"{OFFICE}.key").read_bytes()).sign


def _sealed(node: DemonstrationNode) -> bytes:
    now = datetime.now(UTC).replace(microsecond=0)
    who = _SealKey(node.path.parent / SIGNERS)
    seal = sealing.make_seal(
        edition=_EDITION, identifier="44030000000001", name=f"{who.holder} 公章", look=_look(),
        holders=[who.certificate], maker=who,
        since=now - timedelta(minutes=1), until=now + timedelta(days=365),
    )  # fmt: skip
    parts = package.document(
        ([package.Line("许可证（示范）", 20, 30, 8), package.Line("A permit that is made up.", 20, 45)],),
        identifier="0" * 31 + "1",
        title="许可证（示范）",
        created=f"{now:%Y-%m-%d}",
    )
    place = sealing.Place(package.page_identifier(0), (130, 200, 40, 40))
    return package.pack(
        sealing.seal_document(parts, edition=_EDITION, seal=seal, signer=who, time=now, places=[place])
    )


def _look() -> sealing.Look:
    picture = Image.new("RGBA", (240, 240), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((10, 10, 230, 230), outline=_RED, width=10)
    output = io.BytesIO()
    picture.save(output, "PNG")
    return sealing.Look("png", output.getvalue())


def _step(number: int, text: str) -> None:
    click.echo(f"\n{number}. {text}")
