"""Guangdong's unified identity platform, as far as it is public.

Public: the levels. 二 checks the form of what was said, 三 that name and number agree with the register, 四
that person, name and document agree, 五 that a certificate or a counter vouches. They are numbers here,
``2`` to ``5``, and ``data/levels.toml`` says what each counts as.

Assumed: how a system signs people in there. No interface for that has been published, so this adapter
speaks plain OpenID Connect; when the interface is known, this file is the one that changes.
"""

from __future__ import annotations

from typing import Final

from kouan.apps.identity.home.oidc import OpenIDConnect

_NUMERALS: Final = {"二": "2", "三": "3", "四": "4", "五": "5"}


class Guangdong(OpenIDConnect):
    """OpenID Connect with Guangdong's levels, in digits or in the platform's own numerals."""

    def word(self, acr: str) -> str:
        """Return a level in digits."""
        return _NUMERALS.get(acr, acr)
