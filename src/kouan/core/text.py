"""Text that is data: a sentence or a name in all three scripts, complete or refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import get_language

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES: Final = ("en", "zh-hant", "zh-hans")
"""The three scripts of every page, error, document and e-mail, as BCP 47 tags in lower case."""


@dataclass(frozen=True, slots=True)
class Localised:
    """The same text in English, 繁體中文 and 简体中文.

    >>> str(Localised(en="Hong Kong", zh_hant="香港", zh_hans="香港"))
    'Hong Kong'
    """

    en: str
    zh_hant: str
    zh_hans: str

    @classmethod
    def from_mapping(cls, value: Mapping[str, object], *, where: str) -> Localised:
        """Build from ``{"en": …, "zh-hant": …, "zh-hans": …}``.

        ``where`` names the place in a data file; a missing, empty or unknown language raises
        ``ValueError`` with that place.
        """
        if set(value) != set(LANGUAGES):
            missing = sorted(set(LANGUAGES) - set(value))
            unknown = sorted(set(value) - set(LANGUAGES))
            raise ValueError(
                f"{where}: text must be in en, zh-hant and zh-hans (missing {missing}, unknown {unknown})"
            )
        for language, text in value.items():
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{where}: the {language} text is empty")
        return cls(en=str(value["en"]), zh_hant=str(value["zh-hant"]), zh_hans=str(value["zh-hans"]))

    def in_language(self, language: str | None) -> str:
        """Return the text in a language tag; anything that is not Chinese reads English."""
        match (language or "en").lower():
            case "zh-hant" | "zh-hk" | "zh-tw" | "zh-mo":
                return self.zh_hant
            case "zh-hans" | "zh-cn" | "zh-sg" | "zh":
                return self.zh_hans
            case _:
                return self.en

    def as_mapping(self) -> dict[str, str]:
        """Return ``{"en": …, "zh-hant": …, "zh-hans": …}``, the form of data files and the API."""
        return {"en": self.en, "zh-hant": self.zh_hant, "zh-hans": self.zh_hans}

    def __str__(self) -> str:
        return self.in_language(get_language())
