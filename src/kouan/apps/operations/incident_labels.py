"""The words for incidents: what happened, what it means, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kouan.core.exchange import incidents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

WORDS: Final[Mapping[str, tuple[_StrPromise, _StrPromise]]] = {
    incidents.EQUIVOCATION: (
        _("Its ledger was signed in two versions"),
        _(
            "Two checkpoints of one size have different roots, and both bear the signature of that side's"
            " log. It shows different ledgers to different readers, or its log key is in other hands. "
            "Keep both notes and speak to that side before you rely on its ledger."
        ),
    ),
    incidents.STREAM_FORK: (
        _("Two batches for one place"),
        _(
            "It signed another batch for a number that has been taken. A backup may have been put back "
            "there, or somebody else holds its signing key. Nothing of the second batch was taken in. "
            "Speak to that side."
        ),
    ),
    incidents.ID_CONFLICT: (
        _("Two messages with one id"),
        _(
            "It sent another message under the id of an earlier one. The second was refused; the first "
            "stands. Speak to that side: its software is at fault, or somebody speaks in its name."
        ),
    ),
    incidents.OTHER_SENDER: (
        _("It brought another side's batch"),
        _(
            "Its connection carried a batch that another side had signed. The batch was refused. Ask both"
            " sides how it came there: it may have been copied."
        ),
    ),
    incidents.BACKDATED: (
        _("A batch that says it is older than it can be"),
        _(
            "The batch follows one that was sealed later by its own word. Its clock was set back, or a "
            "key is used whose time has ended. The batch was refused. Have that side check its clock and "
            "its keys."
        ),
    ),
    incidents.RECEIPT_CONFLICT: (
        _("Two receipts for one batch"),
        _(
            "It signed two different receipts for the same batch. The first stands. Keep both: one of the"
            " two accounts of what it accepted is wrong. Speak to that side."
        ),
    ),
    incidents.SIGNED_ONCE: (
        _("A signature by SM2 is missing"),
        _(
            "Its trust document promises a second signature, by SM2, on all that it signs. This has the first"
            " alone and was refused; or a newer document no longer promises the second. Ask that side whether"
            " it meant to: somebody may hold one of its two keys."
        ),
    ),
    incidents.PROVIDER_MOVED: (
        _("Its identity provider has another address"),
        _(
            "It announced another address of its identity provider, in a message that it signed. People of "
            "this side's services are sent to the new address from now on. Ask that side whether it meant to."
        ),
    ),
    incidents.SIGN_IN_CONFLICT: (
        _("A sign-in and its record differ"),
        _(
            "What it put on both sides' record of a sign-in is not what its tokens said, or the consent's "
            "receipt does not hold. The sign-in was ended. Keep both pieces and speak to that side."
        ),
    ),
    incidents.TRUST_LIST: (
        _("Two editions of its trust list contradict each other"),
        _(
            "It signed an edition of its trust list that is not the one it signed before, or that takes back "
            "what it published. The edition was refused, and the last one that was taken stands. Keep both "
            "pieces and speak to that side."
        ),
    ),
}


def incident_words(kind: str) -> tuple[str, str]:
    """Return what an incident of this kind is called, and what it means."""
    found = WORDS.get(kind)
    if found is None:
        return gettext("Incident of the kind “%(kind)s”") % {"kind": kind}, ""
    return str(found[0]), str(found[1])


def incident_title(kind: str) -> str:
    """Return what an incident of this kind is called."""
    return incident_words(kind)[0]
