"""What this app refuses, each in the reader's language; what may not cross stands in ``denials``.

What is refused where a person is asked or told stands in ``consent_errors``.
"""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from kouan.apps.dataflow.consent_errors import ConsentNeeded, NoConsentAsked, TermsChanged
from kouan.apps.dataflow.denials import (
    ConsentExpired,
    ConsentForOther,
    ConsentOfAnother,
    ConsentWithdrawn,
    ContractOver,
    GroundOver,
    LevelTooLow,
    NoContract,
    NoGround,
    NoPersonsConsent,
    NotFiled,
    OnwardTransfer,
    OtherParties,
    OtherPurpose,
    OtherTerms,
    OutsideArea,
    OutsideTerm,
    ScopeDrift,
    SensitiveUnderBasis,
    TooManyPersons,
    UnknownBasis,
    UnsignedContract,
)
from kouan.apps.dataflow.labels import erased_because, state_name
from kouan.core.errors import KouanError
from kouan.core.sides import side_name

__all__ = [
    "AlreadyAsked",
    "AssessmentNotRead",
    "AssessmentTooOld",
    "BadCode",
    "BadReceiptFound",
    "BadSignature",
    "ConsentExpired",
    "ConsentForOther",
    "ConsentNeeded",
    "ConsentOfAnother",
    "ConsentWithdrawn",
    "ContractOver",
    "ContractsDisagree",
    "DecisionDiffers",
    "ErasedOnRequest",
    "FiledAlready",
    "GroundOver",
    "IllFormedTerms",
    "LevelTooLow",
    "NoConsentAsked",
    "NoContract",
    "NoDecision",
    "NoDocumentNumber",
    "NoGround",
    "NoPersonsConsent",
    "NoRightToErasure",
    "NoSuchConsent",
    "NotFiled",
    "NotInThisState",
    "NotThisPerson",
    "NotYourContract",
    "NothingToErase",
    "OnwardTransfer",
    "OtherParties",
    "OtherPurpose",
    "OtherTerms",
    "OutsideArea",
    "OutsideTerm",
    "PolicyNotUnderstood",
    "RecordErased",
    "RefusalNotProvided",
    "SameSide",
    "ScopeDrift",
    "SensitiveUnderBasis",
    "TermEndsBeforeItBegins",
    "TermTooLong",
    "TermsChanged",
    "TooManyPersons",
    "UnknownBasis",
    "UnknownConsent",
    "UnknownContract",
    "UnknownErasure",
    "UnknownRecord",
    "UnknownRequest",
    "UnsignedContract",
]

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
    words: ClassVar = {"side": side_name}


class AssessmentTooOld(KouanError):
    """The impact assessment was made too long before, or after, the contract's first day."""

    code = "assessment-too-old"
    status = 422
    message = _(
        "The rules of %(side)s ask for an impact assessment made in the %(days)s days before the contract "
        "begins."
    )
    words: ClassVar = {"side": side_name}


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
    message = _("Contract %(contract)s stands at “%(state)s”, where this cannot be done. Look at it again.")
    words: ClassVar = {"state": state_name}


class FiledAlready(KouanError):
    """A second word about a filing, or one about a day that has not come."""

    code = "filed-already"
    status = 409
    message = _(
        "The filing of contract %(contract)s is on record already, or the day that is given has not come yet."
    )


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


class ConsentDiffers(KouanError):
    """A consent or a notice with this number is here already, and says something else."""

    code = "consent-differs"
    status = 409
    message = _("There is another consent or notice with this number already.")


class PolicyNotUnderstood(KouanError):
    """An ODRL policy that says more, or something else, than the subset that this node understands."""

    code = "odrl-not-understood"
    status = 422
    message = _("This node does not understand the policy, and takes none of it: %(detail)s.")


# What a person asks to have erased


class NothingToErase(KouanError):
    """The person asks for the erasure of what is not there."""

    code = "nothing-to-erase"
    status = 409
    message = _("Nothing that crossed under this is still kept on the other side.")


class AlreadyAsked(KouanError):
    """The person has asked for the same, and is not answered yet."""

    code = "erasure-already-asked"
    status = 409
    message = _("You have asked for this already. The other side answers by %(day)s.")


class UnknownErasure(KouanError):
    """There is no such request to erase."""

    code = "unknown-erasure-request"
    status = 404
    message = _("There is no such request to erase, or it is answered already.")


class NoRightToErasure(KouanError):
    """The law of this side knows no such request."""

    code = "no-right-to-erasure"
    status = 403
    message = _("The law of this side gives nobody a right to have data erased on request.")


class ErasedOnRequest(KouanError):
    """The person asked to have it erased before it could be handled."""

    code = "erased-on-request"
    status = 410
    message = _("It could not be handled at once, and was erased because the person asked for it.")


class RefusalNotProvided(KouanError):
    """An officer refuses to erase for a reason that the law of this side does not give."""

    code = "refusal-not-provided"
    status = 422
    message = _("The rules of this side let nobody refuse an erasure for this reason.")


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
    words: ClassVar = {"because": erased_because}


# What institutions' systems ask


class BadCode(KouanError):
    """A code that no party of a contract can have."""

    code = "bad-institution-code"
    status = 422
    message = _("An institution's code has 2 to 64 characters: a-z, 0-9 and -, beginning with a letter.")
