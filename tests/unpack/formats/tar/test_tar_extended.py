from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.tar.tar_extended import KINDS, Extended
from mailwarden.unpack.formats.tar.tar_headers import Header, header_at
from mailwarden.unpack.members import UnreadableError
from support.archives import pax_header, tar_header


def header(kind: bytes = b"0") -> Header:
    found = header_at(tar_header(b"a", kind, 5, target=b"b"), 0)
    assert found is not None
    return found


def records(*pairs: tuple[bytes, bytes]) -> bytes:
    return pax_header(*pairs)[512:]


def test_without_anything_before_it_a_header_counts_alone() -> None:
    plain = Extended({})
    assert plain.names(header()) == (b"a",)
    assert plain.link_targets(header()) == (b"b",)
    assert plain.size_bytes(header()) == 5
    assert not plain.is_sparse(header())
    assert plain.sparse_map(b"", header(), 0, 0) is None


def test_the_records_of_a_member_count_before_those_of_all() -> None:
    extended = Extended({})
    extended.take(b"g", records((b"path", b"all"), (b"size", b"7")))
    assert extended.names(header()) == (b"all", b"a")
    extended.take(b"x", records((b"path", b"own"), (b"linkpath", b"there")))
    extended.take(b"L", b"long\0")
    extended.take(b"K", b"far\0")
    assert extended.names(header()) == (b"own", b"long", b"a")
    assert extended.link_targets(header()) == (b"there", b"far", b"b")
    assert extended.size_bytes(header()) == 7
    assert extended.everywhere == {b"path": b"all", b"size": b"7"}


def test_long_names_without_end_are_not_all_kept() -> None:
    extended = Extended({})
    for number in range(100):
        extended.take(b"L", b"%d" % number)
    assert extended.names(header())[0] == b"99"
    assert len(extended.names(header())) == 17


@pytest.mark.parametrize(
    ("key", "value"), [(b"GNU.sparse.map", b"0,1"), (b"GNU.sparse.offset", b"0")]
)
def test_a_map_of_holes_is_known_by_its_records(key: bytes, value: bytes) -> None:
    extended = Extended({})
    extended.take(b"x", records((key, value)))
    assert extended.is_sparse(header())


def test_a_size_that_is_no_number_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        Extended({}).take(b"x", records((b"size", b"-1")))


PIECES = [b"12 path=ab\n", b"9 size=7\n", b"22 GNU.sparse.major=1\n", b"20 GNU.sparse.map=1,2\n"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(KINDS)),
            st.lists(st.sampled_from(PIECES), max_size=3).map(b"".join) | st.binary(max_size=40),
        ),
        max_size=5,
    ),
    st.sampled_from([b"0", b"S"]),
    st.binary(max_size=600),
)
def test_any_headers_before_a_member_say_what_it_is_or_are_unreadable(
    before: list[tuple[bytes, bytes]], kind: bytes, octets: bytes
) -> None:
    extended = Extended({})
    with suppress(UnreadableError):
        for kind_before, content in before:
            extended.take(kind_before, content)
        assert extended.names(header(kind))
        assert extended.size_bytes(header(kind)) >= 0
        extended.link_targets(header(kind))
        extended.sparse_map(octets, header(kind), 0, len(octets))
