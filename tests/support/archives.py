"""Archives of our own making: ordinary ones, ones that lie, and bombs.

Zip archives are put together from their headers, so that each header can say what it likes.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from struct import Struct
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

# Layouts of APPNOTE 4.3.7, 4.3.12 and 4.3.16.
_LOCAL = Struct("<4s5H3I2H")
_CENTRAL = Struct("<4s6H3I5H2I")
_END = Struct("<4s4H2IH")
_UNIX = 3 << 8  # "made by", so that attributes hold a mode

STORED, DEFLATED = 0, 8
ENCRYPTED_FLAG = 1 << 0
DESCRIPTOR_FLAG = 1 << 3

_MEGABYTE = 1_000_000


def zip_archive(members: Mapping[str, bytes], method: int = ZIP_DEFLATED) -> bytes:
    """An ordinary zip archive, as Python writes it."""
    file = io.BytesIO()
    with ZipFile(file, "w", method) as archive:
        for name, octets in members.items():
            archive.writestr(ZipInfo(name), octets, method)
    return file.getvalue()


def deflate(octets: bytes) -> bytes:
    """Raw deflate."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(octets) + compressor.flush()


@dataclass(frozen=True, slots=True)
class Zipped:
    """What the headers of one member say; `packed` is its data as it stands in the archive."""

    name: bytes
    packed: bytes
    checksum: int = 0
    size_bytes: int = 0
    packed_bytes: int = 0
    method: int = STORED
    flags: int = 0
    attributes: int = 0
    extra: bytes = b""

    @property
    def local(self) -> bytes:
        """The header in front of the data."""
        return (
            _LOCAL.pack(
                *(b"PK\x03\x04", 20, self.flags, self.method, 0, 0),
                *(self.checksum, self.packed_bytes, self.size_bytes),
                *(len(self.name), len(self.extra)),
            )
            + self.name
            + self.extra
        )

    def central(self, offset: int) -> bytes:
        """The entry of the central directory, for a member at `offset`."""
        return (
            _CENTRAL.pack(
                *(b"PK\x01\x02", _UNIX | 20, 20, self.flags, self.method, 0, 0),
                *(self.checksum, self.packed_bytes, self.size_bytes),
                *(len(self.name), len(self.extra), 0, 0, 0, self.attributes, offset),
            )
            + self.name
            + self.extra
        )


def stored(name: bytes, octets: bytes) -> Zipped:
    """A member that is not compressed, with honest headers."""
    return Zipped(name, octets, zlib.crc32(octets), len(octets), len(octets))


def deflated(name: bytes, octets: bytes) -> Zipped:
    """A compressed member with honest headers."""
    packed = deflate(octets)
    return Zipped(name, packed, zlib.crc32(octets), len(octets), len(packed), DEFLATED)


def zip_end(count: int, directory_bytes: int, offset: int, comment: bytes = b"") -> bytes:
    """The end of central directory record."""
    return (
        _END.pack(b"PK\x05\x06", 0, 0, count, count, directory_bytes, offset, len(comment))
        + comment
    )


def zip_of(
    *members: Zipped,
    directory: Iterable[tuple[Zipped, int]] | None = None,
    shift: int = 0,
    comment: bytes = b"",
) -> bytes:
    """A zip archive of members one behind the other.

    `directory` says what the central directory names instead, with offsets; `shift` is added to
    all offsets that are written.
    """
    body, named = b"", []
    for member in members:
        named.append((member, len(body)))
        body += member.local + member.packed
    if directory is not None:
        named = list(directory)
    entries = b"".join(member.central(offset + shift) for member, offset in named)
    return body + entries + zip_end(len(named), len(entries), len(body) + shift, comment)


def zip_with_two_names(central: bytes, local: bytes, octets: bytes = b"hello") -> bytes:
    """A zip archive whose directory calls its one member otherwise than the member does."""
    return zip_of(stored(local, octets), directory=[(stored(central, octets), 0)])


def zip_of_one_data(count: int, octets: bytes) -> bytes:
    """A zip archive whose directory names the same member that many times."""
    member = deflated(b"0", octets)
    names = (b"%d" % number for number in range(count))
    return zip_of(member, directory=[(deflated(name, octets), 0) for name in names])


def overlapping_zip(count: int, kernel: bytes) -> bytes:
    """A zip bomb of members that lie in each other.

    Each begins with a stored block that quotes the header of the next one and goes on as that one;
    all end in the one compressed kernel. Its content is as long as all of these together.
    """
    tail, content = deflate(kernel), kernel
    members: list[Zipped] = []
    for number in reversed(range(count)):
        member = Zipped(
            b"%d" % number, tail, zlib.crc32(content), len(content), len(tail), DEFLATED
        )
        members.append(member)
        header = member.local
        block = b"\0" + len(header).to_bytes(2, "little")
        block += (len(header) ^ 0xFFFF).to_bytes(2, "little") + header
        tail, content = block + tail, header + content
    body = members[-1].local + members[-1].packed
    directory = [(one, len(body) - len(one.packed) - len(one.local)) for one in members]
    entries = b"".join(one.central(offset) for one, offset in reversed(directory))
    return body + entries + zip_end(count, len(entries), len(body))


def zip_of_zips(levels: int, width: int, octets: bytes) -> bytes:
    """Zip archives in zip archives, `width` in each, down to one member with `octets`."""
    archive = zip_archive({"0": octets})
    for _ in range(levels - 1):
        archive = zip_archive({f"{number}.zip": archive for number in range(width)})
    return archive


def many_members_zip(count: int) -> bytes:
    """A zip archive of empty members."""
    member = stored(b"0123456", b"")
    length = len(member.local)
    entries = b"".join(member.central(number * length) for number in range(count))
    # Counts have 16 bits; without zip64, what is above is left out.
    return member.local * count + entries + zip_end(count & 0xFFFF, len(entries), count * length)


def _zeros(megabytes: int, compress: Callable[[bytes], bytes], flush: Callable[[], bytes]) -> bytes:
    return b"".join(compress(bytes(_MEGABYTE)) for _ in range(megabytes)) + flush()


def gzip_bomb(megabytes: int) -> bytes:
    """That many megabytes of zeros in about a thousandth of them."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return _zeros(megabytes, compressor.compress, compressor.flush)


def bzip2_bomb(megabytes: int) -> bytes:
    """That many megabytes of zeros, 20,000 in a byte."""
    compressor = bz2.BZ2Compressor()
    return _zeros(megabytes, compressor.compress, compressor.flush)


def xz_bomb(megabytes: int) -> bytes:
    """That many megabytes of zeros, 7,000 in a byte."""
    compressor = lzma.LZMACompressor(preset=0)
    return _zeros(megabytes, compressor.compress, compressor.flush)


def gzip_file(octets: bytes, name: str = "") -> bytes:
    """A gzip file, with a name in its header."""
    file = io.BytesIO()
    with gzip.GzipFile(name, "wb", fileobj=file, mtime=0) as compressed:
        compressed.write(octets)
    return file.getvalue()


def tar_archive(members: Mapping[str, bytes], layout: int = tarfile.PAX_FORMAT) -> bytes:
    """An ordinary tar archive in one of the layouts of `tarfile`."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=layout) as archive:
        for name, octets in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(octets)
            archive.addfile(header, io.BytesIO(octets))
    return file.getvalue()


def tar_header(name: bytes, kind: bytes = b"0", size_bytes: int = 0, target: bytes = b"") -> bytes:
    """One header of a tar archive, in ustar's layout."""
    block = bytearray(512)
    block[0 : len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136] = b"%011o\0" % size_bytes
    block[156:157] = kind
    block[157 : 157 + len(target)] = target
    block[257:265] = b"ustar\x0000"
    return with_tar_checksum(bytes(block))


def with_tar_checksum(block: bytes) -> bytes:
    """The header with the checksum that fits it."""
    blank = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(blank) + block[156:]


def tar_blocks(octets: bytes) -> bytes:
    """Octets filled up to whole blocks."""
    return octets + bytes(-len(octets) % 512)


def pax_header(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    """An extended header with records of pax."""
    content = b"".join(map(_pax_record, records))
    return tar_header(b"pax", kind, len(content)) + tar_blocks(content)


def _pax_record(record: tuple[bytes, bytes]) -> bytes:
    rest = b" " + b"=".join(record) + b"\n"
    length = len(rest) + len(str(len(rest)))
    length += len(str(length)) - len(str(len(rest)))
    return b"%d" % length + rest


def sparse_tar(size_bytes: int, *, is_old: bool = False) -> bytes:
    """A tar archive with a file that is one hole and then one octet, `x`.

    It is written as GNU tar does for POSIX (version 1.0), or in its old way.
    """
    where = size_bytes - 1
    if is_old:
        block = bytearray(tar_header(b"sparse", b"S", 1))
        block[257:265] = b"ustar  \0"
        block[386:410] = b"%011o\0%011o\0" % (where, 1)
        block[483:495] = b"%011o\0" % size_bytes
        return with_tar_checksum(bytes(block)) + tar_blocks(b"x") + bytes(1024)
    extended = pax_header(
        (b"GNU.sparse.major", b"1"),
        (b"GNU.sparse.minor", b"0"),
        (b"GNU.sparse.name", b"sparse"),
        (b"GNU.sparse.realsize", b"%d" % size_bytes),
    )
    content = tar_blocks(b"1\n%d\n1\n" % where) + b"x"
    header = tar_header(b"GNUSparseFile.0/sparse", size_bytes=len(content))
    return extended + header + tar_blocks(content) + bytes(1024)


TRAVERSING_NAMES = ("../out.txt", "a/../../out.txt", "/etc/passwd", "C:\\out.txt", "..\\out.txt")


def traversing_zip() -> bytes:
    """A zip archive whose members would all be written elsewhere."""
    return zip_of(*(stored(name.encode(), b"x") for name in TRAVERSING_NAMES))


def traversing_tar() -> bytes:
    """A tar archive whose members would all be written elsewhere."""
    return tar_archive(dict.fromkeys(TRAVERSING_NAMES, b"x"))
