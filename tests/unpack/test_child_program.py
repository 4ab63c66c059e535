"""Foreign programs and what they may write, with programs that every machine has."""

import os
import signal
import time
from contextlib import closing

import pytest

from mailwarden.unpack import child_program
from mailwarden.unpack.budget import Limit, OverLimitError
from mailwarden.unpack.child_program import INPUT, output_of
from mailwarden.unpack.members import UnreadableError, UnsupportedError
from support.daemon_process import is_alive
from support.waiting import wait_until


def nothing() -> None:
    """Whoever waits has time."""


@pytest.mark.parametrize("octets", [b"", b"x", b"\0\xff" * 500_000], ids=len)
def test_a_program_reads_the_octets_and_its_output_comes_back(octets: bytes) -> None:
    assert b"".join(output_of(("cat", INPUT), octets, nothing)) == octets


def test_a_program_can_read_the_octets_more_than_once() -> None:
    assert b"".join(output_of(("cat", INPUT, INPUT), b"ab", nothing)) == b"abab"


def test_a_program_gets_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of ours")
    names = {
        line.partition(b"=")[0] for line in b"".join(output_of(("env",), b"", nothing)).split()
    }
    assert names == {b"HOME", b"LC_ALL", b"PATH"}


def test_a_program_that_is_missing_is_told_by_name() -> None:
    with pytest.raises(UnsupportedError, match="no-such-unpacker is not installed"):
        list(output_of(("no-such-unpacker",), b"", nothing))


def test_a_program_that_fails_says_that_the_octets_are_unreadable() -> None:
    with pytest.raises(UnreadableError, match="false could not read it"):
        list(output_of(("false",), b"", nothing))


def test_a_silent_program_ends_when_whoever_waits_has_enough() -> None:
    patience = iter(range(3))

    def tick() -> None:
        if next(patience, None) is None:
            raise OverLimitError(Limit.SECONDS)

    started = time.monotonic()
    with pytest.raises(OverLimitError):
        list(output_of(("sleep", "60"), b"", tick))
    assert time.monotonic() - started < 10


def test_a_program_that_takes_too_long_is_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_program, "_SECONDS", 0)
    with pytest.raises(OverLimitError) as raised:
        list(output_of(("sleep", "60"), b"", nothing))
    assert raised.value.limit is Limit.SECONDS


def test_a_program_that_never_stops_ends_with_its_reader() -> None:
    with closing(output_of(("yes",), b"", nothing)) as pieces:
        assert next(pieces).startswith(b"y\ny\n")
    assert list(pieces) == []


def test_a_program_ends_with_the_process_that_started_it() -> None:
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        for piece in output_of(("sh", "-c", "echo $$; exec sleep 60"), b"", nothing):
            os.write(writing, piece)
    os.close(writing)
    program = int(os.read(reading, 100))
    os.close(reading)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    wait_until(lambda: not is_alive(program), 30, "the program has ended")
