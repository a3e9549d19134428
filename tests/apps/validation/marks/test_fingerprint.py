from __future__ import annotations

import hashlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.apps.validation.domain import Algorithm
from kouan.apps.validation.marks import Mark, carry, examine
from kouan.apps.validation.marks.fingerprint import fingerprint


def test_the_examples_of_the_standard():
    """GB/T 32905-2016 appendix A."""
    assert fingerprint([b"abc"], Algorithm.SM3).hex() == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )
    assert fingerprint([b"abcd" * 16], Algorithm.SM3).hex() == (
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    )


@given(st.lists(st.binary(max_size=40)), st.sampled_from(Algorithm))
def test_pieces_are_as_good_as_the_whole(pieces, algorithm):
    assert fingerprint(pieces, algorithm) == fingerprint([b"".join(pieces)], algorithm)
    assert fingerprint(pieces) == hashlib.sha256(b"".join(pieces)).digest()


@pytest.mark.parametrize("kind", ["json", "pdf", "package"])
def test_a_file_names_its_algorithm(kind, pdf):
    data = {"json": b'{"a": 1}', "pdf": pdf, "package": b"bytes"}[kind]
    for algorithm in Algorithm:
        mark, output = Mark.new(side="hk", issuer="bank", algorithm=algorithm), io.BytesIO()
        result = carry(io.BytesIO(data), output, mark, name="file")
        assert (result.carried_as, result.algorithm) == (kind, algorithm)
        found = examine(output)
        assert (found.mark, found.algorithm, found.digest) == (mark, algorithm, result.digest)
        assert (b"sm3" in output.getvalue()) is (algorithm is Algorithm.SM3)


@pytest.mark.parametrize("algorithm", ["sha-256", "md5", "", "SM3"])
def test_a_mark_with_an_algorithm_that_is_never_written_is_none(algorithm):
    written = Mark.new(side="hk", issuer="bank").as_mapping() | {"algorithm": algorithm}
    assert Mark.from_mapping(written) is None
    found = examine(io.BytesIO(json.dumps({"kouan": written}).encode()))
    assert (found.mark, found.damaged_mark) == (None, True)
    text = "%PDF-1.7\n/Kouan (kouan-mark/2; algorithm={algorithm}; reference={reference}; issuer={issuer}; "
    data = (text + "side={side}; salt={salt})").format(**written).encode()
    assert examine(io.BytesIO(data)).mark is None
