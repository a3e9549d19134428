"""The table ``[programme]`` of ``node.toml``: a model that may propose, or none."""

from __future__ import annotations

import pytest

from kouan.sections.programme import ProgrammeSettings

URL = "https://model.example/v1/chat/completions"
GOOD = {"model_url": URL, "model": "any-model"}


def read(home, **given):
    return ProgrammeSettings.read(given, {"MODEL_TOKEN": "abc", "EMPTY": ""}, home=home)


def test_without_the_table_there_is_no_model(tmp_path):
    assert read(tmp_path).model is None


def test_what_is_given_is_taken(tmp_path):
    (tmp_path / "ca.pem").write_text("x", encoding="utf-8")
    model = read(
        tmp_path,
        **GOOD,
        model_contract="chat",
        model_seconds=5,
        model_token_env="MODEL_TOKEN",  # noqa: S106 - a variable's name
        model_ca="ca.pem",
    ).model
    assert (model.url, model.name, model.contract, model.seconds) == (URL, "any-model", "chat", 5.0)
    assert (model.token, model.host, model.demonstration) == ("abc", "model.example", False)
    assert "abc" not in repr(model)
    assert read(tmp_path, model_url="http://127.0.0.1:8000/", model="m").model.demonstration


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"model": "m"}, "model_url"),
        ({**GOOD, "model_url": "http://model.example/"}, "model_url"),
        ({**GOOD, "model_url": "ftp://model.example/"}, "model_url"),
        ({**GOOD, "model_url": "https://user@model.example/"}, "model_url"),
        ({**GOOD, "model_url": "https://[::1"}, "model_url"),
        ({"model_url": URL}, "model"),
        ({**GOOD, "model": "a b"}, "model"),
        ({**GOOD, "model_contract": "soap"}, "model_contract"),
        ({**GOOD, "model_seconds": 0.5}, "model_seconds"),
        ({**GOOD, "model_seconds": float("nan")}, "model_seconds"),
        ({**GOOD, "model_token_env": "EMPTY"}, "model_token_env"),
        ({**GOOD, "model_ca": "none.pem"}, "model_ca"),
    ],
    ids=range(12),
)
def test_what_is_wrong_is_named(tmp_path, given, key):
    with pytest.raises(ValueError, match=f"`programme.{key}`"):
        read(tmp_path, **given)
