"""``kouan demo dataflow``, ``identity`` and ``signing``, from one end to the other on two real nodes."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from kouan.core.exchange.verify import verify_bundle

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite

SIDES = ("hk", "gd")


def walked(name: str, out: Path) -> str:
    """Run a demonstration; return what it printed."""
    shown = subprocess.run(
        [sys.executable, "-m", "kouan.cli", "demo", name, "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )
    assert shown.returncode == 0, shown.stdout[-3000:] + shown.stderr[-3000:]
    return shown.stdout


@pytest.mark.timeout(600)
def test_data_crosses_under_a_contract_until_the_person_withdraws(tmp_path: Path) -> None:
    said = walked("dataflow", tmp_path)
    for clause in ("contract scope elements", "consent purposes"):
        assert said.count(f"clause “{clause}”") == 2, said
    assert said.count("consent-withdrawn, clause “consent”") == 2
    assert said.count("record-erased") == 2
    for side in SIDES:
        with zipfile.ZipFile(tmp_path / f"my-data-{side}.zip") as archive:
            mine = json.loads(archive.read("my-data.json"))
        assert [each["withdrawn_at"] is None for each in mine["consents"]] == [False]
        (record,) = mine["records"]
        assert record["erased_because"] == "withdrawn"
        assert [each["reader"] for each in record["read"]] == ["Lending department"]
        assert verify_bundle((tmp_path / f"my-data-{side}.bundle").read_bytes()).holds
    assert {path.name for path in tmp_path.glob("contract-*.json")} == {
        "contract-hk-gd.json",
        "contract-gd-hk.json",
    }


@pytest.mark.timeout(600)
def test_residents_sign_in_on_the_other_side_and_out_again(tmp_path: Path) -> None:
    said = walked("identity", tmp_path)
    assert said.count("signed in after") == 2
    assert said.count("identity.") >= 2, said
    for side in SIDES:
        registered = json.loads((tmp_path / f"service-{side}.json").read_text(encoding="utf-8"))
        assert registered["redirect_uris"]
    assert verify_bundle((tmp_path / "evidence.bundle").read_bytes()).holds


@pytest.mark.timeout(600)
def test_what_one_side_signs_the_other_recognises_and_nothing_else(tmp_path: Path) -> None:
    said = walked("signing", tmp_path)
    assert said.count("TOTAL-PASSED, recognised") == 3, said
    assert said.count("REVOKED_NO_POE, NOT recognised") == 2
    assert said.count("NO_CERTIFICATE_CHAIN_FOUND, NOT recognised") == 2
    assert said.count("HASH_FAILURE, NOT recognised") == 1
    for name, entry in (
        ("degree-signed.pdf", "harbour"),
        ("notice.txt.p7m", "pearl"),
        ("permit.ofd", "pearl"),
    ):
        report = json.loads((tmp_path / f"{name}.report.json").read_text(encoding="utf-8"))
        assert [each["recognition"]["entry"] for each in report["signatures"]] == [f"{entry}-organisation"]
