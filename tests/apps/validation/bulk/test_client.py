"""Many documents at once, by ``kouan.institution`` and by the example that stands on it."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from kouan.apps.validation.bulk import work
from kouan.apps.validation.domain import Reference
from kouan.apps.validation.models import RegisteredDocument
from kouan.institution import Documents
from served import served

pytestmark = pytest.mark.django_db
EXAMPLE = Path(__file__).parents[4] / "examples/institution_system.py"


def rows(count):
    return [
        {"reference": str(Reference.new("hk")), "type": "bank-statement", "fingerprint": f"{each:064x}"}
        for each in range(count)
    ]


def test_many_are_registered_and_revoked(token, peer):
    made = rows(30)

    def system(url):
        with Documents(url, token) as node:
            job = node.register(made)
            registered = node.wait(job)
            again = node.wait(node.register(made))
            taken_back = [{"reference": row["reference"], "reason": "issued-in-error"} for row in made[:4]]
            return registered, again, node.wait(node.revoke(taken_back)), node.problems(job)

    registered, again, revoked, problems = served(system, between=work.step)
    assert (registered["state"], registered["good"], problems) == ("done", 30, [])
    assert (again["good"], again["unchanged"]) == (0, 30)
    assert revoked["state"] == "done"
    assert RegisteredDocument.objects.filter(revoked_at__isnull=False).count() == 4


def test_a_bad_row_is_named_and_the_good_ones_are_taken_if_asked(token, peer):
    made = [*rows(2), {"reference": "nonsense", "type": "bank-statement", "fingerprint": "ab" * 32}]

    def system(url):
        with Documents(url, token) as node:
            job = node.register(made)
            return node.wait(job), node.problems(job), node.wait(node.register(made, take_good=True))

    refused, problems, taken = served(system, between=work.step)
    assert (refused["state"], refused["bad"]) == ("refused", 1)
    assert [(problem["line"], problem["column"]) for problem in problems] == [(4, "reference")]
    assert (taken["state"], taken["good"], taken["bad"]) == ("done", 2, 1)


def test_the_example_registers_a_file(token, peer, tmp_path, monkeypatch, capsys):
    lines = [",".join(row.values()) for row in rows(3)]
    file = tmp_path / "documents.csv"
    file.write_text("\n".join(["reference,type,fingerprint", *lines]), encoding="utf-8")

    def system(url):
        monkeypatch.setenv("KOUAN_URL", url)
        monkeypatch.setenv("KOUAN_TOKEN", token)
        monkeypatch.setattr(sys, "argv", ["institution_system.py", "register", str(file)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(EXAMPLE), run_name="__main__")
        return ended.value.code

    assert served(system, between=work.step) == 0
    assert capsys.readouterr().out.strip() == "done: 3 registered, 0 bad"
