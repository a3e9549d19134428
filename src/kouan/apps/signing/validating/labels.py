"""The words for what a report says, for people. Every code that a report may hold has a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kouan.apps.signing.lists.domain import Reason as ListReason
from kouan.apps.signing.lists.labels import TYPES
from kouan.apps.signing.ofd import labels as ofd
from kouan.apps.signing.validating.recognising import NOT_ASKED, OVERDUE, SEAL_OF_ANOTHER
from kouan.apps.signing.validating.report import SubIndication, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from django.utils.functional import _StrOrPromise

    from kouan.apps.signing.lists.domain import CertificateType
    from kouan.apps.signing.validating.report import FileReport, Signature

VERDICTS: Final[Mapping[Verdict, _StrOrPromise]] = {
    Verdict.TOTAL_PASSED: _("The signature is valid"),
    Verdict.INDETERMINATE: _("It cannot be said whether the signature is valid"),
    Verdict.TOTAL_FAILED: _("The signature is not valid"),
}
_STAMPS: Final[Mapping[Verdict, _StrOrPromise]] = {
    Verdict.TOTAL_PASSED: _("The time-stamp holds"),
    Verdict.INDETERMINATE: _("It cannot be said whether the time-stamp holds"),
    Verdict.TOTAL_FAILED: _("The time-stamp does not hold"),
}
MEANINGS: Final[Mapping[Verdict, _StrOrPromise]] = {
    Verdict.TOTAL_PASSED: _(
        "What was signed is unchanged, the signer's certificate leads to a certification authority on "
        "the lists, "
        "and it was not revoked."
    ),
    Verdict.INDETERMINATE: _(
        "Nothing shows that it is false, but something is missing or out of date. Do not rely on it as it is."
    ),
    Verdict.TOTAL_FAILED: _(
        "The document or the signature was changed, or the signature was never good. Do not rely on it."
    ),
}
SIGNS: Final[Mapping[Verdict, str]] = {
    Verdict.TOTAL_PASSED: "match",
    Verdict.INDETERMINATE: "unknown",
    Verdict.TOTAL_FAILED: "mismatch",
}
FORMATS: Final[Mapping[str, str]] = {"pdf": "PDF", "cms": "CMS", "xml": "XML", "jws": "JWS", "ofd": "OFD"}
KINDS: Final[Mapping[str, _StrOrPromise]] = {
    "signature": _("Signature"), "seal": _("Electronic seal"), "timestamp": _("Time-stamp of the document"),
}  # fmt: skip
LEVELS: Final[Mapping[str, _StrOrPromise]] = {
    "B-B": _("Basic (B-B)"),
    "B-T": _("With a time-stamp (B-T)"),
    "B-LT": _("With a time-stamp and the data to check it by (B-LT)"),
    "B-LTA": _("For archives (B-LTA)"),
}
TIME_SOURCES: Final[Mapping[str, _StrOrPromise]] = {
    "archive": _("shown by a time-stamp of the document"),
    "timestamp": _("shown by a time-stamp of the signature"),
    "now": _("no time-stamp shows when; judged as of the validation"),
}
UNCOVERED: Final[Mapping[str, _StrOrPromise]] = {
    "later-changes": _("The file was changed after this signature. What you see may not be what was signed."),
    "later-form-data": _(
        "After this signature, form fields were filled in or further signatures were added."
    ),
    "later-archival": _("After this signature, only data for long-term archiving was added."),
    "other-parts": _("The file has parts that this signature does not cover:"),
    "unsigned-elements": _("The document has elements that this signature does not cover:"),
}
_SUBS: Final[Mapping[SubIndication, _StrOrPromise]] = {
    SubIndication.FORMAT_FAILURE: _("The signature is not built as its format asks."),
    SubIndication.HASH_FAILURE: _("The document was changed after it was signed."),
    SubIndication.SIG_CRYPTO_FAILURE: _(
        "The signature was not made with the key of the certificate that it names."
    ),
    SubIndication.REVOKED: _("The signer's certificate had been revoked when the document was signed."),
    SubIndication.EXPIRED: _("The signer's certificate had expired when the document was signed."),
    SubIndication.NOT_YET_VALID: _(
        "The signer's certificate was not valid yet when the document was signed."
    ),
    SubIndication.SIG_CONSTRAINTS_FAILURE: _(
        "The signature does not meet the conditions of this validation."
    ),
    SubIndication.CHAIN_CONSTRAINTS_FAILURE: _(
        "The signer's certificate may not be used for signatures like this one."
    ),
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE: _(
        "The way from the signer's certificate to its certification authority does not hold, or what is "
        "known of "
        "revoked certificates does not suffice."
    ),
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE: _(
        "The signature uses an algorithm or a key that is no longer safe."
    ),
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: _(
        "The signature uses an algorithm that is not accepted, and nothing shows that it was made while "
        "it was."
    ),
    SubIndication.POLICY_PROCESSING_ERROR: _("The policy of the signature cannot be read."),
    SubIndication.SIGNATURE_POLICY_NOT_AVAILABLE: _("The policy of the signature is not here."),
    SubIndication.TIMESTAMP_ORDER_FAILURE: _("The time-stamps contradict each other."),
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND: _("The signature does not bring the signer's certificate."),
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: _(
        "The signer's certificate leads to no certification authority on the lists of either side."
    ),
    SubIndication.REVOKED_NO_POE: _(
        "The signer's certificate is revoked, and nothing shows that the document was signed before that."
    ),
    SubIndication.REVOKED_CA_NO_POE: _(
        "The certificate of a certification authority is revoked, and nothing shows that the document "
        "was signed "
        "before that."
    ),
    SubIndication.OUT_OF_BOUNDS_NO_POE: _(
        "The signer's certificate has expired, and nothing shows that the document was signed before that."
    ),
    SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE: _(
        "What is known of revoked certificates is itself out of date."
    ),
    SubIndication.OUT_OF_BOUNDS_NOT_REVOKED: _("The signer's certificate has expired; it was not revoked."),
    SubIndication.NO_POE: _("Nothing shows that the signature existed while its certificates were good."),
    SubIndication.TRY_LATER: _(
        "What is known of revoked certificates is too old to say. Try again once newer data is here."
    ),
    SubIndication.SIGNED_DATA_NOT_FOUND: _("What was signed is not in this file, or cannot be read."),
    SubIndication.GENERIC: _("The signature cannot be judged here."),
}
SUBS: Final[Mapping[str, _StrOrPromise]] = {
    key.value.lower().replace("_", "-"): value for key, value in _SUBS.items()
}
RECOGNITION: Final[Mapping[str, _StrOrPromise]] = {
    ListReason.RECOGNISED.value: _("The lists of the two sides recognise certificates of this kind."),
    ListReason.NO_LIST.value: _("There is no list of either side on this node yet."),
    ListReason.UNKNOWN_ROOT.value: _("The root certification authority is on the list of neither side."),
    ListReason.UNKNOWN_ISSUING_CA.value: _(
        "The root is listed, but not the authority that issued this certificate."
    ),
    ListReason.OTHER_TYPE.value: _("The authority is listed for another type of certificate."),
    ListReason.NO_POLICY.value: _("The certificate was not issued under the policy for mutual recognition."),
    ListReason.NOT_YET.value: _("The authority was not recognised yet at that time."),
    ListReason.ENDED.value: _("The recognition of the authority had ended by that time."),
    ListReason.WITHDRAWN.value: _("The recognition of the authority had been withdrawn by that time."),
    ListReason.SUPERSEDED.value: _(
        "The certificate was issued after its authority had been replaced by another."
    ),
    ListReason.ISSUED_WHEN.value: _(
        "Another CA has taken the place of the one that issued it, and it was not said when it was issued."
    ),
    SEAL_OF_ANOTHER: _(
        "The seal does not bear the name of who holds the certificate that it was put on with. The lists "
        "recognise the holder, not the seal."
    ),
    NOT_ASKED: _("The lists were not asked, since the signature itself could not be confirmed."),
    OVERDUE: _("The list that recognises it should have been renewed by now, so it no longer counts."),
}
_OWN: Final[Mapping[str, _StrOrPromise]] = {
    "no-signature": _("The file carries no signature."),
    "unknown-format": _("The file is of no kind in which signatures are read here."),
    "encrypted": _("The file is protected by a password or for certain readers, so it cannot be read."),
    "malformed-pdf": _("The PDF file is damaged."),
    "malformed-cms": _("The file begins like a CMS signature and is damaged."),
    "malformed-xml": _("The XML document is not well-formed."),
    "malformed-jws": _("The file begins like a JSON Web Signature and is damaged."),
    "xml-with-dtd": _(
        "The XML document declares a document type, which is not read: it could mean something else "
        "elsewhere."
    ),
    "not-signed-data": _("The CMS file holds something else than a signature."),
    "too-large": _("The file is larger than what is read of this format."),
    "too-complex": _("The file is built in a way that would take too much to read."),
    "took-too-long": _("Reading the file took longer than is allowed."),
    "not-validated": _("The file could not be validated this time. Try again."),
    "malformed-signature": _("The signature is damaged."),
    "malformed-certificate": _("The certificate in the signature is damaged."),
    "malformed-base64": _("A value in the signature is damaged."),
    "malformed-time-stamp": _("A time-stamp of the signature is damaged."),
    "gap-in-signed-bytes": _("The signature leaves out bytes of the file that no signature may leave out."),
    "changed-after-signing": _(
        "The document was changed after it was signed in a way that the signer did not allow."
    ),
    "form-value-changed": _(
        "A field of the form that was filled in when it was signed was given another value or look since."
    ),
    "not-all-signed": _(
        "The document says more than what was signed, so what it shows may not be what was signed."
    ),
    "changed-since-signing": _("A signed part was changed after it was signed."),
    "no-signing-certificate": _("There is no certificate of the signer in the file."),
    "several-signing-certificates": _(
        "Several certificates in the file bear the name by which the signature calls its signer, so it is "
        "open whose it is."
    ),
    "other-signing-certificate": _("The certificate in the file is not the one that the signature names."),
    "signature-does-not-hold": _("The signature does not fit the certificate's key and what was signed."),
    "signed-data-elsewhere": _("What was signed is not in this file."),
    "nothing-but-itself-signed": _("The signature covers its own properties and nothing of the document."),
    "seal-made-by-its-signer": _(
        "Who put this seal on made it themselves: its picture may show anything. Go by the name."
    ),
    "seal-maker": _("The seal was made by %(part)s. Nobody else vouches for its picture: go by the name."),
    "unknown-seal-maker": _(
        "Who made this seal is not known here: its name and its picture may be anybody's."
    ),
    "signed-element-missing": _("The element that was signed is not in the document."),
    "duplicate-id": _("Two elements have the id that was signed, so it is open which one was."),
    "unsupported-transform": _(
        "What was signed is derived from the document in a way that is not read here."
    ),
    "unsupported-canonicalisation": _("The signature uses a canonical form that is not read here."),
    "unsupported-algorithm": _("The signature uses an algorithm that is not known here."),
    "weak-algorithm": _("The signature uses an algorithm that is no longer safe."),
    "weak-key": _("The signer's key is too short to be safe."),
    "unknown-critical-header": _("The signature demands something that is not known here."),
    "document-beside-unused": _(
        "A document was given beside the file, and not every signature in the file is about it."
    ),
    "document-beside-too-large": _("The document beside the signature is larger than what is read here."),
    "document-beside-not-xml": _("The signature is about an XML document, and what was given is none."),
    "archive-time-stamp-unread": _("A time-stamp of the archive is built in a way that is not read here."),
    "no-signed-properties": _("The signature itself does not say which certificate it was made with."),
}


def reason(code: str, detail: str = "") -> str:
    """Return the sentence of a reason; the code itself for one that has none."""
    if code in UNCOVERED:
        return " ".join(filter(None, (str(UNCOVERED[code]), detail)))
    for known in (_OWN, SUBS, RECOGNITION, _OFD):
        if code in known:
            return str(known[code]).replace("%(part)s", detail)
    return code


def title(found: FileReport) -> str:
    """Return what a report comes to, in a line."""
    return reason("no-signature") if found.verdict is None else str(VERDICTS[found.verdict])


def result(one: Signature) -> str:
    """Return what a signature, a seal or a time-stamp of the document comes to, in a line."""
    return str((_STAMPS if one.kind == "timestamp" else VERDICTS)[one.verdict])


def recognition(one: Signature) -> str:
    """Return whether a signature is recognised, and why, in a sentence or two."""
    said = one.recognition
    if said is None:
        return ""
    if one.recognised:
        return gettext("Yes. %(why)s") % {"why": reason(said.reason)}
    if said.recognised:
        return gettext("No. The lists recognise certificates of this kind; the signature was not confirmed.")
    return gettext("No. %(why)s") % {"why": reason(said.reason)}


def listed(found: FileReport) -> bool:
    """Whether the lists recognise whoever signed, so that it is the signatures where something is amiss."""
    counted = [each.recognition for each in found.signatures if each.kind != "timestamp"]
    return bool(counted) and all(each is not None and each.recognised for each in counted)


def issued_to(types: Collection[CertificateType]) -> str:
    """Return to whom a certificate was issued, by the types that it may be of."""
    return " / ".join(str(TYPES[each]) for each in types) or str(_("A machine, or an authority"))


_OFD: Final[Mapping[str, _StrOrPromise]] = {
    **{key.value: value for key, value in ofd.FINDINGS.items()},
    **{key.value: value for key, value in ofd.PROBLEMS.items()},
    **{key.value: value for key, value in ofd.NOTES.items()},
}
CODES: Final = frozenset({*_OWN, *SUBS, *RECOGNITION, *UNCOVERED, *_OFD})
"""Every code that has a sentence."""
