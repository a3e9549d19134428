"""The table ``[mail]`` of ``node.toml``: how applicants are told by e-mail that there is news."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS: Final[dict[str, type | tuple[type, ...]]] = {
    "port": int,
    **dict.fromkeys(("host", "from", "tls", "user", "password_env"), str),
}
"""Its keys and their types."""
_ADDRESS: Final = re.compile(r"[^\s@<>]{1,64}@[^\s@<>.]+(\.[^\s@<>.]+)*")
_PORTS: Final = {"tls": 465, "starttls": 587, "none": 25}


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The server that takes e-mail; without a host none is sent, and a demonstration prints it."""

    host: str = ""
    port: int = 0
    sender: str = ""
    """The address that it comes from (``from``)."""
    tls: str = "starttls"
    """``starttls``, ``tls`` from the first byte, or ``none``, which a demonstration alone may."""
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def read(
        cls,
        given: Mapping[str, Any],
        environment: Mapping[str, str],
        demonstration: bool,  # noqa: FBT001 - as config gives it
    ) -> MailSettings:
        """Return the settings; a ``ValueError`` says which key is missing or wrong."""
        if not given:
            return cls()
        tls = given.get("tls", "starttls")
        if tls not in _PORTS or (tls == "none" and not demonstration):
            raise ValueError("`mail.tls` must be starttls or tls.")
        if not given.get("host"):
            raise ValueError("the key `mail.host` is missing.")
        if not _ADDRESS.fullmatch(given.get("from", "")):
            raise ValueError("`mail.from` must be an e-mail address.")
        port = given.get("port", _PORTS[tls])
        if not 1 <= port <= 65535:  # noqa: PLR2004 - TCP's
            raise ValueError("`mail.port` is out of range (1 to 65535).")
        password = environment.get(given.get("password_env", ""), "")
        if given.get("user") and not password:
            raise ValueError(
                "`mail.password_env` must name the environment variable with the password of `mail.user`."
            )
        return cls(given["host"], port, given["from"], tls, given.get("user", ""), password)
