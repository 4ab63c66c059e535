"""Small office documents of our own making: compound files, OOXML, Visual Basic projects, RTF."""

import io
import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mailwarden.unpack.budget import Budget, Meter, UnpackLimits
from mailwarden.unpack.members import Member, Opened, Opener, Trait

_SECTOR = 512
_MINI_SECTOR = 64
_CUTOFF = 4096
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_ROOT, _STORAGE, _STREAM = 5, 1, 2

PLENTY = UnpackLimits(bytes_produced=50_000_000, files=10_000, depth=10, ratio=1000, seconds=60)


def meter(limits: UnpackLimits = PLENTY, packed_bytes: int = 1_000_000) -> Meter:
    """A meter whose clock stands still."""
    return Budget(limits, lambda: 0.0).meter(packed_bytes)


@dataclass(frozen=True, slots=True)
class Found:
    """What an opener yielded, sorted."""

    traits: frozenset[Trait]
    members: tuple[Member, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The first name of each member."""
        return tuple(member.names[0] for member in self.members)

    def member(self, name: str) -> Member:
        """The member with that name among its names."""
        return next(member for member in self.members if name in member.names)


def found(opened: Iterable[Opened]) -> Found:
    """Sort what was yielded."""
    everything = list(opened)
    return Found(
        frozenset(item for item in everything if isinstance(item, Trait)),
        tuple(item for item in everything if isinstance(item, Member)),
    )


def look(opener: Opener, octets: bytes) -> Found:
    """Open octets under limits that hold them."""
    return found(opener(octets, meter()))


@dataclass(slots=True)
class _Entry:
    name: str
    kind: int
    octets: bytes = b""
    children: list[int] = field(default_factory=list)
    left: int = _FREE
    right: int = _FREE
    child: int = _FREE
    start: int = _END


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """A compound file; the names of storages and stream are divided by `/`."""
    entries = _entries(streams)
    sectors: list[bytes] = []
    table: list[int] = []

    def chain(octets: bytes) -> int:
        if not octets:
            return _END
        start = len(sectors)
        pieces = _cut(octets, _SECTOR)
        sectors.extend(pieces)
        table.extend(range(start + 1, start + len(pieces)))
        table.append(_END)
        return start

    mini_table: list[int] = []
    mini_stream = b""
    for entry in entries[1:]:
        if 0 < len(entry.octets) < _CUTOFF:
            entry.start = len(mini_table)
            pieces = _cut(entry.octets, _MINI_SECTOR)
            mini_table.extend(range(entry.start + 1, entry.start + len(pieces)))
            mini_table.append(_END)
            mini_stream += b"".join(pieces)
        else:
            entry.start = chain(entry.octets)
    entries[0].octets = mini_stream
    entries[0].start = chain(mini_stream)
    mini_table_start = chain(_numbers(mini_table))
    directory_start = chain(b"".join(map(_directory_entry, entries)))
    table_sectors = 1
    while (len(table) + table_sectors) * 4 > table_sectors * _SECTOR:
        table_sectors += 1
    table_start = len(sectors)
    table += [_TABLE] * table_sectors
    sectors += _cut(_numbers(table), _SECTOR)
    header = struct.pack(
        "<8s16sHHHHHHIIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0),
        *(table_sectors, directory_start, 0, _CUTOFF),
        *(mini_table_start, -(-len(mini_table) * 4 // _SECTOR), _END, 0),
    )
    places = [*range(table_start, table_start + table_sectors)]
    header += b"".join(struct.pack("<I", place) for place in places).ljust(436, b"\xff")
    return header + b"".join(sectors)


def _entries(streams: Mapping[str, bytes]) -> list[_Entry]:
    entries = [_Entry("Root Entry", _ROOT)]
    places = {"": 0}
    for path, octets in streams.items():
        *storages, name = path.split("/")
        parent = ""
        for storage in storages:
            below = f"{parent}/{storage}"
            if below not in places:
                places[below] = len(entries)
                entries[places[parent]].children.append(len(entries))
                entries.append(_Entry(storage, _STORAGE))
            parent = below
        entries[places[parent]].children.append(len(entries))
        entries.append(_Entry(name, _STREAM, octets))
    for entry in entries:
        ordered = sorted(entry.children, key=lambda place: _order(entries[place].name))
        entry.child = _balanced(entries, ordered)
    return entries


def _order(name: str) -> tuple[int, str]:
    return len(name), name.upper()


def _balanced(entries: list[_Entry], places: list[int]) -> int:
    if not places:
        return _FREE
    middle = len(places) // 2
    entry = entries[places[middle]]
    entry.left = _balanced(entries, places[:middle])
    entry.right = _balanced(entries, places[middle + 1 :])
    return places[middle]


def _directory_entry(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le") + b"\0\0"
    return struct.pack(
        "<64sHBBIII16sIQQIII",
        *(name, len(name), entry.kind, 1, entry.left, entry.right, entry.child),
        *(bytes(16), 0, 0, 0, entry.start, len(entry.octets), 0),
    )


def _cut(octets: bytes, size: int) -> list[bytes]:
    return [
        octets[start : start + size].ljust(size, b"\0") for start in range(0, len(octets), size)
    ]


def _numbers(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers) + b"\xff" * (-4 * len(numbers) % _SECTOR)


def packed_vba(octets: bytes) -> bytes:
    """A compressed container that holds its octets as literals ([MS-OVBA] 2.4.1)."""
    container = b"\x01"
    # 3,600 octets with a byte of flags for each eight stay below what a chunk may have.
    for start in range(0, len(octets), 3600):
        literals = octets[start : start + 3600]
        tokens = b"".join(
            b"\0" + literals[place : place + 8] for place in range(0, len(literals), 8)
        )
        container += struct.pack("<H", 0xB000 | (len(tokens) - 1)) + tokens
    return container


def vba_directory(modules: Mapping[str, int]) -> bytes:
    """An unpacked dir stream: names of modules, which are those of their streams, and offsets."""
    records = [_record(0x0003, struct.pack("<H", 1252)), struct.pack("<HIIH", 9, 4, 1, 2)]
    for name, offset in modules.items():
        records += [
            _record(0x0019, name.encode("cp1252")),
            _record(0x001A, name.encode("cp1252")),
            _record(0x0032, name.encode("utf-16-le")),
            _record(0x0031, struct.pack("<I", offset)),
            _record(0x002B, b""),
        ]
    return b"".join((*records, _record(0x0010, b"")))


def _record(number: int, octets: bytes) -> bytes:
    return struct.pack("<HI", number, len(octets)) + octets


def vba_project(modules: Mapping[str, bytes], storage: str = "") -> dict[str, bytes]:
    """The streams of a Visual Basic project; `storage` ends in `/` where there is one."""
    compiled = b"compiled code, which nobody reads"
    streams = {
        f"{storage}VBA/{name}": compiled + packed_vba(b'Attribute VB_Name = "x"\r\n' + source)
        for name, source in modules.items()
    }
    offsets = dict.fromkeys(modules, len(compiled))
    streams[f"{storage}VBA/dir"] = packed_vba(vba_directory(offsets))
    streams[f"{storage}VBA/_VBA_PROJECT"] = b"\xcc\x61\xff\xff"
    return streams


def native(name: str, octets: bytes) -> bytes:
    """An `Ole10Native` stream with a packed file."""
    packed = package(name, octets)
    return struct.pack("<I", len(packed)) + packed


def package(name: str, octets: bytes) -> bytes:
    """A packed file, with its names in UTF-16 at the end."""
    label = name.encode("cp1252", "replace") + b"\0"
    path = b"C:\\sent\\" + label
    wide = b"".join(
        struct.pack("<I", len(text)) + text.encode("utf-16-le")
        for text in (f"C:\\sent\\{name}", name, f"C:\\sent\\{name}")
    )
    places = struct.pack("<HHI", 0, 3, len(path)) + path
    return b"\x02\0" + label + path + places + struct.pack("<I", len(octets)) + octets + wide


def ole1_object(class_name: str, octets: bytes) -> bytes:
    """An embedded object with its header, as RTF holds it ([MS-OLEDS] 2.2.5)."""
    name = class_name.encode() + b"\0"
    header = struct.pack("<III", 0x0501, 2, len(name)) + name
    return header + struct.pack("<III", 0, 0, len(octets)) + octets


def biff(*records: tuple[int, bytes]) -> bytes:
    """A workbook of BIFF8: its beginning, the records, its end."""
    everything = ((0x0809, struct.pack("<HH", 0x0600, 5)), *records, (0x000A, b""))
    return b"".join(
        struct.pack("<HH", number, len(content)) + content for number, content in everything
    )


def zipped(parts: Mapping[str, bytes]) -> bytes:
    """A zip archive of parts."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in parts.items():
            archive.writestr(zipfile.ZipInfo(name), octets)
    return packed.getvalue()


def relationships(*relations: tuple[str, str, str]) -> bytes:
    """A part of relationships: the last word of the type, the target, the mode or nothing."""
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    lines = (
        f'<Relationship Id="r{place}" Type="{kinds}/{kind}" Target="{target}"'
        + (f' TargetMode="{mode}"/>' if mode else "/>")
        for place, (kind, target, mode) in enumerate(relations)
    )
    return f'<?xml version="1.0"?><Relationships>{"".join(lines)}</Relationships>'.encode()
