"""The words for orders, and for the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise

STATES: Final[Mapping[str, tuple[_StrOrPromise, str]]] = {
    "prepared": (pgettext_lazy("signing", "Waits for its signature"), "yellow"),
    "sent": (pgettext_lazy("signing", "Waits for the wallet"), "yellow"),
    "completed": (pgettext_lazy("signing", "Signed"), "green"),
    "expired": (pgettext_lazy("signing", "Time is over"), "grey"),
    "refused": (pgettext_lazy("signing", "Given up"), "grey"),
}
"""Words and colour of each state of an order."""
KEPT: Final[Mapping[str, tuple[_StrOrPromise, str]]] = {
    "kept": (pgettext_lazy("archive", "Kept"), "green"),
    "due": (pgettext_lazy("archive", "Due"), "yellow"),
    "failed": (pgettext_lazy("archive", "Last try failed"), "red"),
}
"""The same of archived documents."""
FORMS: Final[Mapping[str, _StrOrPromise]] = {
    "pdf": _("Inside the PDF"),
    "cms": _("Beside the file"),
    "cms-enclosing": _("Around the file"),
    "jws": _("Around the file (JWS)"),
}
"""Where a signature is."""
