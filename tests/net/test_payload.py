"""A message's bytes while they are ours: exact, sealed, unnamed, and given back."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailwarden.message.edits import Edit, Span, apply_edits, edited_pieces, insert
from mailwarden.net.payload import (
    HeldPayload,
    MemoryPayload,
    SpoolPayload,
    edited_file,
    sealed_file,
    spool_file,
    write_all,
)
from support.caller import open_descriptors
from support.tiny_disk import tiny_disk

MESSAGE = bytes(range(256)) * 20
Make = Callable[[bytes, Path], HeldPayload]


def in_memory(octets: bytes, _spool: Path) -> HeldPayload:
    return MemoryPayload(octets)


def in_spool(octets: bytes, spool: Path) -> HeldPayload:
    file = spool_file(spool)
    write_all(file.fileno(), octets)
    return SpoolPayload(file, len(octets))


@contextlib.contextmanager
def held(make: Make, octets: bytes, spool: Path) -> Iterator[HeldPayload]:
    payload = make(octets, spool)
    yield payload
    payload.close()


both = pytest.mark.parametrize("make", [in_memory, in_spool])


def content(descriptor: int) -> bytes:
    assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    with open(descriptor, "rb") as file:
        return file.read()


@both
def test_bytes_come_back_as_raw_as_chunks_and_from_the_descriptor(
    make: Make, tmp_path: Path
) -> None:
    with held(make, MESSAGE, tmp_path) as payload:
        assert payload.size_bytes == len(MESSAGE)
        assert payload.raw[:] == MESSAGE
        chunks = [payload.chunk(start, 1_000) for start in range(0, 6_000, 1_000)]
        assert b"".join(chunks) == MESSAGE
        assert payload.chunk(len(MESSAGE), 10) == b""
        with payload.lend() as descriptor:
            assert os.pread(descriptor, 10_000, 0) == MESSAGE


@both
def test_two_who_want_a_descriptor_at_the_same_time_have_the_same(
    make: Make, tmp_path: Path
) -> None:
    with held(make, MESSAGE, tmp_path) as payload:
        with payload.lend() as first, payload.lend() as second:
            assert first == second
        with payload.lend() as again:
            assert os.pread(again, 10_000, 0) == MESSAGE


def test_a_message_in_memory_has_no_descriptor_longer_than_somebody_wants_it() -> None:
    payload, before = MemoryPayload(MESSAGE), open_descriptors()
    with payload.lend() as first:
        with payload.lend():
            pass
        assert os.pread(first, 10_000, 0) == MESSAGE
    assert open_descriptors() == before


@both
def test_closing_gives_everything_back(make: Make, tmp_path: Path) -> None:
    before = open_descriptors()
    with held(make, MESSAGE, tmp_path) as payload, payload.lend():
        pass
    assert open_descriptors() == before
    payload.close()
    assert open_descriptors() == before


def test_an_empty_message_can_be_held_and_given_as_a_descriptor() -> None:
    payload = MemoryPayload(b"")
    with payload.lend() as descriptor:
        assert os.pread(descriptor, 10, 0) == b""
    payload.close()


def test_a_spool_file_has_no_name(tmp_path: Path) -> None:
    with spool_file(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_a_spooled_message_is_gone_from_the_disk_when_closed() -> None:
    with tiny_disk(128) as disk:
        with held(in_spool, b"x" * 100_000, disk):
            assert os.statvfs(disk).f_bfree < 32
        assert os.statvfs(disk).f_bfree == os.statvfs(disk).f_blocks


def test_a_map_that_a_thread_still_reads_outlives_the_close(tmp_path: Path) -> None:
    payload = in_spool(MESSAGE, tmp_path)
    seen: list[bytes] = []
    closed, looking = threading.Event(), threading.Event()

    def look() -> None:
        with memoryview(payload.raw) as view:
            looking.set()
            closed.wait(10)
            seen.append(bytes(view))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    assert looking.wait(10)
    payload.close()
    closed.set()
    thread.join(10)
    assert seen == [MESSAGE]


def test_nobody_can_change_a_sealed_file() -> None:
    descriptor = sealed_file([b"one", b"", b"two"])
    with pytest.raises(PermissionError):
        os.write(descriptor, b"x")
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    assert not os.get_inheritable(descriptor)
    assert content(descriptor) == b"onetwo"


def test_a_sealed_file_that_cannot_be_made_is_closed() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"one"
        raise OSError("no more")

    before = open_descriptors()
    with pytest.raises(OSError, match="no more"):
        sealed_file(pieces())
    assert open_descriptors() == before


EDITS = [
    (),
    (insert(0, b"on top\n"),),
    (insert(len(MESSAGE), b"below"),),
    (Edit(10, 20, b""), Edit(20, 30, b"in place"), insert(3_000, b"inside")),
    (Edit(0, len(MESSAGE), b""),),
]


@both
@pytest.mark.parametrize("edits", EDITS)
def test_an_edited_file_holds_the_edited_message(
    make: Make, edits: tuple[Edit, ...], tmp_path: Path
) -> None:
    with held(make, MESSAGE, tmp_path) as payload, payload.lend() as descriptor:
        os.lseek(descriptor, 7, os.SEEK_SET)  # a scanner may have moved it
        pieces = edited_pieces(payload.size_bytes, edits)
        assert content(edited_file(payload, pieces, tmp_path)) == apply_edits(MESSAGE, edits)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 7


def test_a_large_message_is_copied_whole(tmp_path: Path) -> None:
    large = os.urandom(3_000_001)
    with held(in_spool, large, tmp_path) as payload:
        pieces: list[Span | bytes] = [b"top\n", Span(0, len(large))]
        assert content(edited_file(payload, pieces, tmp_path)) == b"top\n" + large


def test_a_copy_that_does_not_fit_is_an_error_and_leaves_nothing() -> None:
    with tiny_disk(128) as disk, held(in_spool, b"x" * 100_000, disk) as payload:
        free, before = os.statvfs(disk).f_bfree, open_descriptors()
        with pytest.raises(OSError, match="No space left"):
            edited_file(payload, [Span(0, 100_000)], disk)
        assert (os.statvfs(disk).f_bfree, open_descriptors()) == (free, before)


def test_a_spool_file_that_was_cut_is_an_error_never_a_short_message(tmp_path: Path) -> None:
    with held(in_spool, MESSAGE, tmp_path) as payload, payload.lend() as descriptor:
        os.ftruncate(descriptor, 100)
        with pytest.raises(OSError, match="shorter than the message"):
            edited_file(payload, [Span(0, len(MESSAGE))], tmp_path)


def test_all_is_written_through_a_pipe_that_takes_little_at_a_time() -> None:
    reader, writer = os.pipe()
    octets = os.urandom(1_000_000)
    thread = threading.Thread(target=write_all, args=(writer, octets), daemon=True)
    thread.start()
    got = b""
    while len(got) < len(octets):
        got += os.read(reader, 3_000)
    thread.join(10)
    os.close(reader)
    os.close(writer)
    assert got == octets
