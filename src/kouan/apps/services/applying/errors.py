"""What applying refuses; each in the reader's language, saying what to do."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.web.persons import level_name


class UnknownApplication(KouanError):
    """There is none with this number, or it is somebody else's."""

    code = "unknown-application"
    status = 404
    message = _("You have no such application. Look at the list of your applications.")


class NotForYou(KouanError):
    """The service is not open to residents of this side."""

    code = "service-not-for-this-side"
    status = 403
    message = _("The department does not offer this service to residents of this side.")


class ApplyAtHome(KouanError):
    """A service of this very side: it is applied for with the department, not over the boundary."""

    code = "apply-at-home"
    status = 404
    message = _(
        "This node carries applications to the other side. Services of this side are applied for here."
    )


class Stale(KouanError):
    """It was changed on another device after this page was opened."""

    code = "application-changed"
    status = 409
    message = _("Your application was changed in another window or on another device. Look at both below.")


class EvidenceChanged(KouanError):
    """A department has replaced what was chosen, after it was shown."""

    code = "evidence-changed"
    status = 409
    message = _(
        "A department has changed evidence that you chose. Nothing was sent. Look at what it says now, and "
        "choose it again."
    )


class NotEditable(KouanError):
    """It is under way; answers can be changed only when the department asks."""

    code = "application-not-editable"
    status = 409
    message = _("This application can no longer be changed. Write to the department, or withdraw it.")


class NotCorrected(KouanError):
    """What the department asked for is as it was, and nothing says why."""

    code = "application-not-corrected"
    status = 422
    message = _(
        "Something that the department asked for is as it was. Change it, or write below why it stays so."
    )


class NotReady(KouanError):
    """Something is missing."""

    code = "application-not-ready"
    status = 422
    message = _("Something is still missing. Go through the list of what is to be done.")


class NotYourTurn(KouanError):
    """The applicant may not do that in this state."""

    code = "application-not-now"
    status = 409
    message = _("That cannot be done with this application now. Look at how it stands.")


class TakenBack(KouanError):
    """What became of an application's message that its applicant took back while it still waited here."""

    code = "application-taken-back"
    status = 409
    message = _("The applicant took the application back before it had left.")


class SayMore(KouanError):
    """Words are needed."""

    code = "application-words-needed"
    status = 422
    message = _("Write what you want to say, in up to %(most)s characters.")


class ConsentNeeded(KouanError):
    """The box is not ticked."""

    code = "application-consent-needed"
    status = 422
    message = _("Tick that you agree. Nothing is sent before that.")


class WrongFile(KouanError):
    """The bytes are not of a kind that is taken."""

    code = "file-not-what-it-says"
    status = 422
    message = _("“%(name)s” is not a file of the kind that is asked for. Attach one of: %(kinds)s.")


class FileTooBig(KouanError):
    """Above the limit."""

    code = "file-too-big"
    status = 413
    message = _("The file is larger than %(limit)s MB. Attach a smaller one.")


class FileNotMeant(KouanError):
    """A file came, and something else is marked to be shown."""

    code = "file-not-meant"
    status = 422
    message = _(
        "You chose a file, but something else is marked. Mark “Attach a file of my own instead” and choose "
        "the file again, or go on without one."
    )


class FileEmpty(KouanError):
    """Nothing in it."""

    code = "file-empty"
    status = 422
    message = _("The file is empty, or did not arrive whole. Attach it again.")


class TooManyFiles(KouanError):
    """An application carries so many and no more."""

    code = "too-many-files"
    status = 422
    message = _("An application carries at most %(most)s files. Take one out first.")


class UnknownCosigner(KouanError):
    """No such request to sign, or none any more."""

    code = "unknown-cosigner"
    status = 404
    message = _("There is no such request to sign, or it was taken back or has lapsed. Ask the applicant.")


class NotTheCosigner(KouanError):
    """Somebody else is asked."""

    code = "not-the-cosigner"
    status = 403
    message = _("You are signed in as somebody else than the person who is asked to sign.")


class CosignerNotPossible(KouanError):
    """The applicant cannot be the cosigner, and nobody signs twice."""

    code = "cosigner-not-possible"
    status = 422
    message = _("Enter the name and the document number of another person who has not been asked yet.")


class TooManyCosigners(KouanError):
    """The service takes so many."""

    code = "too-many-cosigners"
    status = 422
    message = _("This service takes at most %(most)s cosigners.")


class SignInTooLow(KouanError):
    """The present sign-in is not sure enough."""

    code = "sign-in-too-low"
    status = 403
    message = _("Sign in again in a surer way (level %(needed)s) to go on.")
    words: ClassVar = {"needed": level_name}


class ClaimsNeeded(KouanError):
    """Less is ticked than the department must see."""

    code = "claims-needed"
    status = 422
    message = _(
        "The department must see all that is not marked as optional. Tick it, or attach a file instead."
    )


class BadEmail(KouanError):
    """No address."""

    code = "bad-email"
    status = 422
    message = _("Enter an e-mail address, such as name@example.com, or leave it empty.")


class BadResult(KouanError):
    """What arrived as a result is not one."""

    code = "bad-result"
    status = 422
    message = _("The result that arrived is not a PDF of the announced content.")


class TooManyDrafts(KouanError):
    """So many are open that no more is begun."""

    code = "too-many-drafts"
    status = 429
    message = _("You have %(most)s applications that are not sent. Send one or put it away first.")


class BadStep(KouanError):
    """A step that no case of this side's residents can make."""

    code = "bad-step"
    status = 422
    message = _("The step that was told is none that this application can come to.")


class ChoiceNeeded(KouanError):
    """Nothing is chosen."""

    code = "evidence-choice-needed"
    status = 422
    message = _("Choose what is to be shown, or attach a file instead.")


class NewVersion(KouanError):
    """Another version of the service is published now; the draft was carried over to it."""

    code = "service-has-new-version"
    status = 409
    message = _("The department has published a new version meanwhile. Look through your answers once more.")


class TooMuchKept(KouanError):
    """All drafts of a person together hold so much."""

    code = "too-much-kept"
    status = 422
    message = _(
        "The files in your drafts would come to more than %(limit)s MB together. Send or discard a draft "
        "first."
    )
