"""What working on cases refuses; each in the reader's language."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.sides import side_name
from kouan.web.persons import level_name


class NotTaken(KouanError):
    """An application that becomes no case; its node shows the applicant why."""

    status = 422


class OtherConversation(NotTaken):
    """The message is in the conversation of another application."""

    code = "other-conversation"
    message = _("The message names another application than the conversation that it came in.")


class ApplicationOfAnother(NotTaken):
    """The number of the application is already that of somebody else's case."""

    code = "application-of-another"
    message = _("A case with this number exists already, and it is not this application's.")


class UnknownServiceVersion(NotTaken):
    """This side has no such version."""

    code = "application-of-unknown-version"
    message = _("This side has not published the version of the service that the application is for.")


class NoLongerOffered(NotTaken):
    """The service was withdrawn before the application was sent."""

    code = "application-after-withdrawal"
    message = _("The department had withdrawn this service before the application was sent.")


class ReplacedLongAgo(NotTaken):
    """A later version had been published so long before that the applicant's side must have known."""

    code = "application-of-replaced-version"
    message = _(
        "A newer version of this service had been published well before the application was sent. Begin it "
        "again with the same answers."
    )


class HomeNotServed(NotTaken):
    """The service is not for residents of that side."""

    code = "home-not-served"
    message = _("This service is not open to residents of %(side)s.")
    words: ClassVar = {"side": side_name}


class LevelTooLow(NotTaken):
    """The applicant, or who signed too, had not signed in surely enough."""

    code = "level-too-low"
    message = _("This service needs a sign-in of level %(needed)s or above. Sign in again and send it anew.")
    words: ClassVar = {"needed": level_name}


class NotActingFor(NotTaken):
    """The service cannot be applied for on somebody's behalf in that way."""

    code = "not-acting-for"
    message = _("This service cannot be applied for on behalf of another person or a company like this.")


class AnswersDoNotFit(NotTaken):
    """The answers do not fit the form of the version that is named."""

    code = "answers-do-not-fit"
    message = _("The answer to %(path)s does not fit the form: %(what)s")


class NotAnswers(NotTaken):
    """What stands for answers is no JSON object in canonical form."""

    code = "not-answers"
    message = _("The answers are not a JSON object in canonical form.")


class KindsDiffer(NotTaken):
    """The application declares other kinds of data than it holds."""

    code = "kinds-differ"
    message = _("The application holds other kinds of data than it says: %(kinds)s.")


class ConsentNotHers(NotTaken):
    """The receipt is not of a consent to this application."""

    code = "consent-not-for-this"
    message = _("The receipt is not of this person's consent to this application (%(what)s).")


class CosignersOutOfBounds(NotTaken):
    """Too few or too many others signed, or one of them twice."""

    code = "cosigners"
    message = _(
        "This service needs %(least)s to %(most)s others to sign, each of them once and none of them the "
        "applicant."
    )


class EvidenceMissing(NotTaken):
    """A requirement is met by nothing."""

    code = "evidence-missing"
    message = _("Nothing was sent for the requirement %(requirement)s.")


class EvidenceNotAsked(NotTaken):
    """A place that the service does not have, or one that is not for this."""

    code = "not-asked-for"
    message = _("The service does not ask for what was sent for %(place)s.")


class FilesDiffer(NotTaken):
    """The answers name another file than the one that came, or none."""

    code = "files-differ"
    message = _("The file that came for %(path)s is not the one that the answer names.")


class EvidenceUnusable(NotTaken):
    """It cannot be read, or was made for another matter or receiver."""

    code = "evidence-unusable"
    message = _(
        "The evidence for %(requirement)s cannot be taken (%(verdict)s). Choose it anew and send again."
    )


class EvidenceOfAnotherType(NotTaken):
    """A credential of a type that, as its own side says, proves something else."""

    code = "evidence-of-another-type"
    message = _(
        "What was sent for %(requirement)s is of the type %(type)s, which proves something else. Choose "
        "other evidence and send again."
    )


# On a case


class UnknownCase(KouanError):
    """No such case of this officer's departments."""

    code = "unknown-case"
    status = 404
    message = _("There is no such case among those of your department.")


class UnknownCaseFile(KouanError):
    """No such file beside the case."""

    code = "unknown-case-file"
    status = 404
    message = _("There is no such file in this case.")


class NotNow(KouanError):
    """The case's state does not let this be done."""

    code = "not-now"
    status = 409
    message = _("This cannot be done while the case is: %(state)s. Look at how it stands now.")


class AppealOver(KouanError):
    """The time for an appeal is over, or there was one."""

    code = "appeal-over"
    status = 409
    message = _("This decision can no longer be appealed: the time for it is over, or an appeal was decided.")


class CaseChanged(KouanError):
    """Somebody else changed the case since this officer saw it."""

    code = "case-changed"
    status = 409
    message = _(
        "Nothing was done, because the case has changed since you opened it: %(what)s. Look at it again, "
        "then decide."
    )


class WordsNeeded(KouanError):
    """A decision or a question without words."""

    code = "words-needed"
    status = 422
    message = _("Write what the applicant has to know.")


class NothingAsked(KouanError):
    """A request for correction that names no place of this application."""

    code = "nothing-asked"
    status = 422
    message = _("Choose at least one answer or proof of this application that is to be corrected.")


class BadDueDay(KouanError):
    """The day lies in the past or too far away."""

    code = "bad-due-day"
    status = 422
    message = _("Choose a day from %(first)s to %(last)s.")


class NotACaseworker(KouanError):
    """The account is no caseworker of the department."""

    code = "not-a-caseworker"
    status = 422
    message = _("%(officer)s is no caseworker of this department.")


class NoFee(KouanError):
    """The service is free."""

    code = "no-fee"
    status = 409
    message = _("This service is free.")


class FeeNotPaid(KouanError):
    """A result before the fee is paid."""

    code = "fee-not-paid"
    status = 409
    message = _("The fee is not paid yet. Ask for it before you grant.")


class NoPaymentProvider(KouanError):
    """No way to pay."""

    code = "no-payment-provider"
    status = 503
    message = _("This node has no payment provider. Its operator has to set one up.")


class UnknownPayment(KouanError):
    """No such fee."""

    code = "unknown-payment"
    status = 404
    message = _("There is nothing to pay at this address. Look at your application for the right one.")


class PaymentNotConfirmed(KouanError):
    """The provider does not confirm the payment."""

    code = "payment-not-confirmed"
    status = 402
    message = _("The payment was not confirmed. Nothing was taken; try again.")


class PaymentTaken(KouanError):
    """The provider's number of a payment is that of another fee."""

    code = "payment-taken"
    status = 409
    message = _("This payment was made for another fee. Pay this one by itself.")


class ClaimMissing(KouanError):
    """The officer left out a line of the result."""

    code = "claim-missing"
    status = 422
    message = _("Fill in every line of the result: %(name)s is missing.")


class NoResult(KouanError):
    """There is nothing to revoke, or it is revoked."""

    code = "no-result"
    status = 409
    message = _("This case has no result that counts.")


class FileNotSafe(KouanError):
    """A file whose bytes are not what it says it is."""

    code = "case-file-not-what-it-says"
    status = 409
    message = _("This file is not what its name and type say, so it is not opened. Ask for another one.")


class EvidenceChanged(KouanError):
    """Evidence was found to count no more, or to count now, since the officer looked."""

    code = "case-evidence-changed"
    status = 409
    message = _(
        "Something else is known now of this evidence: %(evidence)s. Nothing was granted. Look at the case "
        "again."
    )


class BadCaseToken(KouanError):
    """A token that is unknown, has ended or was revoked, or whose account is no caseworker any more."""

    code = "bad-case-token"
    status = 401
    message = _(
        "This access token does not count, or counts no more. Ask this node's operator for a new one."
    )


class CaseRestricted(KouanError):
    """The applicant has withdrawn their consent; nobody works with what they sent any more."""

    code = "case-restricted"
    status = 403
    message = _(
        "The applicant has withdrawn their consent. What they sent is kept as the law asks, and not shown."
    )


class CaseErased(KouanError):
    """The case's term is over; what it held of the person is erased, and nothing more is done with it."""

    code = "case-erased"
    status = 409
    message = _("The term of this case is over. What it held of the person is erased, and it stays as it is.")
