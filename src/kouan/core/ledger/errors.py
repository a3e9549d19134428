"""What can be wrong with a ledger's evidence, each with a sentence that a person can act on."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class MalformedNoteError(KouanError):
    """Bytes that are not a signed note (C2SP signed-note), or a note beyond the limits."""

    code = "malformed-note"
    message = _("The signed note is malformed: %(detail)s. Ask its sender for the original, byte for byte.")


class MalformedVerifierKeyError(KouanError):
    """Text that is not a verifier key of a supported type (C2SP signed-note, "Verifier keys")."""

    code = "malformed-verifier-key"
    message = _("The verifier key is malformed: %(detail)s. Copy it again from the side that published it.")


class UntrustedNoteError(KouanError):
    """A well-formed note that none of the expected keys has signed."""

    code = "untrusted-note"
    status = 403
    message = _("The note carries no signature of %(expected)s. It must not be relied on.")


class NoteSignatureError(KouanError):
    """A signature line that names a known key, but does not verify."""

    code = "note-signature-invalid"
    status = 403
    message = _("The signature of %(name)s does not match the note. The note was changed after signing.")


class MalformedCheckpointError(KouanError):
    """A note text that is not a checkpoint (C2SP tlog-checkpoint)."""

    code = "malformed-checkpoint"
    message = _("The checkpoint is malformed: %(detail)s. Ask the ledger's side for the original.")


class MalformedProofError(KouanError):
    """Bytes that are not a proof (C2SP tlog-proof)."""

    code = "malformed-ledger-proof"
    message = _("The ledger proof is malformed: %(detail)s. Ask its sender for the original, byte for byte.")


class MalformedWitnessRequestError(KouanError):
    """Bytes that are not an ``add-checkpoint`` request (C2SP tlog-witness)."""

    code = "malformed-witness-request"
    message = _("The request to co-sign is malformed: %(detail)s.")


class ProofError(KouanError):
    """A Merkle proof that does not lead from what is claimed to the root (RFC 9162 section 2.1)."""

    code = "ledger-proof-invalid"
    status = 422
    message = _("The proof does not hold: %(detail)s. The entry, the proof or the root was changed.")


class WrongLogError(KouanError):
    """A checkpoint of another ledger than the one expected."""

    code = "wrong-ledger"
    status = 422
    message = _("The checkpoint belongs to the ledger %(origin)s, but %(expected)s was expected.")


class NotCosignedError(KouanError):
    """A checkpoint with fewer cosignatures of known witnesses than are required."""

    code = "checkpoint-not-cosigned"
    status = 422
    message = _(
        "The checkpoint has %(found)s of the %(required)s cosignatures required. "
        "Until the other side has co-signed it, it is not final."
    )


class EntryMissingError(KouanError):
    """An index at which the ledger has no entry."""

    code = "ledger-entry-missing"
    status = 404
    message = _("The ledger has no entry number %(index)s; it holds %(size)s.")


class LedgerRangeError(KouanError):
    """A size or a range that the ledger cannot prove."""

    code = "ledger-range"
    status = 404
    message = _("The ledger has no proof for %(asked)s; it holds %(size)s entries.")
