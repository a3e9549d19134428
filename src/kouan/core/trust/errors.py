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


class KeyCompromised(KouanError):
    """A key that its side has reported compromised: nothing that it signs is believed any more."""

    code = "key-compromised"
    status = 403
    message = _(
        "The key %(kid)s of %(side)s was reported compromised at %(at)s (since %(since)s); nothing that it "
        "signs counts any more."
    )


class BadSignature(KouanError):
    """A signature that does not verify."""

    code = "bad-signature"
    status = 403
    message = _("The signature does not verify: the content was changed or signed with another key.")


class SecondSignatureMissing(KouanError):
    """Something that a side signed once although its trust document promises two signatures."""

    code = "second-signature-missing"
    status = 403
    message = _(
        "The trust document of %(side)s promises a second signature, by SM2, beside the first. "
        "It is missing here."
    )


class StillAskedFor(KouanError):
    """Ending the second signature of a side whose settings ask for it."""

    code = "second-signature-asked-for"
    status = 409
    message = _(
        "`second_signature` in node.toml asks for signatures by SM2. Take that line out, restart the node, "
        "and give the command again."
    )


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


class NotTheirs(KouanError):
    """A key set that was sent by another side than the one it is about."""

    code = "not-their-keys"
    status = 403
    message = _("%(sender)s sent the keys of %(side)s; each side only speaks of its own.")


class NoContinuity(KouanError):
    """A new key that no key known before vouches for."""

    code = "no-continuity"
    status = 403
    message = _(
        "The new %(use)s key of %(side)s is not signed by the key before it. Compare fingerprints with "
        "%(side)s, then import its document by hand."
    )


class MalformedKeySet(KouanError):
    """A statement about keys, or an answer to one, of another shape."""

    code = "malformed-key-set"
    message = _("This is not a sound statement about keys: %(detail)s.")


class NothingHeld(KouanError):
    """No document of the side waits for an operator."""

    code = "nothing-held"
    status = 404
    message = _("No new anchor of %(side)s waits to be confirmed.")


class NoSuchOwnKey(KouanError):
    """A key id that no key of this side begins with, or that several begin with."""

    code = "no-such-own-key"
    status = 404
    message = _("This side has no %(use)s key %(kid)s. `kouan trust status` lists them with their ids.")


class AlreadyReported(KouanError):
    """A key that was reported compromised before."""

    code = "already-reported"
    status = 409
    message = _("The key %(kid)s was reported compromised before. What was reported stays as it is.")


class UnsoundReport(KouanError):
    """A report with an impossible time or a reason that cannot be carried."""

    code = "unsound-report"
    message = _(
        "Give a time that has passed and a reason of 1 to %(longest)s printable characters (%(detail)s)."
    )


class TokenUnusable(KouanError):
    """A hardware token that cannot be reached, opened or asked for what is needed."""

    code = "token-unusable"
    status = 500
    message = _("The token %(label)s cannot be used: %(detail)s.")


class Sm2Unavailable(KouanError):
    """SM2 is asked for on a machine where no OpenSSL 3 with SM2 can be loaded."""

    code = "no-sm2"
    status = 500
    message = _(
        "SM2 needs OpenSSL 3 as a shared library (libcrypto), which cannot be loaded here (%(detail)s). "
        "Install it, or run the node with a Python that links it."
    )
