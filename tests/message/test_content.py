import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.anomalies import ANOMALIES, Weight, weight_of
from mailwarden.message.content import (
    BRIEF_BYTES_A_MESSAGE,
    ODD_BYTES_A_MESSAGE,
    Content,
    ContentReader,
    read_content,
)


def of_type(value: bytes) -> Content:
    return read_content([value], [], [])


def of_disposition(value: bytes) -> Content:
    return read_content([], [value], [])


def of_encoding(*values: bytes) -> Content:
    return read_content([], [], values)


def test_what_everybody_reads_alike_has_one_candidate_each() -> None:
    assert read_content(
        [b" Application/PDF; charset=UTF-8;\r\n\tname*=utf-8''r%C3%A4.pdf\r\n"],
        [b' attachment;\r\n filename="=?utf-8?Q?r=C3=A4.pdf?="\r\n'],
        [b" Base64\r\n"],
    ) == Content(
        ("application/pdf",),
        ("utf-8",),
        ("base64",),
        (),
        ("r\u00e4.pdf", "=?utf-8?Q?r=C3=A4.pdf?=", "=utf-8Qr=C3=A4.pdf="),
        ("attachment",),
        (),
        is_cut=False,
    )
    assert of_type(b' multipart/mixed;\r\n boundary="----=_a b (c)"').boundaries == (
        b"----=_a b (c)",
    )


def test_nobody_says_anything() -> None:
    assert read_content([], [], []) == Content((), (), (), (), (), (), (), is_cut=False)


@pytest.mark.parametrize(
    "fields",
    [
        ([b" text/plain; charset=us-ascii (Plain text)"], [], []),
        ([b" text/plain"], [b" attachment; filename=My long file v1.2 final.doc"], [b" 7bit"]),
        ([b" text/plain"], [b" attachment; filename=a (1).doc"], [b" 7bit"]),
        ([], [b" attachment; filename=a.doc; filename*=utf-8''a.doc"], []),
        ([b' application/x; name="a.doc"'], [b" attachment; filename*0=a.; filename*1=doc"], []),
        ([], [b" attachment; filename*0*=utf-8''%c3%a4; filename*1*=%c3%a4; filename*2=.doc"], []),
        ([], [b' attachment; filename="=?utf-8?B?w6QuZG9j?= =?utf-8?Q?x?="'], []),
        ([], [b' attachment; filename="C:\\tmp\\a.doc"'], []),
        ([], [b' attachment; filename="C:\\\\tmp\\\\a.doc"'], []),
        ([b" text/plain;"], [b' attachment;filename="a;b.doc";'], [b" 7BIT "]),
        ([], [b' attachment; filename="a \\"b\\".doc"'], []),
        ([b' multipart/signed; protocol="application/pgp"; boundary="a=_b"'], [], []),
        ([b' multipart/mixed; boundary="a"; type="text/html; charset=x"'], [], []),
        ([b' text/html; name="a.htm"'], [b" attachment; filename=caf\xc3\xa9.htm"], []),
        ([b' application/x; name="other.txt"'], [b' attachment; filename="a.doc"'], []),
        ([], [], [b" x-uuencode"]),
    ],
)
def test_ordinary_mail_is_not_called_ambiguous(
    fields: tuple[list[bytes], list[bytes], list[bytes]],
) -> None:
    content = read_content(*fields)
    assert not content.is_cut
    assert all(weight_of(code) is Weight.HARMLESS for code in content.anomalies)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"multi(x)part/mixed", ""),
        (b"(x) multipart/mixed", ""),
        (b'"multipart/mixed"', "quote-in-value"),
        (b"multi\\part/mixed", "escape-in-value"),
        (b"=?us-ascii?Q?multipart?=/mixed", "encoded-word-in-parameter"),
        (b"multipart/mixed, boundary=a", ""),
        (b"multipart/mixed boundary=a", ""),
        (b"MULTIPART/MIXED;", ""),
        (b"\0multipart/mixed", "control-in-value"),
    ],
)
def test_every_media_type_is_a_candidate(value: bytes, code: str) -> None:
    content = of_type(b" " + value)
    assert "multipart/mixed" in content.media_types
    assert not code or code in content.anomalies


@pytest.mark.parametrize(
    ("parameters", "boundary", "code"),
    [
        (b"boundary=a; boundary=b", b"b", "boundary-parameter-twice"),
        (b"boundary*=''b; boundary=a", b"a", "boundary-parameter-twice"),
        (b"boun(x)dary=b", b"b", ""),
        (b"boundary=(x)b", b"(x)b", "comment-in-value"),
        (b"boundary=b(x)c", b"b", "comment-in-value"),
        (b"(boundary=b)", b"b", "comment-in-value"),
        (b"boundary\t=\r\n b", b"b", ""),
        (b'boundary="a\\"b"', b'a"b', "escape-in-value"),
        (b'boundary="b', b'"b', "quote-in-value"),
        (b'boundary=a"b"', b"b", "quote-in-value"),
        (b'boundary=a\\"b\\"', b"b\\", "quote-in-value"),
        (b'x="y;boundary=b"', b"b", "quote-in-value"),
        (b'x="y\\";boundary=b', b"b", "quote-in-value"),
        (b"boundary=a;b", b"a;b", "semicolon-in-value"),
        (b"x=y boundary=b", b"b", "hidden-parameter"),
        (b'boundary=" b"', b"b", "boundary-with-blanks"),
        (b'boundary="b "', b"b", ""),
        (b'boundary="b\r\n c"', b"b c", "boundary-with-blanks"),
        (b'boundary="=?us-ascii?Q?a_b?="', b"a_b", "encoded-word-in-parameter"),
        (b"boundary*=utf-16''b%00", b"b", ""),
        (b"boundary*0=a%5F; boundary*1=b", b"a_b", "parameter-percent-encoding"),
        (b"boundary*0=a; boundary*2=b", b"ab", "parameter-continuation-gap"),
        (b"boundary*1=a; boundary*0=b", b"ab", "parameter-continuation-order"),
        (b"boundary*0=a; boundary*0=b; boundary*1=c", b"bc", "parameter-continuation-twice"),
        (b"boundary=a\\b", b"ab", "escape-in-value"),
        (b"boundary=a\0b", b"ab", "control-in-value"),
        (b"boundary=a b", b"a", "blank-in-value"),
    ],
)
def test_every_boundary_is_a_candidate(parameters: bytes, boundary: bytes, code: str) -> None:
    content = of_type(b" multipart/mixed; " + parameters)
    assert boundary in content.boundaries
    assert content.anomalies == () if not code else code in content.anomalies


def test_a_boundary_in_another_field_is_a_candidate() -> None:
    content = read_content([b" multipart/mixed"], [b" inline; boundary=b"], [b" 7bit; boundary=c"])
    assert content.boundaries == (b"b", b"c")
    assert content.anomalies == ("boundary-outside-content-type",)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"filename=a.txt; filename=a.exe", "name-parameter-twice"),
        (b"filename=a.txt; filename*=''a.exe", "name-parameter-twice"),
        (b"filename=a.txt; filename*0=a.; filename*1=exe", "name-parameter-twice"),
        (b"filename=a.exe(.txt)", ""),
        (b"filename=a.e(.txt)xe", "comment-in-value"),
        (b'filename="a".exe', "quote-in-value"),
        (b'filename="a.exe', ""),
        (b'filename=a".exe', ""),
        (b'filename="a\\".exe"', ""),
        (b"filename=a;.exe", "semicolon-in-value"),
        (b"filename=a.exe .txt", ""),
        (b"filename*=a.exe", ""),
        (b"filename*=a%2Eexe", ""),
        (b"filename=a%2Eexe", ""),
        (b"filename*=utf-16''a%00.%00e%00x%00e%00", ""),
        (b"filename*1=a.; filename*0=exe", "parameter-continuation-order"),
        (b"filename*0=a; filename*2=.exe", ""),
        (b"filename=..\\a.exe", ""),
        (b"filename=a.exe\0.txt", "nul-in-name"),
        (b"filename*=''a.exe%00.txt", "nul-in-name"),
        ("filename=a\u202etxt.exe".encode(), "direction-override-in-name"),
        (b"=?us-ascii?Q?filename?==a.exe", ""),
    ],
)
def test_every_name_is_a_candidate(value: bytes, code: str) -> None:
    content = of_disposition(b" attachment; " + value)
    assert any(name.endswith((".exe", "a\u202etxt.exe")) for name in content.names)
    assert not code or code in content.anomalies


def test_pieces_of_a_name_in_two_fields_are_joined() -> None:
    content = read_content([b" a/b; filename*1=exe"], [b" attachment; filename*0=a."], [])
    assert "a.exe" in content.names
    assert "parameter-continuation-across-fields" in content.anomalies


def test_both_names_of_a_part_are_candidates() -> None:
    content = read_content([b" a/b; name=a.exe"], [b" inline; filename=a.txt"], [])
    assert content.names == ("a.txt", "a.exe")
    assert content.anomalies == ("names-differ",)


@pytest.mark.parametrize(
    ("values", "encodings", "codes"),
    [
        ([b" base64"], ("base64",), ()),
        ([b" base64;"], ("base64", "binary"), ("encoding-unclean",)),
        ([b" (c) base64"], ("base64", "binary"), ("comment-in-value",)),
        ([b" bas(c)e64"], ("base64", "bas(c)e64", "bas"), ("comment-in-value",)),
        ([b"\rbase64"], ("base64",), ()),
        ([b" 7bit;"], ("7bit", "binary"), ()),
        ([b" xxx"], ("xxx",), ("encoding-unknown",)),
        ([b" x-uuencode"], ("uuencode",), ("encoding-private",)),
        ([b" base64", b" "], ("base64", "binary"), ("content-transfer-encoding-twice",)),
        ([b" base64", b" base64"], ("base64",), ()),
        ([b" 7bit", b" 8bit"], ("7bit", "8bit"), ()),
    ],
)
def test_every_encoding_is_a_candidate(
    values: list[bytes], encodings: tuple[str, ...], codes: tuple[str, ...]
) -> None:
    content = of_encoding(*values)
    assert content.encodings == encodings
    assert content.anomalies == codes


def test_an_encoding_in_an_encoded_word_is_a_candidate() -> None:
    assert "base64" in of_encoding(b" =?utf-8?B?YmFzZTY0?=").encodings


def test_repeated_fields_are_all_read() -> None:
    content = read_content(
        [b" multipart/mixed; boundary=a", b" text/plain; charset=utf-8"],
        [b" inline", b" attachment; filename=a.exe"],
        [],
    )
    assert content.media_types == ("multipart/mixed", "text/plain")
    assert content.dispositions == ("inline", "attachment")
    assert content.names == ("a.exe",)
    assert content.anomalies == ("content-type-twice", "content-disposition-twice")


def test_two_charsets_are_said_unless_they_are_one() -> None:
    twice = b" text/plain; charset=utf-8; charset=%s"
    assert of_type(twice % b"UTF8").anomalies == ()
    assert of_type(twice % b"utf-7").anomalies == ("charset-parameter-twice",)


@pytest.mark.parametrize(
    "value",
    [
        b" text/plain; x=" + b"y" * 9_000,
        b" a/b" + b"; name*0=a" * 300,
        b" a/b" + b"".join(b"; name=%d" % number for number in range(99)),
    ],
)
def test_a_limit_that_is_hit_is_said(value: bytes) -> None:
    assert of_type(value).is_cut
    assert read_content([value] * 11, [], []).is_cut


def test_odd_fields_of_one_message_are_read_in_every_way_until_there_are_too_many() -> None:
    reader = ContentReader()
    odd = [b' multipart/mixed; x="y;boundary=%d"' % number for number in range(9_999)]
    contents = [reader.read([value], [], []) for value in odd]
    assert contents[0].boundaries
    assert not contents[0].is_cut
    assert contents[-1].is_cut
    assert reader.read([odd[0]], [], []) == contents[0]
    read_in_every_way = sum(not content.is_cut for content in contents)
    assert read_in_every_way * len(odd[-1]) <= ODD_BYTES_A_MESSAGE * 2


def test_behind_all_limits_nothing_is_read_and_that_is_said() -> None:
    reader = ContentReader()
    most = ODD_BYTES_A_MESSAGE + BRIEF_BYTES_A_MESSAGE
    for number in range(most // 1_000):
        value = b' text/plain; name="a(%d' % number
        assert reader.read([value.ljust(1_000, b"b")], [], []).media_types
    unread = reader.read([b' text/plain; name="a(b.exe'], [], [])
    assert unread.is_cut
    assert not unread.media_types
    assert reader.read([b" text/html"], [], []).media_types == ("text/html",)


@pytest.mark.parametrize(
    "tail", [b'";', b"\\;", b"(;", b"name*1*=%41;", b"=?a?q?b?=;", b"boundary=a b;", b"\0name=a;"]
)
def test_two_thousand_parts_with_odd_fields_take_little_time(tail: bytes) -> None:
    reader = ContentReader()
    before = time.process_time()
    for number in range(2_000):
        value = b' multipart/x; boundary="a\\b(%d' % number + tail * 50
        reader.read([value], [value], [value])
    assert time.process_time() - before < 16


PIECES = [
    b"multipart/x", b"boundary", b"name", b"filename", b"charset", b"base64", b"*", b"0", b"1",
    b"=", b";", b'"', b"\\", b"(", b")", b"'", b"%4", b"%41", b"utf-16", b"=?utf-7?Q?", b"?=",
    b"\0", b"\xff", b" ", b"\r\n ", b"+2AA-",
]  # fmt: skip
VALUES = st.lists(
    st.one_of(st.binary(), st.lists(st.sampled_from(PIECES)).map(b"".join)), max_size=3
)


@given(VALUES, VALUES, VALUES)
def test_any_fields_give_bounded_readings_that_utf_8_can_write(
    types: list[bytes], dispositions: list[bytes], encodings: list[bytes]
) -> None:
    content = read_content(types, dispositions, encodings)
    for texts in (
        content.media_types,
        content.charsets,
        content.encodings,
        content.names,
        content.dispositions,
    ):
        assert len(set(texts)) == len(texts) <= 64
        for text in texts:
            assert text
            text.encode("utf-8")
    assert len(set(content.boundaries)) == len(content.boundaries) <= 64
    assert all(content.boundaries)
    assert set(content.anomalies) <= set(ANOMALIES)
