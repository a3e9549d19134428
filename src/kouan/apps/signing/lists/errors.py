"""What trust lists refuse, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.apps.signing.errors import SigningError


class UnknownList(SigningError):
    """A side whose list is not here, or an edition that is not."""

    code = "unknown-trust-list"
    status = 404
    message = _("This node holds no such edition of a trust list. Look at the list of editions.")


class UnknownEntry(SigningError):
    """No such entry."""

    code = "unknown-trust-list-entry"
    status = 404
    message = _("The list has no entry “%(entry)s”. Look at the list.")


class NoDraft(SigningError):
    """No draft to work on."""

    code = "no-trust-list-draft"
    status = 409
    message = _("There is no draft of the next edition. Begin one first.")


class DraftTaken(SigningError):
    """A draft is there already."""

    code = "trust-list-draft-taken"
    status = 409
    message = _("A draft of the next edition is there already. Go on with it, or put it away first.")


class DraftChanged(SigningError):
    """Somebody else changed the draft meanwhile, or it is not in this state."""

    code = "trust-list-draft-changed"
    status = 409
    message = _("The draft was changed meanwhile. Look at it as it is now, and try again.")


class SecondOfficer(SigningError):
    """Who submitted a draft cannot publish it."""

    code = "trust-list-second-officer"
    status = 403
    message = _("You submitted this draft. Another officer has to look at it and publish it.")


class IllFormedEntry(SigningError):
    """An entry that cannot stand in a list."""

    code = "ill-formed-trust-list-entry"
    status = 422
    message = _("The entry cannot be listed. %(field)s: %(detail)s")


class BadImport(SigningError):
    """A file of entries of which nothing was taken."""

    code = "bad-trust-list-import"
    status = 422
    message = _("Nothing was taken from the file. Correct this and try again: %(faults)s")


class EntryStays(SigningError):
    """An entry that was published once cannot be taken out."""

    code = "trust-list-entry-stays"
    status = 409
    message = _(
        "“%(entry)s” was published and stays in the list for good. Withdraw it: what was signed before then "
        "is still judged by it."
    )


class PastRewritten(SigningError):
    """A draft that takes back what was published."""

    code = "trust-list-past-rewritten"
    status = 409
    message = _("The draft takes back what was published of these entries: %(entries)s. Add to it instead.")


class ListTooLong(SigningError):
    """More than one message holds."""

    code = "trust-list-too-long"
    status = 422
    message = _("A list holds at most %(most)s entries and %(kilobytes)s kB. Take some out of the draft.")


class Sm2Missing(SigningError):
    """This node is to sign with SM2 and cannot."""

    code = "trust-list-sm2-missing"
    status = 503
    message = _(
        "This node signs its list with SM2 too, but has no OpenSSL that can. Install OpenSSL 3, or set "
        "`signing.sm2` to false."
    )


class BadTerm(SigningError):
    """A next update that the scheme does not allow."""

    code = "trust-list-bad-term"
    status = 422
    message = _("The next edition follows within 1 to %(most)s days.")


class OnlyDemonstration(SigningError):
    """Made-up CAs in a list that counts."""

    code = "trust-list-only-demonstration"
    status = 409
    message = _("The entry “%(entry)s” is made up, and only a demonstration lists it. Take it out.")
