"""Every error that a file of many rows, or a row of it, may show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from kouan.apps.validation.errors import (
    AlreadyRevoked,
    DifferentReference,
    DuplicateMember,
    ExpiryInThePast,
    ForbiddenCharacter,
    JSONTooDeep,
    JSONTooLarge,
    JSONTooManyParts,
    MistypedReference,
    NotAReference,
    NotJSON,
    NotNormalised,
    NotUTF8JSON,
    NumberOutOfRange,
    UnknownDocument,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.core.errors import KouanError


class BulkError(ValidationError):
    """Base: a file of many rows, or one row of it, that cannot be taken."""

    code = "bulk-error"
    status = 422
    message = _("The file cannot be taken.")


class BulkTooLarge(BulkError):
    """A file above the limit."""

    code = "bulk-too-large"
    status = 413
    message = _("The file is larger than %(limit)s MB, the most that is taken at once. Divide it.")


class NoRoomForBulk(BulkError):
    """The disk is nearly full."""

    code = "no-room-for-bulk"
    status = 503
    message = _("This node has no room for the file at the moment. Tell its operator, and try again later.")


class TooManyJobs(BulkError):
    """As many files of the institution wait as may wait."""

    code = "too-many-jobs"
    status = 429
    retry_after = 60
    message = _(
        "%(limit)s files of your institution are waiting already. Come back when one of them has ended."
    )


class UnknownJob(BulkError):
    """No job of that id at this institution."""

    code = "unknown-job"
    status = 404
    message = _("Your institution has sent no file under this address.")


class NoRows(BulkError):
    """A file without a line of names."""

    code = "no-rows"
    message = _("The file has no rows. Its first line must name the columns.")


class MissingColumn(BulkError):
    """The line of names lacks a column."""

    code = "missing-column"
    message = _(
        "The first line of the file does not name the column “%(column)s”. The columns are %(columns)s, "
        "separated by commas."
    )


class UnknownColumn(BulkError):
    """The line of names has a column that means nothing."""

    code = "unknown-column"
    message = _("The column “%(column)s” is unknown. Remove it, or correct its name: %(columns)s.")


class RepeatedColumn(BulkError):
    """The line of names has a column twice."""

    code = "repeated-column"
    message = _("The column “%(column)s” stands twice in the first line. Keep one.")


class RowTooLong(BulkError):
    """A row above the limit; what follows it is not read."""

    code = "row-too-long"
    message = _(
        "The row is longer than %(limit)s KB, so the file is not read on from here. Shorten it, or give the "
        "fingerprint instead of the content."
    )


class UnclosedQuotes(BulkError):
    """A quotation mark without its second one; what follows is not read."""

    code = "unclosed-quotes"
    message = _("A quotation mark is opened here and not closed, so the file is not read on from here.")


class UnreadableFile(BulkError):
    """A file that was altered on this node's disk, or is there no more."""

    code = "file-unreadable"
    status = 500
    message = _(
        "This node can no longer read the file from this line on. Tell its operator, and send the file "
        "again: rows that were taken already are no news."
    )


class BadQuotes(BulkError):
    """Quotation marks in the wrong places."""

    code = "bad-quotes"
    message = _(
        "Quotation marks stand in the wrong places: put the whole field between two of them, and write each "
        "one inside it twice."
    )


class NotUTF8Row(BulkError):
    """A row that is not UTF-8."""

    code = "row-not-utf-8"
    message = _("The row is not UTF-8. Save the file again as “CSV UTF-8”.")


class WrongNumberOfFields(BulkError):
    """Another number of fields than there are columns."""

    code = "wrong-number-of-fields"
    message = _("The row has %(found)s fields and the first line names %(expected)s. Look at its commas.")


class MissingValue(BulkError):
    """An empty field that must hold something."""

    code = "missing-value"
    message = _("The field is empty. Fill it in.")


class NotOneOf(BulkError):
    """A value that is none of those that there are."""

    code = "not-one-of"
    message = _("The value must be one of: %(allowed)s.")


class BadFingerprint(BulkError):
    """A fingerprint that is not 64 hexadecimal digits."""

    code = "bad-fingerprint"
    message = _("A fingerprint is written as 64 hexadecimal digits (0–9, a–f).")


class BadDate(BulkError):
    """A date in another form, or none."""

    code = "bad-date"
    message = _("Write the date as year-month-day, for example 2027-12-31.")


class IssuedInTheFuture(BulkError):
    """A day of issue after today."""

    code = "issued-in-the-future"
    message = _("The day of issue must be today or earlier.")


class FingerprintOrContent(BulkError):
    """Both, or neither, of fingerprint and content."""

    code = "fingerprint-or-content"
    message = _("Give either the fingerprint or the content, one of the two.")


class UnmarkedContent(BulkError):
    """Content without a mark, whose fingerprint could be guessed."""

    code = "unmarked-content"
    message = _(
        "The content carries no mark, so nobody could validate it. Put one in with kouan institution mark, "
        "and hand the marked file to the owner."
    )


class OtherMark(BulkError):
    """Content whose mark is another document's or another institution's."""

    code = "other-mark"
    message = _(
        "The mark in the content is that of %(reference)s, or names another institution. Reference and mark "
        "must belong together."
    )


class OtherSide(BulkError):
    """A reference of another side."""

    code = "other-side"
    message = _("The reference belongs to another side. References of this side begin with %(side)s-.")


class OtherFingerprint(BulkError):
    """A reference that is taken, with another fingerprint."""

    code = "other-fingerprint"
    status = 409
    message = _(
        "The reference %(reference)s is registered already, with another fingerprint. A document that was "
        "changed needs a reference of its own."
    )


class LaterExpiry(BulkError):
    """A last day of validity after the one on the register."""

    code = "later-expiry"
    message = _("The document %(reference)s is valid through %(until)s. It can only be made to end earlier.")


ROW_ERRORS: Final[Mapping[str, type[KouanError]]] = {
    error.code: error
    for error in (
        AlreadyRevoked, BadDate, BadFingerprint, BadQuotes, DifferentReference, DuplicateMember,
        ExpiryInThePast, FingerprintOrContent, ForbiddenCharacter, IssuedInTheFuture, JSONTooDeep,
        JSONTooLarge, JSONTooManyParts, LaterExpiry, MissingValue, MistypedReference, NotAReference, NotJSON,
        NotNormalised, NotOneOf, NotUTF8JSON, NotUTF8Row, NumberOutOfRange, OtherFingerprint, OtherMark,
        OtherSide, RowTooLong, UnclosedQuotes, UnknownDocument, UnmarkedContent, UnreadableFile,
        WrongNumberOfFields,
    )
}  # fmt: skip
"""What may be wrong with a row, by code: so a problem is put into words when it is read."""
