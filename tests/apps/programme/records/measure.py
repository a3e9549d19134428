"""Holds what was read against answer sheets made by hand: precision and recall, field by field."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

from kouan.apps.programme.domain import Field
from kouan.apps.programme.records.reading import dictionary, files, reader
from kouan.apps.programme.records.reading.text import fold

HERE = Path(__file__).parent
SCALARS = {
    "date": (Field.DATE, "iso"),
    "date_text": (Field.DATE, "text"),
    "place": (Field.PLACE, "code"),
    "mode": (Field.MODE, "mode"),
}
LISTS = {
    "chairs": (Field.CHAIR, "name"), "bodies": (Field.BODY, "code"), "areas": (Field.AREA, "text"),
    "agreements": (Field.AGREEMENT, "text"), "events": (Field.EVENT, "text"),
}  # fmt: skip


def plain(words):
    return re.sub(r"[\W_]+", "", fold(str(words)).casefold())


def read(path):
    taken = files.take(path.name, path.read_bytes())
    return taken, reader.read(taken.text, dictionary.load())


def facts_of(reading):
    """Return what was read as ``(meeting, field, value)``, and what is about no meeting under none."""
    found = set()
    for meeting in reading.meetings:
        name = meeting.group if not meeting.group.startswith("x-") else plain(meeting.group_name)
        key = (name, meeting.number)
        found.add((key, "meeting", ""))
        for field, (kind, part) in (SCALARS | LISTS).items():
            for each in meeting.of(kind):
                said = each.value[part] or (each.value["text"] if field == "bodies" else "")
                if said:
                    found.add((key, field, plain(said)))
    for field, (kind, part) in LISTS.items():
        found |= {(None, field, plain(each.value[part])) for each in reading.others if each.field == kind}
    return found


def answers_of(sheet, name):
    """Return what a sheet says of a record, in the same form."""
    wanted = set()
    for row in sheet.get(name, ()):
        name_of = row["group"] if " " not in row["group"] else plain(row["group"])
        key = None if row["group"] == "none" else (name_of, row.get("number"))
        if key:
            wanted.add((key, "meeting", ""))
        for field in (*SCALARS, *LISTS):
            said = row.get(field, ())
            wanted |= {(key, field, plain(each)) for each in ([said] if isinstance(said, str) else said)}
    return wanted


def measured(folder):
    """Return, by field, how many values were rightly read, wrongly read, and missed; and which."""
    sheet = tomllib.loads((HERE / folder / "answers.toml").read_text(encoding="utf-8"))
    right, wrong, missed = Counter(), Counter(), Counter()
    which = []
    for path in sorted((HERE / folder).iterdir()):
        if path.suffix not in {".txt", ".html"}:
            continue
        _taken, reading = read(path)
        found, wanted = facts_of(reading), answers_of(sheet, path.stem)
        for fact in found & wanted:
            right[fact[1]] += 1
        for fact in found - wanted:
            wrong[fact[1]] += 1
            which.append((path.stem, "wrong", *fact))
        for fact in wanted - found:
            missed[fact[1]] += 1
            which.append((path.stem, "missed", *fact))
    return right, wrong, missed, which
