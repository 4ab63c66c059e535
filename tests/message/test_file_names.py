import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.file_names import (
    MOST_SPELLINGS,
    NAME_LENGTH,
    decode_name,
    extension,
    has_direction_override,
    name_spellings,
)


@pytest.mark.parametrize(
    "name", ["a.exe", "Report 2022 (final).pdf", "a", ".signature", "a, b & c.tar.gz", "räport.pdf"]
)
def test_a_usual_name_has_one_spelling(name: str) -> None:
    assert name_spellings(name) == (name,)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("..\\a.exe", "a.exe"),
        ("/tmp/a.exe", "a.exe"),
        ("C:\\tmp\\a.exe", "a.exe"),
        ("a.exe\0.txt", "a.exe"),
        ("a.e\0xe", "a.exe"),
        ("a%2Eexe", "a.exe"),
        ("a%00.exe", "a"),
        ("a+AC4-exe", "a.exe"),
        ("a.exe ", "a.exe"),
        ("a.exe.", "a.exe"),
        ("a.exe::$DATA", "a.exe"),
        ('a".exe', "a.exe"),
        ("a;.exe", "a.exe"),
        ("a.e\u200bxe", "a.exe"),
        ("a.e\u00adxe", "a.exe"),
        ("invoice\u202efdp.exe", "invoiceexe.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\uff0eexe", "a.exe"),
        ("\u202ecod.\u202cexe", ".docexe"),
    ],
)
def test_a_name_is_also_what_programs_make_of_it(name: str, other: str) -> None:
    spellings = name_spellings(name)
    assert spellings[0] == name
    assert other in spellings


def test_no_spelling_is_empty() -> None:
    assert name_spellings("") == ()
    assert name_spellings("\0") == ("\0",)


def test_a_name_that_no_file_can_have_is_left_as_it_is() -> None:
    assert name_spellings("/" * (NAME_LENGTH + 1)) == ("/" * (NAME_LENGTH + 1),)


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("a.EXE", "exe"),
        ("a.tar.gz", "gz"),
        ("a", ""),
        ("a.exe. ", "exe"),
        ("a.b c", ""),
        ("a.%65xe", ""),
        ("=?utf-8?Q?a.exe?=", ""),
    ],
)
def test_the_extension_is_a_short_word_after_the_last_dot(name: str, last: str) -> None:
    assert extension(name) == last


def test_letters_that_are_turned_round_are_noticed() -> None:
    assert has_direction_override("a\u202eb")
    assert not has_direction_override("a\u200fb")


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        (b"a.exe", "", "a.exe"),
        (b"=?utf-8?Q?a.exe?=", "", "a.exe"),
        (b"=?utf-8?Q?a_b?=", "", "a_b"),
        (b"=?utf-8?Q?a.exe", "", "a.exe"),
        (b"=?utf-16?B?AGEALgBlAHgAZQ==?=", "", "a.exe"),
        (b"=?utf-16?B?YQAuAGUAeABlAA==?=", "", "a.exe"),
        (b"a\0.\0e\0x\0e\0", "utf-16", "a.exe"),
        (b"\0a\0.\0e\0x\0e", "utf-16", "a.exe"),
        ("ä.exe".encode(), "us-ascii", "ä.exe"),
        ("ä.exe".encode(), "", "ä.exe"),
        (b"\xe4.exe", "", "ä.exe"),
        (b"\xe4.exe", "no-such-charset", "ä.exe"),
    ],
)
def test_octets_are_decoded_as_some_client_does(octets: bytes, charset: str, text: str) -> None:
    assert text in decode_name(octets, charset)


@given(st.binary(), st.sampled_from(["", "utf-16", "utf-7", "us-ascii", "x"]))
def test_any_octets_have_few_spellings_that_utf_8_can_write(octets: bytes, charset: str) -> None:
    for text in decode_name(octets, charset):
        spellings = name_spellings(text)
        assert len(set(spellings)) == len(spellings) <= MOST_SPELLINGS
        for spelling in spellings:
            spelling.encode("utf-8")


@given(
    st.lists(st.sampled_from(["\0", "%41", "%00", "+AC4-", "/", ":", ".", " ", "\u202e", "\uff0e"]))
)
def test_any_tricks_together_have_few_spellings(pieces: list[str]) -> None:
    assert len(name_spellings("".join(pieces))) <= MOST_SPELLINGS


@pytest.mark.parametrize("piece", ["%41", "/", "..\\", "+AAA", "\u202e", "\ufdfa", "a:", ". "])
def test_long_names_take_little_time(piece: str) -> None:
    before = time.process_time()
    for _ in range(10):
        name_spellings((piece * NAME_LENGTH)[:NAME_LENGTH])
    assert time.process_time() - before < 4
