"""Why the other side did not take what an applicant sent, in words that say what to do next.

Only a code comes back over the door. What each side's operators have to do about it is said elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

_CHANGED = _("The department had changed the service meanwhile. Begin again: the new form is shown.")
_ANSWERS = _("An answer did not fit the department's form. Begin again and look through your answers.")
_FILES = _("A file was missing or another one than the answers name. Attach it anew.")
_PROOF = _("A proof did not count for this application. Begin again and choose it anew.")
_CONSENT = _(
    "What was sent was not what your consent covers. Begin again; if it happens once more, tell the "
    "operators of this node."
)
_LATE = _(
    "It did not reach the department in time, because the other side could not be reached. Send it anew."
)
WHY: Final[Mapping[str, _StrPromise]] = {
    "application-of-unknown-version": _CHANGED,
    "application-of-replaced-version": _CHANGED,
    "application-after-withdrawal": _("The department no longer offered this service when you sent it."),
    "home-not-served": _("This service is not open to residents of your side."),
    "level-too-low": _("The service needs a surer sign-in. Sign in in a stronger way, then send it anew."),
    "not-acting-for": _("This service cannot be applied for on behalf of another like this."),
    "answers-do-not-fit": _ANSWERS,
    "not-answers": _ANSWERS,
    "files-differ": _FILES,
    "evidence-missing": _("A proof that the service needs was missing. Begin again and add it."),
    "evidence-unusable": _PROOF,
    "evidence-of-another-type": _(
        "A proof was of another kind than the service asks for. Choose another one."
    ),
    "not-asked-for": _("Something was sent that the service does not ask for. Begin again."),
    "kinds-differ": _CONSENT,
    "consent-not-for-this": _CONSENT,
    "cosigners": _("Those who signed were not as many as the service needs. Ask them anew."),
    "expired": _LATE,
    "not-now": _("The case had gone on meanwhile, so it had no effect. Look at how it stands now."),
    "appeal-over": _("The time for an appeal was over, or an appeal had been decided already."),
}
"""By the code with which the other side refused it."""


def why(code: str) -> str:
    """Return why it was refused; for a code that needs an operator, the code to tell them."""
    if not code:
        return ""
    if code in WHY:
        return str(WHY[code])
    return gettext("The other side did not take it (%(code)s). Tell the operators of this node.") % {
        "code": code
    }
