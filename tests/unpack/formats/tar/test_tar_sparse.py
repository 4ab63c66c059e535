import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.tar.tar_sparse import SparseMap, old_map, pax_map
from support.archives import sparse_tar, tar_blocks


def content(found: SparseMap | None, octets: bytes) -> bytes:
    assert found is not None
    return b"".join(found.pieces(octets, len(octets)))


def test_the_map_of_version_0_0_stands_in_repeated_records() -> None:
    found = pax_map(b"abc", {b"GNU.sparse.size": b"8"}, [b"1", b"2", b"6", b"1"], 0, 3)
    assert content(found, b"abc") == b"\0ab\0\0\0c\0"


def test_the_map_of_version_0_1_stands_in_one_record() -> None:
    pax = {b"GNU.sparse.size": b"8", b"GNU.sparse.map": b"1,2,6,1"}
    assert content(pax_map(b"abc", pax, [], 0, 3), b"abc") == b"\0ab\0\0\0c\0"


def test_the_map_of_version_1_0_stands_before_the_data() -> None:
    pax = {b"GNU.sparse.realsize": b"8", b"GNU.sparse.major": b"1"}
    octets = tar_blocks(b"2\n1\n2\n6\n1\n") + b"abc"
    assert content(pax_map(octets, pax, [], 0, len(octets)), octets) == b"\0ab\0\0\0c\0"


def test_an_old_map_goes_on_in_blocks_of_its_own() -> None:
    block = bytearray(sparse_tar(100, is_old=True)[:512])
    block[482] = 1
    more = bytearray(512)
    more[:24] = b"%011o\0%011o\0" % (0o143 + 1, 0)
    found = old_map(bytes(more) + b"x", bytes(block), 0, 1)
    assert found is not None
    assert (found.data_start, found.data_end) == (512, 513)
    assert content(found, bytes(more) + b"x") == bytes(99) + b"x"
    assert old_map(bytes(more)[:511], bytes(block), 0, 1) is None


@pytest.mark.parametrize(
    "numbers",
    [b"1", b"1,x", b"5,1,1,1", b"0,9", b"1,2,2,1", b"", b"1,"],
)
def test_a_map_that_does_not_ascend_or_has_no_pairs_is_broken(numbers: bytes) -> None:
    pax = {b"GNU.sparse.size": b"8", b"GNU.sparse.map": numbers}
    assert pax_map(b"", pax, [], 0, 0) is None


@pytest.mark.parametrize("octets", [b"", b"2\n1\n", b"x\n", b"9" * 30 + b"\n", b"1000000000\n1\n"])
def test_a_map_before_the_data_that_is_cut_is_broken(octets: bytes) -> None:
    pax = {b"GNU.sparse.realsize": b"8", b"GNU.sparse.major": b"1"}
    assert pax_map(octets, pax, [], 0, len(octets)) is None


@given(st.binary(max_size=100))
def test_any_bytes_are_a_map_or_none(octets: bytes) -> None:
    pax = {b"GNU.sparse.realsize": b"99", b"GNU.sparse.major": b"1"}
    pax_map(octets, pax, [], 0, len(octets))
    pax_map(b"", {b"GNU.sparse.size": b"99", b"GNU.sparse.map": octets}, [], 0, 0)
    old_map(octets, tar_blocks(octets).ljust(512, b"\0"), 0, 9)
