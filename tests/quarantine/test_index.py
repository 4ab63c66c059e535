"""The quarantine's index: made from slips of any kind, agreeing with the files."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from mailwarden.ports.keeping import Maildir
from mailwarden.quarantine.folder import QuarantineFolder
from mailwarden.quarantine.index import Entry, forget, index_row, list_entries
from mailwarden.store.schema import StoreError, open_database
from mailwarden.verdict.record import Json
from support.payload import BytesPayload

SLIP: Json = {
    "id": "one",
    "at": 1_000.5,
    "reason": "virus:Test-Virus",
    "sender": "sender@example.org",
    "recipients": [{"address": "a@example.net"}, {"address": "b@example.net"}],
    "subject": "a subject",
    "size_bytes": 7,
}
ENTRY = Entry(
    id="one",
    at=1_000.5,
    maildir="spam",
    reason="virus:Test-Virus",
    sender="sender@example.org",
    recipients="a@example.net b@example.net",
    subject="a subject",
    size_bytes=7,
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(tmp_path / "mailwarden.db")
    yield opened
    opened.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> QuarantineFolder:
    made = QuarantineFolder(tmp_path / "quarantine")
    made.make()
    return made


def keep(folder: QuarantineFolder, slip: Json, message_id: str = "one") -> None:
    with BytesPayload(b"message") as payload:
        folder.keep(message_id, payload, Maildir.SPAM, slip)


def test_the_index_is_made_from_the_slips(engine: Engine, folder: QuarantineFolder) -> None:
    keep(folder, SLIP)
    assert list_entries(engine, folder) == [ENTRY]
    assert list_entries(engine, folder) == [ENTRY]


def test_what_vanished_from_the_files_is_forgotten(
    engine: Engine, folder: QuarantineFolder
) -> None:
    for number in range(2_000):
        (folder._directory / "spam/new" / f"m{number}").touch()
    assert len(list_entries(engine, folder)) == 2_000
    for number in range(1_999):
        (folder._directory / "spam/new" / f"m{number}").unlink()
    assert [entry.id for entry in list_entries(engine, folder)] == ["m1999"]


def test_the_newest_come_first(engine: Engine, folder: QuarantineFolder) -> None:
    for message_id, at in (("a", 1.0), ("b", 3.0), ("c", 2.0)):
        keep(folder, {**SLIP, "at": at}, message_id)
    assert [entry.id for entry in list_entries(engine, folder)] == ["b", "c", "a"]


def test_a_forgotten_message_comes_back_while_its_file_is_there(
    engine: Engine, folder: QuarantineFolder
) -> None:
    keep(folder, SLIP)
    list_entries(engine, folder)
    forget(engine, "one")
    assert list_entries(engine, folder) == [ENTRY]
    folder.remove(folder.find("one"))
    assert list_entries(engine, folder) == []


def test_a_message_without_its_slip_is_listed_bare(
    engine: Engine, folder: QuarantineFolder
) -> None:
    keep(folder, SLIP)
    (folder._directory / "envelopes/one.json").unlink()
    assert list_entries(engine, folder) == [Entry("one", 0.0, "spam", "", "", "", "", 0)]


WRONG: tuple[object, ...] = (
    None,
    True,
    -1,
    10**400,
    2**63,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    "text",
    "\udcff\ud800 NUL \0",
    [],
    [None, 7, {"address": 7}, {"address": "\udcff"}],
    {"address": "x"},
    {},
)


@pytest.mark.parametrize("wrong", WRONG, ids=[str(number) for number in range(len(WRONG))])
@pytest.mark.parametrize("key", SLIP)
def test_a_slip_with_anything_in_it_can_be_listed(
    engine: Engine, folder: QuarantineFolder, key: str, wrong: object
) -> None:
    keep(folder, {**SLIP, key: wrong})
    (entry,) = list_entries(engine, folder)
    assert entry.id == "one", "the file's name says which message it is, not the slip"
    assert list_entries(engine, folder) == [entry]


def test_a_slip_cannot_take_another_message_s_place(
    engine: Engine, folder: QuarantineFolder
) -> None:
    keep(folder, {**SLIP, "subject": "the real one"})
    keep(folder, {**SLIP, "id": "one", "subject": "the impostor"}, "two")
    assert {(e.id, e.subject) for e in list_entries(engine, folder)} == {
        ("one", "the real one"),
        ("two", "the impostor"),
    }


def test_the_row_holds_foreign_bytes_as_text_that_can_be_stored() -> None:
    row = index_row({"sender": "\udcff@example.org"}, Maildir.SPAM)
    assert row["sender"] == "?@example.org"


def test_a_database_that_cannot_be_read_is_named(engine: Engine, folder: QuarantineFolder) -> None:
    with contextlib.closing(sqlite3.connect(str(engine.url.database))) as other:
        other.execute("DROP TABLE quarantine")
    with pytest.raises(StoreError, match=r"mailwarden\.db: no such table"):
        list_entries(engine, folder)
    with pytest.raises(StoreError, match=r"mailwarden\.db: no such table"):
        forget(engine, "one")
