"""What this app refuses, in the reader's language."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.web.persons import level_name


class UnknownType(KouanError):
    """No type of evidence of this side."""

    code = "unknown-evidence-type"
    status = 404
    message = _("This side has no type of evidence called “%(type)s”. Look at the list of types.")


class TypeTaken(KouanError):
    """A decision of a kind that is a type of evidence of this side."""

    code = "evidence-type-taken"
    status = 409
    message = _(
        "“%(type)s” is a type of evidence of this side, and no decision may bear its name. Publish the "
        "service again with another kind of result."
    )


class IllFormedRecord(KouanError):
    """A record that does not fit its type."""

    code = "ill-formed-evidence-record"
    status = 422
    message = _("The record does not fit its type at “%(field)s”: %(detail)s Correct it and send it again.")


class BadDocumentNumber(KouanError):
    """No document number, or none that a person's document has."""

    code = "bad-evidence-document-number"
    status = 422
    message = _("This is no number of an identity document. Give it as the person's document shows it.")


class ReferenceTaken(KouanError):
    """The reference names another person's record."""

    code = "evidence-reference-taken"
    status = 409
    message = _(
        "The reference names a record of another person. Use another one, or revoke that record first."
    )


class UnknownRecord(KouanError):
    """No such record, or it is another department's."""

    code = "unknown-evidence-record"
    status = 404
    message = _("Your department has no such record. Compare its type and reference.")


class RecordCannotChange(KouanError):
    """A record that is in no state for this."""

    code = "evidence-record-cannot-change"
    status = 409
    message = _("The record is %(state)s; this cannot be done to it now.")


class OtherDepartment(KouanError):
    """A type of another department."""

    code = "other-departments-evidence"
    status = 403
    message = _("This type of evidence belongs to another department. Only that one may keep its records.")


class OfferChanged(KouanError):
    """The department has replaced the record since the person saw it."""

    code = "evidence-offer-changed"
    status = 409
    message = _(
        "The department has changed this piece of evidence since you chose it. Look at what it says now, and "
        "choose it again."
    )


class OfferGone(KouanError):
    """An offer that is not this person's, or counts no more."""

    code = "evidence-offer-gone"
    status = 404
    message = _(
        "This piece of evidence is no longer there, or it is not yours. Go back and choose again from what "
        "is shown."
    )


class EvidenceLevelTooLow(KouanError):
    """The person has not signed in surely enough."""

    code = "evidence-level-too-low"
    status = 403
    message = _(
        "To show this evidence you need to sign in at level %(needed)s or above; you are at level %(level)s. "
        "Sign in again more surely."
    )
    words: ClassVar = {"needed": level_name, "level": level_name}


class UnknownClaim(KouanError):
    """A claim that the evidence has not."""

    code = "unknown-evidence-claim"
    status = 422
    message = _("This piece of evidence has no “%(claim)s”. Choose from what is shown.")


class NothingTicked(KouanError):
    """A presentation of nothing."""

    code = "no-evidence-claims"
    status = 422
    message = _("Tick at least one thing to show, or show no evidence at all.")


class EvidenceTooLarge(KouanError):
    """A presentation that the boundary does not carry."""

    code = "evidence-too-large"
    status = 422
    message = _("This evidence is too large to be shown at once. Tick fewer things.")


class NotAHoldersKey(KouanError):
    """No public key that a credential can be bound to."""

    code = "not-a-holders-key"
    status = 422
    message = _(
        "This is no public key that a credential can be bound to. Paste a public JWK with kty EC and crv "
        "P-256, or leave it empty."
    )


class NotACredential(KouanError):
    """Text that is no credential."""

    code = "not-a-credential"
    status = 422
    message = _(
        "This is no credential. Paste the whole text, or choose the file exactly as it was given to you."
    )


class UnreadableSecret(KouanError):
    """A key or record that does not open with this node's secret."""

    code = "unreadable-evidence"
    status = 500
    message = _(
        "What is kept here was sealed under another secret of this node. Its operator must restore it."
    )


class BadEvidenceToken(KouanError):
    """A token that is unknown, ended or revoked."""

    code = "bad-evidence-token"
    status = 401
    message = _(
        "This access token does not count, or counts no more. Ask this node's operator for a new one."
    )


class BadDepartment(KouanError):
    """A department that no type of evidence belongs to."""

    code = "bad-evidence-department"
    status = 422
    message = _("No type of evidence belongs to a department “%(department)s”. The node's types name them.")


class BadFile(KouanError):
    """A file of records that cannot be read."""

    code = "bad-evidence-file"
    status = 422
    message = _("The file cannot be taken: line %(line)s, %(detail)s Nothing of it was kept.")


class FileTooLarge(KouanError):
    """A file of too many records."""

    code = "evidence-file-too-large"
    status = 413
    message = _("A file has at most %(megabytes)s MB and %(rows)s rows. Send it in parts.")


class FileNotRead(KouanError):
    """A file that broke off, or is far too large."""

    code = "evidence-file-not-read"
    status = 413
    message = _("The file did not arrive whole, or is larger than %(limit)s MB. Send it again, or less.")


class UnknownAnnouncement(KouanError):
    """What a side says of its issuer, and which cannot be."""

    code = "unknown-evidence-announcement"
    status = 422
    message = _("What was said about an issuer of evidence cannot be used: %(detail)s.")
