"""Copies of messages that pass: of those whose sender or recipient is asked for."""

from pathlib import Path

import pytest

from mailwarden.ports.keeping import KeepingError
from mailwarden.quarantine.archive import ArchiveKeeper
from mailwarden.settings.model import ArchiveSettings
from support.arrivals import MemoryPayload
from support.records import record_of

MESSAGE = b"Subject: x\n\nbody \0\xff\r\n"
RECIPIENTS = (b"harry@example.net", b"sally@example.net")


async def archived(folder: Path, matching: str) -> list[bytes]:
    keeper = ArchiveKeeper(ArchiveSettings(matching=matching, directory=folder))
    keeper.make()
    made = record_of(sender=b"jhaar@example.org", recipients=RECIPIENTS)
    await keeper.keep(made, MemoryPayload(MESSAGE))
    return [path.read_bytes() for path in (folder / "messages" / "new").iterdir()]


@pytest.mark.parametrize("matching", ["jhaar|harry", "sally", "EXAMPLE.org$", ".*", "^jhaar@"])
async def test_a_message_is_kept_exactly_when_an_address_matches(
    tmp_path: Path, matching: str
) -> None:
    assert await archived(tmp_path, matching) == [MESSAGE]


@pytest.mark.parametrize("matching", ["fred", "^example", "sally@example.com"])
async def test_no_other_message_is_kept(tmp_path: Path, matching: str) -> None:
    assert await archived(tmp_path, matching) == []


async def test_a_copy_that_cannot_be_kept_says_so(tmp_path: Path) -> None:
    keeper = ArchiveKeeper(ArchiveSettings(matching=".*", directory=tmp_path))
    with pytest.raises(KeepingError, match="archive"):
        await keeper.keep(record_of(), MemoryPayload(MESSAGE))


async def test_only_the_archives_own_maildir_is_made(tmp_path: Path) -> None:
    await archived(tmp_path, ".*")
    assert names_in(tmp_path) == {"messages", "envelopes"}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
