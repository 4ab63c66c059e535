"""The quarantine's files: exact, synced in the right order, nothing left of what failed."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailwarden.net.payload import SpoolPayload, spool_file, write_all
from mailwarden.ports.keeping import KeepingError, Maildir
from mailwarden.ports.scanner import Payload
from mailwarden.quarantine.folder import NoSuchMessageError, QuarantineFolder
from support.payload import BytesPayload
from support.tiny_disk import tiny_disk

ID = "20261122-154500-k3f9q2ab"
OTHER_ID = "20261122-154501-00000000"
MESSAGE = b"Subject: x\r\n\r\nNUL \0, CR \r, LF \n, high \xff\n"
DAY_SECONDS = 86_400


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "quarantine"


@pytest.fixture
def folder(directory: Path) -> QuarantineFolder:
    made = QuarantineFolder(directory)
    made.make()
    return made


def keep(folder: QuarantineFolder, octets: bytes = MESSAGE, message_id: str = ID) -> None:
    with BytesPayload(octets) as payload:
        folder.keep(message_id, payload, Maildir.VIRUSES, {"id": message_id, "sender": "s"})


def files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def make_old(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (time.time() - 2 * DAY_SECONDS,) * 2)


@contextlib.contextmanager
def mapped(octets: bytes, spool: Path) -> Iterator[Payload]:
    file = spool_file(spool)
    write_all(file.fileno(), octets)
    payload = SpoolPayload(file, len(octets))
    yield payload
    payload.close()


@pytest.mark.parametrize("octets", [b"", b"x", MESSAGE, bytes(range(256)) * 10_000])
def test_a_message_is_kept_exact_with_its_slip_beside(
    folder: QuarantineFolder, directory: Path, octets: bytes
) -> None:
    keep(folder, octets)
    assert files(directory) == {f"viruses/new/{ID}", f"envelopes/{ID}.json"}
    kept = folder.find(ID)
    assert kept.path.read_bytes() == octets
    assert kept.maildir == Maildir.VIRUSES
    assert kept.slip == {"id": ID, "sender": "s", "maildir": "viruses"}


def test_a_mapped_message_of_several_chunks_is_kept_exact(
    folder: QuarantineFolder, tmp_path: Path
) -> None:
    octets = os.urandom(2_500_000)
    with mapped(octets, tmp_path) as payload:
        folder.keep(ID, payload, Maildir.SPAM, {})
    assert folder.find(ID).path.read_bytes() == octets


def test_only_the_owner_may_look(folder: QuarantineFolder, directory: Path) -> None:
    keep(folder)
    for path in (directory, *directory.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


Step = tuple[str, str]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, directory: Path) -> list[Step]:
    """What reaches the disk, in order: ("fsync", path) and ("rename", new path)."""
    done: list[Step] = []
    fsync, rename = os.fsync, Path.rename

    def place(path: str | Path) -> str:
        return os.path.relpath(path, directory)

    def noting_fsync(descriptor: int) -> None:
        fsync(descriptor)
        done.append(("fsync", place(Path(f"/proc/self/fd/{descriptor}").readlink())))

    def noting_rename(self: Path, target: Path) -> Path:
        renamed = rename(self, target)
        done.append(("rename", place(target)))
        return renamed

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "rename", noting_rename)
    return done


def test_everything_is_synced_before_it_gets_its_name_and_the_name_before_we_say_so(
    folder: QuarantineFolder, steps: list[Step]
) -> None:
    keep(folder)
    assert steps == [
        ("fsync", f"viruses/tmp/{ID}"),
        ("fsync", f"envelopes/{ID}.tmp"),
        ("rename", f"envelopes/{ID}.json"),
        ("fsync", "envelopes"),
        ("rename", f"viruses/new/{ID}"),
        ("fsync", "viruses/new"),
    ]


class PowerCutError(BaseException):
    """The machine stops here: no clean-up of ours runs after it."""


@pytest.mark.parametrize(
    ("step", "left"),
    [
        (0, {f"viruses/tmp/{ID}"}),
        (1, {f"viruses/tmp/{ID}", f"envelopes/{ID}.tmp"}),
        (2, {f"viruses/tmp/{ID}", f"envelopes/{ID}.json"}),
        (3, {f"viruses/tmp/{ID}", f"envelopes/{ID}.json"}),
        (4, {f"viruses/new/{ID}", f"envelopes/{ID}.json"}),
    ],
)
def test_a_crash_at_each_step_leaves_what_the_table_says_and_the_sweep_removes_it(
    folder: QuarantineFolder,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    left: set[str],
) -> None:
    with monkeypatch.context() as patched:
        _stop_after(patched, step, PowerCutError)
        with pytest.raises(PowerCutError):
            keep(folder)
    assert files(directory) == left
    is_kept = f"viruses/new/{ID}" in left
    assert [found for found, _ in folder.all_ids()] == ([ID] if is_kept else [])
    assert folder.sweep() == 0, "another process may be at it: not before a day has passed"
    make_old(*(directory / name for name in left))
    assert folder.sweep() == (0 if is_kept else len(left))
    assert files(directory) == (left if is_kept else set())


@pytest.mark.parametrize("step", range(6))
def test_an_error_at_each_step_leaves_nothing(
    folder: QuarantineFolder, directory: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    with monkeypatch.context() as patched:
        _stop_after(patched, step, lambda: OSError(28, "No space left on device"))
        with pytest.raises(KeepingError, match="No space left"):
            keep(folder)
    assert files(directory) == set()
    keep(folder)
    assert folder.find(ID).path.read_bytes() == MESSAGE


def _stop_after(
    patched: pytest.MonkeyPatch, step: int, failure: Callable[[], BaseException]
) -> None:
    """Have the fsync or rename number `step`, counted from 0, done and then fail."""
    fsync, rename = os.fsync, Path.rename
    count = iter(range(1_000))

    def stop() -> None:
        if next(count) == step:
            raise failure()

    def stopping_fsync(descriptor: int) -> None:
        fsync(descriptor)
        stop()

    def stopping_rename(self: Path, target: Path) -> Path:
        renamed = rename(self, target)
        stop()
        return renamed

    patched.setattr(os, "fsync", stopping_fsync)
    patched.setattr(Path, "rename", stopping_rename)


def test_a_full_disk_leaves_nothing() -> None:
    with tiny_disk(64) as disk:
        folder = QuarantineFolder(disk / "quarantine")
        folder.make()
        with pytest.raises(KeepingError, match="No space left"):
            keep(folder, b"x" * 100_000)
        assert files(disk) == set()
        keep(folder, b"x" * 10_000)
        assert folder.find(ID).path.read_bytes() == b"x" * 10_000


def test_a_disk_that_is_full_at_the_slip_leaves_nothing() -> None:
    with tiny_disk(64) as disk:
        folder = QuarantineFolder(disk / "quarantine")
        folder.make()
        slip: dict[str, object] = {"subject": "s" * 60_000}
        with BytesPayload(b"x" * 40_000) as payload, pytest.raises(KeepingError):
            folder.keep(ID, payload, Maildir.SPAM, slip)
        assert files(disk) == set()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    folder = QuarantineFolder(tmp_path / "absent")
    with pytest.raises(KeepingError, match=r"absent: No such file or directory"):
        keep(folder)


def test_a_folder_that_refuses_to_be_looked_at_is_named(tmp_path: Path) -> None:
    # Root, as whom tests run, is refused nowhere; this name is refused as another user's folder is.
    folder = QuarantineFolder(tmp_path / ("x" * 300))
    with pytest.raises(KeepingError, match=r"xxx: File name too long"):
        keep(folder)


def test_an_id_that_is_taken_does_no_harm_to_what_is_kept(folder: QuarantineFolder) -> None:
    keep(folder, b"the first")
    with pytest.raises(KeepingError):
        keep(folder, b"the second")
    assert folder.find(ID).path.read_bytes() == b"the first"
    assert folder.find(ID).slip["sender"] == "s"


@pytest.mark.parametrize(
    "message_id",
    [
        "",
        ".",
        "..",
        "../secret",
        "/etc/passwd",
        "a/b",
        "*",
        "?",
        "a\0b",
        "a b",
        "x" * 81,
        "-x",
        "é",
    ],
)
def test_an_id_never_leads_out_of_the_folder(
    folder: QuarantineFolder, directory: Path, message_id: str
) -> None:
    (directory / "viruses/secret").write_text("not a message")
    (directory / "viruses/new/decoy").write_text("a message that no pattern may find")
    with pytest.raises(NoSuchMessageError):
        folder.find(message_id)


@pytest.mark.parametrize("message_id", ["../outside", "a/b", "..", "", "/tmp/outside"])
def test_nothing_is_kept_under_an_id_that_is_not_ours(
    folder: QuarantineFolder, directory: Path, message_id: str
) -> None:
    with pytest.raises(KeepingError):
        keep(folder, message_id=message_id)
    assert files(directory) == set()


def test_a_message_that_a_mail_program_has_read_is_found(
    folder: QuarantineFolder, directory: Path
) -> None:
    keep(folder)
    (directory / "viruses/new" / ID).rename(directory / "viruses/cur" / f"{ID}:2,RS")
    assert folder.find(ID).path.name == f"{ID}:2,RS"
    assert list(folder.all_ids()) == [(ID, Maildir.VIRUSES)]


def test_a_message_that_is_not_there_is_named(folder: QuarantineFolder) -> None:
    with pytest.raises(NoSuchMessageError, match=ID):
        folder.find(ID)


def test_removing_takes_the_message_and_then_its_slip(
    folder: QuarantineFolder, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(folder)
    keep(folder, message_id=OTHER_ID)
    gone: list[str] = []
    unlink = Path.unlink

    def noting_unlink(self: Path, missing_ok: bool = False) -> None:  # noqa: FBT002
        unlink(self, missing_ok)
        gone.append(str(self.relative_to(directory)))

    monkeypatch.setattr(Path, "unlink", noting_unlink)
    folder.remove(folder.find(ID))
    assert gone == [f"viruses/new/{ID}", f"envelopes/{ID}.json"]
    assert files(directory) == {f"viruses/new/{OTHER_ID}", f"envelopes/{OTHER_ID}.json"}


def test_the_sweep_takes_old_leftovers_only(folder: QuarantineFolder, directory: Path) -> None:
    keep(folder)
    old = [
        directory / "spam/tmp" / OTHER_ID,
        directory / "envelopes" / f"{OTHER_ID}.json",
        directory / "envelopes" / f"{OTHER_ID}.tmp",
    ]
    new = directory / "policy/tmp" / OTHER_ID
    for path in (*old, new):
        path.write_text("left")
    make_old(*old, *(path for path in directory.rglob(f"{ID}*")))
    assert folder.sweep() == 3
    assert files(directory) == {
        f"policy/tmp/{OTHER_ID}",
        f"viruses/new/{ID}",
        f"envelopes/{ID}.json",
    }


def test_the_sweep_passes_over_what_another_process_takes_meanwhile(
    folder: QuarantineFolder, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leftover = directory / "spam/tmp" / OTHER_ID
    leftover.write_text("left")
    make_old(leftover)
    leftovers = QuarantineFolder._leftovers

    def vanishing(self: QuarantineFolder, kept: set[str]) -> Iterator[Path]:
        for path in leftovers(self, kept):
            path.unlink()
            yield path

    monkeypatch.setattr(QuarantineFolder, "_leftovers", vanishing)
    assert folder.sweep() == 0


@pytest.mark.parametrize(
    "slip", [b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN'.ljust(9)]
)
def test_a_broken_slip_is_an_empty_one(
    folder: QuarantineFolder, directory: Path, slip: bytes
) -> None:
    keep(folder)
    (directory / "envelopes" / f"{ID}.json").write_bytes(slip)
    assert folder.find(ID).slip == {}
    assert folder.slip(ID) == {}


def test_the_slip_is_json_for_everybody(folder: QuarantineFolder, directory: Path) -> None:
    with BytesPayload(b"") as payload:
        folder.keep(ID, payload, Maildir.SPAM, {"sender": "\udcff\u202e\n"})
    octets = (directory / "envelopes" / f"{ID}.json").read_bytes()
    assert octets.isascii()
    assert json.loads(octets)["sender"] == "\udcff\u202e\n"
    assert folder.find(ID).slip["sender"] == "\udcff\u202e\n"


def test_a_file_that_is_no_message_of_ours_is_not_listed(
    folder: QuarantineFolder, directory: Path
) -> None:
    (directory / "viruses/cur/.nfs0001").write_text("not ours")
    assert list(folder.all_ids()) == []
