"""Fills one demonstration node: database, peers, and made-up accounts (``python -m kouan.demo.prepare``)."""

from __future__ import annotations

import gc
import json
import os
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import django

from kouan.demo.nodes import ACCOUNTS_FILE, TRUST_FOLDER
from kouan.node.accounts import DEMONSTRATION_GROUP
from kouan.web.roles import ROLES

if TYPE_CHECKING:
    from pathlib import Path

INSTITUTIONS: Final = {
    "hk": (
        "harbour-university",
        "Harbour University (demonstration)",
        "海港大學（示範）",
        "海港大学（示范）",
    ),
    "gd": ("pearl-river-bank", "Pearl River Bank (demonstration)", "珠江銀行（示範）", "珠江银行（示范）"),
    "mo": (
        "lotus-polytechnic",
        "Lotus Polytechnic (demonstration)",
        "蓮花理工學院（示範）",
        "莲花理工学院（示范）",
    ),
}

DEPARTMENT: Final = (
    "digital-office",
    "Digital Office (demonstration)",
    "數字政府辦公室（示範）",
    "数字政府办公室（示范）",
)
"""In which the made-up accounts hold their posts, all but the institution's officer."""


def main() -> None:
    """Do it; running it again changes nothing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
    gc.disable()  # it loads much, throws little away, and ends
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up
    from django.core.management import call_command  # noqa: PLC0415 - as above

    if not settings.NODE.demonstration:
        raise SystemExit("This node is not a demonstration: made-up accounts are refused.")
    call_command("migrate", verbosity=0, interactive=False)
    _import_trust(settings.NODE.home)
    _accounts(settings.NODE.home, settings.NODE.side)
    _service(settings.NODE.home, settings.NODE.side)
    _catalogue(settings.NODE.side)
    _evidence(settings.NODE.side)
    _trust_list(settings.NODE.side, settings.NODE.home)
    _records()


def _import_trust(home: Path) -> None:
    from kouan.core.trust import document, services  # noqa: PLC0415 - needs Django's set-up

    for path in sorted((home / TRUST_FOLDER).glob("*.trust")):
        data = path.read_bytes()
        services.import_document(
            data, expected_fingerprint=document.fingerprint(document.parse(data)), imported_by="demonstration"
        )


def _accounts(home: Path, side: str) -> None:
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415 - needs Django's set-up
    from django.contrib.auth.models import User  # noqa: PLC0415 - as above

    from kouan.apps.staff import services as staff  # noqa: PLC0415 - as above
    from kouan.apps.validation import services  # noqa: PLC0415 - as above
    from kouan.core.text import Localised  # noqa: PLC0415 - as above
    from kouan.node.accounts import make_account, new_password  # noqa: PLC0415 - as above

    file = home / ACCOUNTS_FILE
    if file.exists():
        return
    code, en, zh_hant, zh_hans = INSTITUTIONS.get(side, (f"{side}-institution", side, side, side))
    accounts: dict[str, Any] = {}
    code_of_all, *names = DEPARTMENT
    department = staff.add_department(code=code_of_all, name=Localised(*names))
    password = new_password()
    hashed = make_password(password)
    for role in ROLES:
        make_account(role, (role, DEMONSTRATION_GROUP), hashed)
        if role != "issuer":
            user = User.objects.get(username=role)
            staff.grant_post(user=user, department=department, role=role, by="demonstration")
        accounts[role] = {"name": role, "password": password}
    institution = services.add_institution(code=code, name=Localised(en, zh_hant, zh_hans))
    services.add_officer(institution=institution, user=User.objects.get(username="issuer"))
    token = services.issue_token(institution=institution, name="demonstration")
    accounts["issuer"] |= {"institution": code, "token": token}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as output:
        json.dump(accounts, output, ensure_ascii=False, indent=2)


def _service(home: Path, side: str) -> None:
    from kouan.apps.identity import register  # noqa: PLC0415 - needs Django's set-up
    from kouan.apps.identity.models import Service  # noqa: PLC0415 - as above
    from kouan.demo.services import registration_of  # noqa: PLC0415 - as above

    registration = registration_of(home, side)
    if registration is not None and not Service.objects.filter(client_id=registration.client_id).exists():
        register.add(registration=registration, by=None)


def _catalogue(side: str) -> None:
    from kouan.demo.catalogue import publish  # noqa: PLC0415 - needs Django's set-up

    publish(side)


def _evidence(side: str) -> None:
    from kouan.demo.evidence import load  # noqa: PLC0415 - needs Django's set-up

    load(side)


def _trust_list(side: str, home: Path) -> None:
    from kouan.demo.signing import load, take_revocation  # noqa: PLC0415 - needs Django's set-up

    load(side, home)
    take_revocation(home)


def _records() -> None:
    from kouan.apps.programme.records import importing  # noqa: PLC0415 - needs Django's set-up

    record = resources.files("kouan.demo") / "records" / "plenaries.txt"
    importing.import_file(name="plenaries.txt", data=record.read_bytes(), by="demonstration")


if __name__ == "__main__":
    main()
