from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.pdf.pdf_objects import Objects
from mailwarden.unpack.formats.pdf.pdf_syntax import Reference
from support.office import meter
from support.pdf import HEADER, object_stream, pdf, stream


def _objects(octets: bytes) -> Objects:
    return Objects(octets, meter())


def test_objects_without_names_that_matter_are_skipped() -> None:
    objects = _objects(pdf(b"<< /Type /Page >>", b"<< /S /Launch >>"))
    assert len(objects.outer) == 2
    assert [found.value for found in objects.outside()] == [{"S": "Launch"}]


def test_a_reference_leads_to_every_revision() -> None:
    objects = _objects(pdf(b"1") + b"1 0 obj 2 endobj 2 0 obj 1 0 R endobj")
    assert sorted(str(found.value) for found in objects.resolve(Reference(2))) == ["1", "2"]


def test_a_reference_to_itself_ends() -> None:
    assert len(list(_objects(pdf(b"1 0 R")).resolve(Reference(1)))) == 1


@pytest.mark.parametrize(
    "written",
    [
        b"<< /Length 5 >> stream\nhello\nendstream",
        b"<< /Length 2 0 R >>\rstream\r\nhello\r\nendstream",
        b"<< /Length 99 >> stream\nhelloendstream",
        b"<< >> stream\nhello",
        b"<< /Length 15 >> stream\n%b\nendstream",
    ],
    ids=str,
)
def test_a_stream_ends_where_it_says_or_at_the_next_end(written: bytes) -> None:
    inner = b"hello endstream"
    octets = HEADER + b"2 0 obj 5 endobj 1 0 obj "
    octets += written % inner if b"%b" in written else written
    (found,) = _objects(octets).outside()
    assert _objects(octets).stream(found) == (inner if b"%b" in written else b"hello")


def test_objects_in_streams_are_known_by_their_numbers() -> None:
    objects = _objects(pdf(object_stream({5: b"(hello)", 6: b"<< /JS 5 0 R >>"})))
    inside = list(objects.inside(objects.outside()))
    assert [found.value for found in inside] == [b"hello", {"JS": Reference(5)}]
    assert [found.value for found in objects.resolve(Reference(5))] == [b"hello"]


@pytest.mark.parametrize("number", [b"9" * 5_000, b"0" * 5_000 + b"5"], ids=["nines", "zeros"])
def test_a_number_of_thousands_of_digits_does_not_end_the_reading(number: bytes) -> None:
    packed = stream(number + b" 0 (hello)", b"/Type /ObjStm /N 1 /First %d" % (len(number) + 3))
    objects = _objects(pdf(packed))
    assert [found.value for found in objects.inside(objects.outside())] == [b"hello"]


def test_a_broken_object_stream_is_told() -> None:
    packed = stream(b"", b"/Type /ObjStm /First 0 /Filter /FlateDecode", packed=b"junk")
    objects = _objects(pdf(packed))
    assert list(objects.inside(objects.outside())) == []
    assert objects.shut == ["a stream's compression is broken"]


def test_too_many_objects_are_over_the_limit() -> None:
    with pytest.raises(OverLimitError):
        _objects(b"1 0 obj " * 250_001)


PIECES = [
    b"1 0 obj ", b"2 0 obj ", b"endobj ", b"1 0 R ", b"2 0 R ", b"<< /Length ", b"/Type /ObjStm ",
    b"/First 4 /N 1 ", b"/JS ", b">> ", b"stream\n", b"endstream ", b"[", b"]", b"(", b"trailer",
    b"/Filter /FlateDecode ", b"5 0 ",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join) | st.binary())
def test_any_bytes_are_objects_whose_references_end(octets: bytes) -> None:
    with suppress(OverLimitError):
        objects = _objects(octets)
        for found in (*objects.outside(), *objects.inside(objects.outside())):
            list(objects.resolve(found.value))
        list(objects.trailers())
