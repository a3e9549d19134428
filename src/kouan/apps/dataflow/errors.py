"""What this app refuses, and the clause that says so; each in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.policy import Denied

# What may not cross


class NoContract(Denied):
    """No contract is named, or none with that name is known."""

    code = "no-contract"
    message = _("This rests on a contract, and this side has none with the number that is named.")


class OtherTerms(Denied):
    """The message names another text of the contract."""

    code = "other-terms"
    message = _(
        "The message relies on a text of contract %(contract)s that is not the one both sides signed."
    )


class UnsignedContract(Denied):
    """Not both sides have signed."""

    code = "unsigned-contract"
    message = _(
        "Contract %(contract)s has not been signed by: %(sides)s. Nothing crosses before both have signed."
    )


class ContractOver(Denied):
    """The contract was ended, refused or replaced."""

    code = "contract-over"
    message = _("Contract %(contract)s no longer counts (%(state)s).")


class OutsideTerm(Denied):
    """The day lies before the contract's first day or after its last."""

    code = "outside-term"
    message = _("Contract %(contract)s is in force from %(effective)s to %(expires)s only.")


class NotFiled(Denied):
    """A side's filing is overdue."""

    code = "not-filed"
    message = _(
        "Contract %(contract)s had to be filed in %(side)s by %(due)s and has not been. Nothing crosses "
        "until it is."
    )


class OtherParties(Denied):
    """The contract is between institutions of other sides, or for the other direction."""

    code = "other-parties"
    message = _("Contract %(contract)s lets data go from %(exporter)s to %(importer)s, and not this way.")


class OtherPurpose(Denied):
    """The message is for a purpose that the contract does not name."""

    code = "other-purpose"
    message = _("Contract %(contract)s does not name the purpose %(purpose)s.")


class ScopeDrift(Denied):
    """The message holds kinds of data that the contract does not name."""

    code = "scope-drift"
    message = _(
        "Contract %(contract)s does not cover: %(elements)s. Agree on a new version with them and file it "
        "first."
    )


class UnknownBasis(Denied):
    """A side's rules know no such contract on that day."""

    code = "unknown-basis"
    message = _("The rules of %(side)s on %(day)s know no contract of the kind %(basis)s.")


class OutsideArea(Denied):
    """A party, or somebody who gets the data from one, is outside the area of that kind of contract."""

    code = "outside-area"
    message = _("%(place)s lies outside the area for which this kind of contract is made (%(basis)s).")


class OnwardTransfer(OutsideArea):
    """The importer would hand the data on to somebody outside the area."""

    code = "onward-transfer"
    message = _("The contract would let data go on to %(place)s, outside the area (%(basis)s).")


class NoPersonsConsent(Denied):
    """No consent is named, or none is on record."""

    code = "no-consent"
    message = _("The person's consent is needed for this, and no such consent is on record.")


class ConsentOfAnother(Denied):
    """The consent is somebody else's."""

    code = "consent-of-another"
    message = _("The consent is not that of the person whom the message is about.")


class ConsentForOther(Denied):
    """The consent was given for another contract, purpose or kind of data."""

    code = "consent-for-other"
    message = _("The person's consent does not cover this: %(detail)s.")


class ConsentWithdrawn(Denied):
    """The person has withdrawn it."""

    code = "consent-withdrawn"
    message = _("The person withdrew this consent on %(day)s.")


class ConsentExpired(Denied):
    """It was given for a time that is over."""

    code = "consent-expired"
    message = _("The person's consent was good until %(day)s.")


class LevelTooLow(Denied):
    """It was given in a sign-in that was not sure enough."""

    code = "level-too-low"
    message = _("The person's consent was given in a sign-in of level %(level)s; level %(needed)s is needed.")


# What cannot be done


class IllFormedTerms(KouanError):
    """A contract's terms cannot be read."""

    code = "ill-formed-terms"
    status = 422
    message = _("The contract's terms cannot be used: %(detail)s.")


class TermEndsBeforeItBegins(KouanError):
    """The last day lies before the first."""

    code = "term-order"
    status = 422
    message = _("The contract would end on %(expires)s, before it begins on %(effective)s.")


class TermTooLong(KouanError):
    """The term is longer than the rules let it be."""

    code = "term-too-long"
    status = 422
    message = _("The rules of %(side)s let such a contract last %(days)s days at most.")


class AssessmentTooOld(KouanError):
    """The impact assessment was made too long before, or after, the contract's first day."""

    code = "assessment-too-old"
    status = 422
    message = _(
        "The rules of %(side)s ask for an impact assessment made in the %(days)s days before the contract "
        "begins."
    )


class AssessmentNotRead(KouanError):
    """The assessment's file is too large, or broke off."""

    code = "assessment-not-read"
    status = 413
    message = _(
        "The assessment could not be read. Choose its PDF file again; it may have %(megabytes)s MB at most."
    )


class SameSide(KouanError):
    """Both parties are on one side."""

    code = "same-side"
    status = 422
    message = _("Both parties are on the same side; nothing would cross the boundary.")


class ContractsDisagree(KouanError):
    """Another contract of the same two parties covers the same data for the same purpose."""

    code = "contracts-disagree"
    status = 409
    message = _(
        "Contract %(contract)s of the same two parties already covers some of this for the same purpose. "
        "Replace it or end it first: of two contracts nobody could say which one counts."
    )


class UnknownContract(KouanError):
    """There is no such contract here."""

    code = "unknown-contract"
    status = 404
    message = _("There is no such contract on this side.")


class NotInThisState(KouanError):
    """The contract is not at the step at which this can be done."""

    code = "not-in-this-state"
    status = 409
    message = _("This cannot be done with contract %(contract)s now (%(state)s).")


class NotYourContract(KouanError):
    """The contract's parties are not of the side that speaks."""

    code = "not-your-contract"
    status = 403
    message = _("The side that says this is not a party to contract %(contract)s.")


class BadSignature(KouanError):
    """The signature under the terms is not that of the side's keys."""

    code = "bad-signature"
    status = 422
    message = _("The signature under the contract's terms does not hold.")


class NoDocumentNumber(KouanError):
    """A request for consent that says by no document whom it means."""

    code = "no-document-number"
    status = 422
    message = _("Give the number of the customer's identity document, as it is printed.")


class UnknownRequest(KouanError):
    """There is no such request for consent."""

    code = "unknown-consent-request"
    status = 404
    message = _("There is no such request for consent, or it is no longer open.")


class NotThisPerson(KouanError):
    """The person who is signed in is not the one whom the institution asked."""

    code = "not-this-person"
    status = 403
    message = _(
        "This request is for somebody else: the document on record for you is not the one that is meant."
    )


class UnknownConsent(KouanError):
    """There is no such consent of this person."""

    code = "unknown-data-consent"
    status = 404
    message = _("There is no such consent of yours.")


class NoSuchConsent(KouanError):
    """No consent with this number came under this contract."""

    code = "no-such-consent"
    status = 404
    message = _("No consent with this number has come under this contract.")


# What an audit finds missing


class NoDecision(KouanError):
    """No decision about a message is on record."""

    code = "no-decision"
    status = 404
    message = _("No decision about this message is on record.")


class DecisionDiffers(KouanError):
    """A past decision comes out otherwise when it is judged again."""

    code = "decision-differs"
    status = 409
    message = _("Judged again by the rules of its day, it comes out otherwise (%(code)s).")


class BadReceiptFound(KouanError):
    """A consent's receipt does not hold, or does not cover what crossed."""

    code = "bad-consent-receipt"
    status = 422
    message = _("The consent's receipt does not hold, or does not cover what crossed.")


class UnknownRecord(KouanError):
    """There is no such record of this institution."""

    code = "unknown-record"
    status = 404
    message = _("There is no such record of this institution.")


class RecordErased(KouanError):
    """What the record said is here no more."""

    code = "record-erased"
    status = 410
    message = _("What this record said was erased on %(day)s (%(because)s).")


# What institutions' systems ask


class BadCode(KouanError):
    """A code that no party of a contract can have."""

    code = "bad-institution-code"
    status = 422
    message = _("An institution's code has 2 to 64 characters: a-z, 0-9 and -, beginning with a letter.")


class BadAccessToken(KouanError):
    """An access token that is unknown, expired or revoked."""

    code = "bad-token"
    status = 401
    message = _("The access token is missing, unknown, expired or revoked.")


class NoIdempotencyKey(KouanError):
    """A request to send without the name by which it can be tried again."""

    code = "no-idempotency-key"
    status = 400
    message = _(
        "Send the header Idempotency-Key, 1 to 200 printable ASCII characters, new for each record and the "
        "same when you try again."
    )


class OtherBodySameKey(KouanError):
    """The key was used for another record."""

    code = "idempotency-key-reused"
    status = 422
    message = _("This Idempotency-Key was used for another record. Take a new key for each record.")
