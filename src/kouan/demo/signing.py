"""A demonstration side's trust list: authorities that are made up, listed as two made-up officers would."""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.lists import drafts, publishing, queries
from kouan.apps.signing.lists.entries import Said, entry_of
from kouan.apps.signing.validating import bundles
from kouan.core.text import Localised
from kouan.core.trust.errors import Sm2Unavailable
from kouan.demo.authorities import kept
from kouan.demo.signers import FOLDER, LISTED, REVOCATION

if TYPE_CHECKING:
    from pathlib import Path

    from kouan.apps.signing.lists.domain import Entry
    from kouan.demo.authorities import Kind

log = logging.getLogger(__name__)

_NAMES: Final = {
    "personal": Localised("Personal certificate", "個人證書", "个人证书"),
    "organisation": Localised("Organisation certificate", "機構證書", "机构证书"),
}
_TOWNS: Final = {
    "hk": (Localised("Hong Kong", "香港", "香港"), "HK"),
    "gd": (Localised("Guangzhou", "廣州", "广州"), "CN"),
    "mo": (Localised("Macao", "澳門", "澳门"), "MO"),
}
_SINCE: Final = date(2024, 1, 1)
_LAST_DAY: Final = date(2035, 12, 31)
_FIRST, _SECOND = "signing", "signing-second"
"""Who submits and who publishes; the second is nobody's account."""


def load(side: str, home: Path) -> int:
    """Publish the first edition of a side's list and return how many entries it has; only once."""
    if side not in LISTED or queries.newest(side) is not None:
        return 0
    listed = [each for code, kind, name in LISTED[side] for each in _entries(side, home, code, kind, name)]
    drafts.begin(by=_FIRST)
    drafts.put(given=listed, by=_FIRST)
    draft = drafts.submit(by=_FIRST)
    publishing.publish(by=_SECOND, officer="Demonstration officer", version=draft.version)
    return len(listed)


def take_revocation(home: Path) -> int:
    """Take in what the made-up authorities of all sides have revoked; return how much of it was new."""
    paths = sorted((home / REVOCATION).glob("*.crl"))
    found = [bundles.read(path.read_bytes(), name=path.name) for path in paths]
    return len(bundles.store(found, source="demonstration"))


def _contact(side: str, code: str) -> dict[str, str]:
    """Return an address that is nobody's: under the domain that stands for examples (RFC 2606)."""
    town, country = _TOWNS[side]
    return {
        "street": "1 Demonstration Road",
        "locality": town.en,
        "country": country,
        "street_zh": "示範道1號" if side == "hk" else "示范路1号",
        "locality_zh": town.zh_hant if side == "hk" else town.zh_hans,
        "email": f"{code}@example.org",
        "website": f"https://example.org/{code}",
    }


def _entries(side: str, home: Path, code: str, kind: Kind, provider: Localised) -> list[Entry]:
    try:
        made = kept(home / FOLDER / code, provider.en, kind)
    except Sm2Unavailable as error:
        log.warning("%s is not listed: %s", provider.en, error)
        return []
    return [
        entry_of(
            Said(
                contact=_contact(side, code),
                code=f"{code}-{type_}",
                name=name,
                provider=provider,
                certificate_type=type_,
                root=made.root,
                issuing_ca=made.issuing,
                recognised_from=_SINCE,
                last_day=_LAST_DAY,
            ),
            demonstration=True,
        )
        for type_, name in _NAMES.items()
    ]
