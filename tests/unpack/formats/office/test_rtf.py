"""RTF documents."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.office.rtf import open_rtf
from mailwarden.unpack.members import Trait
from support.office import look, meter, ole1_object, package

OBJECT = ole1_object("Package", package("a.exe", b"MZ"))
DIGITS = OBJECT.hex().encode()


def document(content: bytes) -> bytes:
    return b"{\\rtf1\\ansi text " + content + b"}"


def objects(data: bytes) -> bytes:
    return document(b"{\\object\\objemb{\\*\\objdata " + data + b"}}")


def test_an_honest_document_has_no_traits_and_no_members() -> None:
    opened = look(open_rtf, document(b"{\\field{\\*\\fldinst PAGE}{\\fldrslt 1}}\\par DDE"))
    assert not opened.traits
    assert not opened.members


@pytest.mark.parametrize(
    "data",
    [
        DIGITS,
        DIGITS.upper(),
        b"\r\n\t ".join(DIGITS[place : place + 3] for place in range(0, len(DIGITS), 3)),
        DIGITS[:7] + b"{\\*\\ignored abc}" + DIGITS[7:],
        DIGITS[:7] + b"{\\*\\ignored{deep abc}}\\rsid123\\binN " + DIGITS[7:],
        b"{\\word " + DIGITS[:7] + b"}" + DIGITS[7:],
        b"{\\*\\word " + DIGITS[:7] + b"}" + DIGITS[7:],
        b"0{\\*\\other ff\\objdata " + DIGITS + b"}",
        DIGITS[:9] + b"\\'ff" + DIGITS[8:],
        DIGITS[:8] + b"\\'ff" + DIGITS[8:],
        DIGITS[:40] + b"\\bin%d " % (len(OBJECT) - 20) + OBJECT[20:],
        DIGITS + b"a",
        b"zz" + DIGITS,
    ],
)
def test_an_object_is_found_in_whatever_way_it_is_written(data: bytes) -> None:
    opened = look(open_rtf, objects(data))
    assert Trait.EMBEDDED_OBJECT in opened.traits
    assert b"MZ" in {member.octets for member in opened.members if "a.exe" in member.names}


def test_an_object_in_a_group_that_never_ends_is_found() -> None:
    assert look(open_rtf, b"{\\rtf1{\\object{\\*\\objdata " + DIGITS).names == ("a.exe",)


def test_several_objects_are_several_members() -> None:
    assert look(open_rtf, objects(DIGITS) + objects(DIGITS)).names == ("a.exe", "a.exe")


@pytest.mark.parametrize(
    ("content", "trait"),
    [
        (b"{\\*\\template http://example.com/a.dotm}", Trait.REMOTE_TEMPLATE),
        (b"{\\*\\template \\u104?ttp://example.com/a.dotm}", Trait.REMOTE_TEMPLATE),
        (b"{\\*\\template \\uc0\\u104ttp://example.com/a}", Trait.REMOTE_TEMPLATE),
        (b"{\\*\\template \\'68ttp://example.com/a.dotm}", Trait.REMOTE_TEMPLATE),
        (b"{\\*\\template \\\\\\\\server\\\\a.dotm}", Trait.REMOTE_TEMPLATE),
        (b"{\\field{\\*\\fldinst DDEAUTO c:\\\\\\\\x}{\\fldrslt a}}", Trait.DDE),
        (b"{\\field{\\*\\fldinst {\\b DD}{\\i EAUTO} c}{\\fldrslt a}}", Trait.DDE),
        (b"{\\field{\\*\\fldinst \\'44DE c}}", Trait.DDE),
        (b"{\\field{\\*\\fldinst \\u68?DE c}}", Trait.DDE),
        (b"{\\field{\\*\\fldinst {\\field{\\*\\fldinst QUOTE 68 68 69}} c}}", Trait.DDE),
        (b"{\\field{\\*\\fldinst" + b"\\rsid1" * 20_000 + b" DDE c}}", Trait.DDE),
        (b"{\\object\\objautlink x}", Trait.EXTERNAL_LINK),
    ],
)
def test_what_leads_away_or_starts_programs_is_found(content: bytes, trait: Trait) -> None:
    assert look(open_rtf, document(content)).traits == {trait}


@pytest.mark.parametrize("content", [b"{\\*\\template C:\\\\a.dot}", b"{\\templates http://a}"])
def test_a_template_of_the_same_machine_is_not_remote(content: bytes) -> None:
    assert look(open_rtf, document(content)).traits == set()


@pytest.mark.parametrize(
    "unit",
    [b"{\\objdata ", b"{\\*\\field ", b"{\\template ", b"{\\objdata 0{a}", b"\\bin1 ", b"\\"],
)
def test_what_is_repeated_without_end_takes_linear_time(unit: bytes) -> None:
    look(open_rtf, document(unit * 30_000))


@given(
    st.lists(
        st.sampled_from(
            [
                *(b"{", b"}", b"\\objdata ", b"\\bin", b"3 ", b"\\'", b"\\*", b"\\u", b"0a", b"f"),
                *(b" ", b"\\field", b"\\fldrslt", b"\\template ", b"DDE ", b"\\", b"\\bin-1 "),
            ]
        )
    )
)
def test_any_mixture_gives_members(pieces: list[bytes]) -> None:
    with suppress(OverLimitError):
        list(open_rtf(document(b"".join(pieces)), meter()))
