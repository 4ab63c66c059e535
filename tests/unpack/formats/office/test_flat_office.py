"""Office documents that are one file of XML."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.carriers import carriers_of
from mailwarden.unpack.formats.office.flat_office import open_flat_office
from mailwarden.unpack.members import Trait, UnreadableError
from support.opening import opened

BASE64 = base64.encodebytes(b"project" * 99).decode()
FLAT_OPC = (
    '<?xml version="1.0"?><pkg:package xmlns:pkg="p"><pkg:part pkg:name="/word/vbaProject.bin">'
    f"<pkg:binaryData>{BASE64}</pkg:binaryData></pkg:part></pkg:package>"
)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (FLAT_OPC.encode(), "/word/vbaProject.bin"),
        (FLAT_OPC.encode("utf-16"), "/word/vbaProject.bin"),
        (FLAT_OPC.replace("cHJ", "<!-- x -->c<![CDATA[HJ]]>", 1).encode(), "/word/vbaProject.bin"),
        (
            f'<w:wordDocument xmlns:w="w"><w:docSuppData><w:binData w:name="editdata.mso">{BASE64}'
            "</w:binData></w:docSuppData></w:wordDocument>".encode(),
            "editdata.mso",
        ),
    ],
    ids=["flat-opc", "utf-16", "comment", "word-2003"],
)
def test_what_stands_in_base64_is_a_member(document: bytes, name: str) -> None:
    assert "flat-office" in carriers_of(document, "xml", ("a.doc",), "application/msword")
    outcome = opened(open_flat_office, document)
    assert outcome.octets == {name: b"project" * 99}
    assert outcome.error is None


def test_what_the_rest_says_of_the_document_is_said() -> None:
    document = (
        '<pkg:package xmlns:pkg="p"><Relationship Type="x/attachedTemplate" TargetMode="External"'
        f' Target="https://example.org/a.dotm"/><pkg:binaryData>{BASE64}</pkg:binaryData>'
        "</pkg:package>"
    )
    assert opened(open_flat_office, document.encode()).traits == {Trait.REMOTE_TEMPLATE}


def test_macros_that_an_event_runs_are_automatic() -> None:
    document = b'<o:document xmlns:o="o"><event-listener event-name="dom:load"/></o:document>'
    assert opened(open_flat_office, document).traits == {Trait.MACROS, Trait.AUTO_MACROS}


@pytest.mark.parametrize(
    "document", [b"", b"<a>", b'<!DOCTYPE a [<!ENTITY b "c">]><a><binData>AAAA</binData></a>']
)
def test_what_is_no_xml_or_declares_entities_is_unreadable(document: bytes) -> None:
    assert isinstance(opened(open_flat_office, document).error, UnreadableError)


@given(
    st.binary()
    | st.lists(
        st.sampled_from([b"<binData>", b"</binData>", b"<a b='c'>", b"QQ==", b"<![CDATA["])
    ).map(b"".join)
)
def test_any_bytes_give_members_or_the_named_errors(octets: bytes) -> None:
    error = opened(open_flat_office, octets).error
    assert error is None or isinstance(error, UnreadableError | OverLimitError)
