"""``kouan dataflow`` in a process of its own, as an operator runs it."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from kouan.apps.dataflow import commands
from kouan.apps.dataflow.models import Contract, InstitutionAccess


@pytest.fixture
def run(node):
    def go(*arguments, exit_code=0):
        result = CliRunner().invoke(commands.dataflow, [str(each) for each in arguments])
        assert result.exit_code == exit_code, result.output
        return result.output

    return go


@pytest.fixture
def file(tmp_path, terms):
    path = tmp_path / "terms.json"
    path.write_text(json.dumps(terms().model_dump(by_alias=True), ensure_ascii=False), encoding="utf-8")
    return path


def test_from_a_file_to_a_filing(run, gd, file):
    number = run("draft", file).strip()
    assert run("contracts").split("\t")[2] == "draft"
    assert run("sign", number, "--officer", "CHEUNG, Manager").split()[-1] == "proposed"
    ((kind, payload),) = gd.hear()
    assert kind == "dataflow.contract"
    answer = {
        "digest": bytes(Contract.objects.get().digest), "outcome": "signed", "reason": "",
        "statement": gd.statement(bytes(Contract.objects.get().digest)),
    }  # fmt: skip
    gd.say("dataflow.contract-answer", answer, conversation=Contract.objects.get().contract)
    assert json.loads(payload["terms"])["contract"] == number
    run("filed", number, "--reference", "GBA-1")
    run("end", number, "--reason", "The bank closes.")
    assert [kind for kind, _payload in gd.hear()] == ["dataflow.filing", "dataflow.contract-end"]
    assert "Error:" in run("end", number, "--reason", "Again.", exit_code=1)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 5000, '{"schema": "kouan-contract/1"}', "NaN"])
def test_a_file_that_holds_no_terms(run, tmp_path, text):
    path = tmp_path / "terms.json"
    path.write_text(text, encoding="utf-8")
    assert "cannot be used" in run("draft", path, exit_code=1)


def test_a_number_that_nobody_knows(run):
    number = "5f0d3c3e-7b41-4a53-8a55-6f6d5a1f0c12"
    assert "no such contract" in run("sign", number, "--officer", "X", exit_code=1)


def test_tokens(run):
    output = run("token", "harbour-bank", "--name", "core banking", "--days", "7")
    token = output.split()[0]
    assert re.fullmatch(r"kouan_hk_flow_[\w-]{43}", token)
    listed = run("tokens", "harbour-bank")
    assert "core banking" in listed
    assert token not in listed
    prefix = listed.split("\t")[0]
    assert "Revoked" in run("revoke-token", "harbour-bank", prefix)
    assert InstitutionAccess.objects.get().revoked_at
    assert "no live token" in run("revoke-token", "harbour-bank", prefix, exit_code=1)
    assert "a-z" in run("token", "Harbour Bank", "--name", "x", exit_code=1)


def test_a_contract_goes_out_as_a_policy_and_comes_in_as_a_draft(run, gd, file, tmp_path):
    number = run("draft", file).strip()
    policy = run("policy", number)
    assert json.loads(policy)["type"] == "Offer"
    Contract.objects.all().delete()
    path = tmp_path / "policy.jsonld"
    path.write_text(policy, encoding="utf-8")
    assert run("draft-policy", path).strip() == number
    path.write_text(policy.replace('"use"', '"sell"'), encoding="utf-8")
    assert "does not understand the policy" in run("draft-policy", path, exit_code=1)


def test_the_audit_of_all_says_what_is_missing_and_fails(run, gd, signed, given):
    given(signed())
    gd.hear()
    told = run("audit", exit_code=1)  # no checkpoint is co-signed here
    assert "dataflow.consent" in told
    assert "0 of 1 proven from both ledgers, out of 1 that crossed." in told
    assert "0 of 0 proven" in run("audit", "--records")
