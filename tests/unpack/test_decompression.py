import bz2
import lzma
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.decompression import (
    BROKEN,
    ENDS_EARLY,
    NEEDS_MEMORY,
    MakeDecoder,
    Unpacking,
    bzip2_decoder,
    deflate_decoder,
    gzip_decoder,
    lzma_decoder,
    raw_lzma_decoder,
    xz_decoder,
)
from support.archives import deflate, gzip_file

CONTENT = b"".join(b"%d," % number for number in range(60_000))
STREAMS: list[tuple[MakeDecoder, bytes]] = [
    (deflate_decoder, deflate(CONTENT)),
    (gzip_decoder, gzip_file(CONTENT)),
    (bzip2_decoder, bz2.compress(CONTENT)),
    (xz_decoder, lzma.compress(CONTENT)),
    (lzma_decoder, lzma.compress(CONTENT, lzma.FORMAT_ALONE)),
]


def unpacked(make_decoder: MakeDecoder, octets: bytes) -> tuple[bytes, Unpacking]:
    stream = Unpacking(octets, 0, len(octets), make_decoder())
    return b"".join(stream.pieces()), stream


@pytest.mark.parametrize(("make_decoder", "packed"), STREAMS)
def test_a_stream_ends_where_it_ends_whatever_follows(
    make_decoder: MakeDecoder, packed: bytes
) -> None:
    content, stream = unpacked(make_decoder, packed + b"and something else" * 1000)
    assert (content, stream.problem) == (CONTENT, "")
    assert stream.consumed_to == len(packed)


@pytest.mark.parametrize(("make_decoder", "packed"), STREAMS)
def test_a_stream_that_ends_early_gives_what_came_out(
    make_decoder: MakeDecoder, packed: bytes
) -> None:
    content, stream = unpacked(make_decoder, packed[:-20])
    assert CONTENT.startswith(content)
    assert stream.problem == ENDS_EARLY
    assert stream.consumed_to == len(packed) - 20


@pytest.mark.parametrize("length", [0, 1, 262_143, 262_144, 262_145, 524_288])
@pytest.mark.parametrize("octet", [b"a", b"abcdefghijklmnop"])
def test_contents_of_all_lengths_come_out_whole(length: int, octet: bytes) -> None:
    content = (octet * (length // len(octet) + 1))[:length]
    for make_decoder, packed in (
        (deflate_decoder, deflate(content)),
        (bzip2_decoder, bz2.compress(content)),
        (xz_decoder, lzma.compress(content)),
    ):
        assert unpacked(make_decoder, packed)[0] == content


def test_pieces_stay_small_whatever_comes_out() -> None:
    stream = Unpacking(packed := deflate(bytes(10**7)), 0, len(packed), deflate_decoder())
    assert max(map(len, stream.pieces())) <= 262_144


@pytest.mark.parametrize("place", [100, 5_000, 60_000, -5])
def test_everything_before_a_fault_of_deflate_comes_out(place: int) -> None:
    packed = bytearray(gzip_file(CONTENT))
    packed[place] ^= 0xFF
    content, stream = unpacked(gzip_decoder, bytes(packed))
    assert stream.problem == BROKEN
    assert content == _octet_by_octet(bytes(packed))


def _octet_by_octet(packed: bytes) -> bytes:
    decoder = zlib.decompressobj(31)
    content = b""
    try:
        for place in range(len(packed)):
            content += decoder.decompress(packed[place : place + 1])
    except zlib.error:
        return content
    return content


def test_a_window_of_gigabytes_is_refused() -> None:
    packed = bytearray(lzma.compress(b"", lzma.FORMAT_ALONE))
    packed[1:5] = b"\0\0\0\xc0"
    assert unpacked(lzma_decoder, bytes(packed))[1].problem == NEEDS_MEMORY


@pytest.mark.parametrize("properties", [b"", b"\x5d\0\0\0", b"\xe1" + bytes(4), b"\xe0" + bytes(4)])
def test_properties_of_lzma_that_do_not_exist_have_no_decoder(properties: bytes) -> None:
    assert raw_lzma_decoder(properties) is None


@pytest.mark.parametrize(
    "make_decoder", [deflate_decoder, gzip_decoder, bzip2_decoder, xz_decoder, lzma_decoder]
)
@given(octets=st.binary(max_size=500))
def test_any_bytes_come_to_an_end(make_decoder: MakeDecoder, octets: bytes) -> None:
    _, stream = unpacked(make_decoder, octets)
    assert 0 <= stream.consumed_to <= len(octets)
