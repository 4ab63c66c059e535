"""The XML parts of documents."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.office.office_xml import read_xml
from mailwarden.unpack.members import Trait, UnreadableError
from support.office import meter, relationships


@pytest.mark.parametrize(
    ("relation", "traits"),
    [
        (("attachedTemplate", "http://example.com/a.dotm", "External"), [Trait.REMOTE_TEMPLATE]),
        (("attachedTemplate", "file:///C:\\a.dotm", "External"), []),
        (("oleObject", "mhtml:http://example.com/!x", "External"), [Trait.EXTERNAL_LINK]),
        (("frame", "http://example.com", "external"), [Trait.EXTERNAL_LINK]),
        (("hyperlink", "http://example.com", "External"), []),
        (("image", "http://example.com/a.png", "External"), []),
        (("oleObject", "embeddings/oleObject1.bin", ""), [Trait.EMBEDDED_OBJECT]),
        (("vbaProject", "any.name", ""), [Trait.MACROS]),
        (("styles", "styles.xml", ""), []),
    ],
)
def test_relationships_say_where_they_lead(
    relation: tuple[str, str, str], traits: list[Trait]
) -> None:
    assert list(read_xml(relationships(relation), meter()).traits) == traits


def field(*texts: str) -> str:
    runs = "".join(f"<w:r><w:instrText> {text}</w:instrText></w:r>" for text in texts)
    begin, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "end"))
    return f"<w:p>{begin}{runs.replace('> ', '>')}{end}</w:p>"


@pytest.mark.parametrize(
    "text",
    [
        field("DDEAUTO c:\\\\x"),
        field("DD", "EAU", "TO c:\\\\x"),
        field("&#68;&#x44;E x"),
        field("<![CDATA[DDE x]]>"),
        '<a:fldSimple a:instr=" DDE cmd"/>',
        '<w:fldSimple w:instr="&#68;DE cmd"/>',
        "<externalLink><ddeLink ddeService='cmd'/></externalLink>",
        "<text:dde-connection-decl/>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_fields_that_start_programs_are_found(text: str, encoding: str) -> None:
    assert list(read_xml(f"<w>{text}</w>".encode(encoding), meter()).traits) == [Trait.DDE]


def test_ordinary_fields_and_text_say_nothing() -> None:
    text = f"<w>{field('PAGE')}{field('TOC')}<w:t>DDEAUTO instrText</w:t></w>"
    assert list(read_xml(text.encode(), meter()).traits) == []


@pytest.mark.parametrize(
    "text",
    [
        '<customUI onLoad="run"/>',
        '<workbook><definedName name="_xlnm.Auto_Open">x</definedName></workbook>',
    ],
)
def test_what_runs_macros_is_known(text: str) -> None:
    assert read_xml(text.encode(), meter()).is_automatic


@pytest.mark.parametrize(
    ("text", "traits"),
    [
        ("<manifest:encryption-data/>", [Trait.ENCRYPTED]),
        ('<meta:template xlink:href="http://example.com/a.ott"/>', [Trait.REMOTE_TEMPLATE]),
        ('<script:event-listener script:event-name="dom:load"/>', [Trait.MACROS]),
        ('<Override ContentType="application/vnd.ms-office.vbaProject"/>', [Trait.MACROS]),
        (
            '<Default ContentType="application/vnd.ms-excel.macrosheet+xml"/>',
            [Trait.XLM_MACROS],
        ),
        ('<o:OLEObject Type="Link"/>', [Trait.EXTERNAL_LINK]),
        ("<oleLink/>", [Trait.EXTERNAL_LINK]),
    ],
)
def test_other_elements_are_known(text: str, traits: list[Trait]) -> None:
    assert list(read_xml(text.encode(), meter()).traits) == traits


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY b "DDE x">]><a>instrText &b;</a>',
        "<Relationships><unclosed></Relationships>",
        '<?xml version="1.0" encoding="unheard-of"?><Relationships/>',
    ],
)
def test_what_cannot_be_read_safely_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_xml(text.encode(), meter())


@given(st.binary(max_size=200))
def test_any_bytes_give_traits_or_are_unreadable(octets: bytes) -> None:
    with suppress(UnreadableError):
        read_xml(b"<Relationship>" + octets, meter())


def test_elements_nested_as_in_no_document_are_unreadable() -> None:
    with pytest.raises(UnreadableError):
        read_xml(b"<Relationships>" + b"<a>" * 1_000_000, meter())


def test_a_tag_as_long_as_in_no_document_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        read_xml(b"<Relationship " + b"a=''" * 200_000 + b"/>", meter())


def test_a_part_of_several_pieces_is_read_whole() -> None:
    text = b"<w>" + b"<a/>" * 600_000 + b"<w:fldSimple w:instr='DDE x'/></w>"
    assert list(read_xml(text, meter()).traits) == [Trait.DDE]
