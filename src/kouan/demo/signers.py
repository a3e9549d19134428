"""Who signs in a demonstration: made-up authorities, what they revoked, and four signers for each side.

Each side has an office whose certificate counts on both sides, another that signs its departments' results,
one whose certificate was revoked, and one under an authority that no list names. All certificates say that
they are demonstrations.
"""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from kouan.core.text import Localised
from kouan.core.trust.errors import Sm2Unavailable
from kouan.demo.authorities import UNTIL, issue_crls, issue_signer, kept, serial_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kouan.demo.authorities import Authority, Kind
    from kouan.demo.nodes import DemonstrationNode

log = logging.getLogger(__name__)

FOLDER: Final = "demonstration-cas"
"""Beside a demonstration node's database: a folder for each of its made-up authorities."""
REVOCATION: Final = "demonstration-crls"
"""Beside it: what the authorities of all sides have revoked."""
SIGNERS: Final = "signers"
OFFICE, RESULTS, REVOKED, UNLISTED = "office", "results", "revoked", "unlisted"
LISTED: Final[dict[str, tuple[tuple[str, Kind, Localised], ...]]] = {
    "hk": (
        (
            "harbour",
            "rsa",
            Localised(
                "Harbour Certification (demonstration)", "海港核證機關（示範）", "海港核证机关（示范）"
            ),
        ),
        (
            "peak",
            "p256",
            Localised("Peak Certification (demonstration)", "山頂核證機關（示範）", "山顶核证机关（示范）"),
        ),
    ),
    "gd": (
        (
            "pearl",
            "sm2",
            Localised("Pearl River CA (demonstration)", "珠江電子認證（示範）", "珠江电子认证（示范）"),
        ),
        (
            "delta",
            "rsa",
            Localised("Delta CA (demonstration)", "三角洲電子認證（示範）", "三角洲电子认证（示范）"),
        ),
    ),
    "mo": (
        (
            "lotus",
            "p256",
            Localised("Lotus Certification (demonstration)", "蓮花認證（示範）", "莲花认证（示范）"),
        ),
    ),
}
"""Each side's authorities that its list names: code, kind of key, name."""
_STRANGER: Final = Localised(
    "Nowhere Certification (demonstration)", "無名核證機關（示範）", "无名核证机关（示范）"
)
_UNDER: Final[dict[str, dict[str, str]]] = {
    "hk": {OFFICE: "harbour", RESULTS: "harbour", REVOKED: "peak", UNLISTED: "stranger"},
    "gd": {OFFICE: "pearl", RESULTS: "delta", REVOKED: "pearl", UNLISTED: "stranger"},
    "mo": {OFFICE: "lotus", RESULTS: "lotus", REVOKED: "lotus", UNLISTED: "stranger"},
}
"""Under which authority each signer of a side is; results are PDFs, which RSA or P-256 signs."""
_HOLDERS: Final = {
    OFFICE: "Digital Office (demonstration)",
    RESULTS: "Departments' results (demonstration)",
    REVOKED: "Office with a revoked certificate (demonstration)",
    UNLISTED: "Office under an unlisted authority (demonstration)",
}


def equip(nodes: Sequence[DemonstrationNode]) -> None:
    """Give each node its authorities and signers, and what all authorities have revoked; only once."""
    for node in nodes:
        home = node.path.parent
        if not (home / REVOCATION / f"{node.side}.done").exists():
            _equip(node)
    for node in nodes:
        for other in nodes:
            for path in (other.path.parent / REVOCATION).glob(f"{other.side}-*.crl"):
                target = node.path.parent / REVOCATION / path.name
                if not target.exists():
                    shutil.copyfile(path, target)


def _equip(node: DemonstrationNode) -> None:
    home, side = node.path.parent, node.side
    authorities = _authorities(home, side)
    (home / REVOCATION).mkdir(exist_ok=True)
    (home / SIGNERS).mkdir(exist_ok=True)
    revoked: dict[str, list[int]] = {}
    tables = []
    for name, code in _UNDER.get(side, {}).items():
        if code in authorities:
            certificate = _signer(home, name, authorities[code])
            tables.append(_table(name))
            if name == REVOKED:
                revoked[code] = [serial_of(certificate)]
    now = datetime.now(UTC)
    for code, authority in authorities.items():
        lists = issue_crls(
            authority, revoked.get(code, ()),
            revoked_at=now - timedelta(hours=2), at=now - timedelta(hours=1), until=UNTIL,
        )  # fmt: skip
        for part, data in zip(("root", "ca"), lists, strict=True):
            (home / REVOCATION / f"{side}-{code}-{part}.crl").write_bytes(data)
    if not node.config.signers:
        with node.path.open("a", encoding="utf-8") as settings:
            settings.write("".join(tables))
    (home / REVOCATION / f"{side}.done").touch()


def _authorities(home: Path, side: str) -> dict[str, Authority]:
    found = {}
    stranger: Kind = "sm2" if side == "gd" else "p256"
    for code, kind, name in (*LISTED.get(side, ()), ("stranger", stranger, _STRANGER)):
        try:
            found[code] = kept(home / FOLDER / code, name.en, kind)
        except Sm2Unavailable as error:
            log.warning("%s does not sign: %s", name.en, error)
    return found


def _signer(home: Path, name: str, authority: Authority) -> bytes:
    certificate, key = issue_signer(authority, _HOLDERS[name], organisation=_HOLDERS[OFFICE], until=UNTIL)
    path = home / SIGNERS / f"{name}.key"
    path.touch(mode=0o600)
    path.write_bytes(key)
    (home / SIGNERS / f"{name}.pem").write_bytes(certificate + authority.issuing + authority.root)
    return certificate


def _table(name: str) -> str:
    departments = 'departments = ["*"]\n' if name == RESULTS else ""
    return (
        f'\n[[signer]]\nname = "{name}"\nkind = "file"\nkey = "{SIGNERS}/{name}.key"\n'
        f'certificates = "{SIGNERS}/{name}.pem"\n{departments}'
    )
