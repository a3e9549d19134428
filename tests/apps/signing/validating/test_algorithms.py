"""The table of formats and keys in ``docs/signing-validation.md``, walked: each cell is what it says."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from pathlib import Path

import pytest

import signed_papers as papers
from apps.signing.validating import made_with as made
from apps.signing.validating import signed_text as text
from kouan.apps.signing.lists import domain
from kouan.apps.signing.lists.domain import CertificateType
from kouan.apps.signing.ofd.writing import package
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.recognising import with_recognition
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Trust
from kouan.core.text import Localised
from kouan.core.trust import sm2_certificates
from signed_papers import DAY, NOW

PAGE = Path(__file__).parents[4] / "docs/signing-validation.md"
NAME = Localised("Test", "測試", "测试")


def _replaced(data):
    return data.replace(b"100", b"900")


def _another_page(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    (name,) = (each for each in parts if each.endswith("/Content.xml"))
    assert b"100" in parts[name]
    return package.pack({**parts, name: _replaced(parts[name])})


def _other_payload(data):
    return json.dumps({**json.loads(data), "payload": text.url(_replaced(made.CONTENT))}).encode()


FORMATS = {
    "PDF": (made.pdf, lambda data: data.replace(b"ReportLab", b"ReportLob", 1)),
    "CMS": (made.signed_cms, _replaced),
    "CMS apart from its document": (lambda who: made.signed_cms(who, detached=True), lambda data: data),
    "CMS of GM/T 0010": (lambda who: made.signed_cms(who, gm=True), _replaced),
    "XML": (made.xml, _replaced),
    "JWS": (made.jws, _other_payload),
    "OFD with a seal": (made.ofd_seal, _another_page),
    "OFD without a seal": (made.ofd_signature, _another_page),
}
"""By the table's rows: how one is made, and how it is changed."""


def cells():
    """Return each cell of the table: its row, its column, and whether it says yes."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index("| | RSA | RSA-PSS | ECDSA | Ed25519 | SM2 |")
    columns, found = [each.strip() for each in lines[start].strip("|").split("|")][1:], []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        row, *said = [each.strip() for each in line.strip("|").split("|")]
        found += [(row, column, each) for column, each in zip(columns, said, strict=True)]
    return found


@cache
def _engine(*, listed=True, revoked=0):
    gone = [(revoked, NOW - 2 * DAY)] if revoked else []
    lists = (papers.crl(papers.root()), papers.crl(papers.authority(), gone), *papers.sm2_crls(gone))
    roots = (papers.root().der, papers.sm2_root().certificate.dump()) if listed else ()
    known = (papers.authority().der, papers.sm2_authority().certificate.dump())
    return Engine(Trust(roots=roots, certificates=known, crls=lists, moment=NOW), Checker())


@cache
def _list():
    both = (
        (papers.root().der, papers.authority().der),
        (papers.sm2_root().certificate.dump(), papers.sm2_authority().certificate.dump()),
    )
    entries = tuple(
        domain.Entry(
            code=f"entry-{number}", name=NAME, provider=NAME, certificate_type=CertificateType.PERSONAL,
            root=root, issuing_ca=issuing, recognised_from=papers.SINCE, recognised_until=papers.UNTIL,
            history=(domain.StatusChange(domain.Status.RECOGNISED, papers.SINCE),),
        )
        for number, (root, issuing) in enumerate(both)
    )  # fmt: skip
    return domain.Edition("hk", 1, NOW - DAY, NOW + 30 * DAY, entries, digest=bytes(32))


def _judged(row, data, engine, *, changed=False):
    beside = None
    if row == "CMS apart from its document":
        beside = io.BytesIO(_replaced(made.CONTENT) if changed else made.CONTENT)
    return validated(io.BytesIO(data), engine, beside)


def test_the_table_names_every_format_and_every_kind_of_key():
    assert {row for row, _column, _said in cells()} == set(FORMATS)
    assert {column for _row, column, _said in cells()} == set(made.KEYS)
    assert {said for _row, _column, said in cells()} == {"yes", "–"}


@pytest.mark.parametrize(("row", "column", "said"), cells())
def test_each_cell_of_the_table_is_what_it_says(row, column, said):
    make, change = FORMATS[row]
    for key in made.KEYS[column]:
        who = key()
        data = make(who)
        found = _judged(row, data, _engine())
        if said != "yes":
            assert found.verdict is Verdict.INDETERMINATE
            assert {"ofd-algorithm-unknown", "unsupported-algorithm"} & {each.code for each in found.reasons}
            continue
        assert found.verdict is Verdict.TOTAL_PASSED, found.signatures
        assert with_recognition(found, (_list(),), now=NOW).recognised
        changed = _judged(row, change(data), _engine(), changed=True)
        assert (changed.verdict, changed.recognised) == (Verdict.TOTAL_FAILED, False)
        unlisted = _judged(row, data, _engine(listed=False))
        assert unlisted.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
        serial = sm2_certificates.load(who.der).serial_number
        revoked = _judged(row, data, _engine(revoked=serial))
        assert revoked.sub_indication is SubIndication.REVOKED_NO_POE
