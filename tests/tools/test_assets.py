from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def assets():
    spec = importlib.util.spec_from_file_location("kouan_tools_assets", ROOT / "tools/assets.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_lock_names_no_host_and_holds_a_digest_for_every_package():
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in text
    packages = json.loads(text)["packages"]
    for package in packages.values():
        package.pop("funding", None)  # a page about a package, which nothing is fetched from
    assert "://" not in json.dumps(packages)
    assert all("integrity" in package for name, package in packages.items() if name)


def test_what_belongs_to_another_government_is_taken_out(assets):
    css = (
        "/*! a font's notice */@font-face{font-family:GDS Transport;src:url(/assets/fonts/a.woff2)}"
        ".a{font-family:GDS Transport,arial,sans-serif;color:red}"
        ".b{margin:0;background-image:url(/assets/images/govuk-crest.svg);padding:0}"
        ".c{mask-image:url(/assets/images/govuk-crest.svg)}"
    )
    assert assets.own_style(css) == (".a{font-family:var(--kouan-font);color:red}.b{margin:0;padding:0}.c{}")


def test_a_style_sheet_that_names_it_in_a_new_way_stops_the_setup(assets):
    with pytest.raises(assets.SetupError, match="GDS Transport"):
        assets.own_style('.a{font:1rem "GDS Transport"}')


def test_a_failing_npm_is_explained_in_a_sentence(assets, monkeypatch, capsys):
    monkeypatch.setattr(assets, "is_current", lambda *_, **__: False)
    monkeypatch.setattr(
        assets, "npm_command", lambda: [sys.executable, "-c", "raise SystemExit('no route to host')"]
    )
    monkeypatch.setattr(sys, "argv", ["assets.py"])
    assert assets.main() == 1
    said = capsys.readouterr().err
    assert "npm could not fetch the pages' assets" in said
    assert "no route to host" in said


def test_without_npm_the_systems_own_python_is_left_alone(assets, monkeypatch):
    monkeypatch.setattr(assets.shutil, "which", lambda *_: None)
    monkeypatch.setattr(assets.importlib.util, "find_spec", lambda *_: None)
    monkeypatch.setattr(assets.sys, "prefix", assets.sys.base_prefix)
    with pytest.raises(assets.SetupError, match="make setup"):
        assets.npm_command()
