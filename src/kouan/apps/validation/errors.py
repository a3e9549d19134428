"""Every error that this app may show to a person or to a program."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class ValidationError(KouanError):
    """Base of this app's errors."""

    code = "validation-error"
    message = _("The document could not be handled.")


# References


class NotAReference(ValidationError):
    """A text that is not a document's reference."""

    code = "not-a-reference"
    status = 422
    message = _(
        "This is not a document reference. A reference looks like HK-7Q3F-8K2M-4T9R-XW0C-5BPN; "
        "type all of it, as it is printed."
    )


class MistypedReference(NotAReference):
    """A reference whose check character does not fit."""

    code = "mistyped-reference"
    message = _("One or more characters of the reference are wrong. Compare it with what is printed.")


class DifferentReference(ValidationError):
    """The typed reference is not the one that the file carries."""

    code = "different-reference"
    status = 422
    message = _(
        "The file carries the reference %(carried)s, but you typed another one. Leave the field empty."
    )


# Uploads


class NoFile(ValidationError):
    """No file came with the form."""

    code = "no-file"
    status = 422
    message = _("Choose the file first.")


class EmptyFile(ValidationError):
    """A file of 0 bytes."""

    code = "empty-file"
    status = 422
    message = _("The file is empty (0 bytes). It may not have been saved or copied completely.")


class UploadTooLarge(ValidationError):
    """A file above the limit; refused while it arrives."""

    code = "upload-too-large"
    status = 413
    message = _("The file is larger than %(limit)s MB, the most that this service takes.")


class UploadTruncated(ValidationError):
    """The connection ended before the whole file was here."""

    code = "upload-truncated"
    message = _("The upload stopped before the whole file was here. Nothing was kept; send it again.")


# Marks


class NoMark(ValidationError):
    """A file in which no issuer's mark is found."""

    code = "no-mark"
    status = 422
    message = _(
        "This file carries neither an issuing institution's mark nor a signature. Most often it was "
        "printed, scanned, or saved "
        "again by another program. Ask the owner for the file exactly as the institution gave it."
    )


class NoSignatureApart(ValidationError):
    """A file that was given as the signature of another, and holds none."""

    code = "no-signature-apart"
    status = 422
    message = _(
        "This file holds no electronic signature. Choose the document above, and here the file in which its "
        "signature came, such as one that ends in .p7s, .sig or .xml. If you were given one file alone, "
        "leave this empty."
    )


class DamagedFile(ValidationError):
    """A file to be validated that no institution can have given so: its JSON or its mark cannot be read."""

    code = "damaged-file"
    status = 422
    message = _("This file was changed or damaged. Ask its owner for the file as it was given.")


class AlreadyMarked(ValidationError):
    """A file to be registered that is a carried file already."""

    code = "already-marked"
    status = 409
    message = _(
        "This file already carries the mark of %(reference)s. Register the original document instead."
    )


class UnusableJSON(ValidationError):
    """Base: a JSON document that has no single canonical form (RFC 8785) or breaks I-JSON (RFC 7493)."""

    code = "unusable-json"
    status = 422
    message = _("The JSON document cannot be used.")


class NotJSON(UnusableJSON):
    """Text that begins like a JSON object and is none."""

    code = "not-json"
    message = _(
        "The file begins like JSON but is not valid: line %(line)s, column %(column)s. Correct it, or carry "
        "the file as a package."
    )


class NotUTF8JSON(UnusableJSON):
    """Not UTF-8, or with a byte-order mark (RFC 8259 section 8.1)."""

    code = "json-not-utf-8"
    message = _(
        "The JSON document is not plain UTF-8 (byte %(offset)s; a byte-order mark also counts). Save it as "
        "UTF-8 without a byte-order mark."
    )


class JSONTooLarge(UnusableJSON):
    """A JSON document above the limit for its canonical form."""

    code = "json-too-large"
    status = 413
    message = _("A JSON document may have up to %(limit)s MB. Carry a larger one as a package.")


class JSONTooManyParts(UnusableJSON):
    """A JSON document with so many members and items that reading it would fill the memory."""

    code = "json-too-many-parts"
    status = 413
    message = _("The JSON document has more than %(limit)s members and items. Carry it as a package.")


class JSONTooDeep(UnusableJSON):
    """Objects and arrays inside each other beyond the limit."""

    code = "json-too-deep"
    message = _("The JSON document is nested more than %(limit)s levels deep. Make it flatter.")


class DuplicateMember(UnusableJSON):
    """One object with the same member twice (RFC 7493 section 2.3)."""

    code = "json-duplicate-member"
    message = _(
        "%(path)s stands twice in the same object, so the document has two meanings. Keep one of them."
    )


class NotNormalised(UnusableJSON):
    """Text that is not in Unicode normalisation form C."""

    code = "json-not-nfc"
    message = _(
        "The text at %(path)s is not in Unicode form NFC: it looks right, but its bytes differ from the "
        "usual ones. Save the document with NFC text."
    )


class ForbiddenCharacter(UnusableJSON):
    """A lone surrogate or a noncharacter (RFC 7493 section 2.1)."""

    code = "json-forbidden-character"
    message = _("The text at %(path)s holds a code point that is no character. Remove it.")


class NumberOutOfRange(UnusableJSON):
    """A number that IEEE 754 double precision does not hold exactly (RFC 7493 section 2.2)."""

    code = "json-number"
    message = _(
        "The number at %(path)s has more digits than every program keeps. Write it as text, in "
        "quotation marks."
    )


class ReservedMember(UnusableJSON):
    """The document has a top-level member of the mark's own name."""

    code = "json-reserved-member"
    status = 409
    message = _("The document already has a member “kouan”, the place of the mark. Rename it.")


class UnusablePDF(ValidationError):
    """A PDF to which no mark can be added."""

    code = "unusable-pdf"
    status = 422
    message = _("The mark cannot be added to this PDF: its structure is damaged. Carry it as a package.")


class EncryptedPDF(UnusablePDF):
    """A PDF with a password or rights protection."""

    code = "encrypted-pdf"
    message = _(
        "The mark cannot be added to an encrypted PDF. Carry it as a package, or remove the protection."
    )


# Registration and revocation


class AlreadyRegistered(ValidationError):
    """A reference that is on the register."""

    code = "already-registered"
    status = 409
    message = _("The document %(reference)s is registered already.")


class UnknownInstitution(ValidationError):
    """No institution of that code."""

    code = "unknown-institution"
    status = 404
    message = _("There is no institution “%(code)s” on this node.")


class InstitutionExists(ValidationError):
    """The code is taken."""

    code = "institution-exists"
    status = 409
    message = _("There is already an institution “%(code)s”.")


class BadInstitutionCode(ValidationError):
    """A code with other characters."""

    code = "bad-institution-code"
    message = _(
        "An institution's code has 2 to 40 of the characters a–z, 0–9 and -, and begins with a letter."
    )


class NotAMember(ValidationError):
    """The officer belongs to no institution, or not to that one."""

    code = "not-a-member"
    status = 403
    message = _("Your account does not belong to an issuing institution. Ask the node's operator to add it.")


class ExpiryInThePast(ValidationError):
    """An expiry date before the day of issue."""

    code = "expiry-in-the-past"
    status = 422
    message = _("The expiry date must be today or later.")


class UnknownDocument(ValidationError):
    """No document of that reference that this institution registered."""

    code = "unknown-document"
    status = 404
    message = _("Your institution has registered no document with the reference %(reference)s.")


class AlreadyRevoked(ValidationError):
    """The document was revoked before."""

    code = "already-revoked"
    status = 409
    message = _("The document %(reference)s was already revoked on %(on)s. The first revocation stands.")


class CarriedFileGone(ValidationError):
    """The carried file is no longer held, or this browser does not hold its key."""

    code = "carried-file-gone"
    status = 410
    message = _(
        "The carried file is no longer here: it is kept for %(minutes)s minutes, for the browser that "
        "registered it alone. If nobody has the file, revoke this registration as issued in error "
        "and register again."
    )


# Validation


class UnknownSide(ValidationError):
    """The mark names a side with which this node has no connection."""

    code = "unknown-side"
    status = 422
    message = _("The document was issued by “%(side)s”, a side with which this node has no connection.")


class UnknownValidation(ValidationError):
    """No validation at this address."""

    code = "unknown-validation"
    status = 404
    message = _("There is no validation at this address. Check the address, or validate the file again.")


class NothingCrossed(ValidationError):
    """A validation that was answered here has no evidence of a crossing."""

    code = "nothing-crossed"
    status = 409
    message = _(
        "The document was issued on this side, so nothing crossed and there is no evidence to download."
    )


class NotYetAnswered(ValidationError):
    """The evidence is asked for before the answer is here."""

    code = "not-yet-answered"
    status = 409
    message = _("The other side has not answered yet. Come back when the answer is here.")


class QuestionAsked(ValidationError):
    """A question that was answered before, in the same conversation."""

    code = "question-asked-before"
    status = 409
    message = _("This question was answered before. Ask anew: each question has a conversation of its own.")


class UnexpectedAnswer(ValidationError):
    """An answer from the other side to nothing that was asked of it."""

    code = "unexpected-answer"
    status = 422
    message = _("The answer does not belong to a question that this side asked of the sender.")


class BadToken(ValidationError):
    """An access token that is unknown, expired or revoked."""

    code = "bad-token"
    status = 401
    message = _("The access token is missing, unknown, expired or revoked.")


class BadRequest(ValidationError):
    """A request to the API that has not the form that its description asks for."""

    code = "bad-request"
    status = 422
    message = _("%(field)s: %(detail)s")
