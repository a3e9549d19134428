from __future__ import annotations

import pytest
from django.utils import translation

from kouan.core.text import LANGUAGES, Localised

TEXT = {"en": "Hong Kong", "zh-hant": "香港（繁）", "zh-hans": "香港（简）"}


def test_a_text_speaks_the_language_that_is_active():
    text = Localised.from_mapping(TEXT, where="here")
    assert text.as_mapping() == TEXT
    for language in LANGUAGES:
        with translation.override(language):
            assert str(text) == TEXT[language]
    with translation.override(None):
        assert str(text) == TEXT["en"]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("zh-Hant", "zh-hant"),
        ("zh-HK", "zh-hant"),
        ("zh-tw", "zh-hant"),
        ("zh-mo", "zh-hant"),
        ("zh-Hans", "zh-hans"),
        ("zh-CN", "zh-hans"),
        ("zh", "zh-hans"),
        ("en-GB", "en"),
        ("pt", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_language_tags(tag, expected):
    assert Localised.from_mapping(TEXT, where="here").in_language(tag) == TEXT[expected]


@pytest.mark.parametrize(
    "change",
    [{"en": ""}, {"zh-hant": "  "}, {"zh-hans": None}, {"en": 5}, {"fr": "Hong-Kong"}, {"en": ["a"]}],
    ids=str,
)
def test_a_text_that_is_not_complete_names_its_place(change):
    with pytest.raises(ValueError, match="side hk"):
        Localised.from_mapping({**TEXT, **change}, where="side hk")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_missing_language_is_named(language):
    less = {key: value for key, value in TEXT.items() if key != language}
    with pytest.raises(ValueError, match=language):
        Localised.from_mapping(less, where="here")
