"""The compression methods of zip: which decoder takes which, and where its stream begins.

libarchive reads what the standard library does not know, out of a zip archive made for that one
member. Source: APPNOTE.TXT 6.3.10, sections 4.3.7, 4.4.5 (the numbers) and 5.8 (LZMA).
"""

from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Protocol

from mailwarden.unpack.decompression import (
    BROKEN,
    MakeDecoder,
    Unpacking,
    bzip2_decoder,
    deflate_decoder,
    raw_lzma_decoder,
    xz_decoder,
)
from mailwarden.unpack.formats.zip.zip_headers import LOCAL_SIGNATURE, Account
from mailwarden.unpack.libarchive_border import LibarchiveError, Way, reading
from mailwarden.unpack.members import UnsupportedError

STORED = 0
# Without its end mark (flag bit 1), its data ends where the announced size says.
LZMA = 14

_DECODERS: Mapping[int, MakeDecoder] = {8: deflate_decoder, 12: bzip2_decoder, 95: xz_decoder}
# zstd and PPMd.
_FOREIGN = frozenset({93, 98})

# Two octets of the LZMA SDK's version, two of the length of what follows: the properties.
_LZMA_HEAD_BYTES = 4

_LOCAL = Struct("<4s5H3I2H")
_VERSION_NEEDED = 63  # of the newest methods (APPNOTE 4.4.3.2)
_ONE_MEMBER = Way(("zip_streamable",))


class Stream(Protocol):
    """Packed data being unpacked, as in `Unpacking`."""

    @property
    def consumed_to(self) -> int:
        """Where the stream ended."""
        ...

    @property
    def problem(self) -> str:
        """What was wrong, once `pieces` is through."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """Unpack."""
        ...


def stream_of(octets: bytes, start: int, end: int, account: Account) -> Stream | None:
    """Begin to unpack data from `start` up to `end`; None when the method is not known here."""
    method = account.method
    if method == LZMA:
        return _lzma_stream(octets, start, end)
    if method in _FOREIGN:
        return _ForeignStream(octets[start:end], end, account)
    make_decoder = _DECODERS.get(method)
    return Unpacking(octets, start, end, make_decoder()) if make_decoder else None


def _lzma_stream(octets: bytes, start: int, end: int) -> Stream | None:
    head_end = start + _LZMA_HEAD_BYTES
    stream = head_end + int.from_bytes(octets[start + 2 : head_end], "little")
    decoder = raw_lzma_decoder(octets[head_end : min(stream, end)])
    return Unpacking(octets, stream, end, decoder) if decoder else None


class _ForeignStream:
    """Data that libarchive unpacks; where it really ends is not told."""

    def __init__(self, packed: bytes, end: int, account: Account) -> None:
        self.consumed_to = end
        self.problem = ""
        self._archive = b"".join((_own_header(len(packed), account), packed))

    def pieces(self) -> Iterator[bytes]:
        """Unpack."""
        try:
            with reading(self._archive, _ONE_MEMBER) as archive:
                next(archive.entries(), None)
                for _, block in archive.blocks():
                    yield bytes(block)
        except LibarchiveError:
            self.problem = BROKEN
        except UnsupportedError as error:
            self.problem = str(error)


def _own_header(packed_bytes: int, account: Account) -> bytes:
    """Write a local header of our own for one member."""
    name = b"-"
    numbers = (account.checksum or 0, packed_bytes, account.size_bytes or 0)
    most = 0xFFFF_FFFE  # the next number would mean zip64
    return (
        _LOCAL.pack(
            *(LOCAL_SIGNATURE, _VERSION_NEEDED, 0, account.method, 0, 0),
            *(min(number, most) for number in numbers),
            *(len(name), 0),
        )
        + name
    )
