"""A file's bytes → its text: what it is shows in its content, and limits come before any parser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from kouan.apps.programme import errors
from kouan.apps.programme.records.reading.extract import CHARACTERS, PAGES, SECONDS
from kouan.apps.programme.records.reading.text import HAN, clean

MOST_BYTES: Final = 10 << 20
_HTML: Final = re.compile(
    rb"<!doctype html|<html[\s>]|<head[\s>]|<body[\s>]|<(?:p|div|h1|article|table)(?:\s[^>]{0,200})?>",
    re.IGNORECASE,
)
_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_COMMON: Final = re.compile("[的一是在和與与會会合作粵粤港]")
_BEGINNING: Final = 4096


@dataclass(frozen=True, slots=True)
class Taken:
    """A file's text, cleaned, and what it turned out to be."""

    media_type: str
    text: str
    warnings: tuple[str, ...]


def take(name: str, data: bytes) -> Taken:
    """Return the text of a file. Raises an error of ``kouan.apps.programme.errors`` that names it."""
    name = name[-120:]
    if len(data) > MOST_BYTES:
        raise errors.RecordTooLarge(name=name, limit=MOST_BYTES >> 20)
    head = data[:_BEGINNING]
    if b"%PDF-" in head[:1024]:
        media_type, raw = "application/pdf", _apart("pdf", name, data)
    else:
        raw = _decoded(name, data)
        media_type = "text/plain"
        if _HTML.search(raw[:_BEGINNING].encode()):
            media_type, raw = "text/html", _apart("html", name, raw.encode())
    if len(raw) > CHARACTERS:
        raise errors.RecordTooLong(name=name, pages=PAGES, characters=CHARACTERS)
    cleaned = clean(raw)
    if len(re.findall(rf"[A-Za-z{HAN}]", cleaned.text)) < 4:
        raise errors.EmptyRecord(name=name)
    return Taken(media_type, cleaned.text, cleaned.warnings)


def _decoded(name: str, data: bytes) -> str:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                raise errors.UnknownRecordType(name=name) from None
    if _BINARY.search(data):
        raise errors.UnknownRecordType(name=name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    said = _CHARSET.search(data[:_BEGINNING])
    choices = ["big5hkscs", "gb18030"]
    if said and said[1].decode().lower().replace("-", "") in {"gb2312", "gbk", "gb18030"}:
        choices = ["gb18030"]
    elif said and said[1].decode().lower().startswith("big5"):
        choices = ["big5hkscs"]
    found = []
    for encoding in choices:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        found.append((len(_COMMON.findall(text)), text))
    best = max(found, default=(0, ""))
    if best[0]:
        return best[1]
    if data.count(b"\n") > len(data) // 2 or sum(byte > 0x7F for byte in data) > len(data) // 4:
        raise errors.UnknownRecordType(name=name)
    return data.decode("cp1252", "replace")


def _apart(kind: str, name: str, data: bytes) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - this program, with one word of ours
            [sys.executable, "-I", "-m", "kouan.apps.programme.records.reading.extract", kind],
            input=data, capture_output=True, timeout=SECONDS * 3, check=False, env={},
        )  # fmt: skip
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise errors.UnreadableRecord(name=name) from None
    if answer.get("error") == "too-long":
        raise errors.RecordTooLong(name=name, pages=PAGES, characters=CHARACTERS)
    if "text" not in answer:
        raise errors.UnreadableRecord(name=name)
    return str(answer["text"])
