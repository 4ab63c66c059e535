import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.leaves import Leaf, leaves
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.readings import read_every_way
from support import samples

LIMITS = ReadingLimits(header_bytes=100_000, header_fields=1_000, parts=100, depth=10)
MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"


def leaves_of(raw: bytes) -> tuple[Leaf, ...]:
    return leaves(read_every_way(raw, LIMITS))


def test_a_plain_message_is_one_plain_leaf() -> None:
    assert leaves_of(samples.clean(body=b"hello\n")) == (
        Leaf("", (), "text/plain", b"hello\n", is_plain=True, is_clean=True),
    )


def test_parts_are_decoded_leaves_with_their_names() -> None:
    raw = samples.multipart(samples.text_part(b"hi"), samples.attached(b"a.zip", b"octets"))
    text, attached = leaves_of(raw)
    assert (text.path, text.octets) == ("1", b"hi")
    assert attached == Leaf(
        "2", ("a.zip",), "application/octet-stream", b"octets", is_plain=True, is_clean=True
    )


def test_the_same_octets_are_one_leaf_with_all_names() -> None:
    raw = samples.multipart(
        samples.attached(b"a.zip", b"same"), samples.attached(b"b.exe", b"same")
    )
    (leaf,) = leaves_of(raw)
    assert (leaf.path, leaf.names, leaf.octets) == ("1", ("a.zip", "b.exe"), b"same")


def test_a_part_of_an_attached_message_is_a_leaf() -> None:
    raw = samples.multipart(b"Content-Type: message/rfc822\n\n" + samples.clean(body=b"inner"))
    assert [(leaf.path, leaf.octets) for leaf in leaves_of(raw)] == [("1.1", b"inner")]


def test_a_part_with_several_encodings_is_a_leaf_in_each_and_none_is_plain() -> None:
    raw = (
        b"Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: quoted-printable\n\n"
        b"YT1iYw==\n"
    )
    found = leaves_of(raw)
    assert {leaf.octets for leaf in found} >= {b"a=bc"}
    assert len(found) > 1
    assert not any(leaf.is_plain or leaf.is_clean for leaf in found)


def test_broken_base64_is_a_leaf_in_every_decoding_and_none_is_plain() -> None:
    raw = b"Content-Transfer-Encoding: base64\n\naGVs!bG8=\naGVsbG8=\n"
    found = leaves_of(raw)
    assert len(found) > 1
    assert not any(leaf.is_plain or leaf.is_clean for leaf in found)


def test_an_encoded_message_is_a_leaf_by_its_decoded_octets() -> None:
    raw = (
        b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        b"U3ViamVjdDogeAoKaGVsbG8="
    )
    leaf = leaves_of(raw)[0]
    assert (leaf.media_type, leaf.octets, leaf.is_plain) == (
        "message/rfc822", b"Subject: x\n\nhello", True,
    )  # fmt: skip


def test_an_encoded_multipart_is_its_parts_and_a_leaf_by_its_decoded_octets() -> None:
    raw = b"Content-Transfer-Encoding: base64\n" + MIXED + b"aGVsbG8=\n--b\n\nx\n--b--\n"
    octets = [leaf.octets for leaf in leaves_of(raw)]
    assert b"x" in octets
    assert any(one.startswith(b"hello") for one in octets)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_text_around_parts_is_a_leaf_when_it_is_more_than_the_usual_lines(line_end: bytes) -> None:
    begun = b"begin 644 x\n" + b"M" * 61 + b"\nend\n"
    raw = MIXED + begun + b"--b\n\nx\n--b--\n" + begun.replace(b"644", b"755")
    texts = [leaf for leaf in leaves_of(raw.replace(b"\n", line_end)) if b"begin" in leaf.octets]
    assert [(leaf.path, leaf.media_type, leaf.is_plain) for leaf in texts] == [
        ("", "text/plain", False)
    ] * 2
    assert [leaf.octets[:9] for leaf in texts] == [b"begin 644", b"begin 755"]


def test_the_usual_lines_around_parts_are_no_leaves() -> None:
    usual = b"This is a multi-part message\nin MIME format.\n\n"
    raw = MIXED + usual + b"--b\n\nx\n--b--\n\n\n_____\nlist@sender.example\n"
    assert [leaf.octets for leaf in leaves_of(raw)] == [b"x"]


def test_what_lies_below_something_ambiguous_is_not_plain_and_what_lies_beside_it_is() -> None:
    inner = MIXED.replace(b"=b", b"=c") + b"--c\n\nin\n--c--\n--c\n\nafter\n--c--\n"
    raw = MIXED + b"--b\n\nbeside\n--b\n" + inner + b"--b--\n"
    plain = {leaf.octets: leaf.is_plain for leaf in leaves_of(raw)}
    assert (plain[b"beside"], plain[b"in"], plain[b"after"]) == (True, False, False)


def test_what_only_another_reading_has_is_not_plain() -> None:
    found = {leaf.path: leaf for leaf in leaves_of(b"\n--b\nContent-ID: 1\n\nx\n--b--\n")}
    assert found[""].is_plain
    assert (found["loose:1"].octets, found["loose:1"].is_plain) == (b"x", False)


PIECES = [
    b"\n", b"\r", b"\0", b"--b", b"--b--", b"\n\n", b"x=", b"Content-Type: ", MIXED, b"\n--b\n",
    b"message/rfc822", b"; boundary=c", b"Content-Transfer-Encoding: base64\n", b"aGVsbG8", b"!",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join) | st.binary())
def test_any_bytes_give_distinct_leaves(raw: bytes) -> None:
    found = leaves_of(raw)
    assert found
    assert len({leaf.octets for leaf in found}) == len(found)
