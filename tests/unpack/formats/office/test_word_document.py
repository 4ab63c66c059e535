"""The main stream of old Word documents."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.office.word_document import document_traits, table_name
from mailwarden.unpack.members import Trait
from support.office import meter


def document(flags: int = 0, text: bytes = b"", table: bytes = b"") -> bytes:
    head = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0, 0, flags).ljust(0x019A, b"\0")
    return head + struct.pack("<II", 0, len(table)) + bytes(1000) + text


def table_of(template: str) -> bytes:
    texts = ["first", template, *[""] * 16]
    counted = (struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in texts)
    return struct.pack("<HHH", 0xFFFF, 18, 0) + b"".join(counted)


def test_the_flags_say_which_table_belongs_to_it() -> None:
    assert table_name(document()) == "0table"
    assert table_name(document(0x0200)) == "1table"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
def test_fields_are_found_in_text_of_8_and_16_bits(encoding: str) -> None:
    text = '\x13 DDEAUTO c:\\\\x.exe "a"\x14!\x15'.encode(encoding)
    assert list(document_traits(document(text=text), b"", meter())) == [Trait.DDE]


@pytest.mark.parametrize(
    ("template", "traits"),
    [
        ("http://example.com/a.dot", [Trait.REMOTE_TEMPLATE]),
        ("Normal.dot", []),
        ("", []),
    ],
)
def test_the_template_is_where_the_table_says(template: str, traits: list[Trait]) -> None:
    table = table_of(template)
    assert list(document_traits(document(table=table), table, meter())) == traits


def test_an_encrypted_document_says_nothing_else() -> None:
    text = b"\x13 DDE x\x15"
    assert list(document_traits(document(0x0100, text), b"", meter())) == [Trait.ENCRYPTED]


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_any_bytes_give_traits(octets: bytes, table: bytes) -> None:
    assert set(document_traits(octets, table, meter())) <= set(Trait)
    broken = document(table=table) + octets
    assert set(document_traits(broken, table_of("a")[:9] + table, meter())) <= set(Trait)
