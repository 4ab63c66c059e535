import time
from dataclasses import replace

import pytest

from mailwarden.unpack.budget import Budget, OverLimitError
from mailwarden.unpack.formats.zip.zip_headers import Account, local_header
from mailwarden.unpack.formats.zip.zip_members import Description, contradict, expand, member
from mailwarden.unpack.members import Entry, Trait
from support.archives import DEFLATED, DESCRIPTOR_FLAG, ENCRYPTED_FLAG, Zipped, deflate, stored
from support.opening import LIMITS

HELLO = stored(b"a", b"hello")


def account(zipped: Zipped) -> Account:
    header = local_header(zipped.local, 0)
    assert header is not None
    return header.account


def expanded(octets: bytes, *headers: Zipped) -> list[tuple[bytes | None, int, str]]:
    description = Description(tuple(map(account, headers)))
    meter = Budget(LIMITS, time.monotonic).meter(len(octets))
    found = expand(octets, meter, 0, description)
    return [(one.octets, one.end, one.unopened) for one in found]


@pytest.mark.parametrize(
    "other",
    [
        replace(HELLO, name=b"b"),
        replace(HELLO, method=DEFLATED),
        replace(HELLO, flags=ENCRYPTED_FLAG),
        replace(HELLO, checksum=1),
        replace(HELLO, size_bytes=1),
        replace(HELLO, packed_bytes=1),
    ],
)
def test_headers_contradict_each_other_in_what_says_which_octets(other: Zipped) -> None:
    assert contradict(account(HELLO), account(other))
    assert not contradict(account(HELLO), account(HELLO))


@pytest.mark.parametrize("flags", [DESCRIPTOR_FLAG, 1 << 13])
def test_what_a_header_leaves_open_contradicts_nothing(flags: int) -> None:
    silent = Zipped(b"a", b"", flags=flags)
    assert not contradict(account(HELLO), account(silent))


def test_stored_data_of_unknown_length_reaches_to_the_next_signature() -> None:
    silent = Zipped(b"a", b"", flags=DESCRIPTOR_FLAG)
    for signature in (b"PK\x07\x08", b"PK\x03\x04", b"PK\x01\x02"):
        (found,) = expanded(b"hello" + signature + b"PK\x03\x04", silent)
        assert found == (b"hello", 5, "where it ends is not known")
    assert expanded(b"hello", silent)[0][:2] == (b"hello", 5)


def test_packed_data_of_unknown_length_has_an_end_of_its_own() -> None:
    packed = deflate(b"hello")
    silent = Zipped(b"a", b"", method=DEFLATED, flags=DESCRIPTOR_FLAG)
    assert expanded(packed + b"more", silent) == [(b"hello", len(packed), "")]


def test_stored_data_is_counted_before_it_is_kept() -> None:
    meter = Budget(replace(LIMITS, bytes_produced=4), time.monotonic).meter(5)
    with pytest.raises(OverLimitError):
        list(expand(b"hello", meter, 0, Description((account(HELLO),))))


def test_masked_headers_have_no_names() -> None:
    description = Description((account(Zipped(b"x", b"", flags=1 << 13)),))
    (found,) = expand(b"", Budget(LIMITS, time.monotonic).meter(0), 0, description)
    made = member(description, found)
    assert (made.names, made.traits, made.entry) == ((), (Trait.ENCRYPTED,), Entry.FILE)
