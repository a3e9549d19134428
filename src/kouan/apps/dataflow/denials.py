"""Why something may not cross under a contract; ``clause`` names the rule that decides."""

from __future__ import annotations

from typing import ClassVar, Final

from django.utils.translation import gettext_lazy as _

from kouan.apps.dataflow.labels import place_name, purpose_name, state_name
from kouan.core.policy import Denied
from kouan.core.sides import side_name
from kouan.web.persons import level_name


def _side_names(codes: str) -> str:
    return SEVERAL.join(map(side_name, codes.split(SEVERAL)))


SEVERAL: Final = ", "
"""What stands between several codes in one parameter."""


class NoContract(Denied):
    """No contract is named, or none with that name is known."""

    code = "no-contract"
    message = _("This rests on a contract, and this side has none with the number that is named.")


class NoLongerDeclared(Denied):
    """A past message was of a kind that this node does not declare any more."""

    code = "no-longer-declared"
    message = _("This node no longer declares the message type %(type)s version %(version)s.")


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
    words: ClassVar = {"sides": _side_names}


class ContractOver(Denied):
    """The contract was ended, refused or replaced."""

    code = "contract-over"
    message = _("Contract %(contract)s no longer counts (%(state)s).")
    words: ClassVar = {"state": state_name}


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
    words: ClassVar = {"side": side_name}


class OtherParties(Denied):
    """The contract is between institutions of other sides, or for the other direction."""

    code = "other-parties"
    message = _("Contract %(contract)s lets data go from %(exporter)s to %(importer)s, and not this way.")
    words: ClassVar = {"exporter": side_name, "importer": side_name}


class OtherPurpose(Denied):
    """The message is for a purpose that the contract does not name."""

    code = "other-purpose"
    message = _("Contract %(contract)s does not name the purpose “%(purpose)s”.")
    words: ClassVar = {"purpose": purpose_name}


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
    words: ClassVar = {"side": side_name}


class OutsideArea(Denied):
    """A party, or somebody who gets the data from one, is outside the area of that kind of contract."""

    code = "outside-area"
    message = _("%(place)s lies outside the area for which this kind of contract is made (%(basis)s).")
    words: ClassVar = {"place": place_name}


class OnwardTransfer(OutsideArea):
    """The importer would hand the data on to somebody outside the area."""

    code = "onward-transfer"
    message = _("The contract would let data go on to %(place)s, outside the area (%(basis)s).")


class NoGround(Denied):
    """The terms do not name what this basis rests on."""

    code = "no-ground"
    message = _("This kind of contract needs a ground that its terms do not name: %(ground)s.")


class GroundOver(Denied):
    """What the contract rests on was not yet issued, or no longer counts."""

    code = "ground-over"
    message = _("What the contract rests on (%(ground)s) counts from %(issued)s to %(until)s only.")


class TooManyPersons(Denied):
    """More persons are concerned than this basis is for."""

    code = "too-many-persons"
    message = _("This kind of contract is for at most %(most)s persons (%(basis)s).")


class SensitiveUnderBasis(Denied):
    """Sensitive kinds of data, which do not cross on this basis."""

    code = "sensitive-under-basis"
    message = _("Sensitive data does not cross under this kind of contract (%(basis)s): %(elements)s.")


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
    words: ClassVar = {"level": level_name, "needed": level_name}
