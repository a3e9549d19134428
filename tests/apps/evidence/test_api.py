"""What a department's own system asks of its node, and the program's commands."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from django.utils import timezone

from apps.evidence.conftest import IDENTITY, NUMBER
from kouan.apps.evidence import access, errors, kinds
from kouan.apps.evidence.commands import evidence
from kouan.apps.evidence.models import DepartmentAccess, EvidenceRecord

API = "/api/v1/evidence"


@pytest.fixture
def system(client, node):
    token = access.issue(department="immigration", name="register of persons")

    def call(method, path, body=None, token=token):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None if body is None else json.dumps(body)
        return client.generic(
            method, API + path, data or "", content_type="application/json", headers=headers
        )

    return call


def body(**changes):
    return {
        "type": "hk.identity", "reference": "ROP-1", "document_number": NUMBER, "claims": IDENTITY,
        "valid_from": "2026-01-01", "valid_until": None,
    } | changes  # fmt: skip


def problem(response, status, code):
    assert response.status_code == status, response.content
    assert response.json()["code"] == code
    return response.json()


def test_keeping_reading_and_changing(system):
    made = system("POST", "/records", body())
    assert made.status_code == 201
    assert made.json()["state"] == "valid"
    assert "claims" not in made.json()
    assert system("POST", "/records", body()).json()["version"] == 1
    assert system("POST", "/records", body(claims=IDENTITY | {"sex": "F"})).json()["version"] == 2
    path = "/records/hk.identity/ROP-1"
    assert system("GET", path).json()["version"] == 2
    assert system("POST", f"{path}/suspend", {"reason": "inquiry"}).json()["state"] == "suspended"
    assert system("POST", f"{path}/resume", {}).json()["state"] == "valid"
    assert system("POST", f"{path}/revoke", {}).json()["state"] == "revoked"
    problem(system("POST", f"{path}/resume", {}), 409, "evidence-record-cannot-change")
    changes = EvidenceRecord.objects.get().changes.order_by("pk")
    assert [each.change for each in changes] == ["put", "replaced", "suspended", "resumed", "revoked"]
    assert {each.by for each in changes} == {DepartmentAccess.objects.get().prefix}


@pytest.mark.parametrize("reference", ["粤A/2026/1", "a/revoke/b", "/", "a//b"])
def test_a_department_may_name_its_records_with_slashes(system, reference):
    assert system("POST", "/records", body(reference=reference)).status_code == 201
    for written in (reference, reference.replace("/", "%2F")):
        assert system("GET", f"/records/hk.identity/{written}").json()["reference"] == reference
    assert system("POST", f"/records/hk.identity/{reference}/suspend", {}).json()["state"] == "suspended"
    assert system("POST", f"/records/hk.identity/{reference}/burn", {}).status_code == 405


def test_what_is_refused(system):
    problem(system("POST", "/records", body(claims={"name": "X"})), 422, "ill-formed-evidence-record")
    problem(system("POST", "/records", body(type="hk.vehicle")), 403, "other-departments-evidence")
    problem(system("POST", "/records", body(type="hk.shoes")), 404, "unknown-evidence-type")
    problem(system("POST", "/records", body(more=1)), 422, "invalid-request")
    problem(system("GET", "/records/hk.identity/NONE"), 404, "unknown-evidence-record")
    problem(system("POST", "/records", body(), token="wrong"), 401, "bad-evidence-token")  # noqa: S106 - made up
    problem(system("POST", "/records", body(), token=""), 401, "not-authenticated")
    assert not EvidenceRecord.objects.exists()


def test_another_departments_system_sees_nothing(system):
    system("POST", "/records", body())
    other = access.issue(department="transport", name="vehicles")
    for method, path in (("GET", ""), ("POST", "/revoke")):
        answer = system(method, f"/records/hk.identity/ROP-1{path}", {}, token=other)
        problem(answer, 404, "unknown-evidence-record")


def test_tokens_end(system, node):
    token = access.issue(department="police", name="x")
    held = access.use(token)
    assert (held.department, DepartmentAccess.objects.get(pk=held.pk).digest != token) == ("police", True)
    assert access.revoke(department="police", prefix=held.prefix) == 1
    with pytest.raises(errors.BadEvidenceToken):
        access.use(token)
    ended = access.issue(department="police", name="x", life=timedelta(seconds=-1))
    with pytest.raises(errors.BadEvidenceToken):
        access.use(ended)
    with pytest.raises(errors.BadDepartment):
        access.issue(department="nobody", name="x")
    assert DepartmentAccess.objects.filter(expires_at__lt=timezone.now()).count() == 1


def run(*arguments):
    return CliRunner().invoke(evidence, list(arguments))


def test_the_program(node, tmp_path):
    assert "hk.identity\timmigration\tidentity\t" in run("types").output
    token = run("token", "immigration", "--name", "register").output.strip()
    assert access.use(token).name == "register"
    assert run("revoke-token", "immigration", access.use(token).prefix).output == "1\n"
    assert run("revoke-token", "immigration", "x").exit_code == 1
    assert run("token", "nobody", "--name", "x").exit_code == 1
    file = tmp_path / "records.csv"
    file.write_text(
        "type,reference,document_number,valid_from,name,birthdate,sex,document_type\n"
        f"hk.identity,ROP-1,{NUMBER},2026-01-01,CHAN,1985-02-28,Male,HKID\n"
    )
    assert run("load", str(file)).output == "1\n"
    file.write_text("nothing")
    assert "line 1" in run("load", str(file)).output


OWN = """
[departments.harbour]
en = "Harbour"
zh-hant = "海港"
zh-hans = "海港"
[[requirements]]
code = "mooring"
title = { en = "Mooring", zh-hant = "繫泊", zh-hans = "系泊" }
text = { en = "A berth.", zh-hant = "泊位。", zh-hans = "泊位。" }
[[types]]
code = "hk.mooring"
department = "harbour"
requirements = ["mooring"]
level = 2
counts_days = 10
title = { en = "Mooring", zh-hant = "繫泊", zh-hans = "系泊" }
[[types.claims]]
name = "berth"
element = "person.property"
title = { en = "Berth", zh-hant = "泊位", zh-hans = "泊位" }
"""


def own_types(node, text):
    folder = node.home / kinds.OWN_FOLDER
    folder.mkdir(exist_ok=True)
    (folder / "own.toml").write_text(text, encoding="utf-8")
    kinds._catalogue.cache_clear()
    return kinds.catalogue()


def test_an_installation_adds_its_own(node):
    found = own_types(node, OWN)
    assert [each.code for each in found.meeting("mooring")] == ["hk.mooring"]
    assert "hk.identity" in found.types


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('code = "hk.mooring"', 'code = "gd.mooring"'),
        ('name = "berth"', 'name = "Berth"'),
        ('element = "person.property"', 'element = "person.shoes"'),
        ("level = 2", "level = 9"),
        ("counts_days = 10", "counts_days = 0"),
        ('requirements = ["mooring"]', 'requirements = ["anchor"]'),
        ('department = "harbour"', 'department = "nobody"'),
        ('zh-hans = "系泊" }\n[[types.claims]]', "}\n[[types.claims]]"),
        ("level = 2", "level = 2\ncolour = 3"),
        ('code = "hk.mooring"', ""),
        ("[[types]]", "[[types"),
    ],
)
def test_a_file_of_types_that_cannot_be_used(node, old, new):
    assert old in OWN
    with pytest.raises(kinds.TypesFileError, match=r"own\.toml"):
        own_types(node, OWN.replace(old, new))
    refused = run("types")
    assert refused.exit_code == 1
    assert "own.toml" in refused.output
