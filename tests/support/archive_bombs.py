"""Archives that cost more to open than to send: small, deep, wide, endless, or lying about it."""

import base64
import bz2
import gzip
import lzma
import random
import struct
import zlib
from collections.abc import Callable, Mapping

from mailwarden.scanners.test_patterns import EICAR
from support import archives, native_archives, samples
from support.archives import Zipped

_MEGABYTE = 1_000_000
# The letters for six bits, of RFC 4648 and RFC 1741.
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BINHEX = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"


def zip_of_empty_names() -> bytes:
    """65,535 members without names or content: the most that an old zip can count."""
    member = archives.stored(b"", b"")
    length = len(member.local)
    entries = b"".join(member.central(number * length) for number in range(65_535))
    return member.local * 65_535 + entries + archives.zip_end(65_535, len(entries), length * 65_535)


def zip_of_long_names() -> bytes:
    """Members whose names are as long as names can be, with folders as deep as these hold."""
    names = [b"a/" * 32_760 + b"%04d.exe.txt" % number for number in range(100)]
    return archives.zip_of(*(archives.stored(name, b"x") for name in names))


def zip_in_zip(levels: int) -> bytes:
    """One zip archive in another, many times."""
    octets = EICAR
    for _ in range(levels):
        octets = archives.zip_of(archives.deflated(b"a.zip", octets))
    return octets


def zip_of_one_megabyte_each() -> bytes:
    """Members of nothing but zeros, a gigabyte in all."""
    packed = archives.deflate(bytes(_MEGABYTE))
    checksum = zlib.crc32(bytes(_MEGABYTE))
    members = [
        Zipped(b"%d" % number, packed, checksum, _MEGABYTE, len(packed), archives.DEFLATED)
        for number in range(1_000)
    ]
    return archives.zip_of(*members)


def zip_announcing_much() -> bytes:
    """A member that says of itself to have 4 GB."""
    return archives.zip_of(
        Zipped(b"a", archives.deflate(b"x" * 1_000), 0, 0xFFFFFFFE, 20, archives.DEFLATED)
    )


def quine() -> bytes:
    """A gzip file of a gzip file, and so on, packed so often that it grows no more."""
    octets = archives.gzip_bomb(100)
    for _ in range(30):
        octets = gzip.compress(octets, mtime=0)
    return octets


def gzip_within_limits() -> bytes:
    """80 MB of zeros, and so much noise that neither size nor ratio is over a limit."""
    noise = random.Random(1).randbytes(400_000)  # noqa: S311  # the same in each run
    return gzip.compress(bytes(80 * _MEGABYTE) + noise, mtime=0)


def gzip_of_many_members() -> bytes:
    """100,000 gzip files, one behind the other, each with an octet."""
    return gzip.compress(b"x", mtime=0) * 100_000


def xz_of_many_streams() -> bytes:
    """100,000 empty streams of xz."""
    return lzma.compress(b"") * 100_000


def bzip2_of_many_streams() -> bytes:
    """100,000 streams of bzip2, each with an octet."""
    return bz2.compress(b"x") * 100_000


def deflate_of_deflate() -> bytes:
    """A gigabyte of zeros, packed three times."""
    octets = archives.gzip_bomb(1_000)
    return gzip.compress(gzip.compress(octets, mtime=0), mtime=0)


def lzma_with_a_large_dictionary() -> bytes:
    """An LZMA file that asks for a dictionary of 4 GB and announces an exabyte."""
    packed = lzma.compress(bytes(_MEGABYTE), lzma.FORMAT_ALONE)
    return packed[:1] + struct.pack("<IQ", 0xFFFFFFFF, 1 << 60) + packed[13:]


def tar_of_many(count: int) -> bytes:
    """Empty files, only their headers."""
    header = archives.tar_header(b"a.txt")
    return header * count + bytes(1_024)


def tar_of_long_headers() -> bytes:
    """Extended headers that announce more and more of themselves."""
    header = archives.pax_header(*((b"path", b"a/" * 4_000 + b"%d" % n) for n in range(1_000)))
    return header * 2 + archives.tar_header(b"a") + bytes(1_024)


def seven_zip_of_many() -> bytes:
    """4,000 members, each packed by itself; names are of one letter, their length must be short."""
    return native_archives.seven_zip({chr(0x4E00 + number): b"x" for number in range(4_000)})


def iso_with_a_loop() -> bytes:
    """An ISO image whose root directory holds itself."""
    image = bytearray(40 * 2_048)
    root = _iso_entry(b"\0", 20, 2_048, flags=2)
    image[16 * 2_048 : 16 * 2_048 + 7] = b"\x01CD001\x01"
    volume = 16 * 2_048
    image[volume + 80 : volume + 88] = _both(40)
    image[volume + 120 : volume + 124] = struct.pack("<HH", 1, 256)
    image[volume + 128 : volume + 132] = struct.pack("<H", 2_048) + struct.pack(">H", 2_048)
    image[volume + 156 : volume + 156 + len(root)] = root
    image[17 * 2_048 : 17 * 2_048 + 7] = b"\xffCD001\x01"
    entries = root + _iso_entry(b"\1", 20, 2_048, flags=2) + _iso_entry(b"A", 20, 2_048, flags=2)
    entries += _iso_entry(b"B.TXT;1", 21, 0xFFFFFFF0)
    image[20 * 2_048 : 20 * 2_048 + len(entries)] = entries
    return bytes(image)


def _both(number: int) -> bytes:
    return struct.pack("<I", number) + struct.pack(">I", number)


def _iso_entry(name: bytes, sector: int, size_bytes: int, flags: int = 0) -> bytes:
    rest = b"\0" + _both(sector) + _both(size_bytes) + bytes(7) + bytes((flags, 0, 0))
    rest += struct.pack("<H", 1) + struct.pack(">H", 1) + bytes((len(name),)) + name
    rest += bytes((len(rest) + 1) % 2)
    return bytes((len(rest) + 1,)) + rest


def cabinet_announcing_much() -> bytes:
    """A cabinet whose header announces 65,535 files."""
    return native_archives.cabinet({b"a.txt": b"x" * 1_000}, announced=65_535)


def lha_of_many() -> bytes:
    """20,000 members, each with an octet."""
    return native_archives.lha(b"a.txt", b"x")[:-1] * 20_000 + b"\0"


def rar_of_many() -> bytes:
    """20,000 stored members."""
    return native_archives.rar3(*[native_archives.Rarred(b"a.txt", b"x")] * 20_000)


def arj_of_many() -> bytes:
    """20,000 stored members."""
    one = native_archives.arj({b"a.txt": b"x"})
    main = native_archives.arj({})[:-4]
    return main + one[len(main) : -4] * 20_000 + one[-4:]


def cpio_of_many() -> bytes:
    """100,000 empty members."""
    whole = native_archives.cpio((b"a", 0o100644, b""))
    one = whole[: len(whole) - len(native_archives.cpio())]
    return one * 100_000 + native_archives.cpio()


def ar_of_many() -> bytes:
    """100,000 empty members."""
    return b"!<arch>\n" + (b"a.txt/".ljust(48) + b"0".ljust(10) + b"`\n") * 100_000


def uuencode_of_many() -> bytes:
    """A million lines that begin a block."""
    return b"text\n" + b"begin 644 a\n" * 1_000_000


def uuencode_of_many_blocks() -> bytes:
    """100,000 blocks of an octet."""
    return b"text\n" + b"begin 644 a.txt\n!80  \n`\nend\n" * 100_000


def uuencode_of_junk() -> bytes:
    """One block, then 10 MB of lines that are none of it."""
    return b"text\nbegin 644 a.txt\n!80  \n" + b"ab\n" * 3_000_000


def yenc_of_many_blocks() -> bytes:
    """100,000 blocks."""
    return b"text\n" + b"=ybegin line=128 size=1 name=a.txt\n\x8b\n=yend size=1\n" * 100_000


def yenc_without_end() -> bytes:
    """300,000 beginnings without an end."""
    return b"text\n" + b"=ybegin line=128 size=1 name=a.txt\n" * 300_000


def binhex_bomb() -> bytes:
    """Runs of 255 octets, said in a few characters each."""
    packed = b"\x00\x90\xff" * 1_000_000
    body = base64.b64encode(b"\x01a\0TEXTtest\0\0" + struct.pack(">II", 0x7FFFFFFF, 0) + packed)
    text = body.translate(bytes.maketrans(_BASE64, _BINHEX))
    lines = b"\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return b"(This file must be converted with BinHex 4.0)\n\n:" + lines + b":\n"


def tnef_with_absurd_lengths() -> bytes:
    """Attributes whose lengths point far behind the end, after a million empty ones."""
    empty = b"\x02" + struct.pack("<II", 0x00018010, 0) + b"\0\0"
    last = b"\x02" + struct.pack("<II", 0x0006800F, 0xFFFFFFFF)
    return b"\x78\x9f\x3e\x22\0\0" + empty * 500_000 + last


def tnef_of_many() -> bytes:
    """200,000 attachments without anything."""
    begin = b"\x02" + struct.pack("<II", 0x00069002, 0) + b"\0\0"
    return b"\x78\x9f\x3e\x22\0\0" + begin * 200_000


def _attached(name: bytes, make: Callable[[], bytes]) -> Callable[[], bytes]:
    return lambda: samples.with_attachment(name, make())


ARCHIVE_BOMBS: Mapping[str, Callable[[], bytes]] = {
    "zip of zips": _attached(b"a.zip", lambda: archives.zip_of_zips(6, 10, bytes(_MEGABYTE))),
    "overlapping zip": _attached(b"a.zip", lambda: archives.overlapping_zip(1_000, bytes(200_000))),
    "zip of one data": _attached(b"a.zip", lambda: archives.zip_of_one_data(5_000, bytes(100_000))),
    "zip of a gigabyte": _attached(b"a.zip", zip_of_one_megabyte_each),
    "zip announcing much": _attached(b"a.zip", zip_announcing_much),
    "zip of 100,000": _attached(b"a.zip", lambda: archives.many_members_zip(100_000)),
    "zip of 9,999": _attached(b"a.zip", lambda: archives.many_members_zip(9_999)),
    "zip of empty names": _attached(b"a.zip", zip_of_empty_names),
    "zip of long names": _attached(b"a.zip", zip_of_long_names),
    "zip in zip, 1,000": _attached(b"a.zip", lambda: zip_in_zip(1_000)),
    "gzip quine": _attached(b"a.gz", quine),
    "gzip bomb": _attached(b"a.gz", lambda: archives.gzip_bomb(1_000)),
    "gzip within limits": _attached(b"a.gz", gzip_within_limits),
    "gzip of deflate": _attached(b"a.gz", deflate_of_deflate),
    "gzip of 100,000": _attached(b"a.gz", gzip_of_many_members),
    "bzip2 bomb": _attached(b"a.bz2", lambda: archives.bzip2_bomb(1_000)),
    "bzip2 of 100,000": _attached(b"a.bz2", bzip2_of_many_streams),
    "xz bomb": _attached(b"a.xz", lambda: archives.xz_bomb(1_000)),
    "xz of 100,000": _attached(b"a.xz", xz_of_many_streams),
    "lzma dictionary": _attached(b"a.lzma", lzma_with_a_large_dictionary),
    "sparse tar": _attached(b"a.tar", lambda: archives.sparse_tar(8_000_000_000)),
    "old sparse tar": _attached(b"a.tar", lambda: archives.sparse_tar(8_000_000_000, is_old=True)),
    "tar of 100,000": _attached(b"a.tar.gz", lambda: gzip.compress(tar_of_many(100_000), mtime=0)),
    "tar of long headers": _attached(b"a.tar", tar_of_long_headers),
    "7z of 4,000": _attached(b"a.7z", seven_zip_of_many),
    "iso loop": _attached(b"a.iso", iso_with_a_loop),
    "cab announcing much": _attached(b"a.cab", cabinet_announcing_much),
    "lha of 20,000": _attached(b"a.lzh", lha_of_many),
    "rar of 20,000": _attached(b"a.rar", rar_of_many),
    "arj of 20,000": _attached(b"a.arj", arj_of_many),
    "cpio of 100,000": _attached(b"a.cpio", cpio_of_many),
    "ar of 100,000": _attached(b"a.ar", ar_of_many),
    "uuencode begins": _attached(b"a.txt", uuencode_of_many),
    "uuencode of 100,000": _attached(b"a.txt", uuencode_of_many_blocks),
    "uuencode junk": _attached(b"a.txt", uuencode_of_junk),
    "yenc of 100,000": _attached(b"a.txt", yenc_of_many_blocks),
    "yenc begins": _attached(b"a.txt", yenc_without_end),
    "binhex runs": _attached(b"a.hqx", binhex_bomb),
    "tnef lengths": _attached(b"winmail.dat", tnef_with_absurd_lengths),
    "tnef of 200,000": _attached(b"winmail.dat", tnef_of_many),
}
