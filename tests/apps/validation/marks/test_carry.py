from __future__ import annotations

import hashlib
import io
import tempfile
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PdfFileWriter

from kouan.apps.validation.errors import (
    AlreadyMarked,
    DuplicateMember,
    EmptyFile,
    UploadTooLarge,
    ValidationError,
)
from kouan.apps.validation.marks import MAX_FILE, CarriedAs, Mark, carry, examine


@pytest.fixture
def mark() -> Mark:
    return Mark.new(side="hk", issuer="hku")


def carried(data: bytes, mark: Mark, name: str = "file", **options: bool):
    output = io.BytesIO()
    result = carry(io.BytesIO(data), output, mark, name=name, **options)
    return result, output.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "carried_as"),
    [
        (b' {"degree": "BA"}', "degree.json", CarriedAs.JSON),
        (b"\x00", "x.bin", CarriedAs.PACKAGE),
        (b"[1, 2]", "list.json", CarriedAs.PACKAGE),
        (b"text with %PDF in it", "notes.txt", CarriedAs.PACKAGE),
    ],
)
def test_each_kind_of_file_is_carried_in_its_way(data, name, carried_as, mark):
    result, output = carried(data, mark, name)
    assert (result.carried_as, result.size) == (carried_as, len(output))
    found = examine(io.BytesIO(output))
    assert (found.mark, found.digest) == (mark, result.digest)


def test_a_pdf_and_a_package_of_it(pdf, mark):
    result, output = carried(pdf, mark, "a.pdf")
    assert result.carried_as is CarriedAs.PDF
    assert result.digest == hashlib.sha256(output).digest()
    result, output = carried(pdf, mark, "a.pdf", as_package=True)
    assert result.carried_as is CarriedAs.PACKAGE
    assert examine(io.BytesIO(output)).mark == mark


def test_json_in_another_layout_has_the_same_fingerprint(mark):
    result, output = carried(b'{"b": 1.0, "a": "\\u00e9"}', mark)
    text = output.decode().replace("1.0", "1").replace("\\u00e9", "é").replace("\n", "  ")
    assert examine(io.BytesIO(text.encode())).digest == result.digest


def test_json_that_cannot_be_taken_can_go_as_a_package(mark):
    data = b'{"a": 1, "a": 2}'
    with pytest.raises(DuplicateMember):
        carried(data, mark)
    result, _ = carried(data, mark, as_package=True)
    assert result.carried_as is CarriedAs.PACKAGE


@pytest.mark.parametrize("as_package", [False, True])
@pytest.mark.parametrize("kind", ["json", "pdf", "package"])
def test_a_carried_file_is_not_registered_again(kind, as_package, pdf, mark):
    data = {"json": b'{"a": 1}', "pdf": pdf, "package": b"anything"}[kind]
    _, output = carried(data, mark)
    with pytest.raises(AlreadyMarked) as caught:
        carried(output, Mark.new(side="hk", issuer="hku"), as_package=as_package)
    assert str(mark.reference) in str(caught.value)


@pytest.mark.parametrize("data", [b"plain", b'{"a": 1}'])
def test_one_salt_one_fingerprint(data, mark):
    other = Mark(mark.reference, mark.issuer, bytes(32))
    assert carried(data, mark)[0].digest != carried(data, other)[0].digest
    assert carried(data, mark)[0].digest == carried(data, mark)[0].digest


@given(st.data())
def test_one_changed_bit_changes_the_fingerprint_of_a_package(data):
    _, output = carried(b"a bank statement", Mark.new(side="hk", issuer="hku"))
    changed = bytearray(output)
    changed[data.draw(st.integers(0, len(output) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        digest = examine(io.BytesIO(changed)).digest
    except ValidationError:
        return
    assert digest != examine(io.BytesIO(output)).digest


def test_a_file_of_0_bytes_is_refused(mark):
    with pytest.raises(EmptyFile):
        examine(io.BytesIO())
    with pytest.raises(EmptyFile):
        carried(b"", mark)


def test_the_limit_holds_to_the_byte_and_memory_stays_bounded(mark, pdf):
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as output:
        source.write(b"%PDX" + bytes(MAX_FILE - 4))
        tracemalloc.start()
        result = carry(source, output, mark, name="big.bin")
        found = examine(output)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (found.mark, found.digest) == (mark, result.digest)
        assert found.size > MAX_FILE
        assert peak < 16 << 20
        source.seek(0, 2)
        source.write(b"x")
        with pytest.raises(UploadTooLarge, match="50 MB"):
            carry(source, output, mark, name="big.bin")


def test_a_large_pdf_is_marked_with_bounded_memory(mark):
    writer = PdfFileWriter()
    writer.add_object(generic.StreamObject(encoded_data=bytes(48 << 20)))
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as output:
        writer.write(source)
        del writer
        tracemalloc.start()
        result = carry(source, output, mark, name="big.pdf")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert result.carried_as is CarriedAs.PDF
        assert peak < 16 << 20


def test_the_salt_is_never_shown(mark):
    assert mark.salt.hex() not in repr(mark)
