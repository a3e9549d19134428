"""The residents who are made up, side by side. Their numbers are the specimens that the documents' own
descriptions print, or count up from one; all have sound check characters and belong to nobody.
"""  # noqa: D205 - one sentence

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from kouan.core.text import Localised

SELF_ASSERTED: Final = "self-asserted"
LEVELS: Final = {
    "hk": {SELF_ASSERTED: 1, "e-auth-2": 2, "iam-smart": 3, "iam-smart-plus": 4},
    "gd": {"2": 1, "3": 2, "4": 3, "5": 4},
}
"""What each side's provider calls a level (``acr``), and what it counts as. A side that has no words of its
own uses those of Hong Kong."""
WORDS: Final = {
    SELF_ASSERTED: _("On the person's own word"),
    "e-auth-2": _("Checked against the register"),
    "iam-smart": "iAM Smart",
    "iam-smart-plus": "iAM Smart+",
    "2": _("Level two: form checked"),
    "3": _("Level three: name and number agree"),
    "4": _("Level four: person, name and document agree"),
    "5": _("Level five: a certificate or a counter vouches"),
}
STRENGTHS: Final = {"password": ("pwd",), "app": ("hwk", "mfa")}
"""How somebody signs in, and what the provider says of it (``amr``, RFC 8176)."""
AUTHENTICATION: Final = {"pwd": 2, "hwk": 4}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist."""

    subject: str
    name: Localised
    acr: str
    gender: str
    birthdate: str
    document_type: str = ""
    document_number: str = ""
    elsewhere: tuple[str, str] | None = None
    """The kind and the number of the document that shows who the person is on the other side, as this side's
    issuer has it in its register."""

    def claims(self) -> dict[str, str]:
        """Return what the provider says of the person (OpenID Connect Core section 5.1)."""
        said = {
            "name": self.name.en,
            "name#zh-Hant": self.name.zh_hant,
            "name#zh-Hans": self.name.zh_hans,
            "gender": self.gender,
            "birthdate": self.birthdate,
            "email": f"{self.subject}@example.org",
            "document_type": self.document_type,
            "document_number": self.document_number,
        }
        return {name: value for name, value in said.items() if value}


_CHAN: Final = Localised("CHAN Siu Ming", "陳小明", "陈小明")
_LEE: Final = Localised("LEE Ka Yan", "李嘉欣", "李嘉欣")

PEOPLE: Final[dict[str, tuple[Person, ...]]] = {
    "hk": (
        Person("hk-chan", _CHAN, "iam-smart-plus", "male", "1985-02-28", "hkid", "A123456(3)"),
        Person("hk-lee", _LEE, "iam-smart", "female", "1994-08-23", "hkid", "B123456(6)"),
        Person(
            "hk-wong", Localised("WONG Tai Man", "黃大文", "黄大文"), "e-auth-2", "male", "1961-07-01",
            "hkid", "C123456(9)",
        ),
        Person("hk-ho", Localised("HO Lok Yiu", "何樂瑤", "何乐瑶"), SELF_ASSERTED, "female", "2001-11-11"),
    ),
    "gd": (
        Person(
            "gd-wang", Localised("WANG Xiaofang", "王小芳", "王小芳"), "5", "female", "1949-12-31",
            "resident-identity-card", "11010519491231002X",
        ),
        Person(
            "gd-zhang", Localised("ZHANG Wei", "張偉", "张伟"), "4", "male", "1900-01-01",
            "resident-identity-card", "440300190001010015",
        ),
        Person(
            "gd-liu", Localised("LIU Yang", "劉洋", "刘洋"), "3", "female", "1900-01-01",
            "resident-identity-card", "440100190001010022",
        ),
        Person("gd-chen", Localised("CHEN Jie", "陳潔", "陈洁"), "2", "female", "2001-11-11"),
        Person(
            "gd-chan", _CHAN, "4", "male", "1985-02-28", "home-return-permit", "H12345678",
            ("hkid", "A1234563"),
        ),
        Person(
            "gd-lee", _LEE, "5", "female", "1994-08-23", "residence-permit", "810000199408230021",
            ("hkid", "B1234566"),
        ),
    ),
}  # fmt: skip


def of_side(side: str) -> tuple[Person, ...]:
    """Return the made-up residents of a side; Hong Kong's for one that has none."""
    return PEOPLE.get(side, PEOPLE["hk"])


def find(side: str, subject: str) -> Person | None:
    """Return one of them."""
    return next((person for person in of_side(side) if person.subject == subject), None)


def issues(side: str) -> bool:
    """Say whether a side's issuer has a register that shows who somebody is on another side."""
    return any(person.elsewhere is not None for person in of_side(side))


def levels_of(side: str) -> dict[str, int]:
    """Return a side's levels."""
    return LEVELS.get(side, LEVELS["hk"])
