"""What can be wrong with keys, signatures, sealed bytes and trust documents."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class UnknownSuite(KouanError):
    """A suite id that this node does not implement."""

    code = "unknown-suite"
    message = _("The cryptographic suite %(suite)s is not known here.")


class NoCommonSuite(KouanError):
    """Two sides without one suite in common."""

    code = "no-common-suite"
    message = _("This node and %(side)s have no cryptographic suite in common.")


class KeyStoreExists(KouanError):
    """Keys are never written over."""

    code = "key-store-exists"
    message = _("%(path)s is not empty. Keys are never overwritten: move the old folder away first.")


class UnsafeKeyFile(KouanError):
    """A key file or folder that others may read, or that belongs to somebody else."""

    code = "unsafe-key-file"
    status = 500
    message = _("%(path)s is not private to this node's user (%(detail)s). Run: %(command)s")


class KeyStoreDamaged(KouanError):
    """A key file or the key store's list that is missing, unreadable or not what it should be."""

    code = "key-store-damaged"
    status = 500
    message = _("The key store cannot be used: %(path)s: %(detail)s.")


class NoUsableKey(KouanError):
    """No key for a use is valid at the time; made anew by rotating."""

    code = "no-usable-key"
    status = 500
    message = _("%(side)s has no valid key to %(use)s at this time.")


class MalformedSignature(KouanError):
    """Bytes that are not a COSE_Sign1 of the shape that Kouan writes."""

    code = "malformed-signature"
    message = _("The signed bytes do not have the expected shape (RFC 9052 section 4.2): %(detail)s.")


class UnknownKey(KouanError):
    """A key id that the trust document of the side does not list for this use."""

    code = "unknown-key"
    status = 403
    message = _("The key %(kid)s is not in the trust document of %(side)s.")


class KeyNotValid(KouanError):
    """A listed key, used before or after its time."""

    code = "key-not-valid"
    status = 403
    message = _("The key %(kid)s of %(side)s is not valid at that time (valid from %(since)s to %(until)s).")


class BadSignature(KouanError):
    """A signature that does not verify."""

    code = "bad-signature"
    status = 403
    message = _("The signature does not verify: the content was changed or signed with another key.")


class CannotOpen(KouanError):
    """Sealed bytes that were changed, or that were sealed to another key or for another place."""

    code = "cannot-open"
    message = _("The sealed content cannot be opened: it was changed or sealed to another key.")


class MalformedDocument(KouanError):
    """A trust document whose content does not have the shape of ``kouan-trust/1``."""

    code = "malformed-trust-document"
    message = _("This is not a valid trust document: %(detail)s.")


class FingerprintNeeded(KouanError):
    """A first import without the fingerprint that was compared out of band."""

    code = "fingerprint-needed"
    message = _(
        "This is the first trust document of %(side)s. Compare its fingerprint %(fingerprint)s with the one "
        "that %(side)s tells you by another way, and import again with that fingerprint."
    )


class FingerprintMismatch(KouanError):
    """The document's fingerprint is not the one that was expected."""

    code = "fingerprint-mismatch"
    message = _("The fingerprint is %(fingerprint)s, not the expected one. Do not trust this document.")


class AnchorChanged(KouanError):
    """A known side's document under another anchor."""

    code = "anchor-changed"
    status = 409
    message = _(
        "%(side)s is known under the fingerprint %(known)s; this document has %(fingerprint)s. "
        "Only import it after %(side)s has confirmed the change, and say that the anchor is replaced."
    )


class StaleDocument(KouanError):
    """A document with a lower serial than the one in use."""

    code = "stale-trust-document"
    status = 409
    message = _("The document has the serial %(serial)s; %(known)s is in use. Ask %(side)s for the newest.")


class ConflictingDocument(KouanError):
    """Another document under the serial in use: its issuer signed two."""

    code = "conflicting-trust-document"
    status = 409
    message = _(
        "%(side)s signed two different documents with the serial %(serial)s. Ask %(side)s which one holds."
    )


class OwnSide(KouanError):
    """A side does not import itself."""

    code = "own-side"
    message = _("This trust document belongs to this node's own side, %(side)s.")


class UnknownMember(KouanError):
    """A side whose trust document was never imported."""

    code = "unknown-member"
    status = 404
    message = _("No trust document of %(side)s was imported. Run: kouan trust import FILE --fingerprint HEX")
