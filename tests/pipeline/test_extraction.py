"""Taking leaves apart, and what scanners are shown besides the raw message."""

from dataclasses import dataclass, replace

import pytest

from mailwarden.message.leaves import leaves
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.readings import read_every_way
from mailwarden.net.payload import MemoryPayload
from mailwarden.pipeline.extraction import (
    MAIL_BEGINNINGS,
    SEEN_DEPTH,
    Extraction,
    extract,
    sort_leaves,
)
from mailwarden.ports.unpacker import Unpacked
from mailwarden.unpack.budget import Limit, UnpackLimits
from mailwarden.unpack.contents import Contents, Reason, Span
from mailwarden.unpack.walk import Job
from mailwarden.verdict.report import Fault
from support import samples
from support.samples import zip_archive
from support.unpacking import InProcessUnpacker

READING = ReadingLimits(header_bytes=100_000, header_fields=1_000, parts=100, depth=10)
LIMITS = UnpackLimits(bytes_produced=1_000_000, files=10, depth=5, ratio=100, seconds=10.0)
FAR = 1e12
DIED = Fault("unpack", "killed by SIGSEGV", temporary=False)


def nested(depth: int) -> bytes:
    """The lines of a message, after its first field, with an attachment so many parts deep."""
    numbers = range(depth)
    above = (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in numbers)
    below = (b"--b%d--\n" % n for n in reversed(numbers))
    file = (
        b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\naGlkZGVu\n"
    )
    return b"".join((*above, file, *below))


class ShelvingUnpacker(InProcessUnpacker):
    """One that knows which of its stores have not been closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open_stores = 0

    async def unpack(self, octets: bytes, job: Job, deadline: float) -> Unpacked:
        unpacked = await super().unpack(octets, job, deadline)
        self.open_stores += 1
        return replace(unpacked, store=self.Watched(self))

    @dataclass(frozen=True)
    class Watched:
        owner: "ShelvingUnpacker"

        def payload(self, span: Span) -> MemoryPayload:
            return MemoryPayload(b"x" * (span.end - span.start))

        def close(self) -> None:
            self.owner.open_stores -= 1


class DeadUnpacker:
    """One whose helpers die on everything."""

    async def unpack(self, octets: bytes, job: Job, deadline: float) -> Unpacked:
        return Unpacked(Contents(), faults=(DIED,))

    async def close(self) -> None:
        """There is nobody to end."""


async def extracted(
    raw: bytes, unpacker: InProcessUnpacker | DeadUnpacker | None = None, *, redundant: bool = False
) -> Extraction:
    found = sort_leaves(leaves(read_every_way(raw, READING)), raw)
    chosen = unpacker or InProcessUnpacker()
    return await extract(found, chosen, LIMITS, FAR, redundant=redundant)


def shown(extraction: Extraction) -> dict[str, bytes]:
    """What scanners are shown besides the raw message, by path."""
    return {part.path: part.payload.chunk(0, part.payload.size_bytes) for part in extraction.parts}


@pytest.mark.parametrize(
    "raw",
    [samples.clean(), samples.with_attachment(b"a.txt", b"hello\n"), samples.encoded_name(), b""],
)
async def test_what_well_formed_mail_shows_is_not_shown_again(raw: bytes) -> None:
    with await extracted(raw) as extraction:
        assert extraction.parts == []
        assert extraction.contents.items


async def test_members_are_shown_and_their_archive_is_not() -> None:
    raw = samples.with_attachment(b"a.zip", zip_archive({"one.txt": b"one", "two.txt": b"two"}))
    with await extracted(raw) as extraction:
        assert shown(extraction) == {"2/a.zip/one.txt": b"one", "2/a.zip/two.txt": b"two"}
        assert [part.filename for part in extraction.parts] == ["one.txt", "two.txt"]


async def test_the_same_octets_are_shown_once_however_often_a_payload_holds_them() -> None:
    raw = samples.with_attachment(b"a.zip", zip_archive({"one.txt": b"same", "two.txt": b"same"}))
    with await extracted(raw) as extraction:
        assert shown(extraction) == {"2/a.zip/one.txt": b"same"}
        assert len(extraction.contents.items) == 4


async def test_small_archives_without_end_are_no_way_round_the_limit_of_seconds() -> None:
    parts = (samples.attached(b"%d.zip" % n, zip_archive({"a": b"%d" % n})) for n in range(30))
    raw = samples.multipart(*parts)
    found = sort_leaves(leaves(read_every_way(raw, READING)), raw)
    unpacker = InProcessUnpacker()
    limits = replace(LIMITS, bytes_produced=10**9, files=10**9, seconds=0.1)
    with await extract(found, unpacker, limits, FAR, redundant=False) as extraction:
        assert 0 < len(unpacker.jobs) <= 10
        shut = extraction.contents.unopened
        assert {(one.reason, one.detail) for one in shut} == {(Reason.OVER_LIMIT, Limit.SECONDS)}
        assert len(unpacker.jobs) + len(shut) >= 30


async def test_archives_inside_are_shown_when_redundant_is_asked_for() -> None:
    inner = zip_archive({"one.txt": b"one"})
    raw = samples.with_attachment(b"a.zip", zip_archive({"b.zip": inner}))
    with await extracted(raw, redundant=True) as extraction:
        assert shown(extraction)["2/a.zip/b.zip"] == inner
    with await extracted(raw) as extraction:
        assert list(shown(extraction)) == ["2/a.zip/b.zip/one.txt"]


async def test_what_only_another_reading_finds_is_shown() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b; boundary=c\n\n"
        b"--b\nContent-Type: text/plain\n\none\n--b--\n"
        b"--c\nContent-Type: application/octet-stream; name=a.bin\n"
        b"Content-Transfer-Encoding: base64\n\naGlkZGVu\n--c--\n"
    )
    with await extracted(raw) as extraction:
        assert b"hidden" in shown(extraction).values()


async def test_a_broken_encoding_is_shown_in_each_of_its_readings() -> None:
    raw = samples.with_attachment(b"a.bin", b"hello world").replace(b"aGVsbG8g", b"aGVs=bG8g")
    with await extracted(raw) as extraction:
        assert len(extraction.parts) > 1


async def test_the_budget_is_the_messages_not_each_payloads() -> None:
    many = zip_archive({f"{number}.txt": b"%d" % number for number in range(7)})
    more = zip_archive({f"{number}.log": b"%d" % number for number in range(7)})
    raw = samples.multipart(samples.attached(b"a.zip", many), samples.attached(b"b.zip", more))
    unpacker = InProcessUnpacker()
    with await extracted(raw, unpacker) as extraction:
        assert [job.limits.files for job in unpacker.jobs] == [10, 3]
        assert [one.detail for one in extraction.contents.unopened] == ["unpacked-files"]


async def test_a_payload_whose_helper_died_is_a_fault_and_still_an_item() -> None:
    raw = samples.with_attachment(b"a.zip", zip_archive({"one.txt": b"one"}))
    with await extracted(raw, DeadUnpacker()) as extraction:
        assert extraction.faults == [DIED]
        assert [item.names for item in extraction.contents.items] == [(), ("a.zip",)]


async def test_payloads_are_given_back_at_the_end() -> None:
    raw = samples.with_attachment(b"a.zip", zip_archive({"one.txt": b"one"}))
    unpacker = ShelvingUnpacker()
    with await extracted(raw, unpacker):
        assert unpacker.open_stores == 1
    assert unpacker.open_stores == 0


@pytest.mark.parametrize("beginning", MAIL_BEGINNINGS)
async def test_what_mail_holds_near_its_top_is_not_shown_again(beginning: bytes) -> None:
    raw = beginning + b"x\n" + nested(SEEN_DEPTH)
    with await extracted(raw) as extraction:
        assert shown(extraction) == {}


async def test_what_lies_so_deep_that_scanners_may_not_look_there_is_shown() -> None:
    with await extracted(b"Received: x\n" + nested(SEEN_DEPTH + 1)) as extraction:
        assert shown(extraction) == {"1" + ".1" * SEEN_DEPTH: b"hidden"}


@pytest.mark.parametrize("first", [b"X-Odd: x\n", b"received: x\n", b""])
async def test_what_scanners_may_not_take_for_mail_is_shown_part_by_part(first: bytes) -> None:
    with await extracted(first + nested(1)) as extraction:
        assert shown(extraction) == {"1": b"hidden"}


async def test_a_part_without_octets_is_shown_to_nobody() -> None:
    with await extracted(b"X-Odd: x\n\n") as extraction:
        assert shown(extraction) == {}
