"""What this part of the app refuses; each in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class IllFormedText(KouanError):
    """A plan or minutes that cannot be used."""

    code = "ill-formed-plan"
    status = 422
    message = _("This text cannot be signed yet: %(detail)s.")


class OtherSubject(KouanError):
    """A text that is of other sides, or of another plan, than the message says."""

    code = "other-plan"
    status = 422
    message = _("The text is not one of these two sides' own, or belongs to another plan or meeting.")


class UnsoundSignature(KouanError):
    """A signature under a text that is not that of the side's keys."""

    code = "unsound-plan-signature"
    status = 422
    message = _("The signature under the text does not hold.")


class UnknownSubject(KouanError):
    """There is no such plan or meeting here."""

    code = "unknown-plan"
    status = 404
    message = _("There is no such plan or meeting on this side.")


class UnknownVersion(KouanError):
    """There is no such version here."""

    code = "unknown-plan-version"
    status = 404
    message = _("There is no such version on this side.")


class OtherBase(KouanError):
    """A proposal that would take the place of a version that is not in effect."""

    code = "plan-has-moved"
    status = 409
    message = _(
        "Another version has come into effect since this text was begun. Begin again from the one in effect."
    )


class NotOnTheTable(KouanError):
    """What is to be answered is not the proposal that stands."""

    code = "not-on-the-table"
    status = 409
    message = _(
        "This proposal is no longer on the table: it was answered, withdrawn, or another one stands. "
        "Look at the text as it is now."
    )


class ProposedTwice(KouanError):
    """The same text again."""

    code = "proposed-twice"
    status = 409
    message = _("This very text has been proposed before. Change something first.")


class DraftHasMoved(KouanError):
    """Somebody else has changed the draft meanwhile."""

    code = "draft-has-moved"
    status = 409
    message = _("%(who)s changed this draft while you were writing. Look at it, then make your change again.")


class AnsweredMeanwhile(KouanError):
    """The other side has proposed or answered while an officer was about to sign."""

    code = "answered-meanwhile"
    status = 409
    message = _("The other side has answered meanwhile. Look at the text as it is now, then sign again.")


class DraftThere(KouanError):
    """A draft is there already."""

    code = "draft-there"
    status = 409
    message = _("This side has a draft already. Go on with it, or throw it away first.")


class NoPeer(KouanError):
    """There is no such other side."""

    code = "no-such-peer"
    status = 422
    message = _("This node knows no other side %(peer)s.")


class UnknownPart(KouanError):
    """The plan in effect has no such item, measure or milestone."""

    code = "unknown-plan-part"
    status = 422
    message = _("The plan in effect has no such item, measure or milestone.")


class NotYoursToReport(KouanError):
    """The plan has the other side report this figure."""

    code = "not-yours-to-report"
    status = 403
    message = _("The plan names another side to report this figure.")


class ImpossibleDay(KouanError):
    """A report of a day that has not come, or before the plan began."""

    code = "impossible-report-day"
    status = 422
    message = _("Report a day from %(first)s to %(last)s.")


class NotAFigure(KouanError):
    """What is reported is not a decimal number."""

    code = "not-a-figure"
    status = 422
    message = _("Enter a number such as 1250 or 97.5, without a sign for thousands.")


class NothingInEffect(KouanError):
    """No version of the plan is in effect yet."""

    code = "no-plan-in-effect"
    status = 409
    message = _("No version of this plan is in effect yet: both sides have to sign one first.")


class NotTheHost(KouanError):
    """Only the side that convenes a meeting may change it."""

    code = "not-the-host"
    status = 403
    message = _("The side that convenes this meeting changes it. Ask its officers.")


class MeetingOver(KouanError):
    """The meeting was held or cancelled."""

    code = "meeting-over"
    status = 409
    message = _("This meeting was held or cancelled; it cannot be changed any more.")


class MeetingOrder(KouanError):
    """A meeting that ends before it begins, or lasts longer than two days."""

    code = "meeting-times"
    status = 422
    message = _("A meeting ends after it begins, and within two days.")


class OldMeeting(KouanError):
    """A change of a meeting that is older than what is known here."""

    code = "old-meeting-change"
    status = 409
    message = _("A later change of this meeting has come before.")


class PaperThere(KouanError):
    """The same file again."""

    code = "meeting-paper-there"
    status = 409
    message = _("This meeting has this very file already.")


class PaperTooLarge(KouanError):
    """A paper with more bytes than one may have."""

    code = "meeting-paper-too-large"
    status = 413
    message = _("A paper may have %(megabytes)s MB at most. Make it smaller, or split it.")


class UnknownPaper(KouanError):
    """There is no such paper here."""

    code = "unknown-meeting-paper"
    status = 404
    message = _("There is no such paper on this side.")
