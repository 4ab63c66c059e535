"""Compound files (OLE2): old Office documents, Outlook messages, and what is embedded in them.

Every stream is asked for by its own name, wherever it lies, so that a document embedded in another
is read with it. Sources: [MS-DOC], [MS-XLS], [MS-PPT], [MS-OVBA], [MS-OXMSG], [MS-OFFCRYPTO].
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.office.biff import workbook_traits
from mailwarden.unpack.formats.office.ole_objects import open_native
from mailwarden.unpack.formats.office.presentation import open_presentation, user_traits
from mailwarden.unpack.formats.office.vba_project import open_projects
from mailwarden.unpack.formats.office.word_document import document_traits, table_name
from mailwarden.unpack.formats.outlook.outlook import open_attachments, open_bodies
from mailwarden.unpack.members import Member, Opened, Trait

if TYPE_CHECKING:
    from mailwarden.unpack.formats.office.compound_file import CompoundFile, Stream

_LINK = 0x00000001  # [MS-OLEDS] 2.3.3: the object is linked, not embedded


def open_ole(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a compound file; raises as `members` says."""
    # Few messages hold compound files; the others do not wait for the library.
    from mailwarden.unpack.formats.office.compound_file import open_compound_file

    compound = open_compound_file(octets)
    is_encrypted = False
    for found in _contents(compound, meter):
        if found is Trait.ENCRYPTED:
            is_encrypted = True
        else:
            yield found
    if is_encrypted:
        yield from _decrypted(compound, meter)


def _contents(compound: "CompoundFile", meter: Meter) -> Iterator[Opened]:
    yield from open_projects(compound, meter)
    for stream in compound.streams:
        if stream.name in _READERS:
            yield from _READERS[stream.name](compound, stream, meter)
    yield from open_attachments(compound, meter)
    yield from open_bodies(compound, meter)


def _decrypted(compound: "CompoundFile", meter: Meter) -> Iterator[Opened]:
    """Open what the programs open without asking; everything else needs a password."""
    from mailwarden.unpack.formats.office.office_encryption import decrypt_with_known_password

    octets = decrypt_with_known_password(compound, meter)
    if octets is None:
        yield Trait.ENCRYPTED
        return
    meter.count_member()
    yield Member(("decrypted",), octets)


def _read_encrypted(
    _compound: "CompoundFile", _stream: "Stream", _meter: Meter
) -> Iterator[Opened]:
    """Nothing to read: the stream's name says it ([MS-OFFCRYPTO] 2.2 and 2.3.4.4)."""
    yield Trait.ENCRYPTED


def _read_native(compound: "CompoundFile", stream: "Stream", meter: Meter) -> Iterator[Opened]:
    yield from open_native(compound.read(stream, meter), meter)


def _read_ole(compound: "CompoundFile", stream: "Stream", meter: Meter) -> Iterator[Opened]:
    """Read what says that a storage is an object, embedded or linked ([MS-OLEDS] 2.3.3)."""
    if stream.storage:
        yield Trait.EMBEDDED_OBJECT
    if int.from_bytes(compound.read(stream, meter)[4:8], "little") & _LINK:
        yield Trait.EXTERNAL_LINK


def _read_embedded(compound: "CompoundFile", stream: "Stream", meter: Meter) -> Iterator[Opened]:
    """Pass on a stream that is a file of its own."""
    yield Trait.EMBEDDED_OBJECT
    meter.count_member()
    yield Member((stream.path[-1],), compound.read(stream, meter))


def _read_main(compound: "CompoundFile", stream: "Stream", meter: Meter) -> Iterator[Opened]:
    """Pass on what is embedded; at the root it is the document itself, which scanners have."""
    if stream.storage:
        yield from _read_embedded(compound, stream, meter)


def _read_workbook(compound: "CompoundFile", stream: "Stream", meter: Meter) -> Iterator[Opened]:
    yield from workbook_traits(compound.read(stream, meter), meter)
    yield from _read_main(compound, stream, meter)


def _read_word(compound: "CompoundFile", stream: "Stream", meter: Meter) -> Iterator[Opened]:
    document = compound.read(stream, meter)
    tables = (
        compound.read(other, meter)
        for other in compound.streams
        if other.storage == stream.storage and other.name == table_name(document)
    )
    yield from document_traits(document, next(tables, b""), meter)
    yield from _read_main(compound, stream, meter)


def _read_user(compound: "CompoundFile", stream: "Stream", meter: Meter) -> Iterator[Opened]:
    yield from user_traits(compound.read(stream, meter))


def _read_presentation(
    compound: "CompoundFile", stream: "Stream", meter: Meter
) -> Iterator[Opened]:
    yield from open_presentation(compound.read(stream, meter), meter)
    yield from _read_main(compound, stream, meter)


# By the stream's name in lower case.
_READERS: Mapping[str, "Callable[[CompoundFile, Stream, Meter], Iterator[Opened]]"] = {
    "encryptedpackage": _read_encrypted,
    "encryptedsummary": _read_encrypted,
    "\tdrmcontent": _read_encrypted,
    "\x01ole10native": _read_native,
    "\x01ole": _read_ole,
    "package": _read_embedded,
    "contents": _read_main,
    "workbook": _read_workbook,
    "book": _read_workbook,
    "worddocument": _read_word,
    "current user": _read_user,
    "powerpoint document": _read_presentation,
}
