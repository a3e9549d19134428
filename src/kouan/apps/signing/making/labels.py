"""The words for orders, for the archive, and for what the worker refuses."""

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
REFUSED: Final[Mapping[str, _StrOrPromise]] = {
    "no-sound-pdf": _(
        "it is no PDF, or it is broken or cut short. Get it once more, or save it anew from a PDF "
        "program; or let the signature go into a file of its own"
    ),
    "encrypted": _("it is encrypted"),
    "closed": _("who certified it permits no changes"),
    "rewritten": _("its new form does not begin with the old one"),
    "too-complex": _("it is built in a way that would take too much to read"),
    "took-too-long": _("reading it took longer than is allowed"),
    "stamp-covered": _("the signature %(about)s bears no time-stamp, and one that came later covers it"),
    "stamp-room": _("the signature %(about)s bears no time-stamp, and leaves no room for one"),
    "no-stamp": _("it has no document time-stamp"),
    "no-path": _("the certificate of %(about)s leads to no authority that counts here"),
    "revoked": _("the certificate of %(about)s, or one above it, was revoked"),
    "ended": _("the certificate of %(about)s, or one above it, has ended"),
    "no-revocation-data": _(
        "there is no revocation list or response here on the certificate of %(about)s and those above "
        "it that is in date; take one in with `kouan signing revocation import`"
    ),
}
"""Why the worker does nothing with a PDF; a code that is not here is of a library."""


def refused(code: str, about: str = "") -> str:
    """Return why the worker did nothing."""
    return str(REFUSED[code]) % {"about": about} if code in REFUSED else about or code
