"""Check characters of identity numbers, where their algorithm is published.

Pure functions over normalised numbers (upper case, no spaces or brackets). A number that passes is
well formed; whether it was ever issued, only its issuer knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from typing import Final

HKID_BLANK: Final = 36
"""What the missing first letter of a one-letter Hong Kong identity card number counts for."""

PROVINCES: Final = frozenset(
    {
        *("11", "12", "13", "14", "15"),  # Beijing, Tianjin, Hebei, Shanxi, Inner Mongolia
        *("21", "22", "23"),  # Liaoning, Jilin, Heilongjiang
        *("31", "32", "33", "34", "35", "36", "37"),  # Shanghai, Jiangsu … Jiangxi, Shandong
        *("41", "42", "43", "44", "45", "46"),  # Henan, Hubei, Hunan, Guangdong, Guangxi, Hainan
        *("50", "51", "52", "53", "54"),  # Chongqing, Sichuan, Guizhou, Yunnan, Tibet
        *("61", "62", "63", "64", "65"),  # Shaanxi, Gansu, Qinghai, Ningxia, Xinjiang
        "71",  # Taiwan
    }
)
"""First two digits of the division codes (GB/T 2260) that resident identity cards begin with."""

RESIDENCE_PERMIT_DIVISIONS: Final = frozenset({"810000", "820000", "830000"})
"""Division codes on residence permits: Hong Kong, Macao and Taiwan residents."""


class Fault(Enum):
    """What is wrong with a number that has the right form."""

    CHECK_CHARACTER = "check character"
    BIRTH_DATE = "date of birth"
    DIVISION = "division"


Check = Callable[[str, date], Fault | None]
"""Look at a number of the right form on a day; return what is wrong, or nothing."""


def hkid_check_character(body: str) -> str:
    """Return the check character, 0 to 9 or A, of one or two letters and six digits.

    Modulus 11: letters count A = 10 to Z = 35, weights fall from 9 to 2 over eight places, and a
    one-letter number is filled up with a blank that counts 36. Every wrong digit and every swap of
    two neighbouring digits changes it; a wrong letter may not, when 11 or 22 places away.
    """
    values = [int(character, 36) for character in body]
    if len(values) == 7:  # noqa: PLR2004 - one letter and six digits
        values.insert(0, HKID_BLANK)
    total = sum(weight * value for weight, value in zip(range(9, 1, -1), values, strict=True))
    return "0123456789A"[-total % 11]


def citizen_check_character(body: str) -> str:
    """Return the check character, 0 to 9 or X, of a citizen number's 17 digits.

    GB 11643-1999, which takes ISO 7064 MOD 11-2. It catches every wrong digit and every swap of two
    neighbouring digits.
    """
    remainder = 0
    for digit in body:
        remainder = (remainder + int(digit)) * 2 % 11
    return "0123456789X"[(1 - remainder) % 11]


def check_hkid(number: str, _today: date) -> Fault | None:
    """Check a Hong Kong identity card number such as A1234563."""
    return None if hkid_check_character(number[:-1]) == number[-1] else Fault.CHECK_CHARACTER


def check_resident_identity_card(number: str, today: date) -> Fault | None:
    """Check a Mainland citizen number: check character, date of birth, plausible division.

    The first two digits must be a province-level code and a division below it must follow. The list
    of counties is not kept: codes that were abolished live on in numbers.
    """
    fault = _citizen_fault(number, today)
    if fault is None and (number[:2] not in PROVINCES or number[2:6] == "0000"):
        return Fault.DIVISION
    return fault


def check_residence_permit(number: str, today: date) -> Fault | None:
    """Check the citizen number on a residence permit for Hong Kong, Macao and Taiwan residents."""
    fault = _citizen_fault(number, today)
    return Fault.DIVISION if fault is None and number[:6] not in RESIDENCE_PERMIT_DIVISIONS else fault


def check_nothing(_number: str, _today: date) -> Fault | None:
    """Accept any number of the right form: no check character is published for the document."""
    return None


CHECKS: Final[Mapping[str, Check]] = {
    "none": check_nothing,
    "hkid": check_hkid,
    "resident-identity-card": check_resident_identity_card,
    "residence-permit": check_residence_permit,
}
"""The checks that a side's data file may name."""


def _citizen_fault(number: str, today: date) -> Fault | None:
    # The check character first: a slip of the hand is likelier than an impossible birthday, and
    # the person is then told to compare the whole number.
    if citizen_check_character(number[:-1]) != number[-1]:
        return Fault.CHECK_CHARACTER
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return Fault.BIRTH_DATE
    return Fault.BIRTH_DATE if born > today else None
