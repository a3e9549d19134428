"""Sealed and signed OFD documents: what holds passes, and each thing that was tampered with is named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.signing.ofd import made
from kouan.apps.signing.ofd import algorithms, der, reading
from kouan.apps.signing.ofd.codes import MEANING, CheckName, Code, DocumentNote, Problem, Status
from kouan.apps.signing.ofd.errors import UnreadableOfd
from kouan.apps.signing.ofd.writing import package, sealing

FOLDER = "Doc_0/Signs/Sign_0"
PAGE = "Doc_0/Pages/Page_0/Content.xml"


@pytest.mark.parametrize("edition", [1, 4, 5])
def test_a_sealed_document_passes_and_says_by_whom_when_and_with_what(edition):
    found = made.only(made.sealed(edition))
    assert (found.status, found.reasons) == (Status.PASSED, ())
    assert (found.kind, found.seal.edition, found.seal.name) == ("seal", edition, "深圳市示范公章")
    assert (found.time, found.certificate.common_name) == (made.NOW, "广东省示范中心")
    assert found.certificate.der == made.signer().certificate
    assert {check.name for check in found.checks} == set(CheckName)
    assert (found.coverage.whole, found.coverage.pages, found.coverage.pages_covered) == (True, 2, 2)
    assert (found.stamps[0].page, found.stamps[0].box) == ("100", (130, 200, 40, 40))
    assert (found.digest, found.algorithm) == ("sm3", "1.2.156.10197.1.501")
    assert (found.seal.picture.kind, found.seal.picture.data) == ("png", made.ring())


@pytest.mark.parametrize("edition", [4, 5])
def test_a_seal_that_lists_digests_of_certificates_knows_its_holder(edition):
    assert made.only(made.sealed(edition, seal=made.seal(edition, by_digest=True))).status == Status.PASSED


@pytest.mark.parametrize("who", [made.rsa_signer, made.ec_signer], ids=["rsa", "p256"])
def test_international_algorithms_pass_as_well(who):
    seal = made.seal(holders=[who().certificate], maker=who())
    assert made.only(made.sealed(seal=seal, signer=who(), check_method="SHA256")).reasons == ()


@pytest.mark.parametrize("method", ["SM3", "1.2.156.10197.1.401", "1.2.156.10197.1.401.2", "sha256"])
def test_digests_pass_under_each_name_that_producers_give_them(method):
    assert made.only(made.sealed(check_method=method)).status == Status.PASSED


def test_a_document_in_the_namespace_without_a_year_passes():
    namespace = "http://www.ofdspec.org"
    parts = made.sealed(parts=made.plain(namespace=namespace), namespace=namespace)
    assert made.only(parts).status == Status.PASSED


def test_a_digital_signature_without_a_seal_passes():
    found = made.only(sealing.sign_document(made.plain(), signer=made.signer(), time=made.NOW))
    assert (found.kind, found.status, found.seal) == ("signature", Status.PASSED, None)
    assert found.certificate.common_name == "广东省示范中心"


def test_a_digital_signature_over_another_description_fails():
    parts = sealing.sign_document(made.plain(), signer=made.signer(), time=made.NOW)
    other = sealing.sign_document(made.plain(title="另一份"), signer=made.signer(), time=made.NOW)
    parts[f"{FOLDER}/SignedValue.dat"] = other[f"{FOLDER}/SignedValue.dat"]
    assert made.codes(made.only(parts)) == {Code.DESCRIPTION_CHANGED}


def test_a_digital_signature_made_with_another_key_fails():
    forged = made.Sm2Signer(made.signer().certificate, made.signer("别人").key)
    parts = sealing.sign_document(made.plain(), signer=forged, time=made.NOW)
    assert made.codes(made.only(parts)) == {Code.VALUE_INVALID}


@pytest.mark.parametrize(
    ("digest", "code", "told"),
    [
        ("1.2.840.113549.2.5", Code.SIGNED_DIGEST_WEAK, "md5"),
        ("1.3.14.3.2.26", Code.SIGNED_DIGEST_WEAK, "sha1"),
        ("1.2.3.4", Code.SIGNED_DIGEST_UNKNOWN, "1.2.3.4"),
    ],
)
def test_a_digital_signature_over_a_weak_or_unknown_digest_does_not_count(digest, code, told):
    parts = sealing.sign_document(made.plain(), signer=made.signer(), time=made.NOW)
    about = algorithms.digest(
        told if told in algorithms.WEAK_DIGESTS else "sm3", parts[f"{FOLDER}/Signature.xml"]
    )
    parts[f"{FOLDER}/SignedValue.dat"] = sealing.signed_data(made.signer(), about, digest=digest)
    found = made.only(parts)
    assert (found.status, found.digest) == (Status.INDETERMINATE, told)
    assert made.codes(found) == {code}
    assert found.check(CheckName.DESCRIPTION).status is Status.INDETERMINATE


def test_a_signature_that_brings_no_certificate_is_nobodys():
    parts = sealing.sign_document(made.plain(), signer=made.signer(), time=made.NOW)
    parts[f"{FOLDER}/SignedValue.dat"] = made.signer().sign(b"raw")
    found = made.only(parts)
    assert (made.codes(found), found.status) == ({Code.CERTIFICATE_MISSING}, Status.INDETERMINATE)


def changed(name: str, old: bytes, new: bytes):
    def attack(parts: package.Parts) -> None:
        assert old in parts[name]
        parts[name] = parts[name].replace(old, new)

    return attack


def added(name: str, data: bytes):
    return lambda parts: parts.update({name: data})


def removed(name: str):
    return lambda parts: parts.pop(name)


ATTACKS = {
    "a page's words changed": (changed(PAGE, "公共".encode(), "私人".encode()), {Code.PART_CHANGED}),
    "a page taken out": (removed(PAGE), {Code.PART_MISSING, Code.STAMP_PAGE_UNKNOWN}),
    "title changed": (changed("OFD.xml", "证明".encode(), "假证".encode()), {Code.PART_CHANGED}),
    "a font's name changed": (
        changed("Doc_0/PublicRes.xml", "宋体".encode(), "楷体".encode()), {Code.PART_CHANGED}
    ),
    "a reference stripped with its page changed": (
        changed(f"{FOLDER}/Signature.xml", b"Pages/Page_1/Content", b"Pages/Page_0/Content"),
        {Code.DESCRIPTION_CHANGED, Code.PART_CHANGED, Code.REFERENCE_TWICE, Code.PAGES_UNCOVERED},
    ),
    "the stamp moved": (
        changed(f"{FOLDER}/Signature.xml", b'"130 200', b'"13 20'), {Code.DESCRIPTION_CHANGED}
    ),
    "the digest named anew": (
        changed(f"{FOLDER}/Signature.xml", b'CheckMethod="1.2.156.10197.1.401"', b'CheckMethod="SHA256"'),
        {Code.DESCRIPTION_CHANGED, Code.PART_CHANGED},
    ),
    "the digest left out, which means MD5": (
        changed(f"{FOLDER}/Signature.xml", b' CheckMethod="1.2.156.10197.1.401"', b""),
        {Code.DESCRIPTION_CHANGED, Code.DIGEST_WEAK},
    ),
    "the signed value removed": (removed(f"{FOLDER}/SignedValue.dat"), {Code.VALUE_MISSING}),
    "the signed value emptied": (added(f"{FOLDER}/SignedValue.dat", b""), {Code.VALUE_UNREADABLE}),
    "a file added that nothing names": (added("Doc_0/Res/new.bin", b"x"), {Code.OTHERS_UNCOVERED}),
    "a file added that another program may take for a page": (
        added("Doc_0/Pages/Content.xml", b"x"), {Code.LOOKALIKES_UNCOVERED}
    ),
    "the seal's file exchanged": (
        added(f"{FOLDER}/Seal.esl", made.seal(name="另一公章")), {Code.PART_CHANGED, Code.SEAL_SWAPPED}
    ),
    "the seal's file removed": (removed(f"{FOLDER}/Seal.esl"), {Code.PART_MISSING, Code.SEAL_FILE_MISSING}),
    "the description removed": (removed(f"{FOLDER}/Signature.xml"), {Code.SIGNATURE_UNREADABLE}),
    "the description with a document type": (
        changed(f"{FOLDER}/Signature.xml", b"<ofd:Signature ", b"<!DOCTYPE x []><ofd:Signature "),
        {Code.SIGNATURE_UNREADABLE},
    ),
    "two lists of references": (
        changed(f"{FOLDER}/Signature.xml", b"</ofd:SignedInfo>", b"<ofd:References/></ofd:SignedInfo>"),
        {Code.SIGNATURE_UNREADABLE},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("attack", "expected"), ATTACKS.values(), ids=ATTACKS)
def test_what_was_tampered_with_is_named(attack, expected):
    parts = made.sealed()
    attack(parts)
    assert made.codes(made.only(parts)) == {str(code) for code in expected}


@pytest.mark.parametrize("edition", [1, 4, 5])
def test_each_bit_of_the_signed_value_counts(edition):
    parts = made.sealed(edition)
    value = parts[f"{FOLDER}/SignedValue.dat"]
    for at in range(0, len(value), 97):
        flipped = value[:at] + bytes((value[at] ^ 1,)) + value[at + 1 :]
        assert made.only({**parts, f"{FOLDER}/SignedValue.dat": flipped}).status != Status.PASSED, at


def test_a_document_exchanged_below_an_uncovered_root_is_not_taken_for_the_signed_one():
    parts = made.sealed(leave_out=["OFD.xml"])
    assert made.codes(made.only(parts)) == {Code.ROOT_UNCOVERED}
    parts["Doc_1/Document.xml"] = parts["Doc_0/Document.xml"].replace(b"Pages/Page_0", b"Fake")
    parts["Doc_1/Fake/Content.xml"] = parts[PAGE].replace("公共".encode(), "私人".encode())
    parts["OFD.xml"] = parts["OFD.xml"].replace(b">Doc_0/Document.xml<", b">Doc_1/Document.xml<")
    found = made.only(parts)
    assert (found.status, Code.COVERS_NO_PAGE in made.codes(found)) == (Status.FAILED, True)


@pytest.mark.parametrize(
    "other",
    [
        '<x:DocBody xmlns:x="http://www.ofdspec.org/2017"><x:DocRoot>E.xml</x:DocRoot></x:DocBody>',
        '<x xmlns="urn:x"><ofd:DocBody><ofd:DocRoot>E.xml</ofd:DocRoot></ofd:DocBody></x>',
        "<ofd:CustomDatas><ofd:DocRoot>E.xml</ofd:DocRoot></ofd:CustomDatas>",
        "<docbody><DocRoot>E.xml</DocRoot></docbody>",
        "<ofd:docbody/>",
    ],
)
@pytest.mark.parametrize("where", [b"<ofd:DocBody>", b"<ofd:DocRoot>", b"</ofd:OFD>"])
def test_a_document_that_only_another_reader_would_see_is_refused(other, where):
    parts = made.sealed(leave_out=["OFD.xml"])
    assert parts["OFD.xml"].count(where) == 1
    parts["OFD.xml"] = parts["OFD.xml"].replace(where, other.encode() + where)
    with pytest.raises(UnreadableOfd) as caught:
        made.only(parts)
    assert caught.value.problem is Problem.STRUCTURE


@pytest.mark.parametrize("between", ["<!-- -->", "<?x y?>", "<ofd:x/>", '<x xmlns="urn:x"/>'])
def test_the_place_of_the_document_is_one_text(between):
    """Some readers take the text up to the first thing within it: here a part of its own."""
    parts = made.sealed(leave_out=["OFD.xml"])
    parts["Doc_0/D"] = parts["Doc_0/Document.xml"]
    split = f">Doc_0/D{between}ocument.xml<".encode()
    parts["OFD.xml"] = parts["OFD.xml"].replace(b">Doc_0/Document.xml<", split)
    assert split in parts["OFD.xml"]
    with pytest.raises(UnreadableOfd) as caught:
        made.only(parts)
    assert caught.value.problem is Problem.STRUCTURE


def test_a_second_document_beside_the_signed_one_is_reported():
    parts = made.sealed(leave_out=["OFD.xml"])
    parts["Doc_1/Document.xml"] = parts["Doc_0/Document.xml"].replace(b"Pages/Page_0", b"Fake")
    parts["Doc_1/Fake/Content.xml"] = parts[PAGE]
    second = b"<ofd:DocBody><ofd:DocRoot>Doc_1/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
    parts["OFD.xml"] = parts["OFD.xml"].replace(b"</ofd:OFD>", second)
    found = made.only(parts)
    assert (found.status, Code.OTHER_DOCUMENT in made.codes(found)) == (Status.INDETERMINATE, True)


@pytest.mark.parametrize(
    ("part", "code", "status"),
    [
        ("Doc_0/Document.xml", Code.DOCUMENT_UNCOVERED, Status.INDETERMINATE),
        ("Doc_0/Pages/Page_1/Content.xml", Code.PAGES_UNCOVERED, Status.INDETERMINATE),
        ("Doc_0/PublicRes.xml", Code.RESOURCES_UNCOVERED, Status.INDETERMINATE),
        ("Doc_0/Attachs/data.bin", Code.ATTACHMENTS_UNCOVERED, Status.PASSED),
        ("OFD.xml", Code.ROOT_UNCOVERED, Status.PASSED),
    ],
)
def test_what_is_left_out_is_named_with_how_much_it_matters(part, code, status):
    found = made.only(made.sealed(parts=made.plain(attachments={"data.bin": b"1"}), leave_out=[part]))
    assert (made.codes(found), found.status) == ({code}, status)
    assert found.coverage.uncovered == ((part, code),)


def test_a_page_that_is_left_out_is_not_hidden_by_a_signature_that_calls_it_its_seal():
    page = "Doc_0/Pages/Page_1/Content.xml"
    parts = sealing.sign_document(made.sealed(leave_out=[page]), signer=made.signer(), time=made.NOW)
    second = "Doc_0/Signs/Sign_1/Signature.xml"
    claim = f"<ofd:Seal><ofd:BaseLoc>/{page}</ofd:BaseLoc></ofd:Seal></ofd:SignedInfo>".encode()
    parts[second] = parts[second].replace(b"</ofd:SignedInfo>", claim)
    first, _second = made.signatures(parts)
    assert (Code.PAGES_UNCOVERED in made.codes(first), first.status) == (True, Status.INDETERMINATE)


def test_a_note_put_on_a_page_after_signing_is_not_covered():
    parts = made.sealed(leave_out=["Doc_0/Document.xml"])
    annotations = b"<ofd:Annotations>Annots/Annotations.xml</ofd:Annotations></ofd:Document>"
    parts["Doc_0/Document.xml"] = parts["Doc_0/Document.xml"].replace(b"</ofd:Document>", annotations)
    parts["Doc_0/Annots/Annotations.xml"] = package.element(
        "Annotations", '<ofd:Page PageID="100"><ofd:FileLoc>A.xml</ofd:FileLoc></ofd:Page>'
    )
    parts["Doc_0/Annots/A.xml"] = package.element("PageAnnot", "")
    found = made.only(parts)
    assert (Code.ANNOTATIONS_UNCOVERED in made.codes(found), found.status) == (True, Status.INDETERMINATE)


def test_other_versions_of_the_document_are_reported():
    parts = made.plain()
    parts["OFD.xml"] = parts["OFD.xml"].replace(b"</ofd:DocBody>", b"<ofd:Versions/></ofd:DocBody>")
    assert made.codes(made.only(made.sealed(parts=parts))) == {Code.VERSIONS}


def test_a_second_signature_leaves_the_first_one_as_it_was():
    parts = sealing.sign_document(made.sealed(), signer=made.signer("复核人"), time=made.NOW)
    first, second = made.signatures(parts)
    assert (made.codes(first), first.status, first.coverage.later) == (
        {Code.SIGNED_LATER},
        Status.PASSED,
        ("2",),
    )
    assert (second.status, second.reasons) == (Status.PASSED, ())
    assert f"{FOLDER}/SignedValue.dat" in second.coverage.covered


def test_taking_off_the_first_signature_breaks_the_second_and_is_told():
    parts = sealing.sign_document(made.sealed(), signer=made.signer("复核人"), time=made.NOW)
    listed = parts[package.SIGNATURE_LIST]
    start = listed.index(b'<ofd:Signature ID="1"')
    parts[package.SIGNATURE_LIST] = listed[:start] + listed[listed.index(b"/>", start) + 2 :]
    document = reading.read(package.pack(parts))
    assert document.notes == ((DocumentNote.UNLISTED_SIGNATURE, (f"{FOLDER}/Signature.xml",)),)
    del parts[f"{FOLDER}/SignedValue.dat"]
    assert made.codes(made.only(parts)) == {Code.PART_MISSING}


def test_a_signature_over_the_list_of_signatures_says_that_it_was_meant_to_be_the_last():
    once = made.sealed()
    listed = {"Doc_0/Listed.xml": once[package.SIGNATURE_LIST]}
    parts = made.sealed(parts={**made.plain(), **listed})
    name = f"{FOLDER}/Signature.xml"
    # The writer leaves the list out, as nobody could add to it: its reference is made under another name.
    forged = parts[name].replace(b"/Doc_0/Listed.xml", b"/Doc_0/Signs/Signatures.xml")
    del parts["Doc_0/Listed.xml"]
    parts[name] = forged
    seal = parts[f"{FOLDER}/Seal.esl"]
    parts[f"{FOLDER}/SignedValue.dat"] = sealing._sealed(4, seal, made.signer(), made.NOW, forged, name)
    assert made.only(parts).status == Status.PASSED
    first, _second = made.signatures(sealing.sign_document(parts, signer=made.signer(), time=made.NOW))
    assert made.codes(first) == {Code.LIST_CHANGED, Code.SIGNED_LATER}
    assert first.status == Status.INDETERMINATE
    parts[package.SIGNATURE_LIST] += b"\n"
    assert made.codes(made.only(parts)) == {Code.PART_CHANGED}


def test_a_list_that_is_gone_is_told():
    parts = made.sealed()
    del parts[package.SIGNATURE_LIST]
    document = reading.read(package.pack(parts))
    assert reading.signatures(document) == []
    assert {note for note, _names in document.notes} == {
        DocumentNote.UNREADABLE_LIST,
        DocumentNote.UNLISTED_SIGNATURE,
    }


@pytest.mark.parametrize("method", ["MD5", "SHA1", "SHA-1"])
def test_digests_that_can_be_forged_do_not_count(method):
    found = made.only(made.sealed(check_method=method))
    assert (made.codes(found), found.status) == ({Code.DIGEST_WEAK}, Status.INDETERMINATE)


def test_a_digest_that_nobody_knows_is_named():
    found = made.only(made.sealed(check_method="1.2.3"))
    assert found.reasons[0].names == ("1.2.3",)
    assert made.codes(found) == {Code.DIGEST_UNKNOWN}


@pytest.mark.parametrize("by_digest", [False, True])
def test_a_seal_made_for_somebody_else_fails(by_digest):
    seal = made.seal(holders=[made.signer("别人").certificate], by_digest=by_digest)
    found = made.only(made.sealed(seal=seal))
    assert (made.codes(found), found.status) == ({Code.SEAL_SIGNER_UNLISTED}, Status.FAILED)


@pytest.mark.parametrize("edition", [1, 4, 5])
def test_a_seal_that_its_maker_did_not_sign_fails(edition):
    forger = made.Sm2Signer(made.signer("制章中心").certificate, made.signer("别人").key)
    found = made.only(made.sealed(edition, seal=made.seal(edition, maker=forger)))
    assert (made.codes(found), found.status) == ({Code.SEAL_FORGED}, Status.FAILED)


def test_a_seal_that_had_ended_does_not_count():
    found = made.only(made.sealed(seal=made.seal(until=made.NOW - timedelta(days=1))))
    assert (made.codes(found), found.status) == ({Code.SEAL_NOT_VALID_THEN}, Status.INDETERMINATE)


def test_a_certificate_that_had_ended_does_not_count():
    who = made.signer("过期", until=made.NOW - timedelta(days=1))
    found = made.only(made.sealed(seal=made.seal(holders=[who.certificate]), signer=who))
    assert (made.codes(found), found.status) == ({Code.CERTIFICATE_NOT_VALID_THEN}, Status.INDETERMINATE)


def test_a_signature_made_with_another_key_fails():
    forged = made.Sm2Signer(made.signer().certificate, made.signer("别人").key)
    assert made.codes(made.only(made.sealed(signer=forged))) == {Code.VALUE_INVALID}


def test_weak_and_unknown_algorithms_do_not_count():
    weak = made.with_algorithm(made.signer(), "1.2.840.113549.1.1.5")
    assert made.codes(made.only(made.sealed(signer=weak))) == {Code.ALGORITHM_WEAK}
    unknown = made.with_algorithm(made.signer(), "1.2.3.4")
    assert made.codes(made.only(made.sealed(signer=unknown))) == {Code.ALGORITHM_UNKNOWN}
    short = made.rsa_signer(1024)
    found = made.only(made.sealed(seal=made.seal(holders=[short.certificate]), signer=short))
    assert made.codes(found) == {Code.ALGORITHM_WEAK}


def test_a_signed_value_with_r_and_s_alone_is_read():
    class Raw(made.Sm2Signer):
        def sign(self, data):
            first, second = der.one(self.key.sign(data)).children()
            return first.integer().to_bytes(32) + second.integer().to_bytes(32)

    who = made.signer()
    assert made.only(made.sealed(signer=Raw(who.certificate, who.key))).status == Status.PASSED


def test_a_seal_on_a_page_that_is_not_there_is_told():
    found = made.only(made.sealed(places=[sealing.Place("999", (0, 0, 40, 40))]))
    assert made.codes(found) == {Code.STAMP_PAGE_UNKNOWN}


def test_every_finding_has_a_meaning():
    assert set(MEANING) == set(Code)
    assert all(bool(sub) == (status is not Status.PASSED) for status, sub in MEANING.values())
