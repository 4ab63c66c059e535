"""Lines of plain and gzip files, bounded in every way."""

import errno
import gzip
import io
import tracemalloc
from pathlib import Path

import pytest

from mailwarden.reports.log_lines import LONGEST_LINE_BYTES, LogError, lines_of, open_log


def lines(octets: bytes, most_bytes: int = 10**9) -> list[str]:
    return list(lines_of(io.BytesIO(octets), most_bytes))


def lines_in(path: Path) -> list[str]:
    with open_log(str(path)) as stream:
        return list(lines_of(stream))


def test_lines_come_without_their_ends() -> None:
    assert lines(b"a\nb\r\n\nc") == ["a", "b", "", "c"]


def test_bytes_that_are_no_text_stay_distinct() -> None:
    assert lines(b"a\xff\n") == ["a\udcff"]


def test_a_gzip_file_is_known_by_its_content_and_may_have_members(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(b"a\nb") + gzip.compress(b"c\n"))
    assert lines_in(path) == ["a", "bc"]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    assert lines_in(tmp_path / "log") == []


def test_a_line_that_is_too_long_is_cut_and_the_next_is_whole() -> None:
    long = b"x" * (3 * LONGEST_LINE_BYTES)
    assert [len(line) for line in lines(long + b"\nabc\n" + long)] == [
        LONGEST_LINE_BYTES,
        3,
        LONGEST_LINE_BYTES,
    ]


def test_a_gzip_bomb_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as bomb:
        for _ in range(64):
            bomb.write(bytes(1_000_000))
    tracemalloc.start()
    try:
        assert [len(line) for line in lines_in(path)] == [LONGEST_LINE_BYTES]
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_what_is_larger_than_the_limit_is_read_to_there_and_said() -> None:
    seen: list[str] = []
    with pytest.raises(LogError, match="larger than 10 bytes"):
        seen.extend(lines_of(io.BytesIO(b"abcd\n" * 3), 10))
    assert lines(b"abcd\n" * 2, 10) == ["abcd"] * 2


@pytest.mark.parametrize("damage", ["cut", "changed", "no-gzip"])
def test_a_damaged_gzip_file_is_read_as_far_as_it_goes_and_said(
    damage: str, tmp_path: Path
) -> None:
    whole = gzip.compress(b"".join(b"line %d\n" % number for number in range(200_000)))
    middle = len(whole) // 2
    octets = {
        "cut": whole[:middle],
        "changed": whole[:middle] + bytes(2_000) + whole[middle + 2_000 :],
        "no-gzip": whole[:2] + b"xxxx" * 10,
    }[damage]
    (tmp_path / "log.gz").write_bytes(octets)
    seen: list[str] = []
    with open_log(str(tmp_path / "log.gz")) as stream, pytest.raises(LogError, match="damaged"):
        seen.extend(lines_of(stream))
    assert bool(seen) == (damage != "no-gzip")


def test_a_file_that_cannot_be_opened_or_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="No such file"):
        lines_in(tmp_path / "none")
    with pytest.raises(LogError, match="Is a directory"):
        lines_in(tmp_path)


def test_a_disk_that_fails_while_a_file_is_read_is_told() -> None:
    class FailingDisk(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: object) -> int:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(LogError, match="Input/output error"):
        list(lines_of(io.BufferedReader(FailingDisk())))


def test_a_folded_header_field_is_one_line_and_nothing_else_is_joined() -> None:
    octets = b"Received: a\n b\n\tc\nX-A: d\n log\nlog\n indented\nreceived: e\n f"
    assert lines(octets) == [
        "Received: a\n b\n\tc",
        "X-A: d\n log",
        "log",
        " indented",
        "received: e\n f",
    ]


def test_a_field_that_never_ends_is_bounded() -> None:
    folded = lines(b"X-A: b\n" + b" c\n" * LONGEST_LINE_BYTES)
    assert all(len(line) <= LONGEST_LINE_BYTES + 3 for line in folded)
