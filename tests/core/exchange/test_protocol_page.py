"""docs/protocol.md says what the code does: its limits, codes, fields and kinds of entries."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest

import kouan
from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import (
    bundle,
    calls,
    crossing,
    door,
    handling,
    inbox,
    keyset,
    reconciliation,
    stamp,
    times,
    wire,
    witnesses,
)
from kouan.core.exchange.blobs import errors as blob_errors
from kouan.core.exchange.blobs import fetching, line, reference, request, serving, stream
from kouan.core.exchange.entrance import connection, server
from kouan.core.ledger import notes
from kouan.core.trust import changes, cose, document, sealing
from kouan.core.trust import errors as trust_errors
from kouan.core.trust.suites import SUITES
from kouan.sections import ExchangeSettings

SOURCE = Path(kouan.__file__).parent
PAGE = (SOURCE.parents[1] / "docs" / "protocol.md").read_text(encoding="utf-8")
MODULES = {
    "wire": wire,
    "crossing": crossing,
    "calls": calls,
    "door": door,
    "notes": notes,
    "document": document,
    "keyset": keyset,
    "changes": changes,
    "bundle": bundle,
    "handling": handling,
    "cbor": cbor,
    "connection": connection,
    "server": server,
    "stamp": stamp,
    "witnesses": witnesses,
    "reconciliation": reconciliation,
    "ExchangeSettings": ExchangeSettings(),
    "reference": reference,
    "stream": stream,
    "request": request,
    "serving": serving,
    "line": line,
    "fetching": fetching,
}


def tables():
    """Every table of the page: its heading row and its other rows, each as cells."""
    for block in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        yield rows[0], rows[2:]


def table(*heading):
    return next(rows for head, rows in tables() if tuple(head[: len(heading)]) == heading)


def errors(base=KouanError):
    for error in base.__subclasses__():
        yield error
        yield from errors(error)


def test_limits():
    rows = table("What", "Limit")
    for what, limit, name in rows:
        module, _, constant = name.strip("`").partition(".")
        assert getattr(MODULES[module], constant) == int(limit), what
    named = {name.strip("`") for _, _, name in rows}
    bounds = {f"wire.{name}" for name in vars(wire) if name.startswith("MAX_")}
    assert bounds <= named


def test_codes():
    known = {}
    for error in errors():
        if error.__module__.startswith("kouan.core"):
            known[error.code] = error.status
    whole = {
        code.strip("`"): int(status)
        for code, status, _ in table("Code", "Status", "Refuses the batch because")
    }
    alone = {
        code.strip("`"): int(status)
        for code, status, _ in table("Code", "Status", "Refuses one message because")
    }
    for told in (whole, alone):
        assert {code: known[code] for code in told} == told
    raised = {
        error.code
        for module in (inbox, door, times, wire)
        for error in vars(module).values()
        if isinstance(error, type) and issubclass(error, KouanError) and error.__module__ == module.__name__
    }
    assert raised <= set(whole) | set(alone)
    signing = (
        trust_errors.UnknownKey,
        trust_errors.KeyNotValid,
        trust_errors.BadSignature,
        trust_errors.UnknownSuite,
    )
    assert {error.code for error in signing} <= set(whole)


def test_codes_about_files():
    told = {code.strip("`"): int(status) for code, status, _ in table("Code", "Status", "Says")}
    ours = {error.code: error.status for error in errors() if error.__module__ == blob_errors.__name__}
    # What never reaches the other side: an app's, an operator's, and a chunk's before it is asked for again.
    here = {"blob-source-changed", "blob-not-attached", "blob-not-here", "blob-disk", "blob-chunk"}
    assert told == {code: status for code, status in ours.items() if code not in here}
    assert request.REQUEST_TYPE in PAGE
    assert stream._LABEL == b"kouan-blob-key/1\x00"
    assert '"kouan-blob-key/1" 00 from' in PAGE


def test_refusals_of_one_message_are_those_that_the_tests_provoke():
    from core.exchange.test_poisoned import POISON  # noqa: PLC0415 - that module's own table

    told = {code.strip("`") for code, *_ in table("Code", "Status", "Refuses one message because")}
    elsewhere = {
        "party-not-named",
        "no-agreement",
        "agreement-not-in-force",
        "consent-missing",
        "id-conflict",
    }
    assert told == set(POISON) | elsewhere


def fields(name):
    """The keys of a map in the page's CDDL."""
    start = (
        PAGE.index(f"\n{name} ", PAGE.index("```cddl")) if name != "receipt" else PAGE.index("\nreceipt = {")
    )
    body = PAGE[PAGE.index("{", start) + 1 :]
    depth, end = 1, 0
    while depth:
        depth += {"{": 1, "}": -1}.get(body[end], 0)
        end += 1
    text = re.sub(r";[^\n]*", "", body[: end - 1])
    text = re.sub(r"\[[^\]]*\]", "list", text)
    return set(re.findall(r"(\w+):", text))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (
            "statement",
            wire.Statement(1, "hk", "gd", 1, 0, bytes(32), bytes(32), 1, b"", b"", ()).encode(),
        ),
        (
            "header",
            wire.Header(
                uuid.UUID(int=1),
                "hk",
                "gd",
                "a.b",
                1,
                "a",
                bytes(32),
                "1",
                None,
                uuid.UUID(int=2),
                1,
                1,
                1,
                bytes(32),
            ).encode(),
        ),
        ("receipt", wire.Receipt("hk", "gd", bytes(32), bytes(32), (), 1, 1, 1).encode()),
        ("blob", cbor.encode(dict.fromkeys(reference.Blob.model_fields, 1))),
        ("blob-request", request.BlobRequest("gd", "hk", bytes(16), 0, 1, 1).encode()),
        ("contents", bundle.encode_contents(side="hk", made=1, digests={})),
        ("bundle", bundle.Bundle(b"", {}).encode()),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_fields_of_what_crosses(name, data):
    assert fields(name) == set(cbor.decode(data, max_bytes=4096))


def test_the_fields_of_a_trust_document():
    assert fields("trust-document") == set(document._SHAPE)
    assert fields("listed-key") == set(document._KEY_SHAPE)
    assert fields("revoked-key") == set(document._REVOKED_SHAPE)


def test_the_fields_of_a_change_of_keys():
    assert fields("key-set") == set(keyset.KeySet.model_fields)
    assert fields("key-change") == set(changes._CHANGE)
    assert fields("key-set-answer") == set(keyset.KeySetAnswer.model_fields)
    assert fields("acknowledgement") == set(changes._ACKNOWLEDGED)


def test_every_kind_of_ledger_entry_is_explained():
    told = {kind for row in table("Kind", "Body") for kind in re.findall(r"`([a-z-]+)`", row[0])}
    written = set()
    for path in (SOURCE / "core" / "exchange").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for call in re.findall(
            r"ledger\.Record\(\s*([^)]*?),\s*"
            r"(?:wire|signed|leaf|item|each|message|data|receipt|row|payload|bytes|_dead|cbor)",
            text,
        ):
            written |= set(re.findall(r'"([a-z-]+)"', call))
    assert told == written | set(keyset._KINDS.values())


def test_labels_types_and_suites_are_those_of_the_code():
    for text in (
        wire.BATCH_TYPE,
        wire.RECEIPT_TYPE,
        bundle.CONTENTS_TYPE,
        document.CONTENT_TYPE,
        bundle.FORMAT,
    ):
        assert text in PAGE
    assert sealing._MESSAGE_LABEL == b"kouan/1 message key\x00"
    assert '"kouan/1 message key" 00 id' in PAGE
    assert '"kouan-batch-key/1" 00 from' in PAGE
    assert f"key: bstr .size {sealing.WRAPPED_BYTES}" in PAGE
    assert f"Signatures are {cose.SIGNATURE_BYTES} bytes" in PAGE
    assert all(f"**{suite}**" in PAGE for suite in SUITES)


def test_the_page_is_short_enough_to_be_read():
    lines = PAGE.splitlines()
    assert len(lines) < 560
