"""What is fuzzed: each function takes any bytes and either reads them or raises a ``KouanError``.

What was read must be what was written: where a format has one encoding only, encoding again gives the very
bytes. Anything else that is raised is a finding.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from kouan.apps.dataflow import odrl
from kouan.apps.dataflow.domain import read_terms
from kouan.apps.signing.ofd import cms, der, reading, seals
from kouan.apps.signing.ofd.drawing import page
from kouan.apps.signing.ofd.writing import package
from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.bundle import Bundle, decode_contents
from kouan.core.exchange.crossing import registry
from kouan.core.exchange.verify import verify_bundle
from kouan.core.ledger.checkpoint import Checkpoint, LedgerProof
from kouan.core.ledger.notes import VerifierKey, parse_note
from kouan.core.ledger.witness import SIZE, AddCheckpoint, WitnessAnswer, format_add_checkpoint
from kouan.core.trust import cose, document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def cbor_value(data: bytes) -> None:
    assert cbor.encode(cbor.decode(data, max_bytes=1 << 20)) == data


def cose_sign1(data: bytes) -> None:
    for typ in (wire.BATCH_TYPE, wire.RECEIPT_TYPE, document.CONTENT_TYPE):
        _attempt(lambda typ=typ: cose.read1(data, content_type=typ, max_bytes=1 << 20))


def batches(data: bytes) -> None:
    found = wire.decode_batches(data)
    assert b"".join(wire.encode_batch(signed, list(pairs)) for signed, pairs in found) == data


def receipts(data: bytes) -> None:
    assert b"".join(wire.decode_receipts(data)) == data


def statement(data: bytes) -> None:
    assert wire.Statement.decode(data).encode() == data


def header(data: bytes) -> None:
    assert wire.Header.decode(data).encode() == data


def receipt(data: bytes) -> None:
    assert wire.Receipt.decode(data).encode() == data


def body(data: bytes) -> None:
    wire.decode_body(data, max_bytes=1 << 20)


def trust_document(data: bytes) -> None:
    document.parse(data)


def note(data: bytes) -> None:
    found = parse_note(data)
    assert str(found).encode() == data
    _attempt(lambda: Checkpoint.parse(found.text))


def checkpoint_text(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    _attempt(lambda: VerifierKey.parse(text))
    Checkpoint.parse(text)


def add_checkpoint(data: bytes) -> None:
    asked = AddCheckpoint.parse(data)
    assert format_add_checkpoint(asked.old_size, asked.proof, str(asked.note)) == data


def witness_answer(data: bytes) -> None:
    assert WitnessAnswer(409, SIZE, data).conflict_size() >= 0


def ledger_proof(data: bytes) -> None:
    LedgerProof.parse(data)


def evidence(data: bytes) -> None:
    assert not verify_bundle(data).holds or data in KEPT
    _attempt(lambda: decode_contents(data))
    assert Bundle.decode(data).encode() == data


def payload(data: bytes) -> None:
    """The first byte picks the declaration."""
    declared = registry.all()
    crossing = declared[(data[0] if data else 0) % len(declared)]
    crossing.encode(crossing.decode_bytes(data[1:]))


def ofd_value(data: bytes) -> None:
    """What stands in the place of an OFD document's signature: a seal or signed data."""
    for read in (seals.read_sealing, cms.read):
        with suppress(der.NotDer):
            read(data)


def ofd_page(data: bytes) -> None:
    """A page of an OFD document, which is drawn; whatever it holds, the drawing is well-formed."""
    parts = package.document([[]], identifier="1", title="", created="2026-01-01")
    document = reading.read(package.pack({**parts, "Doc_0/Pages/Page_0/Content.xml": data}))
    body = document.bodies[0]
    ET.fromstring(page.draw(document.container, body, body.pages[0]).svg)  # noqa: S314 - our own SVG


def odrl_policy(data: bytes) -> None:
    """A policy of ODRL that comes in: what is read says just what a policy of it says."""
    terms = odrl.to_terms(data)
    policy = json.loads(data)
    again = odrl.of_terms(terms, agreed=policy["type"] == "Agreement", basis=policy["legalBasis"])
    assert json.dumps(again, sort_keys=True) == json.dumps(policy, sort_keys=True)
    assert read_terms(terms.canonical()) == terms


CORPUS = Path(__file__).parent / "corpus"


def corpus(name: str) -> list[bytes]:
    """Return the inputs that a target begins with: one a line in its file, in hexadecimal."""
    return [bytes.fromhex(line) for line in (CORPUS / f"{name}.hex").read_text("ascii").splitlines()]


KEPT = frozenset(corpus("evidence"))
"""Bundles that do hold."""

TARGETS: dict[str, Callable[[bytes], None]] = {
    "cbor": cbor_value,
    "cose": cose_sign1,
    "batches": batches,
    "receipts": receipts,
    "statement": statement,
    "header": header,
    "receipt": receipt,
    "body": body,
    "trust": trust_document,
    "note": note,
    "checkpoint": checkpoint_text,
    "add-checkpoint": add_checkpoint,
    "witness-answer": witness_answer,
    "proof": ledger_proof,
    "evidence": evidence,
    "payload": payload,
    "ofd-value": ofd_value,
    "ofd-page": ofd_page,
    "odrl": odrl_policy,
}


def run(name: str, data: bytes) -> None:
    """Feed a target; returns when it read the bytes or refused them as it should."""
    _attempt(lambda: TARGETS[name](data))


def _attempt(work: Callable[[], object]) -> None:
    try:
        work()
    except KouanError as error:
        if not (400 <= error.status < 600 and str(error)):  # the bounds of HTTP's errors
            raise AssertionError(repr(error)) from error


def names(chosen: Iterable[str] = ()) -> list[str]:
    """Return the targets of these names, all of them for none."""
    return [name for name in TARGETS if not chosen or name in set(chosen)]
