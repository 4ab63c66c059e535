"""Fields in text documents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.office.fields import field_traits
from mailwarden.unpack.members import Trait
from support.office import meter


@pytest.mark.parametrize(
    ("text", "traits"),
    [
        ('\x13 DDEAUTO c:\\\\x.exe "a" \x14shown\x15', (Trait.DDE,)),
        ("\x13dde cmd\x15", (Trait.DDE,)),
        ("\x13" + " " * 5000 + "DDE cmd", (Trait.DDE,)),
        ("\x13\x13QUOTE 68 68 0x45\x14DDE\x15 cmd\x15", (Trait.DDE,)),
        ('\x13\x13 QUOTE "DD" "EAUTO" \x15 cmd\x15', (Trait.DDE,)),
        ("\x13\x13SET a\x14DDE\x15 cmd\x14\x15", (Trait.DDE,)),
        ("\x13 IF 1 = 1 \x13 DDE x \x15\x14\x15", (Trait.DDE,)),
        ("\x13LINK Excel.Sheet.12 x\x15", (Trait.EXTERNAL_LINK,)),
        ("\x13INCLUDETEXT x\x15\x13DDE\x15", (Trait.EXTERNAL_LINK, Trait.DDE)),
        ("\x13 DDEX \x15", ()),
        ("\x13 PAGE \x14DDE x\x15", ()),
        ('\x13 HYPERLINK "http://example.com" \x14DDE\x15', ()),
        ("\x13 QUOTE 99999999 0xffffff \x15", ()),
        ("DDE x", ()),
        ("\x15\x14\x15 DDE", ()),
    ],
)
def test_an_instruction_says_what_a_field_does(text: str, traits: tuple[Trait, ...]) -> None:
    assert field_traits(text, meter()) == traits


def test_many_nested_fields_take_linear_time() -> None:
    assert field_traits("\x13 A " * 300_000 + "\x13DDE x", meter()) == (Trait.DDE,)


@given(st.text(alphabet='\x13\x14\x15DEQUOT 068x"', max_size=200))
def test_any_text_gives_traits(text: str) -> None:
    assert set(field_traits(text, meter())) <= {Trait.DDE, Trait.EXTERNAL_LINK}
