"""Files embedded in OneNote sections."""

from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.office.onenote import open_onenote
from support.opening import opened

FILE = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")


def embedded(octets: bytes, length: int | None = None) -> bytes:
    size = len(octets) if length is None else length
    return FILE + size.to_bytes(8, "little") + bytes(12) + octets


def test_every_embedded_file_may_have_every_name() -> None:
    name = "report.hta".encode("utf-16-le") + b"\0\0"
    outcome = opened(open_onenote, b"section" + name + embedded(b"<script>") + embedded(b"MZ"))
    assert [(member.names, member.octets) for member in outcome.members] == [
        (("report.hta",), b"<script>"),
        (("report.hta",), b"MZ"),
    ]


def test_a_file_that_is_cut_off_is_said_to_be() -> None:
    (member,) = opened(open_onenote, embedded(b"MZ", length=1 << 60)).members
    assert (member.octets, bool(member.unopened)) == (b"MZ", True)


@given(st.binary() | st.lists(st.sampled_from([FILE, bytes(20), b"a\0.\0b\0\0\0"])).map(b"".join))
def test_any_bytes_give_members_or_the_named_errors(octets: bytes) -> None:
    error = opened(open_onenote, octets).error
    assert error is None or isinstance(error, OverLimitError)
