"""The sentences for what can be said of an OFD document and its signatures.

``%(part)s`` is a part of the document; where a finding has names, the page lists them below its sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from kouan.apps.signing.ofd.codes import CheckName, Code, DocumentNote, Problem
from kouan.apps.signing.ofd.drawing.codes import Omission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise

PROBLEMS: Final[Mapping[Problem, _StrOrPromise]] = {
    Problem.TOO_LARGE: _("It, or one of its parts, is larger than what is read here."),
    Problem.NOT_ZIP: _("It is no OFD container (ZIP)."),
    Problem.DAMAGED: _("The container is damaged, or holds bytes that belong to none of its parts."),
    Problem.ENCRYPTED: _("Its part “%(part)s” is encrypted. Save it without a password first."),
    Problem.METHOD: _("Its part “%(part)s” is packed in a way that OFD does not have."),
    Problem.TOO_MANY: _("It has more parts, pages or signatures than what is read here."),
    Problem.BOMB: _("Unpacked, its parts would be far larger than what is read here."),
    Problem.NAME: _("Its part “%(part)s” has a name that no part may have."),
    Problem.NAME_TWICE: _("It has two parts named “%(part)s”, so that two readers may show two documents."),
    Problem.MISSING: _("Its part “%(part)s” is missing."),
    Problem.XML: _("Its part “%(part)s” is no well-formed XML."),
    Problem.XML_DECLARATIONS: _(
        "Its part “%(part)s” declares a document type or entities, which OFD has not."
    ),
    Problem.XML_TOO_LARGE: _("Its part “%(part)s” is too large or too deeply nested."),
    Problem.STRUCTURE: _("Its part “%(part)s” is not built as GB/T 33190 says."),
    Problem.PATH: _("It names a part “%(part)s”, which leads out of the document."),
}

CHECKS: Final[Mapping[CheckName, _StrOrPromise]] = {
    CheckName.FORMAT: _("The signature can be read"),
    CheckName.PARTS: _("The signed parts are unchanged"),
    CheckName.DESCRIPTION: _("The list of signed parts is unchanged"),
    CheckName.VALUE: _("The signature was made with the signer's key"),
    CheckName.SEAL: _("The seal is as its maker made it"),
    CheckName.SEAL_SIGNER: _("The signer may use the seal"),
    CheckName.SEAL_VALIDITY: _("The seal was valid when it was used"),
    CheckName.CERTIFICATE: _("The certificate was valid then and is for signing"),
    CheckName.TIME: _("It says when it was signed"),
    CheckName.COVERAGE: _("Everything that is shown is covered"),
}

FINDINGS: Final[Mapping[Code, _StrOrPromise]] = {
    Code.SIGNATURE_UNREADABLE: _("The description of this signature is missing or cannot be read."),
    Code.VALUE_MISSING: _("The signature itself is missing: its file is not in the document."),
    Code.VALUE_UNREADABLE: _(
        "The signature is built in no way that GB/T 38540, GM/T 0031 or GB/T 35275 knows."
    ),
    Code.CERTIFICATE_MISSING: _("The signature brings no certificate, so nobody can say whose it is."),
    Code.NO_REFERENCES: _("The signature is about no part of the document."),
    Code.PART_MISSING: _("Parts that were signed have been taken out."),
    Code.PART_CHANGED: _("Parts that were signed have been changed since."),
    Code.REFERENCE_TWICE: _("The signature names a part twice, with different digests."),
    Code.LIST_CHANGED: _(
        "This signature also covers the list of signatures, and one was added later. Nothing else that it "
        "covers need have changed, but its signer meant it to be the last."
    ),
    Code.DIGEST_WEAK: _(
        "The parts are protected by a digest that can be forged. Ask for it signed anew with SM3."
    ),
    Code.DIGEST_UNKNOWN: _("The parts are protected by a digest that is not known here."),
    Code.DESCRIPTION_CHANGED: _("The list of signed parts was changed after signing."),
    Code.SIGNED_DIGEST_WEAK: _(
        "The signature is over a digest that can be forged. Ask for it signed anew with SM3."
    ),
    Code.SIGNED_DIGEST_UNKNOWN: _("The signature is over a digest that is not known here."),
    Code.VALUE_INVALID: _("The signature does not verify under the signer's key."),
    Code.ALGORITHM_UNKNOWN: _("The signature's algorithm is not known here."),
    Code.ALGORITHM_WEAK: _("The signature's algorithm or key is too weak to prove anything."),
    Code.ALGORITHMS_DIFFER: _("The description names another algorithm than the one that was used."),
    Code.SEAL_FORGED: _(
        "The seal is not as its maker signed it: its picture, name or holders may be forged."
    ),
    Code.SEAL_UNVERIFIED: _("The seal's maker signed it with an algorithm that is not known here."),
    Code.SEAL_SIGNER_UNLISTED: _("The seal was not made for this signer."),
    Code.SEAL_LIST_UNKNOWN: _("The seal names its holders in a way that is not known here."),
    Code.SEAL_NOT_VALID_THEN: _(
        "At the time that the signer states, the seal was not valid yet, or no more."
    ),
    Code.SEAL_ENDED_SINCE: _(
        "The seal has ended. That it was put on before rests on the signer's own word alone."
    ),
    Code.SEAL_SWAPPED: _("The seal that lies in the document is not the one that was used."),
    Code.SEAL_FILE_MISSING: _("The seal that the signature names is not in the document."),
    Code.CERTIFICATE_NOT_VALID_THEN: _(
        "At the time that the signer states, the certificate was not valid yet, or no more."
    ),
    Code.CERTIFICATE_USE: _("The certificate is not for signing."),
    Code.NO_TIME: _("The signature does not say when it was made."),
    Code.TIMES_DIFFER: _(
        "The signature states two times that are far apart. The one that was signed counts."
    ),
    Code.COVERS_NO_PAGE: _("The signature covers none of the pages."),
    Code.DOCUMENT_UNCOVERED: _(
        "The order of the pages is not covered: pages may have been added or exchanged."
    ),
    Code.PAGES_UNCOVERED: _("Some pages, or their backgrounds, are not covered."),
    Code.RESOURCES_UNCOVERED: _("Pictures, fonts or colours that the pages show are not covered."),
    Code.ANNOTATIONS_UNCOVERED: _("Notes and marks that stand on the pages are not covered."),
    Code.ATTACHMENTS_UNCOVERED: _("Attached files are not covered. Do not rely on them."),
    Code.ROOT_UNCOVERED: _("Title, author and dates of the document are not covered."),
    Code.OTHERS_UNCOVERED: _("There are files in the document that are not covered; no page shows them."),
    Code.LOOKALIKES_UNCOVERED: _(
        "There are files in the document that are not covered and bear the name of a part that is shown. "
        "Another program may show them in its place."
    ),
    Code.OTHER_DOCUMENT: _("The file holds another document that is not covered."),
    Code.VERSIONS: _("The file holds other versions of the document. The signature is about one of them."),
    Code.SIGNED_LATER: _("The document was signed again after this signature."),
    Code.STAMP_PAGE_UNKNOWN: _("The seal stands on a page that the document does not have."),
}

NOTES: Final[Mapping[DocumentNote, _StrOrPromise]] = {
    DocumentNote.UNLISTED_SIGNATURE: _(
        "The files of a signature are here, but the list of signatures does not name it. It may have been "
        "taken off."
    ),
    DocumentNote.UNREADABLE_LIST: _("The list of signatures is missing or cannot be read."),
    DocumentNote.EMPTY_LIST: _(
        "The document has a list of signatures, and there is none in it. One may have been taken off."
    ),
    DocumentNote.DANGLING: _("The document names parts that are not in it."),
}

OMISSIONS: Final[Mapping[Omission, _StrOrPromise]] = {
    Omission.PICTURE_FORMAT: _("Pictures in a format that is not shown here"),
    Omission.PICTURE_DAMAGED: _("Pictures that are damaged or too large"),
    Omission.PICTURE_MISSING: _("Pictures that are missing"),
    Omission.GLYPHS: _("Characters that only the document's own fonts have"),
    Omission.FONTS: _("The document's own fonts, in the place of which others are shown"),
    Omission.SHADING: _("Shadings and patterns"),
    Omission.CLIPPING: _("Clipping along outlines"),
    Omission.COMPOSITES: _("Composite objects that could not be drawn"),
    Omission.LIMIT: _("What came after the most that is drawn here"),
    Omission.MALFORMED: _("Objects that are not built as GB/T 33190 says"),
}
