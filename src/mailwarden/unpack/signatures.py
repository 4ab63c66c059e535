"""What octets that are not text are, by the signatures of their formats.

Only the first `HEAD_BYTES` and the places that a format names are looked at, so that the size of
what is asked about does not matter. Sources: the formats' own descriptions (APPNOTE.TXT, RFC 1952,
MS-CFB, MS-SHLLINK, ECMA-119 ...).
"""

from collections.abc import Callable, Mapping

# Every signature lies within the first 4 KB, but for those of ISO 9660 (ECMA-119 section 6.2.1).
HEAD_BYTES = 4_096

_ISO_FIRST_DESCRIPTOR = 32_769
_ISO_SECOND_DESCRIPTOR = 34_817

_ZIP_END = b"PK\x05\x06"
_ZIP_DIRECTORY = b"PK\x01\x02"
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
# Programs disagree which of several ends is the one; whoever writes more than these wants that.
_ZIP_ENDS = 32
# The end of a zip: its record of 22 octets and the longest comment (APPNOTE.TXT section 4.3.16).
_ZIP_TAIL_BYTES = 66_000
# Where a zip's directory is longer, the names that tell OOXML and jar stand in its beginning.
_ZIP_DIRECTORY_BYTES = 262_144

# (offset, octets, word), the more special first.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "zip"),
    (0, _ZIP_END, "zip"),
    (0, b"PK\x07\x08PK\x03\x04", "zip"),
    (0, b"PK00PK\x03\x04", "zip"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x5d\0\0", "lzma"),
    (0, b"LZIP", "lzip"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (1, b"\x2a\x4d\x18", "zstd"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"\x02\x21\x4c\x18", "lz4"),
    (0, b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (0, b"LRZI", "lrzip"),
    (0, b"\x1f\x9d", "compress"),
    (0, b"070701", "cpio"),
    (0, b"070702", "cpio"),
    (0, b"070707", "cpio"),
    (0, b"\xc7\x71", "cpio"),
    (0, b"\x71\xc7", "cpio"),
    (0, b"!<arch>\ndebian-binary", "deb"),
    (0, b"!<arch>\n", "ar"),
    (0, b"\xed\xab\xee\xdb", "rpm"),
    (0, b"MSCF\0\0\0\0", "cab"),
    (0, b"\x60\xea", "arj"),
    (0, b"Rar!\x1a\x07\x00", "rar"),
    (0, b"Rar!\x1a\x07\x01\x00", "rar"),
    (0, b"RE~^", "rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"xar!", "xar"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (0, b"{\\rt", "rtf"),
    (0, b"%PDF-", "pdf"),
    (0, b"\x78\x9f\x3e\x22", "tnef"),
    (0, b"MZ", "dos"),
    (0, b"ZM", "dos"),
    (0, b"\x7fELF", "elf"),
    (0, b"\xfe\xed\xfa\xce", "macho"),
    (0, b"\xfe\xed\xfa\xcf", "macho"),
    (0, b"\xce\xfa\xed\xfe", "macho"),
    (0, b"\xcf\xfa\xed\xfe", "macho"),
    (0, b"\xca\xfe\xba\xbe", "java-class"),
    (0, b"L\0\0\0\x01\x14\x02\0", "lnk"),
    (0, b"ITSF", "chm"),
    (0, b"?_\x03\0", "hlp"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "onenote"),
    (0, b"\0\x01\0\0Standard ", "access"),
    (0, b"ActiveMime\0", "active-mime"),
    (0, b"!BDN", "pst"),
    (0, b"0\x80", "pkcs7"),
    (0, b"0\x81", "pkcs7"),
    (0, b"0\x82", "pkcs7"),
    (0, b"0\x83", "pkcs7"),
    (0, b"0\x84", "pkcs7"),
    (0, b"\0\x05\x16\0", "apple-single"),
    (0, b"\0\x05\x16\x07", "apple-double"),
    (0, b"ALZ\x01", "alz"),
    (0, b"EGGA", "egg"),
    (0, b"SIT!", "sit"),
    (0, b"StuffIt", "sit"),
    (0, b"SZDD\x88\xf0\x27\x33", "szdd"),
    (0, b"7kSt\xa01\x83\xd3", "zpaq"),
    (0, b"zPQ", "zpaq"),
    (0, b"MSWIM\0\0\0", "wim"),
    (0, b"WLPWM\0\0\0", "wim"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"conectix", "vhd"),
    (0, b"KDMV", "vmdk"),
    (0, b"QFI\xfb", "qcow2"),
    (0, b"hsqs", "squashfs"),
    (0, b"FWS", "swf"),
    (0, b"CWS", "swf"),
    (0, b"ZWS", "swf"),
    (0, b"#!", "script"),
    (0, b"#@~^", "script"),  # encoded VBScript and JScript
    (0, b"%!PS", "postscript"),
    (0, b"\xc5\xd0\xd3\xc6", "postscript"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"BM", "bmp"),
    (0, b"II*\0", "tiff"),
    (0, b"MM\0*", "tiff"),
    (0, b"\0\0\x01\0", "ico"),
    (0, b"\xd7\xcd\xc6\x9a", "wmf"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xf3", "mp3"),
    (0, b"\xff\xf2", "mp3"),
    (0, b"OggS", "ogg"),
    (0, b"RIFF", "riff"),
    (2, b"-lh", "lha"),
    (2, b"-lz", "lha"),
    (2, b"-pm", "lha"),
    (4, b"ftyp", "mp4"),
    (7, b"**ACE**", "ace"),
    (20, b"\xdc\xa7\xc4\xfd", "zoo"),
    (40, b" EMF", "emf"),
    (257, b"ustar", "tar"),
    (_ISO_FIRST_DESCRIPTOR, b"CD001", "iso"),
    (_ISO_FIRST_DESCRIPTOR, b"BEA01", "iso"),  # UDF alone (ECMA-167 part 2 section 9.2)
    (_ISO_SECOND_DESCRIPTOR, b"CD001", "iso"),
)
# Those at the start by their first two octets, so that most octets are compared with none.
_FIRST_OCTETS = 2
_AT_START = {
    first: tuple(row[1:] for row in _SIGNATURES if row[0] == 0 and row[1].startswith(first))
    for first in {octets[:_FIRST_OCTETS] for offset, octets, _ in _SIGNATURES if offset == 0}
}
_ELSEWHERE = tuple(row for row in _SIGNATURES if row[0] > 0)

# Disk images whose own header is their last sector.
_AT_END: Mapping[bytes, str] = {b"koly": "dmg", b"conectix": "vhd"}
_END_BYTES = 512

# Self-extractors keep their archive behind a program; those of today's makers are below 1 MB.
_STUB_BYTES = 1_048_576
_BEHIND_STUBS: tuple[tuple[bytes, str], ...] = (
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"MSCF\0\0\0\0", "cab"),
    (b"PK\x03\x04", "zip"),
    (b"-lh5-", "lha"),
    (b"\x60\xea", "arj"),
)


def signed_word(octets: bytes) -> str:
    """The word of the format whose signature these octets bear, empty when there is none."""
    for signature, word in _AT_START.get(octets[:_FIRST_OCTETS], ()):
        if octets.startswith(signature):
            found = _refined(word, octets)
            if found:
                return found
    for offset, signature, word in _ELSEWHERE:
        if octets.startswith(signature, offset):
            found = _refined(word, octets)
            if found:
                return found
    return _word_without_start(octets)


def ends_as_zip(octets: bytes) -> bool:
    """Whether a zip's directory ends in the tail of these octets, whatever comes before it.

    It counts when the directory is where its end says, be it from the octets' start or backwards.
    """
    tail = max(0, len(octets) - _ZIP_TAIL_BYTES)
    end = len(octets)
    if octets.find(_ZIP_END[-1:], tail) < 0:  # no text has it, and one octet is found quickest
        return False
    for _ in range(_ZIP_ENDS):
        end = octets.rfind(_ZIP_END, tail, end)
        if end < 0:
            return False
        if _ends_directory(octets, end):
            return True
    return True


def _ends_directory(octets: bytes, end: int) -> bool:
    size = int.from_bytes(octets[end + 12 : end + 16], "little")
    start = int.from_bytes(octets[end + 16 : end + 20], "little")
    return (
        octets.startswith(_ZIP_DIRECTORY, start)
        or (size <= end and octets.startswith(_ZIP_DIRECTORY, end - size))
        or (
            end >= _ZIP64_LOCATOR_BYTES
            and octets.startswith(_ZIP64_LOCATOR, end - _ZIP64_LOCATOR_BYTES)
        )
    )


def behind_stub(octets: bytes) -> tuple[str, ...]:
    """The archives' words whose signatures stand behind the start of a program."""
    return tuple(
        word for signature, word in _BEHIND_STUBS if octets.find(signature, 1, _STUB_BYTES) > 0
    )


def _refined(word: str, octets: bytes) -> str:
    """The more exact word, empty when the rest of the octets says that it was chance."""
    refine = _REFINEMENTS.get(word)
    return word if refine is None else refine(octets)


# What a zip is, by the names of its members in small letters, the more special first.
_ZIP_NAMES: tuple[tuple[bytes, str], ...] = (
    (b"[content_types].xml", "ooxml"),
    (b"androidmanifest.xml", "apk"),
    (b"meta-inf/manifest.mf", "jar"),
)


def _zip(octets: bytes) -> str:
    head = octets[:HEAD_BYTES].lower()
    if head.startswith(b"mimetype", 30) and b"opendocument" in head[38:128]:
        return "odf"
    names = _zip_directory(octets).lower()
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    for name, word in _ZIP_NAMES:
        if first == name or name in names:
            return word
    return "zip"


def _zip_directory(octets: bytes) -> bytes:
    """The start of a zip's central directory, as its end tells where it is; empty without one."""
    end = octets.rfind(_ZIP_END, max(0, len(octets) - _ZIP_TAIL_BYTES))
    size = int.from_bytes(octets[end + 12 : end + 16], "little")
    if end < 0 or size > end:
        return b""
    return octets[end - size : min(end, end - size + _ZIP_DIRECTORY_BYTES)]


# Class identifiers in the root entry of a compound file (MS-CFB section 2.6.1), by their octets.
_OLE_CLASSES: Mapping[bytes, str] = {
    bytes.fromhex("0b0d020000000000c000000000000046"): "msg",
    bytes.fromhex("84100c0000000000c000000000000046"): "msi",
    bytes.fromhex("86100c0000000000c000000000000046"): "msi",  # a patch
}
_OUTLOOK_STREAM = "__substg1.0_".encode("utf-16-le")


def _ole(octets: bytes) -> str:
    shift = 12 if octets.startswith(b"\x0c", 30) else 9
    root = (int.from_bytes(octets[48:52], "little") + 1) << shift
    directory = octets[root : root + HEAD_BYTES]
    word = _OLE_CLASSES.get(directory[80:96], "ole")
    return "msg" if word == "ole" and _OUTLOOK_STREAM in directory else word


def _dos(octets: bytes) -> str:
    header = int.from_bytes(octets[60:64], "little")
    return "pe" if octets.startswith(b"PE\0\0", header) else "dos"


def _lzma(octets: bytes) -> str:
    """The header of the .lzma format: properties, dictionary, then the size, -1 when unknown."""
    size = int.from_bytes(octets[5:13], "little", signed=True)
    is_likely = octets[13:14] == b"\0" and -1 <= size < 1 << 40
    return "lzma" if is_likely else ""


def _arj(octets: bytes) -> str:
    """ARJ's main header: at most 2,600 octets, its file type 2."""
    size = int.from_bytes(octets[2:4], "little")
    return "arj" if 0 < size <= 2_600 and octets[10:11] == b"\x02" else ""


def _java_class(octets: bytes) -> str:
    """A universal program of macOS begins alike, with the count of its parts: few."""
    return "java-class" if int.from_bytes(octets[4:8], "big") >= 45 else "macho"


def _lha(octets: bytes) -> str:
    return "lha" if octets.startswith(b"-", 6) else ""


_RIFF_WORDS: Mapping[bytes, str] = {b"WEBP": "webp", b"AVI ": "avi", b"WAVE": "wav"}

# A block of bzip2, or the end of an empty file, behind the digit for the size of blocks.
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")

# The contents that hold something: signed, digested, compressed (RFC 5652, RFC 3274).
_PKCS7_CONTENTS = (
    bytes.fromhex("06092a864886f70d010702"),
    bytes.fromhex("06092a864886f70d010705"),
    bytes.fromhex("060b2a864886f70d0109100109"),
)
# A tag and at most four octets of length stand before the identifier.
_PKCS7_HEAD_BYTES = 6


def _pkcs7(octets: bytes) -> str:
    length_octets = octets[1] & 0x7F
    start = 2 + length_octets
    is_near = start <= _PKCS7_HEAD_BYTES
    return "pkcs7" if is_near and octets.startswith(_PKCS7_CONTENTS, start) else ""


# A second look, where a signature alone says too little or is too short to be trusted.
_REFINEMENTS: Mapping[str, Callable[[bytes], str]] = {
    "zip": _zip,
    "ole": _ole,
    "dos": _dos,
    "lzma": _lzma,
    "arj": _arj,
    "java-class": _java_class,
    "lha": _lha,
    "pkcs7": _pkcs7,
    "riff": lambda octets: _RIFF_WORDS.get(octets[8:12], "riff"),
    # Frames to be skipped begin 0x50 to 0x5f (RFC 8878 section 3.1.2).
    "zstd": lambda octets: "zstd" if octets[0] >> 4 in {0x2, 0x5} else "",
    "gzip": lambda octets: "gzip" if octets.startswith(b"\x08", 2) else "",
    "bzip2": lambda octets: "bzip2" if octets.startswith(_BZIP2_BLOCKS, 4) else "",
    "compress": lambda octets: "compress" if octets[2:3] and octets[2] & 0x60 == 0 else "",
    "bmp": lambda octets: "bmp" if octets.startswith(b"\0\0\0\0", 6) else "",
    "ico": lambda octets: "ico" if 0 < int.from_bytes(octets[4:6], "little") < 256 else "",
    "emf": lambda octets: "emf" if octets.startswith(b"\x01\0\0\0") else "",
}

_MAC_BINARY_HEAD_BYTES = 128
_MAC_NAME_BYTES = 63


def _is_mac_binary(octets: bytes) -> bool:
    """MacBinary II and III: a name, three octets of zero and the version in the first block."""
    head = octets[:_MAC_BINARY_HEAD_BYTES]
    return (
        len(head) == _MAC_BINARY_HEAD_BYTES
        and head[0] == head[74] == head[82] == 0
        and 0 < head[1] <= _MAC_NAME_BYTES
        and head[122] in {0x81, 0x82}
        and head[123] in {0x81, 0x82}
        and int.from_bytes(head[83:87], "big") <= len(octets)
    )


def _word_without_start(octets: bytes) -> str:
    """The word of a format that is known by its last sector, or by what its numbers add up to."""
    last_sector = max(0, len(octets) - _END_BYTES)
    at_end = (word for mark, word in _AT_END.items() if octets.startswith(mark, last_sector))
    if word := next(at_end, ""):
        return word
    if _is_mac_binary(octets):
        return "mac-binary"
    return "tar" if _is_old_tar(octets) else ""


_TAR_BLOCK_BYTES = 512
_TAR_CHECKSUM = slice(148, 156)
_OCTAL = b"01234567 \0"


def _is_old_tar(octets: bytes) -> bool:
    """Whether the first block is a header of the tar before POSIX: no signature but a checksum."""
    block = octets[:_TAR_BLOCK_BYTES]
    checksum = block[_TAR_CHECKSUM]
    if len(block) < _TAR_BLOCK_BYTES or checksum.strip(_OCTAL) or not checksum.strip(b" \0"):
        return False
    blanked = block[: _TAR_CHECKSUM.start] + b" " * 8 + block[_TAR_CHECKSUM.stop :]
    digits = checksum.strip(b" \0").split(b" ")[0].split(b"\0")[0]
    return int(digits, 8) == sum(blanked)
