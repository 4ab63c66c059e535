"""Opening the database: made when absent, refused when it is not ours."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from mailwarden.store.schema import SCHEMA_VERSION, StoreError, open_database
from support.caller import open_descriptors
from support.commands import python, run, without_powers
from support.tiny_disk import tiny_disk


def test_a_new_database_has_its_tables_and_version(tmp_path: Path) -> None:
    open_database(tmp_path / "mailwarden.db").dispose()
    with contextlib.closing(sqlite3.connect(tmp_path / "mailwarden.db")) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        (version,) = database.execute("PRAGMA user_version").fetchone()
    assert {"records", "quarantine"} <= tables
    assert version == SCHEMA_VERSION


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "mailwarden.db")
    with engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
    engine.dispose()


def test_opening_twice_keeps_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "mailwarden.db"
    for _ in range(2):
        engine = open_database(path)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT OR IGNORE INTO quarantine VALUES ('a', 1, 'spam', '', '', '', '', 1)"
            )
            rows = connection.exec_driver_sql("SELECT count(*) FROM quarantine").scalar_one()
        engine.dispose()
        assert rows == 1


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" * 100])
def test_another_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mailwarden.db"
    path.write_bytes(content)
    before = open_descriptors()
    with pytest.raises(StoreError, match=r"mailwarden\.db: "):
        open_database(path)
    assert path.read_bytes() == content
    assert open_descriptors() == before


def test_a_database_of_a_newer_mailwarden_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mailwarden.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    before = open_descriptors()
    with pytest.raises(StoreError, match=r"mailwarden\.db: made by a newer Mailwarden"):
        open_database(path)
    assert open_descriptors() == before


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"absent/mailwarden\.db: unable to open"):
        open_database(tmp_path / "absent/mailwarden.db")


@pytest.mark.parametrize("closed", ["mailwarden.db", "."])
def test_what_belongs_to_another_user_is_named(tmp_path: Path, closed: str) -> None:
    path = tmp_path / "mailwarden.db"
    open_database(path).dispose()
    # 65534 is nobody; without its powers root is not asked to open what is nobody's.
    os.chown(tmp_path / closed, 65534, 65534)
    (tmp_path / closed).chmod(0o700)
    program = f"""
from pathlib import Path
from mailwarden.store.schema import StoreError, open_database
try:
    open_database(Path({str(path)!r}))
except StoreError as error:
    print(error)
"""
    done = run(without_powers(*python(program)))
    assert done.out == f"{tmp_path / closed} is closed to this user; who owns it?\n"


def test_a_full_disk_is_named() -> None:
    with tiny_disk(4) as disk:
        (disk / "filler").write_bytes(b"x" * 4_096)
        with pytest.raises(StoreError, match=r"mailwarden\.db: "):
            open_database(disk / "mailwarden.db")
