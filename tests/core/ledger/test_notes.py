"""Signed notes and cosignatures, against published ones."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.errors import KouanError
from kouan.core.ledger.errors import (
    MalformedNoteError,
    MalformedVerifierKeyError,
    NoteSignatureError,
    UntrustedNoteError,
)
from kouan.core.ledger.notes import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Ed25519Cosigner,
    Ed25519NoteSigner,
    Note,
    SignatureType,
    VerifierKey,
    cosign_note,
    decode64,
    encode64,
    parse_note,
    sign_note,
    verify_note,
)

# golang.org/x/mod, sumdb/note/note_test.go.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6Ryy"
    "BwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvM"
    "c+QQ=\n"
)

# C2SP signed-note, "Example".
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu"
    "72IneyaQM=\n"
)

# A checkpoint of a public Certificate Transparency log (arche2025h1.staging.ct.transparency.dev), with a
# signature of type 0x05, the log's of type 0x01, and four witnesses' of type 0x04.
PUBLIC_LOG = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
PUBLIC_WITNESS = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
PUBLIC_CHECKPOINT = (
    "arche2025h1.staging.ct.transparency.dev\n"
    "1432088532\n"
    "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n"
    "\n"
    "— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3ur"
    "bllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n"
    "— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75M"
    "dhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n"
    "— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoX"
    "HAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n"
    "— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5h"
    "NI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n"
    "— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5Xe"
    "U/zZ0WBxtqB0DrAWfBw==\n"
    "— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFu"
    "cgKi7lI7cUiOvKFYe/TmN9DAg==\n"
)
PUBLIC_TIME = 1779573024


def opened(text: str, *keys: str) -> list[str]:
    found = verify_note(parse_note(text.encode()), [VerifierKey.parse(key) for key in keys])
    return [str(each.key) for each in found]


@pytest.mark.parametrize("key", [PETER, ENOCH, EXAMPLE_KEY, PUBLIC_LOG, PUBLIC_WITNESS])
def test_a_verifier_key_reads_and_writes_the_same(key: str) -> None:
    assert str(VerifierKey.parse(key)) == key


def test_no_part_of_a_verifier_key_is_one() -> None:
    parts = {PETER[start:end] for start in range(len(PETER)) for end in range(start, len(PETER) + 1)} - {
        PETER
    }
    spoilt = {PETER[:at] + chr(ord(PETER[at]) + 1) + PETER[at + 1 :] for at in range(len(PETER))}
    for key in parts | spoilt:
        with pytest.raises(MalformedVerifierKeyError):
            VerifierKey.parse(key)


@pytest.mark.parametrize(
    "key",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # length
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # type
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "",
        "++",
        "é+00000000+é",
    ],
)
def test_a_malformed_verifier_key_is_refused(key: str) -> None:
    with pytest.raises(MalformedVerifierKeyError):
        VerifierKey.parse(key)


def test_a_note_is_signed_byte_for_byte_as_elsewhere() -> None:
    seed = base64.b64decode(PETER_SEED)[1:]
    signer = Ed25519NoteSigner("PeterNeumann", Ed25519PrivateKey.from_private_bytes(seed))
    assert str(signer.verifier) == PETER
    assert str(sign_note(TEXT, signer)) == f"{TEXT}\n{PETER_LINE}"


def test_signatures_of_known_keys_are_found() -> None:
    note = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}"
    assert opened(EXAMPLE, EXAMPLE_KEY) == [EXAMPLE_KEY]
    assert opened(note, PETER) == [PETER]
    assert opened(note, ENOCH, PETER) == [PETER, ENOCH]
    assert opened(f"{TEXT}\n{PETER_LINE}{PETER_LINE}", PETER) == [PETER]
    assert str(parse_note(note.encode())) == note


def test_a_public_checkpoint_and_its_witness_verify() -> None:
    note = parse_note(PUBLIC_CHECKPOINT.encode())
    found = verify_note(note, [VerifierKey.parse(PUBLIC_LOG), VerifierKey.parse(PUBLIC_WITNESS)])
    assert [each.timestamp for each in found] == [None, PUBLIC_TIME]
    assert str(note) == PUBLIC_CHECKPOINT


@pytest.mark.parametrize("keys", [[], [PETER], [PETER, ENOCH]])
def test_a_note_that_no_known_key_signed_is_not_trusted(keys: list[str]) -> None:
    with pytest.raises(UntrustedNoteError):
        opened(EXAMPLE, *keys)


def test_a_signature_of_a_known_key_that_does_not_verify_spoils_the_note() -> None:
    wrong = line_of(PETER, bytes(64))
    with pytest.raises(NoteSignatureError, match="PeterNeumann"):
        opened(f"{TEXT}\n{PETER_LINE}{wrong}", PETER)
    with pytest.raises(NoteSignatureError):
        opened(f"{TEXT}\n{line_of(PETER, bytes(63))}", PETER)
    with pytest.raises(NoteSignatureError):
        opened(f"{TEXT}more\n\n{PETER_LINE}", PETER)


def line_of(key: str, signature: bytes) -> str:
    known = VerifierKey.parse(key)
    return f"— {known.name} {encode64(known.key_id + signature)}\n"


def test_a_key_of_one_type_does_not_check_signatures_of_the_other() -> None:
    private = Ed25519PrivateKey.generate()
    cosigner = Ed25519Cosigner("w", private)
    line = cosign_note(TEXT, cosigner, 1_700_000_000)
    plain = VerifierKey("w", SignatureType.ED25519, private.public_key().public_bytes_raw())
    assert plain.key_id != cosigner.key_id
    with pytest.raises(UntrustedNoteError):
        verify_note(Note(TEXT, (line,)), [plain])


def test_a_cosignature_holds_for_its_own_time_alone() -> None:
    cosigner = Ed25519Cosigner("w", Ed25519PrivateKey.generate())
    line = cosign_note(TEXT, cosigner, 1_700_000_000)
    assert verify_note(Note(TEXT, (line,)), [cosigner.verifier])[0].timestamp == 1_700_000_000
    for other in (1_700_000_001, 2**63, 2**64 - 1):
        with pytest.raises(NoteSignatureError):
            cosigner.verifier.verify(TEXT.encode(), other.to_bytes(8, "big") + line.signature[8:])


@pytest.mark.parametrize("line", ["", "short\x07\n", "no newline", "a\tb\n"])
def test_a_text_that_a_note_cannot_hold_is_not_signed(line: str) -> None:
    cosigner = Ed25519Cosigner("w", Ed25519PrivateKey.generate())
    with pytest.raises(MalformedNoteError):
        cosign_note(line, cosigner, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}\n{PETER_LINE[:-1]}".encode(),
        f"\x01{TEXT}\n{PETER_LINE}".encode(),
        b"\xff" + f"{TEXT}\n{PETER_LINE}".encode(),
        f"{TEXT}\r\n\n{PETER_LINE}".encode(),
        f"{TEXT}\n{PETER_LINE}Unexpected line.\n".encode(),
        f"{TEXT}\n{PETER_LINE}\n".encode(),
        f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', 'Bad Name')}".encode(),
        f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', 'Bad+Name')}".encode(),
        f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', 'Bad　Name')}".encode(),
        f"{TEXT}\n{PETER_LINE.replace('— ', '- ')}".encode(),
        f"{TEXT}\n{PETER_LINE.replace('AM=', 'AN=')}".encode(),  # the same bytes, not canonical
        f"{TEXT}\n{PETER_LINE.replace('=', '')}".encode(),
        f"{TEXT}\n— PeterNeumann x08gow==\n".encode(),
        f"{TEXT}\n— PeterNeumann \n".encode(),
        f"{TEXT}\n{PETER_LINE * (MAX_SIGNATURES + 1)}".encode(),
        b"a" * MAX_NOTE_BYTES + f"\n\n{PETER_LINE}".encode(),
    ],
)
def test_what_is_not_a_note_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedNoteError):
        parse_note(data)


def test_a_text_may_hold_empty_lines() -> None:
    note = parse_note(f"one\n\ntwo\n\n{PETER_LINE}".encode())
    assert note.text == "one\n\ntwo\n"


def test_sixteen_large_signatures_are_accepted() -> None:
    large = f"— pq {encode64(bytes(4) + bytes(4900))}\n"
    assert opened(f"{TEXT}\n{large * 15}{PETER_LINE}", PETER) == [PETER]


@given(st.integers(0, len(EXAMPLE.encode()) * 8 - 1))
def test_no_note_with_a_flipped_bit_is_accepted(bit: int) -> None:
    data = bytearray(EXAMPLE.encode())
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(KouanError):
        verify_note(parse_note(bytes(data)), [VerifierKey.parse(EXAMPLE_KEY)])


@given(st.binary(max_size=300))
def test_any_bytes_are_a_note_or_refused(data: bytes) -> None:
    try:
        note = parse_note(data)
    except MalformedNoteError:
        return
    assert str(note).encode() == data


@pytest.mark.parametrize(
    "text", ["A", "AA", "AA=", "QQ=", "QR==", "QQ==\n", " QQ==", "QQ==QQ==", "Q_==", "é"]
)
def test_other_base64_than_the_canonical_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode64(text)
