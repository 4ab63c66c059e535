"""Documents that are zip archives."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.office.ooxml import open_ooxml
from mailwarden.unpack.members import Trait, UnreadableError, UnsupportedError
from support.office import compound_file, look, meter, relationships, vba_project, zipped

PLAIN = {
    "[Content_Types].xml": b'<Types><Default ContentType="application/xml"/></Types>',
    "word/document.xml": b"<w:document><w:t>text</w:t></w:document>",
    "word/_rels/document.xml.rels": relationships(("hyperlink", "http://example.com", "External")),
    "word/media/image1.png": b"\x89PNG\r\n\x1a\n",
}
PROJECT = compound_file(vba_project({"Module1": b"Sub AutoOpen()\r\nEnd Sub"}))


def test_an_honest_document_has_no_traits_and_nothing_to_scan_alone() -> None:
    opened = look(open_ooxml, zipped(PLAIN))
    assert opened.traits == set()
    assert set(opened.names) == set(PLAIN)
    assert not any(member.is_scanned for member in opened.members)


def test_what_is_no_xml_in_spite_of_its_name_is_scanned() -> None:
    opened = look(open_ooxml, zipped({**PLAIN, "word/a.xml": b"MZ", "word/b.bin": b"<a/>"}))
    assert {member.names[0] for member in opened.members if member.is_scanned} == {
        "word/a.xml",
        "word/b.bin",
    }


@pytest.mark.parametrize(
    ("name", "octets", "traits"),
    [
        ("word/vbaProject.bin", PROJECT, {Trait.MACROS, Trait.AUTO_MACROS}),
        ("word/other.name", PROJECT, {Trait.MACROS, Trait.AUTO_MACROS}),
        ("xl/macrosheets/sheet1.xml", b"<a/>", {Trait.XLM_MACROS}),
        ("word/embeddings/oleObject1.bin", b"x", {Trait.EMBEDDED_OBJECT}),
        ("Basic/Standard/Module1.xml", b"<a/>", {Trait.MACROS}),
        ("Basic/Standard/script-lb.xml", b"<a/>", set()),
        ("customUI/customUI.xml", b'<customUI onLoad="a"/>', set()),
        ("xl/externalLinks/externalLink1.bin", b"\xe8\x02\x02\x01\0", {Trait.DDE}),
        ("word/document2.xml", b" " * 2000 + b'<fldSimple instr="DDE x"/>', {Trait.DDE}),
    ],
)
def test_a_part_tells_about_the_document(name: str, octets: bytes, traits: set[Trait]) -> None:
    assert look(open_ooxml, zipped({**PLAIN, name: octets})).traits == traits


def test_a_ribbon_that_loads_runs_the_macros_that_are_there() -> None:
    parts = {
        "customUI/customUI.xml": b'<customUI onLoad="a"/>',
        "word/vbaProject.bin": compound_file(vba_project({"Module1": b"Sub a()"})),
    }
    assert Trait.AUTO_MACROS in look(open_ooxml, zipped({**PLAIN, **parts})).traits


def test_xml_that_cannot_be_read_is_told_and_scanned() -> None:
    parts = {**PLAIN, "word/_rels/document.xml.rels": b"<Relationships><broken"}
    member = look(open_ooxml, zipped(parts)).member("word/_rels/document.xml.rels")
    assert member.is_scanned
    assert member.unopened == "XML that cannot be read"


def test_relationships_in_an_unknown_encoding_are_told() -> None:
    parts = {**PLAIN, "_rels/.rels": "<Relationships/>".encode("cp037")}
    member = look(open_ooxml, zipped(parts)).member("_rels/.rels")
    assert member.unopened == "relationships that are no XML"


SAMPLE = zipped({**PLAIN, "word/vbaProject.bin": PROJECT})


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 4), st.binary(min_size=1, max_size=4))))
def test_any_damage_gives_something_or_a_named_error(changes: list[tuple[int, bytes]]) -> None:
    octets = bytearray(SAMPLE)
    for offset, change in changes:
        octets[offset : offset + len(change)] = change
    with suppress(UnreadableError, UnsupportedError, OverLimitError):
        list(open_ooxml(bytes(octets), meter()))
