"""What can be said of an OFD document and its signatures, in stable codes; ``labels`` has the sentences."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final


class Status(IntEnum):
    """How a check ended; the larger one decides."""

    PASSED = 0
    INDETERMINATE = 1
    FAILED = 2


class Problem(StrEnum):
    """Why a document cannot be read at all."""

    TOO_LARGE = "ofd-too-large"
    NOT_ZIP = "ofd-not-zip"
    DAMAGED = "ofd-damaged"
    ENCRYPTED = "ofd-encrypted"
    METHOD = "ofd-packing-method"
    TOO_MANY = "ofd-too-many-parts"
    BOMB = "ofd-unpacks-too-large"
    NAME = "ofd-part-name"
    NAME_TWICE = "ofd-part-name-twice"
    MISSING = "ofd-part-missing"
    XML = "ofd-xml-malformed"
    XML_DECLARATIONS = "ofd-xml-declarations"
    XML_TOO_LARGE = "ofd-xml-too-large"
    STRUCTURE = "ofd-structure"
    PATH = "ofd-path"


class CheckName(StrEnum):
    """What is checked of a signature."""

    FORMAT = "format"
    """It can be read at all (GB/T 33190 section 18; GB/T 38540 or GB/T 35275)."""
    PARTS = "parts"
    """Each part that it refers to is here and unchanged."""
    DESCRIPTION = "description"
    """The list of those parts is the one that was signed (``dataHash``)."""
    VALUE = "value"
    """The signature verifies under the signer's key."""
    SEAL = "seal"
    """The seal is as its maker signed it."""
    SEAL_SIGNER = "seal-signer"
    """The seal names the signer among those who may use it."""
    SEAL_VALIDITY = "seal-validity"
    """The seal was valid at the time of signing."""
    CERTIFICATE = "certificate"
    """The signer's certificate was valid at the time of signing and is for signing."""
    TIME = "time"
    """It says when it was made."""
    COVERAGE = "coverage"
    """It covers all that is shown."""


class Code(StrEnum):
    """One thing that is wrong with a signature, or worth knowing."""

    SIGNATURE_UNREADABLE = "ofd-signature-unreadable"
    VALUE_MISSING = "ofd-signed-value-missing"
    VALUE_UNREADABLE = "ofd-signed-value-unreadable"
    CERTIFICATE_UNREADABLE = "ofd-certificate-unreadable"
    CERTIFICATE_MISSING = "ofd-certificate-missing"

    NO_REFERENCES = "ofd-no-references"
    PART_MISSING = "ofd-signed-part-missing"
    PART_CHANGED = "ofd-signed-part-changed"
    REFERENCE_TWICE = "ofd-reference-twice"
    LIST_CHANGED = "ofd-signature-list-changed"
    DIGEST_WEAK = "ofd-digest-weak"
    DIGEST_UNKNOWN = "ofd-digest-unknown"

    DESCRIPTION_CHANGED = "ofd-description-changed"
    SIGNED_DIGEST_WEAK = "ofd-signed-digest-weak"
    SIGNED_DIGEST_UNKNOWN = "ofd-signed-digest-unknown"
    VALUE_INVALID = "ofd-signature-invalid"
    ALGORITHM_UNKNOWN = "ofd-algorithm-unknown"
    ALGORITHM_WEAK = "ofd-algorithm-weak"
    ALGORITHMS_DIFFER = "ofd-algorithms-differ"

    SEAL_FORGED = "ofd-seal-forged"
    SEAL_UNVERIFIED = "ofd-seal-unverified"
    SEAL_SIGNER_UNLISTED = "ofd-seal-signer-unlisted"
    SEAL_LIST_UNKNOWN = "ofd-seal-list-unknown"
    SEAL_NOT_VALID_THEN = "ofd-seal-not-valid-then"
    SEAL_ENDED_SINCE = "ofd-seal-ended-since"
    """By the time that is proved, or now; it was valid at the time that the signer states."""
    SEAL_SWAPPED = "ofd-seal-swapped"
    SEAL_FILE_MISSING = "ofd-seal-file-missing"

    CERTIFICATE_NOT_VALID_THEN = "ofd-certificate-not-valid-then"
    CERTIFICATE_USE = "ofd-certificate-use"
    NO_TIME = "ofd-no-signing-time"
    TIMES_DIFFER = "ofd-signing-times-differ"

    COVERS_NO_PAGE = "ofd-covers-no-page"
    DOCUMENT_UNCOVERED = "ofd-document-uncovered"
    PAGES_UNCOVERED = "ofd-pages-uncovered"
    RESOURCES_UNCOVERED = "ofd-resources-uncovered"
    ANNOTATIONS_UNCOVERED = "ofd-annotations-uncovered"
    ATTACHMENTS_UNCOVERED = "ofd-attachments-uncovered"
    ROOT_UNCOVERED = "ofd-root-uncovered"
    OTHERS_UNCOVERED = "ofd-others-uncovered"
    LOOKALIKES_UNCOVERED = "ofd-lookalikes-uncovered"
    OTHER_DOCUMENT = "ofd-other-document"
    VERSIONS = "ofd-several-versions"
    SIGNED_LATER = "ofd-signed-again-later"
    STAMP_PAGE_UNKNOWN = "ofd-stamp-page-unknown"


class DocumentNote(StrEnum):
    """What is worth knowing of a document, whatever its signatures say."""

    UNLISTED_SIGNATURE = "ofd-signature-unlisted"
    """The files of a signature are here, and the list of signatures does not name it."""
    UNREADABLE_LIST = "ofd-signature-list-unreadable"
    EMPTY_LIST = "ofd-signature-list-empty"
    """The document says where its signatures are listed, and the list names none."""
    DANGLING = "ofd-part-named-but-missing"


HASH_FAILURE: Final = "HASH_FAILURE"
SIG_CRYPTO_FAILURE: Final = "SIG_CRYPTO_FAILURE"
FORMAT_FAILURE: Final = "FORMAT_FAILURE"
CRYPTO_CONSTRAINTS: Final = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
SIG_CONSTRAINTS: Final = "SIG_CONSTRAINTS_FAILURE"
SIGNED_DATA_NOT_FOUND: Final = "SIGNED_DATA_NOT_FOUND"
OUT_OF_BOUNDS: Final = "OUT_OF_BOUNDS_NO_POE"
NO_CERTIFICATE: Final = "NO_SIGNING_CERTIFICATE_FOUND"

_FAILED, _OPEN, _NOTE = Status.FAILED, Status.INDETERMINATE, Status.PASSED

MEANING: Final[dict[Code, tuple[Status, str]]] = {
    Code.SIGNATURE_UNREADABLE: (_FAILED, FORMAT_FAILURE),
    Code.VALUE_MISSING: (_FAILED, FORMAT_FAILURE),
    Code.VALUE_UNREADABLE: (_FAILED, FORMAT_FAILURE),
    Code.CERTIFICATE_UNREADABLE: (_FAILED, FORMAT_FAILURE),
    Code.CERTIFICATE_MISSING: (_OPEN, NO_CERTIFICATE),
    Code.NO_REFERENCES: (_FAILED, FORMAT_FAILURE),
    Code.PART_MISSING: (_FAILED, HASH_FAILURE),
    Code.PART_CHANGED: (_FAILED, HASH_FAILURE),
    Code.REFERENCE_TWICE: (_FAILED, FORMAT_FAILURE),
    Code.LIST_CHANGED: (_OPEN, SIG_CONSTRAINTS),
    Code.DIGEST_WEAK: (_OPEN, CRYPTO_CONSTRAINTS),
    Code.DIGEST_UNKNOWN: (_OPEN, CRYPTO_CONSTRAINTS),
    Code.DESCRIPTION_CHANGED: (_FAILED, HASH_FAILURE),
    Code.SIGNED_DIGEST_WEAK: (_OPEN, CRYPTO_CONSTRAINTS),
    Code.SIGNED_DIGEST_UNKNOWN: (_OPEN, CRYPTO_CONSTRAINTS),
    Code.VALUE_INVALID: (_FAILED, SIG_CRYPTO_FAILURE),
    Code.ALGORITHM_UNKNOWN: (_OPEN, CRYPTO_CONSTRAINTS),
    Code.ALGORITHM_WEAK: (_OPEN, CRYPTO_CONSTRAINTS),
    Code.ALGORITHMS_DIFFER: (_NOTE, ""),
    Code.SEAL_FORGED: (_FAILED, SIG_CRYPTO_FAILURE),
    Code.SEAL_UNVERIFIED: (_OPEN, CRYPTO_CONSTRAINTS),
    Code.SEAL_SIGNER_UNLISTED: (_FAILED, FORMAT_FAILURE),
    Code.SEAL_LIST_UNKNOWN: (_OPEN, SIG_CONSTRAINTS),
    Code.SEAL_NOT_VALID_THEN: (_OPEN, SIG_CONSTRAINTS),
    Code.SEAL_ENDED_SINCE: (_OPEN, OUT_OF_BOUNDS),
    Code.SEAL_SWAPPED: (_FAILED, FORMAT_FAILURE),
    Code.SEAL_FILE_MISSING: (_FAILED, FORMAT_FAILURE),
    Code.CERTIFICATE_NOT_VALID_THEN: (_OPEN, OUT_OF_BOUNDS),
    Code.CERTIFICATE_USE: (_OPEN, SIG_CONSTRAINTS),
    Code.NO_TIME: (_OPEN, SIG_CONSTRAINTS),
    Code.TIMES_DIFFER: (_NOTE, ""),
    Code.COVERS_NO_PAGE: (_FAILED, FORMAT_FAILURE),
    Code.DOCUMENT_UNCOVERED: (_OPEN, SIGNED_DATA_NOT_FOUND),
    Code.PAGES_UNCOVERED: (_OPEN, SIGNED_DATA_NOT_FOUND),
    Code.RESOURCES_UNCOVERED: (_OPEN, SIGNED_DATA_NOT_FOUND),
    Code.ANNOTATIONS_UNCOVERED: (_OPEN, SIGNED_DATA_NOT_FOUND),
    Code.ATTACHMENTS_UNCOVERED: (_NOTE, ""),
    Code.ROOT_UNCOVERED: (_NOTE, ""),
    Code.OTHERS_UNCOVERED: (_NOTE, ""),
    Code.LOOKALIKES_UNCOVERED: (_OPEN, SIGNED_DATA_NOT_FOUND),
    Code.OTHER_DOCUMENT: (_OPEN, SIGNED_DATA_NOT_FOUND),
    Code.VERSIONS: (_OPEN, SIGNED_DATA_NOT_FOUND),
    Code.SIGNED_LATER: (_NOTE, ""),
    Code.STAMP_PAGE_UNKNOWN: (_NOTE, ""),
}
"""How bad each is, and the sub-indication of EN 319 102-1 table 6 that fits; a note has none.

A break of what GB/T 38540 section 7 asks of seals fails as a signature that does not conform to its standard.
What rests on the signer's own claim of the time is indeterminate: the claim may be wrong.
"""
