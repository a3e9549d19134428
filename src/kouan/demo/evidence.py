"""What a side's departments hold of the residents who are made up, for the demonstration."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.db import transaction

from kouan.apps.evidence import records
from kouan.apps.evidence.kinds import catalogue
from kouan.apps.staff import services as staff
from kouan.apps.staff.models import Department
from kouan.demo.provider.people import levels_of, of_side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.demo.provider.people import Person

_BY: Final = "demonstration"
_SINCE: Final = date(2026, 1, 5)
_SURE: Final = 3
"""The level at which somebody can see all of it; who signs in less surely has the first two alone."""
_FIRST: Final = ("identity", "residence")
_SEX: Final = {"male": "Male 男", "female": "Female 女"}

_VALUES: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "hk": {
        "identity": {"document_type": "Hong Kong identity card 香港身份證"},
        "residence": {
            "status": "Permanent resident 永久性居民",
            "resident_since": "2001-07-01",
            "address": "Flat A, 12/F, Harbour Court, 1 Ferry Street, Kowloon 九龍渡船街1號海港閣12樓A室",
        },
        "tax-residency": {"tax_year": "2025/26", "tax_residence": "Hong Kong 香港"},
        "company": {
            "company": "Harbour Light Trading Limited 海港明燈貿易有限公司",
            "number": "12345678",
            "registered_on": "2014-03-03",
            "state": "Live 仍註冊",
        },
        "no-conviction": {"finding": "No conviction on record 無犯罪紀錄", "searched_on": "2026-01-05"},
        "qualification": {
            "award": "Bachelor of Science 理學士",
            "institution": "Harbour University 海港大學",
            "awarded_on": "2007-11-15",
            "level": "5",
        },
        "vehicle": {
            "registration_mark": "KN 1997",
            "make": "Star Motors Ferry 2",
            "licensed_until": "2031-03-31",
        },
        "property": {
            "reference": "A1234567",
            "property": "Flat A, 12/F, Harbour Court, 1 Ferry Street, Kowloon 九龍渡船街1號海港閣12樓A室",
            "charges": "None on record 無登記負擔",
        },
        "representation": {
            "company": "Harbour Light Trading Limited 海港明燈貿易有限公司",
            "number": "12345678",
            "scope": "All matters with public offices 向公共部門辦理的一切事務",
        },
        "guardianship": {
            "person": "CHAN Ka Bo 陳嘉寶",
            "relation": "Parent 父母",
            "scope": "School, health and travel 就學、醫療及出行",
        },
    },
    "gd": {
        "identity": {"document_type": "Resident identity card 居民身份证"},
        "residence": {
            "status": "Household registration 户籍",
            "resident_since": "2003-09-01",
            "address": "Room 1203, Block 2, Pearl Garden, Futian, Shenzhen 深圳市福田区珠江花园2栋1203室",
        },
        "tax-residency": {"tax_year": "2025", "tax_residence": "China 中国"},
        "company": {
            "company": "Shenzhen Pearl Light Trading Co., Ltd. 深圳市珠光贸易有限公司",
            "number": "91440300MA5EXAMPL0",
            "registered_on": "2016-05-18",
            "state": "In business 在营",
        },
        "no-conviction": {"finding": "No criminal record 无犯罪记录", "searched_on": "2026-01-05"},
        "qualification": {
            "award": "Bachelor of Engineering 工学学士",
            "institution": "Pearl River University 珠江大学",
            "awarded_on": "2012-06-30",
            "major": "Electronic information 电子信息",
        },
        "vehicle": {
            "registration_mark": "粤B·D12345",
            "make": "Pearl Auto P7 珠江P7",
            "licensed_until": "2031-05-31",
        },
        "property": {
            "reference": "440304001001GB00001F00020003",
            "property": "Room 1203, Block 2, Pearl Garden, Futian, Shenzhen 深圳市福田区珠江花园2栋1203室",
            "charges": "None 无",
        },
        "representation": {
            "company": "Shenzhen Pearl Light Trading Co., Ltd. 深圳市珠光贸易有限公司",
            "number": "91440300MA5EXAMPL0",
            "scope": "All matters with public offices 向公共部门办理的一切事务",
        },
        "guardianship": {
            "person": "WANG Xiaobao 王小宝",
            "relation": "Parent 父母",
            "scope": "School, health and travel 就学、医疗及出行",
        },
    },
}
"""What the records say besides names and dates of birth; all of it made up."""
_NAMED: Final = ("director", "owner", "representative")
"""Claims that hold the person's own name."""


def load(side: str) -> int:
    """Put the records in and return how many there are; again it changes nothing."""
    if side not in _VALUES:
        return 0
    with transaction.atomic():
        _officer()
        return sum(_records(side, person) for person in of_side(side) if person.document_number)


def _officer() -> None:
    """Let the made-up account keep the evidence of each department."""
    user = User.objects.filter(username="evidence").first()
    for code, name in catalogue().departments.items():
        department = Department.objects.filter(code=code).first() or staff.add_department(
            code=code, name=name
        )
        if user is not None:
            staff.grant_post(user=user, department=department, role="evidence", by=_BY)


def _records(side: str, person: Person) -> int:
    sure = levels_of(side)[person.acr] >= _SURE
    count = 0
    for kind, values in _VALUES[side].items():
        if not sure and kind not in _FIRST:
            continue
        type_ = catalogue().types[f"{side}.{kind}"]
        said = _about(side, person) | dict(values)
        entry = records.Entry(
            type=type_.code,
            reference=f"{person.subject}-{kind}",
            document_number=person.document_number,
            document=person.document_type,
            claims={claim.name: said[claim.name] for claim in type_.claims if claim.name in said},
            valid_from=_SINCE,
        )
        records.put(entry=entry, by=_BY, departments=None)
        count += 1
    return count


def _about(side: str, person: Person) -> dict[str, str]:
    chinese = person.name.zh_hans if side == "gd" else person.name.zh_hant
    named = dict.fromkeys(_NAMED, f"{person.name.en} {chinese}")
    return named | {
        "name": person.name.en,
        "name_zh": chinese,
        "birthdate": person.birthdate,
        "sex": _SEX[person.gender],
    }
