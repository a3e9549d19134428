"""Words for what applicants read: states, next steps, events, kinds of data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kouan.apps.services.domain import State
from kouan.core.credentials import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise, _StrPromise

STATES: Final[Mapping[str, tuple[_StrOrPromise, str]]] = {
    State.DRAFT: (pgettext_lazy("application", "Draft"), "grey"),
    State.COSIGNING: (_("Being signed"), "yellow"),
    State.SENT: (pgettext_lazy("application", "Sent"), "blue"),
    State.RECEIVED: (pgettext_lazy("application", "Received"), "blue"),
    State.IN_REVIEW: (_("Being looked at"), "turquoise"),
    State.CORRECTION: (_("Correction asked for"), "orange"),
    State.PAYMENT: (_("Fee to be paid"), "orange"),
    State.GRANTED: (pgettext_lazy("application", "Granted"), "green"),
    State.REFUSED: (pgettext_lazy("application", "Refused"), "red"),
    State.APPEALED: (_("Being looked at again"), "purple"),
    State.WITHDRAWN: (pgettext_lazy("application", "Withdrawn"), "grey"),
    State.LAPSED: (pgettext_lazy("application", "Lapsed"), "grey"),
    State.NOT_TAKEN: (_("Not accepted"), "red"),
}
"""Word and colour of each state."""
NEXT: Final[Mapping[str, _StrOrPromise]] = {
    State.DRAFT: _("Fill it in and send it."),
    State.COSIGNING: _("Others have to sign it; then you send it."),
    State.SENT: _("It is on its way to the other side. If the line is down, it goes by itself later."),
    State.RECEIVED: _("The department has it. You need do nothing."),
    State.IN_REVIEW: _("An officer is working on it. You need do nothing."),
    State.CORRECTION: _("The department asks you to correct or add something."),
    State.PAYMENT: _("Pay the fee; then the department goes on."),
    State.GRANTED: _("Your result is ready to be taken out."),
    State.REFUSED: _("The department has refused it. You can appeal while the time for it lasts."),
    State.APPEALED: _("The department looks at its decision again."),
    State.WITHDRAWN: _("You took it back. Nothing more happens with it."),
    State.LAPSED: _("What the department waited for did not come in time."),
    State.NOT_TAKEN: _("It could not be accepted. You can begin again with the same answers."),
}
"""What comes next."""
EVENTS: Final[Mapping[str, _StrOrPromise]] = {
    "begun": _("You began the application"),
    "carried-over": _("The service has a new version; your answers were carried over"),
    "cosigned": _("A cosigner signed"),
    "declined": _("A cosigner declined to sign"),
    "cosigning-lapsed": _("Not everybody signed in time"),
    "sent": _("You sent it"),
    "not-taken": _("It was not accepted"),
    "not-heard": _("What you sent afterwards was not accepted"),
    "wrote": _("You wrote to the department"),
    "asked-to-withdraw": _("You asked to take it back"),
    "appealed": _("You appealed"),
    "withdrew-consent": _("You withdrew your consent"),
    "restrict": _("The department no longer uses what you sent"),
    "corrected": _("You sent your correction"),
    "received": _("The department received it"),
    "take-up": _("An officer took it up"),
    "ask-correction": _("The department asked for a correction"),
    "correct": _("The department received your correction"),
    "ask-payment": _("The department asked for the fee"),
    "pay": _("The fee was paid"),
    "grant": _("Granted"),
    "refuse": pgettext_lazy("application", "Refused"),
    "withdraw": _("Taken back"),
    "lapse": _("Lapsed"),
    "appeal": _("The department received your appeal"),
    "reopen": _("The department works on it again"),
    "uphold": _("The decision stands"),
    "message": _("The department wrote to you"),
    "read": _("An officer read your application"),
    "erased": _("Its time was over; what it held of you was erased here"),
}
NEWS: Final[Mapping[str, _StrOrPromise]] = {
    "all-signed": _("Everybody has signed. You can send it now."),
    "declined": _("A cosigner declined. Ask somebody else, or take the request back."),
    "ends-soon": _("This draft is erased soon. Send it, or open it to keep it longer."),
    "cosigning-ends-soon": _("Not everybody has signed yet, and the time for it ends soon."),
    "cosigning-lapsed": _("Not everybody signed in time. You can ask again."),
    "not-taken": _("Your application was not accepted."),
    "not-heard": _("What you sent afterwards was not accepted. Look at how it stands."),
}
"""What a notice says; one that the other side told of says what its event says."""
ACTS_FOR: Final[Mapping[str, tuple[_StrOrPromise, _StrOrPromise]]] = {
    "self": (_("For myself"), ""),
    "person": (_("For another person"), _("You will be asked to show that you may act for them.")),
    "company": (_("For a company"), _("You will be asked to show that you may act for it.")),
}


def news_text(kind: str) -> str:
    """Return what a notice says."""
    return str(NEWS.get(kind) or EVENTS.get(kind) or gettext("There is news."))


_UNSOUND = _(
    "The credential that came with the result was not signed by the department's side. Do not rely on it; "
    "the node's operators know of it."
)
_UNKNOWN = _("Whether the result's credential counts cannot be told just now. Look again later.")
WORTH: Final[Mapping[Verdict, _StrPromise]] = {
    Verdict.BAD_SIGNATURE: _UNSOUND,
    Verdict.BAD_BINDING: _UNSOUND,
    Verdict.MALFORMED: _UNSOUND,
    Verdict.UNKNOWN_ISSUER: _UNKNOWN,
    Verdict.STATUS_UNKNOWN: _UNKNOWN,
    Verdict.REVOKED: _("The department has taken this result back. It counts no more."),
    Verdict.SUSPENDED: _("The department has suspended this result. It does not count for now."),
    Verdict.EXPIRED: _("The time for which this result counted is over."),
}
"""What the applicant is told of a result's credential that is not simply good."""
