import mmap
import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from mailwarden.sandbox.child import Output
from mailwarden.sandbox.messages import OUTCOME_SIZE, Outcome
from mailwarden.sandbox.output import OutputStore, read_outcome
from mailwarden.unpack.contents import Contents, Item, Span
from mailwarden.wire.errors import PeerError

_OUTCOME = Outcome(Contents((Item("1", ("a",), ("message",)),)))


@pytest.fixture
def output() -> Iterator[int]:
    descriptor = os.memfd_create("output", os.MFD_ALLOW_SEALING)
    yield descriptor
    os.close(descriptor)


def test_what_was_told_is_read_behind_what_was_kept(output: int) -> None:
    written = Output(output)
    spans = [written.keep(b"first"), written.keep(b""), written.keep(b"second")]
    assert spans == [Span(0, 5), Span(5, 5), Span(5, 11)]
    written.tell(_OUTCOME)
    assert read_outcome(output) == _OUTCOME


def test_nobody_can_change_what_was_read(output: int) -> None:
    Output(output).tell(_OUTCOME)
    read_outcome(output)
    for attempt in (
        lambda: os.write(output, b"more"),
        lambda: os.pwrite(output, b"else", 0),
        lambda: os.ftruncate(output, 0),
    ):
        with pytest.raises(PermissionError):
            attempt()


def test_a_file_that_somebody_has_mapped_to_write_is_not_believed(output: int) -> None:
    Output(output).tell(_OUTCOME)
    with closing(mmap.mmap(output, 8)), pytest.raises(PeerError, match="mapped"):
        read_outcome(output)


@pytest.mark.parametrize(
    "octets", [b"", b"1234567", OUTCOME_SIZE.pack(1), b"x" * 20 + OUTCOME_SIZE.pack(2**64 - 1)]
)
def test_a_size_that_cannot_be_is_not_believed(output: int, octets: bytes) -> None:
    os.write(output, octets)
    with pytest.raises(PeerError):
        read_outcome(output)


def test_contents_with_too_much_to_tell_are_over_the_limit(output: int) -> None:
    many = tuple(Item("1", ("n" * 1000,), ("message",)) for _ in range(9000))
    Output(output).tell(Outcome(Contents(many)))
    told = read_outcome(output).contents
    assert told
    assert len(told.items) == 1
    assert [shut.detail for shut in told.unopened] == ["unpacked-files"]


def test_a_payload_is_its_own_octets_and_no_others(output: int) -> None:
    os.write(output, b"beforeinsidebehind")
    store = OutputStore(os.dup(output))
    payload = store.payload(Span(6, 12))
    assert payload.size_bytes == 6
    assert payload.chunk(0, 100) == b"inside"
    assert payload.chunk(2, 2) == b"si"
    assert payload.chunk(6, 1) == payload.chunk(100, 1) == b""
    with payload.lend() as descriptor:
        assert os.pread(descriptor, 100, 0) == b"inside"
        with pytest.raises(PermissionError):
            os.write(descriptor, b"x")
    store.close()
    store.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        payload.chunk(0, 1)


def test_an_empty_item_has_a_payload(output: int) -> None:
    store = OutputStore(os.dup(output))
    with store.payload(Span(0, 0)).lend() as descriptor:
        assert os.pread(descriptor, 1, 0) == b""
    store.close()
