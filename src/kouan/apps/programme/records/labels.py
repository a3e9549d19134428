"""The words for what is read in records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kouan.apps.programme.domain import Act, Field, Mode, State
from kouan.apps.programme.models import Claim

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from kouan.apps.programme.records.rereading import Reread

FIELDS: Final[dict[str, _StrOrPromise]] = {
    Field.HELD: pgettext_lazy("programme", "Meeting"),
    Field.DATE: _("Date"),
    Field.PLACE: _("Place"),
    Field.MODE: _("How it was held"),
    Field.CHAIR: _("Chair"),
    Field.PERSON: _("Person"),
    Field.BODY: _("Body represented"),
    Field.AREA: _("Area of co-operation"),
    Field.DECISION: _("Decision"),
    Field.AGREEMENT: _("Agreement signed"),
    Field.EVENT: pgettext_lazy("programme", "Event"),
    Field.FIGURE: _("Figure"),
}
STATES: Final[dict[str, _StrOrPromise]] = {
    State.PROPOSED: pgettext_lazy("programme", "To confirm"),
    State.CONFIRMED: pgettext_lazy("programme", "Confirmed"),
    State.CORRECTED: pgettext_lazy("programme", "Corrected"),
    State.REJECTED: pgettext_lazy("programme", "Rejected"),
}
COLOURS: Final[dict[str, str]] = {
    State.PROPOSED: "yellow", State.CONFIRMED: "green", State.CORRECTED: "turquoise", State.REJECTED: "grey",
}  # fmt: skip
ACTS: Final[dict[str, _StrOrPromise]] = {
    Act.CONFIRM: _("It is right as it was read"),
    Act.CORRECT: _("It should read otherwise"),
    Act.REJECT: _("The record does not say this"),
}
DONE: Final[dict[str, _StrOrPromise]] = {
    Act.CONFIRM: pgettext_lazy("programme", "confirmed"),
    Act.CORRECT: pgettext_lazy("programme", "corrected"),
    Act.REJECT: pgettext_lazy("programme", "rejected"),
    Act.REOPEN: pgettext_lazy("programme", "opened again"),
}
MODES: Final[dict[str, _StrOrPromise]] = {
    Mode.IN_PERSON: _("in person"),
    Mode.VIDEO: _("by video"),
    Mode.HYBRID: _("in person and by video"),
}
WARNINGS: Final[dict[str, _StrOrPromise]] = {
    "mojibake": _("Some characters were garbled and have been mended."),
    "lost-characters": _("Some characters were lost before it came here."),
    "mark-up": _("Marks of pictures and links were taken out."),
    "repeated-line": _("Lines that stood twice in a row are kept once."),
    "model-silent": _("The model gave no answer that could be read; the rules alone have read this record."),
    "model-dropped": _(
        "Of what the model proposed, %(count)s were dropped: they do not stand in the record as it said."
    ),
    "impossible-date": _("No calendar has the date “%(text)s”; it is kept as words alone."),
}
REREAD: Final[dict[str, _StrOrPromise]] = {
    Claim.Reread.NEW: pgettext_lazy("programme", "New"),
    Claim.Reread.CHANGED: pgettext_lazy("programme", "Reads otherwise now"),
    Claim.Reread.GONE: pgettext_lazy("programme", "No longer read"),
}
ODDITIES: Final[dict[str, _StrOrPromise]] = {
    "number-skips": _(
        "No record tells of meeting %(numbers)s. A record may be missing, or a number may be wrong."
    ),
    "number-against-date": _("Meetings %(numbers)s are dated against their numbers. Look at their sources."),
}
SCRIPTS: Final[dict[str, _StrOrPromise]] = {
    "en": _("English"), "zh-hant": _("Traditional Chinese"), "zh-hans": _("Simplified Chinese"),
}  # fmt: skip


def said_of(done: Reread) -> str:
    """Say what reading a record again made of it."""
    if done.same:
        return gettext("The record reads as it did before; nothing is changed.")
    said = gettext(
        "The record was read again: %(new)s new, %(changed)s read otherwise, %(gone)s no longer read."
    )
    said %= {"new": done.new, "changed": done.changed, "gone": done.gone}
    if done.contested:
        more = ngettext(
            "%(count)s value that officers had decided is read otherwise now; what they decided stays.",
            "%(count)s values that officers had decided are read otherwise now; what they decided stays.",
            done.contested,
        )
        said = f"{said} {more % {'count': done.contested}}"
    return said
