"""The daemon's side, with a real nursery and real children that misbehave."""

import asyncio
import os
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mailwarden.ports.unpacker import Unpacked
from mailwarden.sandbox.messages import Outcome, encode
from mailwarden.sandbox.nursery import WAITING_CHILDREN
from mailwarden.sandbox.program import NurseryGoneError, NurseryProgram
from mailwarden.sandbox.unpacker import Sandbox, _judged
from mailwarden.unpack.budget import Limit, Spent, UnpackLimits
from mailwarden.unpack.contents import Contents, Item, Reason, Span, Unopened
from mailwarden.unpack.walk import Job, unpack_payload
from mailwarden.verdict.report import Fault
from support.bad_openers import FORMATS, misbehaving
from support.daemon_process import helpers_at_work, is_alive
from support.waiting import wait_until

_SECONDS = 30.0
_TABLE = "support.bad_openers:FORMATS"


def _job(seconds: float = 20.0) -> Job:
    limits = UnpackLimits(bytes_produced=1_000_000, files=100, depth=5, ratio=100, seconds=seconds)
    return Job("1.2", ("a.gz",), "application/gzip", limits)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    made = Sandbox(NurseryProgram(tmp_path, _TABLE))
    yield made
    await made.close()
    assert _is_empty(tmp_path)


async def _unpack(sandbox: Sandbox, payload: bytes, job: Job | None = None) -> Unpacked:
    deadline = asyncio.get_running_loop().time() + _SECONDS
    return await sandbox.unpack(payload, job or _job(), deadline)


async def _said(sandbox: Sandbox, word: str, argument: str = "") -> str:
    """What an opener observed, through the store."""
    unpacked = await _unpack(sandbox, misbehaving(word, argument))
    assert unpacked.faults == ()
    (_, said) = unpacked.contents.items
    assert unpacked.store
    assert said.extracted
    payload = unpacked.store.payload(said.extracted)
    octets = payload.chunk(0, payload.size_bytes)
    with payload.lend() as descriptor:
        assert os.pread(descriptor, 1000, 0) == octets
    unpacked.store.close()
    return octets.decode()


async def _fault(sandbox: Sandbox, payload: bytes) -> Fault:
    unpacked = await _unpack(sandbox, payload)
    assert [item.path for item in unpacked.contents.items] == ["1.2"]
    assert unpacked.store is None
    (fault,) = unpacked.faults
    assert fault.by == "unpack"
    return fault


async def _limit(sandbox: Sandbox, payload: bytes, job: Job) -> Unopened:
    shut = await _shut(sandbox, payload, job)
    assert shut.reason is Reason.OVER_LIMIT
    return shut


async def _failure(sandbox: Sandbox, payload: bytes) -> str:
    shut = await _shut(sandbox, payload, _job())
    assert shut.reason is Reason.FAILED
    return shut.detail


async def _shut(sandbox: Sandbox, payload: bytes, job: Job) -> Unopened:
    unpacked = await _unpack(sandbox, payload, job)
    assert [item.path for item in unpacked.contents.items] == ["1.2"]
    assert (unpacked.store, unpacked.faults) == (None, ())
    (shut,) = unpacked.contents.unopened
    return shut


def _nursery_pid(sandbox: Sandbox) -> int:
    assert sandbox._nursery
    return sandbox._nursery.pid


async def _wait_for_children(sandbox: Sandbox, count: int) -> list[int]:
    await _wait(lambda: len(helpers_at_work(_nursery_pid(sandbox))) == count)
    return helpers_at_work(_nursery_pid(sandbox))


async def _wait(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, condition, _SECONDS, "what the test waits for")


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_helper_finds_what_the_daemon_itself_would_find(sandbox: Sandbox) -> None:
    payload = misbehaving("say", "hello")
    kept: list[bytes] = []

    def keep(octets: bytes) -> Span:
        kept.append(octets)
        return Span(0, len(octets))

    here = unpack_payload(payload, _job(), FORMATS, time.monotonic, keep)
    there = await _unpack(sandbox, payload)
    assert there.contents.items == here.items
    assert there.contents.unopened == here.unopened
    assert there.contents.spent.files == here.spent.files == 1
    assert there.store
    there.store.close()
    assert await _said(sandbox, "say", "hello") == kept[0].decode() == "hello"


async def test_the_nursery_says_what_protects_its_children(sandbox: Sandbox) -> None:
    protection = await sandbox.start()
    assert protection.missing == ()


async def test_a_crash_leaves_the_payload_shut_and_the_next_one_is_unpacked(
    sandbox: Sandbox,
) -> None:
    assert await _failure(sandbox, misbehaving("crash")) == "the helper was killed by SIGSEGV"
    assert await _failure(sandbox, misbehaving("abort")) == "the helper was killed by SIGABRT"
    assert await _said(sandbox, "say", "next") == "next"


@pytest.mark.parametrize("word", ["hang", "sleep"])
async def test_a_helper_that_does_not_end_is_over_the_limit_of_seconds(
    sandbox: Sandbox, word: str
) -> None:
    shut = await _limit(sandbox, misbehaving(word), _job(seconds=0.2))
    assert (shut.detail, shut.path, shut.filename) == (Limit.SECONDS, "1.2", "a.gz")
    assert await _said(sandbox, "say", "next") == "next"


@pytest.mark.parametrize("word", ["hang", "crash", "fail"])
async def test_a_payload_that_ends_its_helper_has_spent_the_time_that_this_took(
    sandbox: Sandbox, word: str
) -> None:
    job = _job(seconds=0.2)
    spent = (await _unpack(sandbox, misbehaving(word), job)).contents.spent
    assert spent.seconds > 0
    if word == "hang":
        assert job.limits.without(spent).seconds == 0


async def test_a_helper_that_eats_all_memory_is_over_the_limit_of_memory(sandbox: Sandbox) -> None:
    shut = await _limit(sandbox, misbehaving("eat"), _job())
    assert shut.detail == Limit.MEMORY


async def test_a_bug_in_an_opener_is_told_by_its_place_without_content(sandbox: Sandbox) -> None:
    detail = await _failure(sandbox, misbehaving("fail"))
    assert detail.startswith("an opener failed: KeyError in bad_openers.py:")
    assert "secret" not in detail


async def test_a_payload_whose_helper_died_still_has_its_names_and_type(sandbox: Sandbox) -> None:
    unpacked = await _unpack(sandbox, misbehaving("crash"))
    (itself,) = unpacked.contents.items
    assert (itself.names, itself.file_type, itself.depth) == (("a.gz",), "gzip", 1)


async def test_a_helper_writes_nowhere_but_in_its_own_folder(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    assert await _said(sandbox, "write", str(elsewhere)) == "PermissionError"
    assert not elsewhere.exists()
    assert await _said(sandbox, "write", "here") == "done"
    assert await _said(sandbox, "write", "/dev/null") == "done"
    assert await _said(sandbox, "chmod", str(tmp_path)) == "PermissionError"


async def test_a_helper_reads_programs_and_libraries_only(sandbox: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch()
    assert await _said(sandbox, "read", str(secret)) == "PermissionError"
    assert await _said(sandbox, "read", "/etc/group") == "PermissionError"
    assert await _said(sandbox, "read", "/proc/self/environ") == "PermissionError"
    assert await _said(sandbox, "read", "/usr/bin/env") == "done"
    secret.unlink()


async def test_a_helper_has_no_network(sandbox: Sandbox, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert await _said(sandbox, "connect", f"127.0.0.1:{port}") == "PermissionError"
    assert await _said(sandbox, "connect", "/run/some.socket") == "PermissionError"


async def test_a_helper_reaches_no_other_process(sandbox: Sandbox) -> None:
    assert await _said(sandbox, "signal", str(os.getpid())) == "PermissionError"
    assert await _said(sandbox, "trace", str(os.getpid())) == "Operation not permitted"
    assert await _said(sandbox, "leave-group") == "PermissionError"


async def test_a_helper_inherits_nothing(sandbox: Sandbox) -> None:
    descriptors = (await _said(sandbox, "descriptors")).split()
    assert len(descriptors) == 5  # three of /dev/null, the payload, the output
    assert await _said(sandbox, "environment") == "LANG PATH"


async def test_a_command_line_tool_works_in_a_helper(sandbox: Sandbox) -> None:
    said = await _said(sandbox, "tool", "nothing that could be listed")
    assert said == "/dev/stdin: Couldn't recognize the archive format.\n"


async def test_what_a_helper_leaves_behind_is_gone_with_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    left = int(await _said(sandbox, "leave-child"))
    await _wait_for_children(sandbox, 0)
    assert not is_alive(left)
    folders = [Path(await _said(sandbox, "folder")) for _ in range(2)]
    assert folders[0] != folders[1]
    assert await _said(sandbox, "litter") == "littered"
    folders_in_use = (tmp_path, "the nursery's", *["a waiting child's"] * WAITING_CHILDREN)
    await _wait(lambda: len(list(os.walk(tmp_path))) == len(folders_in_use))


async def test_a_process_that_could_still_change_the_output_changes_no_verdict(
    sandbox: Sandbox,
) -> None:
    unpacked = await _unpack(sandbox, misbehaving("keep-mapping"))
    assert unpacked.contents.unopened or unpacked.store
    if unpacked.store:  # the other process was dead already
        unpacked.store.close()
    await _wait_for_children(sandbox, 0)


def _outcome(contents: Contents) -> bytes:
    octets = encode(Outcome(contents))
    return octets + struct.pack("=Q", len(octets))


_ITEM = Item("1.2", ("a",), ("message",))

_LIES = {
    "nothing": b"",
    "no size": b"short",
    "a size of more than there is": struct.pack("=Q", 10**15),
    "no JSON": b"{" + struct.pack("=Q", 1),
    "another type": b'{"contents": 5}' + struct.pack("=Q", 15),
    "deep": b'{"x":' + b"[" * 100_000 + struct.pack("=Q", 100_005),
    "no items": _outcome(Contents()),
    "a span behind the end": _outcome(Contents((replace(_ITEM, extracted=Span(0, 1)),))),
    "a span before the start": _outcome(Contents((replace(_ITEM, extracted=Span(-1, 0)),))),
    "a span backwards": b"xx" + _outcome(Contents((replace(_ITEM, extracted=Span(1, 0)),))),
    "a size below nothing": _outcome(Contents((replace(_ITEM, size_bytes=-1),))),
    "spent less than nothing": _outcome(Contents((_ITEM,), spent=Spent(-1))),
}


@pytest.mark.parametrize("lie", _LIES.values(), ids=_LIES.keys())
async def test_a_helper_that_lies_is_not_believed(sandbox: Sandbox, lie: bytes) -> None:
    assert "told" in await _failure(sandbox, misbehaving("lie", lie.decode("latin-1")))


async def test_fifty_payloads_at_once_are_unpacked_by_four_children(sandbox: Sandbox) -> None:
    await sandbox.start()
    before = _open_descriptors()
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, len(helpers_at_work(_nursery_pid(sandbox))))
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    said = await asyncio.gather(*(_said(sandbox, "say", str(n)) for n in range(50)))
    watching.cancel()
    assert said == [str(n) for n in range(50)]
    assert 1 <= most <= 4 + 1  # one may have ended and not been waited for
    await _wait_for_children(sandbox, 0)
    assert _open_descriptors() == before


async def test_cancelling_kills_the_helper(sandbox: Sandbox) -> None:
    await sandbox.start()
    task = asyncio.create_task(_unpack(sandbox, misbehaving("sleep")))
    (child,) = await _wait_for_children(sandbox, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _wait_for_children(sandbox, 0)
    assert not is_alive(child)
    assert await _said(sandbox, "say", "next") == "next"


async def test_a_deadline_that_passes_is_a_temporary_fault_and_kills_the_helper(
    sandbox: Sandbox,
) -> None:
    await sandbox.start()
    deadline = asyncio.get_running_loop().time() + 0.2
    unpacked = await sandbox.unpack(misbehaving("sleep"), _job(), deadline)
    assert unpacked.faults == (Fault("unpack", "not unpacked before the deadline"),)
    await _wait_for_children(sandbox, 0)


async def test_a_helper_killed_from_outside_is_a_temporary_fault(sandbox: Sandbox) -> None:
    await sandbox.start()
    task = asyncio.create_task(_fault(sandbox, misbehaving("sleep")))
    (child,) = await _wait_for_children(sandbox, 1)
    os.kill(child, 9)
    assert (await task).temporary


async def test_a_nursery_killed_in_the_middle_is_a_temporary_fault_and_takes_its_children_along(
    sandbox: Sandbox,
) -> None:
    await sandbox.start()
    task = asyncio.create_task(_fault(sandbox, misbehaving("sleep")))
    (child,) = await _wait_for_children(sandbox, 1)
    os.kill(_nursery_pid(sandbox), 9)
    assert await task == Fault("unpack", "the helper process was lost while unpacking")
    await _wait(lambda: not is_alive(child))


async def test_a_lost_nursery_is_started_anew_but_not_for_every_message(sandbox: Sandbox) -> None:
    await sandbox.start()
    os.kill(_nursery_pid(sandbox), 9)
    assert (await _fault(sandbox, misbehaving("say"))).temporary
    sandbox._not_before = 0.0
    assert await _said(sandbox, "say", "again") == "again"


async def test_a_nursery_lost_soon_after_its_start_is_not_started_at_once(
    sandbox: Sandbox,
) -> None:
    await sandbox.start()
    sandbox._not_before = asyncio.get_running_loop().time() + 1000
    os.kill(_nursery_pid(sandbox), 9)
    await _wait(lambda: not is_alive(_nursery_pid(sandbox)))
    fault = await _fault(sandbox, misbehaving("say"))
    assert fault == Fault("unpack", "the helper process has just been lost")


async def test_a_nursery_lost_while_idle_costs_no_message(sandbox: Sandbox) -> None:
    await sandbox.start()
    sandbox._not_before = 0.0
    os.kill(_nursery_pid(sandbox), 9)
    await _wait(lambda: not is_alive(_nursery_pid(sandbox)))
    assert await _said(sandbox, "say", "still") == "still"


async def test_a_nursery_that_cannot_start_is_a_temporary_fault(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for program in (
        NurseryProgram(tmp_path, "no_such_module:FORMATS"),
        NurseryProgram(tmp_path / "missing"),
    ):
        sandbox = Sandbox(program)
        with pytest.raises(NurseryGoneError):
            await sandbox.start()
        sandbox._not_before = 0.0
        assert (await _fault(sandbox, misbehaving("say"))).temporary
        await sandbox.close()
    assert _is_empty(tmp_path)
    assert "no_such_module" in capfd.readouterr().err


async def test_a_machine_without_room_for_a_nursery_is_a_temporary_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    sandbox = Sandbox(NurseryProgram(tmp_path, _TABLE))
    assert (await _fault(sandbox, misbehaving("say"))).temporary
    await sandbox.close()
    assert _is_empty(tmp_path)


_ITSELF = Item("1.2", (), ("message",))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (75, "the helper process could not be started or locked in"),
        (-9, "killed by SIGKILL while unpacking"),
    ],
)
def test_what_was_not_the_payloads_doing_is_a_temporary_fault(status: int, reason: str) -> None:
    assert _judged(status, -1, _ITSELF).faults == (Fault("unpack", reason),)


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (3, "the helper failed with status 3"),
        (-40, "the helper was killed by signal 40"),
        (-31, "the helper was killed by SIGSYS"),
    ],
)
def test_what_the_payload_did_to_its_helper_leaves_it_shut(status: int, detail: str) -> None:
    unopened = _judged(status, -1, _ITSELF).contents.unopened
    assert unopened == (Unopened(Reason.FAILED, "payload", "1.2", "", detail),)


async def test_closing_makes_what_is_being_unpacked_a_temporary_fault(sandbox: Sandbox) -> None:
    await sandbox.start()
    nursery = _nursery_pid(sandbox)
    task = asyncio.create_task(_fault(sandbox, misbehaving("sleep")))
    await _wait_for_children(sandbox, 1)
    await sandbox.close()
    assert (await task).temporary
    assert not is_alive(nursery)
    assert (await _fault(sandbox, misbehaving("say"))).temporary


async def test_closing_while_the_nursery_starts_leaves_nothing(tmp_path: Path) -> None:
    sandbox = Sandbox(NurseryProgram(tmp_path, _TABLE))
    task = asyncio.create_task(_fault(sandbox, misbehaving("say")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await sandbox.close()
    assert (await task).temporary
    assert _is_empty(tmp_path)


async def test_names_that_no_json_can_hold_are_unpacked_with_question_marks(
    sandbox: Sandbox,
) -> None:
    job = replace(_job(), names=("a\udcff.gz",))
    unpacked = await _unpack(sandbox, misbehaving("say", "x"), job)
    assert unpacked.contents.items[0].names == ("a?.gz",)
    assert unpacked.store
    unpacked.store.close()
