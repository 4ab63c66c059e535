"""The tests' own unpacker finds what the real one finds, to the octet."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mailwarden.ports.scanner import Payload
from mailwarden.ports.unpacker import Unpacked, Unpacker
from mailwarden.sandbox.program import NurseryProgram
from mailwarden.sandbox.unpacker import Sandbox
from mailwarden.unpack.budget import Limit, UnpackLimits
from mailwarden.unpack.contents import Contents, Reason
from mailwarden.unpack.walk import Job
from support.archives import gzip_file, tar_archive, zip_archive
from support.unpacking import InProcessUnpacker

_LIMITS = UnpackLimits(bytes_produced=1_000_000, files=10, depth=2, ratio=100, seconds=20.0)
_SECONDS = 60.0

_TEXTS = {"a.txt": b"first", "empty": b"", "again.txt": b"first"}
_ZIP = zip_archive(_TEXTS)


def _nested(times: int) -> bytes:
    octets = _ZIP
    for number in range(times):
        octets = zip_archive({f"{number}.zip": octets, "beside": b"beside"})
    return octets


_PAYLOADS = {
    "a zip": _ZIP,
    "a zip in a zip": _nested(1),
    "a zip deeper than may be": _nested(3),
    "a tar in gzip": gzip_file(tar_archive(_TEXTS)),
    "more members than may be": zip_archive({str(number): b"x" for number in range(20)}),
    "more octets than may be": zip_archive({"a": bytes(2_000_000)}),
    "a zip that is cut": _ZIP[: len(_ZIP) // 2],
    "a gzip that is broken": gzip_file(b"first" * 100)[:-20] + bytes(20),
    "no container": b"nothing but text",
    "nothing": b"",
}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    made = Sandbox(NurseryProgram(tmp_path))
    yield made
    await made.close()


@dataclass(frozen=True, slots=True)
class _Found:
    """What one payload holds: contents without the time that they took, and all octets kept."""

    contents: Contents
    octets: list[bytes]
    descriptors: list[bytes]


def _lent(payload: Payload) -> bytes:
    with payload.lend() as descriptor:
        return os.pread(descriptor, payload.size_bytes, 0)


async def _found(unpacker: Unpacker, payload: bytes, job: Job) -> _Found:
    deadline = asyncio.get_running_loop().time() + _SECONDS
    unpacked = await unpacker.unpack(payload, job, deadline)
    assert unpacked.faults == ()
    contents = unpacked.contents
    kept = _kept(unpacked)
    found = _Found(
        replace(contents, spent=replace(contents.spent, seconds=0.0)),
        [each.chunk(0, each.size_bytes) for each in kept],
        [_lent(each) for each in kept],
    )
    if unpacked.store:
        unpacked.store.close()
    return found


def _kept(unpacked: Unpacked) -> list[Payload]:
    spans = [item.extracted for item in unpacked.contents.items if item.extracted]
    assert unpacked.store or not spans
    return [unpacked.store.payload(span) for span in spans] if unpacked.store else []


@pytest.mark.parametrize("keeps_archives", [False, True])
async def test_both_find_the_same_to_the_octet(sandbox: Sandbox, *, keeps_archives: bool) -> None:
    job = Job("1.2", ("given.name",), "", _LIMITS, keeps_archives)
    for name, payload in _PAYLOADS.items():
        here = await _found(InProcessUnpacker(), payload, job)
        there = await _found(sandbox, payload, job)
        assert there == here, name
        assert there.descriptors == there.octets, name


async def test_the_payloads_differ_in_what_becomes_of_them() -> None:
    job = Job("1.2", (), "", _LIMITS)
    found = [await _found(InProcessUnpacker(), each, job) for each in _PAYLOADS.values()]
    reasons = {(shut.reason, shut.detail) for each in found for shut in each.contents.unopened}
    limits = {detail for reason, detail in reasons if reason is Reason.OVER_LIMIT}
    assert limits >= {Limit.DEPTH, Limit.FILES, Limit.BYTES}
    assert Reason.UNREADABLE in {reason for reason, _ in reasons}
    assert any(not each.contents.unopened and len(each.octets) > 1 for each in found)
