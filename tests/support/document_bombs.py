"""Documents that cost more to read than to send."""

import struct
import zlib
from collections.abc import Callable, Mapping
from zipfile import ZIP_STORED

from support import archives, office, samples
from support.pdf import HEADER, object_stream, pdf, stream

_MEGABYTE = 1_000_000


def pdf_of_brackets() -> bytes:
    """Arrays in arrays, two million deep, each next to something that makes them worth reading."""
    return pdf(b"<< /S /JavaScript /X " + b"[" * 2_000_000 + b">>")


def pdf_of_shallow_brackets() -> bytes:
    """20,000 objects with values 200 deep."""
    return pdf(*[b"<< /JS " + b"[" * 200 + b"]" * 200 + b" >>"] * 20_000)


def pdf_of_many_objects() -> bytes:
    """100,000 scripts."""
    return pdf(*(b"<< /S /JavaScript /JS (%d) >>" % number for number in range(100_000)))


def pdf_of_many_references() -> bytes:
    """100,000 objects that lead to each other in a ring, and all of them to lists of all."""
    ring = (b"[%d 0 R %d 0 R]" % (n % 50_000 + 1, (n * 7) % 50_000 + 1) for n in range(50_000))
    return pdf(*ring, *[b"<< /JS 1 0 R >>"] * 50_000)


def pdf_of_one_number() -> bytes:
    """50,000 objects with the same number, and 10,000 references to it."""
    return (
        HEADER + b"1 0 obj 2 0 R endobj\n" * 50_000 + b"2 0 obj << /JS 1 0 R >> endobj\n" * 10_000
    )


def pdf_of_long_tokens() -> bytes:
    """A dictionary of 20 MB."""
    return pdf(b"<< /JS (x) " + b"/A 1 " * 4_000_000 + b">>")


def pdf_of_parentheses() -> bytes:
    """A string with ten million parentheses in it."""
    return pdf(b"<< /JS (" + b"(" * 5_000_000 + b")" * 5_000_000 + b") >>")


def pdf_of_hexadecimal() -> bytes:
    """Strings that nobody closes."""
    return pdf(b"<< /JS 1 " + b"<" * 5_000_000 + b">>")


def pdf_of_comments() -> bytes:
    """A million comments."""
    return pdf(b"<< /JS (x) " + b"%\n" * 5_000_000 + b">>")


def pdf_flate_bomb() -> bytes:
    """A script of a gigabyte of zeros, packed twice."""
    compressor = zlib.compressobj(9)
    once = b"".join(compressor.compress(bytes(_MEGABYTE)) for _ in range(1_000))
    once += compressor.flush()
    entries = b"/Filter [/FlateDecode /FlateDecode]"
    return pdf(b"<< /JS 2 0 R >>", stream(b"", entries, zlib.compress(once)))


def pdf_of_many_flate_bombs() -> bytes:
    """1,000 scripts of a megabyte of zeros each."""
    one = stream(bytes(_MEGABYTE))
    return pdf(*(b"<< /JS %d 0 R >>" % (number + 1_001) for number in range(1_000)), *[one] * 1_000)


def pdf_of_one_stream_many_times() -> bytes:
    """1,000 objects whose streams begin at different places and go on to the same end."""
    objects = b"".join(
        b"%d 0 obj << /Type /EmbeddedFile >> stream\n" % number for number in range(10_000)
    )
    return HEADER + objects + b"x" * _MEGABYTE + b"\nendstream endobj\n"


def pdf_of_object_streams() -> bytes:
    """1,000 object streams, each with 1,000 scripts."""
    held = object_stream(dict.fromkeys(range(1_000), b"<< /S /JavaScript /JS (x) >>"))
    return pdf(*[held] * 1_000)


def pdf_with_an_object_stream_of_itself() -> bytes:
    """Object streams that hold their own number, and are said to extend each other."""
    held = object_stream({1: b"<< /Type /ObjStm /N 1 /First 4 /Extends 2 0 R /JS 1 0 R >>"})
    return pdf(held, held, b"<< /JS 1 0 R >>")


def pdf_of_run_length() -> bytes:
    """5 MB of run lengths, which make 300 MB."""
    packed = b"\x81\0" * 2_500_000
    return pdf(b"<< /JS 2 0 R >>", stream(b"", b"/Filter /RunLengthDecode", packed))


def pdf_of_cross_references() -> bytes:
    """A million trailers."""
    return HEADER + b"1 0 obj null endobj\n" + b"trailer << /Size 1 >>\n" * 500_000


def rtf_of_groups() -> bytes:
    """An object whose data is millions of groups."""
    return rb"{\rtf1{\object\objemb{\*\objdata " + b"{a}" * 3_300_000 + b"}}}"


def rtf_of_nested_groups() -> bytes:
    """Groups five million deep."""
    return rb"{\rtf1{\object{\*\objdata " + b"{" * 5_000_000


def rtf_of_many_objects() -> bytes:
    """A million objects without data, each of which begins inside the one before."""
    return rb"{\rtf1" + rb"{\object{\*\objdata \'aa 0" * 400_000


def rtf_of_many_small_objects() -> bytes:
    """300,000 objects."""
    return rb"{\rtf1" + rb"{\object{\*\objdata 0105000002000000}}" * 250_000 + b"}"


def rtf_of_fields() -> bytes:
    """A million fields, each in the one before."""
    return rb"{\rtf1" + rb"{\field{\*\fldinst QUOTE " * 400_000


def rtf_of_templates() -> bytes:
    """Templates that nobody closes."""
    return rb"{\rtf1" + rb"{\*\template http:" * 500_000


def rtf_of_quoted_characters() -> bytes:
    """An object's data in quoted characters."""
    return rb"{\rtf1{\object{\*\objdata " + rb"\'61" * 2_500_000 + b"}}}"


def ooxml_of_laughs() -> bytes:
    """The billion laughs: entities of entities."""
    entities = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    xml = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">' + entities + b"]>"
    return archives.zip_archive(
        {"[Content_Types].xml": b"<Types/>", "word/document.xml": xml + b"<x>&l9;instrText</x>"}
    )


def ooxml_of_zeros() -> bytes:
    """A gigabyte of zeros beside the document."""
    return archives.zip_archive(
        {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<x/>"}
        | {f"word/media/{number}.bin": bytes(10 * _MEGABYTE) for number in range(100)}
    )


def ooxml_of_elements() -> bytes:
    """700,000 small elements, of a kind that is looked at."""
    xml = b"<w:document>" + b"<w:instrText>a</w:instrText>" * 700_000 + b"</w:document>"
    return _stored_document(xml)


def _stored_document(xml: bytes) -> bytes:
    """A document that is not compressed: more than a few megabytes of it would be over a ratio."""
    parts = {"[Content_Types].xml": b"<Types/>", "word/document.xml": xml}
    return archives.zip_archive(parts, ZIP_STORED)


def ooxml_of_fields() -> bytes:
    """600,000 simple fields."""
    xml = b"<w:d>" + b'<w:fldSimple w:instr="QUOTE 1"/>' * 600_000 + b"</w:d>"
    return _stored_document(xml)


def ooxml_of_attributes() -> bytes:
    """An element with a million attributes."""
    attributes = b"".join(b' a%d=""' % number for number in range(_MEGABYTE))
    xml = b"<w:instrText" + attributes + b"/>"
    return archives.zip_archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": xml})


def ooxml_of_parts() -> bytes:
    """9,000 parts of relationships."""
    part = office.relationships(("oleObject", "http://a.example/", "External"))
    return archives.zip_archive(
        {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<x/>"}
        | {f"word/_rels/{number}.rels": part for number in range(9_000)}
    )


def ole_with_a_loop_of_sectors() -> bytes:
    """A compound file whose table of sectors leads from each to itself."""
    octets = bytearray(office.compound_file({"WordDocument": b"x" * 100_000}))
    table = 512 * (struct.unpack_from("<I", octets, 76)[0] + 1)
    for sector in range(120):
        struct.pack_into("<I", octets, table + 4 * sector, sector)
    return bytes(octets)


def ole_announcing_many_sectors() -> bytes:
    """A compound file that announces four billion sectors of every table."""
    octets = bytearray(office.compound_file({"WordDocument": b"x" * 100_000}))
    struct.pack_into("<I", octets, 44, 0x7FFFFFFF)  # of the table of sectors
    struct.pack_into("<I", octets, 64, 0x7FFFFFFF)  # of the table of small sectors
    struct.pack_into("<I", octets, 72, 0x7FFFFFFF)  # of the table of tables
    struct.pack_into("<I", octets, 68, 0)
    return bytes(octets)


def ole_with_a_loop_of_entries() -> bytes:
    """A compound file in whose directory every entry is its own neighbour and child."""
    streams = {f"{number}": b"x" for number in range(200)}
    octets = bytearray(office.compound_file(streams))
    directory = 512 * (struct.unpack_from("<I", octets, 48)[0] + 1)
    for entry in range(201):
        struct.pack_into("<III", octets, directory + 128 * entry + 68, entry, entry, entry)
    return bytes(octets)


def ole_of_streams() -> bytes:
    """2,000 streams, all of them attachments by their names."""
    return office.compound_file(
        {f"ObjectPool/_{number}/\x01Ole10Native": b"x" * 20 for number in range(2_000)}
    )


def ole_of_fields() -> bytes:
    """A document of half a million fields."""
    text = bytes(1_024) + b"\x13 QUOTE 1 \x14\x15" * 500_000
    return office.compound_file({"WordDocument": text})


def ole_of_records() -> bytes:
    """A workbook of 1.6 million empty records."""
    return office.compound_file({"Workbook": office.biff(*[(0x0018, b"")] * 1_600_000)})


def ole_of_presentation_records() -> bytes:
    """A presentation of nothing but records in records."""
    return office.compound_file(
        {"PowerPoint Document": struct.pack("<HHI", 0x0F, 1_000, 0x7FFFFFFF) * 800_000}
    )


def _attached(name: bytes, make: Callable[[], bytes]) -> Callable[[], bytes]:
    return lambda: samples.with_attachment(name, make())


DOCUMENT_BOMBS: Mapping[str, Callable[[], bytes]] = {
    **{
        f"pdf {name}": _attached(b"a.pdf", make)
        for name, make in {
            "brackets": pdf_of_brackets,
            "shallow brackets": pdf_of_shallow_brackets,
            "of 100,000 scripts": pdf_of_many_objects,
            "references": pdf_of_many_references,
            "one number": pdf_of_one_number,
            "long dictionary": pdf_of_long_tokens,
            "parentheses": pdf_of_parentheses,
            "hexadecimal": pdf_of_hexadecimal,
            "comments": pdf_of_comments,
            "flate bomb": pdf_flate_bomb,
            "1,000 flate bombs": pdf_of_many_flate_bombs,
            "one stream many times": pdf_of_one_stream_many_times,
            "object streams": pdf_of_object_streams,
            "object stream of itself": pdf_with_an_object_stream_of_itself,
            "run lengths": pdf_of_run_length,
            "trailers": pdf_of_cross_references,
        }.items()
    },
    **{
        f"rtf {name}": _attached(b"a.rtf", make)
        for name, make in {
            "groups": rtf_of_groups,
            "nested groups": rtf_of_nested_groups,
            "objects in objects": rtf_of_many_objects,
            "small objects": rtf_of_many_small_objects,
            "fields": rtf_of_fields,
            "templates": rtf_of_templates,
            "quoted characters": rtf_of_quoted_characters,
        }.items()
    },
    **{
        f"docx {name}": _attached(b"a.docx", make)
        for name, make in {
            "laughs": ooxml_of_laughs,
            "zeros": ooxml_of_zeros,
            "elements": ooxml_of_elements,
            "fields": ooxml_of_fields,
            "attributes": ooxml_of_attributes,
            "parts": ooxml_of_parts,
        }.items()
    },
    **{
        f"doc {name}": _attached(b"a.doc", make)
        for name, make in {
            "sector loop": ole_with_a_loop_of_sectors,
            "many sectors": ole_announcing_many_sectors,
            "entry loop": ole_with_a_loop_of_entries,
            "streams": ole_of_streams,
            "fields": ole_of_fields,
            "records": ole_of_records,
            "presentation records": ole_of_presentation_records,
        }.items()
    },
}
