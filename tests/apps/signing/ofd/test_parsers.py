"""Hostile containers, XML and ASN.1: a typed error for each, and nothing else."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.signing.ofd import made
from kouan.apps.signing.ofd import certificate, cms, der, limits, markup, paths, reading, seals
from kouan.apps.signing.ofd.algorithms import UnknownAlgorithm, WeakAlgorithm
from kouan.apps.signing.ofd.codes import Problem
from kouan.apps.signing.ofd.container import Container
from kouan.apps.signing.ofd.errors import UnreadableOfd
from kouan.apps.signing.ofd.labels import PROBLEMS
from kouan.apps.signing.ofd.writing import package, sealing

QUICK = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def packed(entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def refused(data: bytes) -> Problem:
    with pytest.raises(UnreadableOfd) as caught:
        reading.read(data)
    assert str(caught.value.part) in str(caught.value) or "%(part)s" not in str(
        PROBLEMS[caught.value.problem]
    )
    return caught.value.problem


GOOD = package.pack(made.plain())


@pytest.mark.parametrize(
    "name", ["../OFD.xml", "/OFD.xml", "a/../b", "C:/x", "a\\b", "a//b", "a\x01b", " a", "./../x", "a" * 600]
)
def test_a_name_that_no_part_may_have_is_refused(name):
    assert refused(packed([("OFD.xml", b""), (name, b"")])) == Problem.NAME


@pytest.mark.parametrize("names", [("a", "A"), ("Doc_0", "Doc_0/x", "doc_0/X"), ("x", "x/")])
def test_a_name_that_is_there_twice_is_refused(names):
    assert refused(packed([(name, b"") for name in names])) == Problem.NAME_TWICE


def test_what_unpacks_far_larger_is_refused_before_it_is_unpacked():
    assert refused(packed([("OFD.xml", bytes(8 << 20))], zipfile.ZIP_DEFLATED)) == Problem.BOMB
    many = [(f"{number}", bytes(900 << 10)) for number in range(300)]
    assert refused(packed(many, zipfile.ZIP_DEFLATED)) == Problem.BOMB


def test_too_many_parts_are_refused():
    assert refused(packed([(str(number), b"") for number in range(limits.MAX_PARTS + 1)])) == Problem.TOO_MANY


def test_a_file_beyond_the_limit_is_refused_unread():
    assert refused(bytes(limits.MAX_FILE + 1)) == Problem.TOO_LARGE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"%PDF-1.7",
        b"#!" + GOOD,
    ],
)
def test_what_is_no_container_is_refused(data):
    assert refused(data) == Problem.NOT_ZIP


def test_bytes_that_belong_to_no_part_are_refused():
    assert refused(GOOD + b"after") in (Problem.DAMAGED, Problem.NOT_ZIP)
    at = GOOD.index(b"PK\x01\x02")
    end = GOOD.rindex(b"PK\x05\x06")
    (offset,) = struct.unpack_from("<L", GOOD, end + 16)
    hidden = packed([("Doc_0/Pages/Page_0/Content.xml", b"another")])
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    moved = (
        GOOD[:at]
        + hidden
        + GOOD[at:end]
        + GOOD[end:][:16]
        + struct.pack("<L", offset + len(hidden))
        + b"\0\0"
    )
    assert zipfile.ZipFile(io.BytesIO(moved)).namelist() == zipfile.ZipFile(io.BytesIO(GOOD)).namelist()
    assert refused(moved) == Problem.DAMAGED


def test_a_file_that_is_named_otherwise_on_the_way_than_in_the_directory_is_refused():
    at = GOOD.index(b"OFD.xml")
    assert refused(GOOD[:at] + b"OFD.xm1" + GOOD[at + 7 :]) == Problem.DAMAGED


def test_a_file_renamed_by_an_extra_field_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("OFD.xml")
        entry.extra = struct.pack("<2HBL", 0x7075, 12, 1, 0) + b"ABC.xml"
        archive.writestr(entry, b"")
    assert refused(buffer.getvalue()) == Problem.DAMAGED


def test_encryption_and_other_ways_of_packing_are_refused():
    assert refused(packed([("OFD.xml", b"<x/>")], zipfile.ZIP_BZIP2)) == Problem.METHOD
    data = bytearray(packed([("OFD.xml", b"<x/>")]))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refused(bytes(data)) == Problem.ENCRYPTED


def test_a_part_whose_bytes_are_damaged_is_refused():
    data = packed([("OFD.xml", package.element("OFD", "<ofd:DocBody/>"))])
    assert refused(data.replace(b"DocBody", b"DocBodx", 1)) == Problem.DAMAGED


def test_names_in_gbk_are_read():
    data = packed([("OFD.xml", b""), ("Doc_0/Res/ABCDEFGH.txt", b"1")])
    assert Container(data.replace(b"ABCDEFGH", "数据文件".encode("gbk"))).names[1] == "Doc_0/Res/数据文件.txt"


XML = [
    (b"<!DOCTYPE OFD []><OFD/>", Problem.XML_DECLARATIONS),
    (b'<!DOCTYPE O [<!ENTITY a "b">]><OFD>&a;</OFD>', Problem.XML_DECLARATIONS),
    (b'<!DOCTYPE OFD SYSTEM "file:///etc/passwd"><OFD/>', Problem.XML_DECLARATIONS),
    (b"<OFD>&undeclared;</OFD>", Problem.XML),
    (b"<OFD>", Problem.XML),
    (b"", Problem.XML),
    (b"\xff\xfe", Problem.XML),
    (b'<?xml version="1.0" encoding="GBK"?><OFD/>', Problem.XML),
    (b'<?xml version="1.0" encoding="no-such"?><OFD/>', Problem.XML),
    (b"<OFD/>", Problem.STRUCTURE),
    (b'<OFD xmlns="http://example.org"/>', Problem.STRUCTURE),
    (b'<Other xmlns="http://www.ofdspec.org/2016"/>', Problem.STRUCTURE),
    (
        b'<OFD xmlns="http://www.ofdspec.org/2016">' + b"<a>" * 99 + b"</a>" * 99 + b"</OFD>",
        Problem.XML_TOO_LARGE,
    ),
    (b'<OFD xmlns="http://www.ofdspec.org/2016"/>' + b" " * (17 << 20), Problem.XML_TOO_LARGE),
    (b"<OFD " + b" ".join(b'a%d="1"' % n for n in range(99)) + b"/>", Problem.XML_TOO_LARGE),
]


@pytest.mark.parametrize(("data", "problem"), XML, ids=range(len(XML)))
def test_xml_that_ofd_has_not_is_refused(data, problem):
    with pytest.raises(UnreadableOfd) as caught:
        markup.parse(data, root="OFD", part="OFD.xml")
    assert caught.value.problem == problem


def test_what_stands_within_a_foreign_element_is_not_read_as_ofd():
    data = package.element("OFD", '<x xmlns="http://example.org"><ofd:DocBody/></x><ofd:DocBody ID=" 1 "/>t')
    root = markup.parse(data, root="OFD", part="OFD.xml")
    assert [(child.name, child.get("ID")) for child in root.children] == [("DocBody", "1")]
    assert root.text.strip() == "t"


def test_places_lead_nowhere_out_of_the_container():
    assert paths.absolute("Doc_0/Signs", "../Pages/./P.xml") == "Doc_0/Pages/P.xml"
    assert paths.absolute("Doc_0", "/OFD.xml") == "OFD.xml"
    for location in ("../../OFD.xml", "/..", "", "/", "..", "a\0b", "x" * 999):
        with pytest.raises(UnreadableOfd):
            paths.absolute("Doc_0", location)


def test_der_is_split_as_it_was_written():
    inner = der.encode(der.OCTET_STRING, bytes(300))
    raw = der.encode(der.SEQUENCE, inner, der.integer(5), der.oid("2.16.344.8.2.2008.810.2"))
    first, second, third = der.one(raw).sequence(3, 3)
    assert (first.raw, first.octets(), second.integer()) == (inner, bytes(300), 5)
    assert third.oid() == "2.16.344.8.2.2008.810.2"
    # A length in more bytes than it needs is not DER, and what was signed over it verifies all the same.
    assert der.one(b"\x04\x82\x00\x01A").content == b"A"


@pytest.mark.parametrize(
    "data",
    [b"", b"0", b"0\x80\0\0", b"\x04\x05A", b"\x04\x01AB", b"\x1f\x81\x01\x01A", b"\x04\x85\0\0\0\0\x01A"],
)
def test_what_is_no_value_is_refused(data):
    with pytest.raises(der.NotDer):
        der.one(data)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20201010071120Z", datetime(2020, 10, 10, 7, 11, 20, tzinfo=UTC)),
        ("201010071120Z", datetime(2020, 10, 10, 7, 11, 20, tzinfo=UTC)),
        ("20201010151120", datetime(2020, 10, 10, 7, 11, 20, tzinfo=UTC)),
        ("20201010151120+0800", datetime(2020, 10, 10, 7, 11, 20, tzinfo=UTC)),
        ("20200723130907.763Z", datetime(2020, 7, 23, 13, 9, 7, 763000, tzinfo=UTC)),
        ("9912312359Z", datetime(1999, 12, 31, 23, 59, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_producers_write_them(text, moment):
    assert der.time_of(text) == moment


@pytest.mark.parametrize(
    "text", ["", "2020", "20201310071120Z", "20200101000000+9900", "00010101000000+2300"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(der.NotDer):
        der.time_of(text)


def test_names_in_gbk_and_malformed_extensions_do_not_hide_a_certificate():
    raw = made.signer().certificate
    name = "广东省示范中心"
    gbk = name.encode("gbk")
    tbs, algorithm, signature = der.one(raw).children()
    old = der.encode(der.UTF8, name.encode())
    subject = der.one(der.encode(der.PRINTABLE, gbk)).raw

    def rebuilt(value: der.Value) -> bytes:
        if value.raw == old:
            return subject
        if value.tag & 0x20:
            return der.encode(value.tag, *(rebuilt(child) for child in value.children()))
        return value.raw

    fields = [rebuilt(field) for field in tbs.children()]
    fields[-1] = der.encode(0xA3, der.encode(der.SEQUENCE, b"\x04\x02no"))
    found = certificate.read(
        der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, *fields), algorithm.raw, signature.raw)
    )
    assert (found.common_name, found.signs) == (name, None)
    assert certificate.read(raw).signs is True


# Whatever comes, only typed errors leave

VALUE = {edition: made.sealed(edition)["Doc_0/Signs/Sign_0/SignedValue.dat"] for edition in (1, 4, 5)}
SIGNED = sealing.signed_data(made.signer(), b"content")
SEALED = made.sealed()


def mutated(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Put bytes in the place of others: at a position, over a length."""
    for at, length, new in edits:
        place = at % (len(data) + 1)
        data = data[:place] + new + data[place + length :]
    return data


EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 8), st.binary(max_size=8)), min_size=1, max_size=4
)


@QUICK
@given(EDITS, st.sampled_from([1, 4, 5]))
def test_mutated_seals_raise_nothing_else(edits, edition):
    with contextlib.suppress(der.NotDer):
        seals.read_sealing(mutated(VALUE[edition], edits))


@QUICK
@given(EDITS)
def test_mutated_signed_data_raises_nothing_else(edits):
    data = mutated(SIGNED, edits)
    with contextlib.suppress(der.NotDer, UnknownAlgorithm, WeakAlgorithm):
        read = cms.read(data)
        cms.about(read, b"content")
        if read.signer is not None:
            cms.verify(read, b"content", read.signer.spki)


@QUICK
@given(EDITS)
def test_mutated_containers_raise_nothing_else(edits):
    with contextlib.suppress(UnreadableOfd):
        reading.signatures(reading.read(mutated(package.pack(SEALED), edits)))


@QUICK
@given(EDITS, st.sampled_from([name for name in SEALED if not name.endswith(".esl")]))
@example([(0, 0, b"\xff")], "OFD.xml")
def test_mutated_parts_raise_nothing_else_and_never_pass_where_they_were_signed(edits, name):
    data = mutated(SEALED[name], edits)
    try:
        found = made.signatures({**SEALED, name: data})
    except UnreadableOfd:
        return
    listed = name == package.SIGNATURE_LIST
    assert listed or data == SEALED[name] or all(signature.status > 0 for signature in found)


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes_at_all_raise_nothing_else(data):
    for read in (seals.read_sealing, seals.read_seal, cms.read, certificate.read, der.split):
        try:
            read(data)
        except der.NotDer:
            continue
    with pytest.raises(UnreadableOfd):
        reading.read(data)
    assert isinstance(reading.looks_like(io.BytesIO(data)), bool)
