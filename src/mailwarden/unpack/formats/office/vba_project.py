"""Visual Basic projects in compound files: which are there, what they say, their source.

`vba` reads what the streams hold; this finds the streams. Source: [MS-OVBA] 2.2.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.office import vba
from mailwarden.unpack.members import Member, Opened, Trait, UnreadableError

if TYPE_CHECKING:
    from mailwarden.unpack.formats.office.compound_file import CompoundFile, Stream

_STORAGE = "vba"
_DIRECTORY = "dir"
_IDENTIFIERS = "_vba_project"
# In the storage of a project these hold no module.
_NO_MODULE = re.compile(r"dir|_vba_project|__srp_.*", re.DOTALL)


def open_projects(compound: "CompoundFile", meter: Meter) -> Iterator[Opened]:
    """Every project: that it is there, whether something in it runs by itself, its source."""
    projects: dict[tuple[str, ...], list[Stream]] = {}
    for stream in compound.streams:
        if stream.storage and stream.storage[-1].lower() == _STORAGE:
            projects.setdefault(stream.storage, []).append(stream)
    for streams in projects.values():
        yield Trait.MACROS
        yield from _open_project(compound, streams, meter)


def is_project(compound: "CompoundFile") -> bool:
    """Whether a compound file is nothing but a project, as documents of other formats hold it."""
    return any(
        len(stream.storage) == 1 and stream.storage[0].lower() == _STORAGE
        for stream in compound.streams
    )


def project_traits(octets: bytes, meter: Meter) -> tuple[Trait, ...]:
    """What a project says of the document that holds it; nothing when it is something else.

    Raises `UnreadableError`, `OverLimitError`.
    """
    from mailwarden.unpack.formats.office.compound_file import open_compound_file

    compound = open_compound_file(octets)
    if not is_project(compound):
        return ()
    return tuple(found for found in open_projects(compound, meter) if isinstance(found, Trait))


def _open_project(
    compound: "CompoundFile", streams: list["Stream"], meter: Meter
) -> Iterator[Opened]:
    named = {stream.name: stream for stream in streams}
    if _IDENTIFIERS in named:
        identifiers = compound.read(named[_IDENTIFIERS], meter)
        if vba.names_automatic_procedure(identifiers):
            yield Trait.AUTO_MACROS
    modules = _modules(compound, named.get(_DIRECTORY), meter)
    for stream in streams:
        if not _NO_MODULE.fullmatch(stream.name):
            module = modules.get(stream.name, vba.Module(stream.path[-1], stream.path[-1], None))
            yield from _open_module(compound, stream, module, meter)


def _modules(
    compound: "CompoundFile", directory: "Stream | None", meter: Meter
) -> dict[str, vba.Module]:
    """The modules by the names of their streams; none when the directory cannot be read."""
    if directory is None:
        return {}
    try:
        unpacked = vba.decompress(compound.read(directory, meter), meter)
    except UnreadableError:
        # The sources are found without it, by how they begin.
        return {}
    return {module.stream_name.lower(): module for module in vba.modules(unpacked)}


def _open_module(
    compound: "CompoundFile", stream: "Stream", module: vba.Module, meter: Meter
) -> Iterator[Opened]:
    meter.count_member()
    names = (f"{module.name}.bas",)
    try:
        source = vba.source_of(compound.read(stream, meter), module.offset, meter)
    except UnreadableError as error:
        yield Member(names, None, unopened=str(error))
        return
    if vba.is_automatic(module.name, source):
        yield Trait.AUTO_MACROS
    yield Member(names, source)
