"""What this app refuses, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class RecordTooLarge(KouanError):
    """A file larger than any record is."""

    code = "programme-record-too-large"
    status = 413
    message = _("“%(name)s” is larger than %(limit)s MB. Send the text of the record alone.")


class RecordTooLong(KouanError):
    """A record of too many pages or characters."""

    code = "programme-record-too-long"
    status = 422
    message = _("“%(name)s” has more than %(pages)s pages or %(characters)s characters. Send it in parts.")


class UnknownRecordType(KouanError):
    """Bytes that are neither text, nor a page, nor a PDF."""

    code = "programme-record-type"
    status = 422
    message = _(
        "“%(name)s” is neither text nor HTML nor PDF. Save it as one of these and send it again; a Word file "
        "can be saved as PDF."
    )


class UnreadableRecord(KouanError):
    """A file that is damaged, locked or made to be unreadable."""

    code = "programme-record-unreadable"
    status = 422
    message = _(
        "“%(name)s” cannot be read: it is damaged, locked with a password, or takes too long. Open it in its "
        "program, save it anew and send it again."
    )


class EmptyRecord(KouanError):
    """A file without text, such as a scanned page."""

    code = "programme-record-empty"
    status = 422
    message = _(
        "“%(name)s” holds no text. If it is a scanned page, have its text recognised first, then send it "
        "again."
    )


class UnknownRecord(KouanError):
    """No record with this key."""

    code = "unknown-programme-record"
    status = 404
    message = _("This record is not here. Look for it in the list of records.")


class UnknownMeeting(KouanError):
    """No meeting with this key."""

    code = "unknown-programme-meeting"
    status = 404
    message = _("This meeting is not here. Look for it in the list of meetings.")


class UnknownClaim(KouanError):
    """No claim with this key in the record."""

    code = "unknown-programme-claim"
    status = 404
    message = _("This value is no longer in the record. Look at the record again.")


class ClaimDecided(KouanError):
    """A claim that somebody has decided since the officer saw it."""

    code = "programme-claim-changed"
    status = 409
    message = _(
        "Somebody has decided this value since you opened the page. Look at what they did, then decide."
    )


class BadCorrection(KouanError):
    """A correction that its field cannot have."""

    code = "bad-programme-correction"
    status = 422
    message = _("“%(value)s” cannot stand here: %(detail)s")


class BadDictionary(KouanError):
    """A dictionary of the node's own that cannot be used."""

    code = "bad-programme-dictionary"
    status = 500
    message = _("The dictionaries of records cannot be used: %(detail)s. The operator must mend them.")


class RecordNotArrived(KouanError):
    """An upload that broke off, or is far too large."""

    code = "programme-record-not-arrived"
    status = 413
    message = _("The file did not arrive whole, or is larger than %(limit)s MB. Send it again, or less.")
