"""What a list is called and who publishes it, in the three scripts."""

from __future__ import annotations

from typing import Final

from kouan.core.sides import get_side
from kouan.core.text import Localised

SCHEME: Final = Localised(
    en="Mutual recognition of electronic signature certificates: trust list",
    zh_hant="電子簽名證書互認：信任名單",
    zh_hans="电子签名证书互认：信任列表",
)


def operator(side: str) -> Localised:
    """Return who publishes a side's list; raises ``UnknownSideError``."""
    return get_side(side).full_name
