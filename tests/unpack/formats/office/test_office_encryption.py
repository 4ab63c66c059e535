"""Encrypted documents, with passwords that the programs know and with others."""

import io

import msoffcrypto.format.ooxml  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwarden.unpack.formats.office.ole import open_ole
from mailwarden.unpack.members import Trait
from support.office import biff, compound_file, look, zipped

TYPES = (
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="xml" ContentType="application/xml"/></Types>'
)
DOCUMENT = zipped({"[Content_Types].xml": TYPES, "word/document.xml": b"<d/>" * 2000})


def encrypted(password: str) -> bytes:
    octets = io.BytesIO()
    document = msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(DOCUMENT))
    document.encrypt(password, octets)
    return octets.getvalue()


@pytest.mark.parametrize("password", ["VelvetSweatshop", "/01Hannes Ruescher/01"])
def test_what_opens_without_asking_is_decrypted(password: str) -> None:
    opened = look(open_ole, encrypted(password))
    assert opened.traits == set()
    assert opened.member("decrypted").octets == DOCUMENT


def test_what_needs_a_password_is_encrypted() -> None:
    opened = look(open_ole, encrypted("secret"))
    assert opened.traits == {Trait.ENCRYPTED}
    assert opened.members == ()


def test_more_rounds_of_hashing_than_office_makes_are_not_tried() -> None:
    octets = encrypted("VelvetSweatshop").replace(b'spinCount="100000"', b'spinCount="999999"')
    assert look(open_ole, octets).traits == {Trait.ENCRYPTED}


@pytest.mark.parametrize(
    "streams",
    [
        {"EncryptedPackage": b"x"},
        {"EncryptedPackage": b"x", "EncryptionInfo": b"\x04\0\x04\0@\0\0\0<broken"},
        {"EncryptedPackage": b"x", "EncryptionInfo": b"\x03\0\x02\0@\0\0\0"},
        {"Workbook": biff((0x002F, b"\x01\0\x01\0\x01\0"))},
        {"Workbook": biff((0x002F, b"\0\0\x01\0\x01\0"))},
        {"WordDocument": b"\xec\xa5" + bytes(8) + b"\0\x01" + bytes(5000)},
        {"PowerPoint Document": b"", "Current User": bytes(12) + b"\xdf\xc4\xd1\xf3"},
        {"\tDRMContent": b"x"},
    ],
)
def test_every_mark_of_encryption_is_known(streams: dict[str, bytes]) -> None:
    assert look(open_ole, compound_file(streams)).traits == {Trait.ENCRYPTED}


def test_what_cannot_be_decrypted_in_time_stays_encrypted() -> None:
    streams = {f"S{place}": b"x" for place in range(1001)} | {"EncryptedPackage": b"x"}
    assert look(open_ole, compound_file(streams)).traits == {Trait.ENCRYPTED}


SAMPLE = encrypted("secret").replace(b'spinCount="100000"', b'spinCount="000001"')
DESCRIPTION = SAMPLE.index(b"<?xml")


@settings(max_examples=50)
@given(st.integers(-8, 1500), st.binary(min_size=1, max_size=6))
def test_a_description_that_is_damaged_is_encryption_all_the_same(
    offset: int, change: bytes
) -> None:
    at = DESCRIPTION + offset
    octets = SAMPLE[:at] + change + SAMPLE[at + len(change) :]
    assert Trait.ENCRYPTED in look(open_ole, octets).traits
