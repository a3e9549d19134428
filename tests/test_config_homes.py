"""``[[home]]`` in ``node.toml``: what is wrong with it is named."""

from __future__ import annotations

import pytest

from kouan.apps.identity.home import registry
from kouan.config import ConfigError, load
from test_config import GOOD, SECRET

HOME = """
[[home]]
id = "city"
kind = "oidc"
name = { en = "City", zh-hant = "城市", zh-hans = "城市" }
issuer = "https://login.example"
client_id = "kouan"
secret_env = "KOUAN_CITY_SECRET"
levels = { basic = 2 }
"""
ENVIRONMENT = SECRET | {"KOUAN_CITY_SECRET": "between the two"}


@pytest.fixture
def read(tmp_path):
    def read(text, environment=ENVIRONMENT):
        path = tmp_path / "node.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, environment)

    return read


def test_a_home_provider(read):
    (home,) = read(GOOD + HOME).homes
    assert (home.id, home.kind, home.issuer, home.secret) == (
        "city",
        "oidc",
        "https://login.example",
        "between the two",
    )
    assert (home.levels, home.scopes) == ({"basic": 2}, ("openid", "profile"))
    assert "between the two" not in repr(home)
    assert read(GOOD).homes == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "city"', "", r"the key `home\.id` is missing"),
        ('id = "city"', 'id = "City 1"', r"`home\.id` must have"),
        ('client_id = "kouan"', "", r"the key `home\.client_id` is missing"),
        ("zh-hans", "zh-cn", r"`home\.name` must be a text in each"),
        ('en = "City"', 'en = " "', r"`home\.name` must be a text in each"),
        ("https://login", "http://login", r"`home\.issuer` must be an https"),
        ("https://login.example", "https://login.example/?x=1", r"`home\.issuer` must be an https"),
        ('"KOUAN_CITY_SECRET"', '"my secret"', r"`home\.secret_env` must name"),
        ('"KOUAN_CITY_SECRET"', '"KOUAN_OTHER"', r"KOUAN_OTHER is not set"),
        ("basic = 2", "basic = 5", r"`home\.levels`: every level"),
        ("basic = 2", "basic = true", r"`home\.levels`: every level"),
        ("levels = {", 'scopes = [""]\nlevels = {', r"`home\.scopes` holds texts"),
        ("levels = {", 'key_file = "none.pem"\nlevels = {', r"`home\.key_file` names no file"),
        ("levels = {", "secrets = 1\nlevels = {", r"the key `home\.secrets` is unknown"),
        ('kind = "oidc"', 'kind = "demonstration"', r"`home\.kind`: a demonstration's provider"),
        ("[[home]]", "[home]", r"`home` must be tables"),
    ],
)
def test_what_is_wrong_is_named(read, old, new, said):
    assert old in HOME
    with pytest.raises(ConfigError, match=said):
        read(GOOD + HOME.replace(old, new))


def test_two_of_one_name_are_refused(read):
    with pytest.raises(ConfigError, match=r"two `home\.id` are the same"):
        read(GOOD + HOME + HOME)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "oidc"', 'kind = "pigeon"', "'pigeon' is none of demonstration, guangdong, iam-smart, oidc"),
        ('kind = "oidc"', 'kind = "iam-smart"', "iAM Smart needs both"),
        ('secret_env = "KOUAN_CITY_SECRET"', "", "either a client secret or a key file"),
    ],
)
def test_what_does_not_fit_its_adapter_is_named(read, settings, old, new, said):
    settings.NODE = read(GOOD + HOME.replace(old, new))
    with pytest.raises(ConfigError, match=said):
        registry.check()
