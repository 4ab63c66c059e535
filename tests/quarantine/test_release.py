"""Giving messages back: the mark, then the exact original, through a strict queue."""

import multiprocessing
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.ports.keeping import KeepingError, Maildir
from mailwarden.quarantine.folder import KeptMessage, QuarantineFolder
from mailwarden.quarantine.release import (
    ReleaseError,
    envelope_to,
    forgiven_keys,
    original_envelope,
    queue_message,
    release_key,
)
from mailwarden.verdict.record import Json, text_of
from mailwarden.verdict.release_mark import NAME, read_mark
from mailwarden.wire.envelope import Envelope
from support.payload import BytesPayload
from support.strict_queue import StrictQueue, strict_queue

KEY = bytes(range(32))
MESSAGE = b"Subject: x\r\n\r\nNUL \0 CR \r LF \n high \xff\n"
ENVELOPE = Envelope(b"sender@example.org", (b"one@example.net", b"two@example.net"))
REASONS = [{"key": "virus:B"}, {"key": "virus:A"}, {"key": "virus:B"}]


@pytest.fixture
def queue() -> Iterator[StrictQueue]:
    with strict_queue() as made:
        yield made


def kept(tmp_path: Path, slip: Json, message: bytes = MESSAGE) -> KeptMessage:
    folder = QuarantineFolder(tmp_path / "quarantine")
    folder.make()
    with BytesPayload(message) as payload:
        folder.keep("one", payload, Maildir.VIRUSES, slip)
    return folder.find("one")


def slip_of(envelope: Envelope) -> Json:
    recipients = [{"address": text_of(address)} for address in envelope.recipients]
    return {"sender": text_of(envelope.sender), "recipients": recipients, "reasons": REASONS}


@pytest.mark.parametrize("message", [MESSAGE, b"", b"\n", b"no header at all", os.urandom(100_000)])
def test_the_queue_gets_the_mark_and_then_the_exact_original(
    tmp_path: Path, queue: StrictQueue, message: bytes
) -> None:
    one = kept(tmp_path, slip_of(ENVELOPE), message)
    environment = {**queue.environment, "QMAILQUEUE": "mailwarden-queue", "KEPT": "yes"}
    queue_message(one, original_envelope(one), KEY, queue.program, environment)
    queued = queue.only_message()
    mark, line_end, rest = queued.message.partition(b"\n")
    assert mark.startswith(NAME + b": v=1; id=one; ")
    assert line_end + rest == b"\n" + message
    assert queued.envelope == b"Fsender@example.org\0Tone@example.net\0Ttwo@example.net\0\0"
    assert "QMAILQUEUE" not in queued.environment, "or the gate would be asked again, for ever"
    assert queued.environment["KEPT"] == "yes"
    assert set(queued.descriptors) == {0, 1, 2}
    assert one.path.exists(), "taking it out of quarantine is another's work"


def test_the_mark_is_believed_by_the_gate(tmp_path: Path, queue: StrictQueue) -> None:
    one = kept(tmp_path, slip_of(ENVELOPE))
    queue_message(one, original_envelope(one), KEY, queue.program, queue.environment)
    raw = queue.only_message().message
    name, _, rest = raw.partition(b":")
    value, _, _ = rest.partition(b"\n")
    assert name == NAME
    after = len(raw) - len(MESSAGE)
    assert read_mark(KEY, value, raw, after, time.time()) == {"virus:A", "virus:B"}
    assert read_mark(bytes(32), value, raw, after, time.time()) == frozenset()


def test_addresses_of_any_bytes_come_back(tmp_path: Path, queue: StrictQueue) -> None:
    odd = bytes(range(1, 256))
    envelope = Envelope(odd, (odd[::-1], b"", b"\xff\xfe"))
    one = kept(tmp_path, slip_of(envelope))
    assert original_envelope(one) == envelope
    queue_message(one, original_envelope(one), KEY, queue.program, queue.environment)
    assert queue.only_message().envelope == (
        b"F" + odd + b"\0T" + odd[::-1] + b"\0T\0T\xff\xfe\0\0"
    )


def test_another_address_keeps_the_sender() -> None:
    other = envelope_to(ENVELOPE, ["üser@example.net", "\udcff@example.net"])
    assert other == Envelope(
        b"sender@example.org", ("üser@example.net".encode(), b"\xff@example.net")
    )


def test_thousands_of_the_same_reason_are_forgiven_once() -> None:
    assert forgiven_keys({"reasons": REASONS * 1_000}) == ["virus:A", "virus:B"]


def test_a_scanner_that_had_not_looked_is_not_forgiven() -> None:
    away = {"key": "fault:clamd", "disposition": "defer"}
    kept_for = {"key": "fault:spamd", "disposition": "quarantine"}
    assert forgiven_keys({"reasons": [*REASONS, away, kept_for]}) == [
        "fault:spamd",
        "virus:A",
        "virus:B",
    ]


@pytest.mark.parametrize(
    "slip",
    [
        {},
        {"sender": "s"},
        {"sender": "s", "recipients": []},
        {"sender": "s", "recipients": "one@example.net"},
        {"sender": 7, "recipients": [{"address": "a"}]},
        {"sender": "s", "recipients": [{"address": 7}]},
        {"sender": "s", "recipients": [{"address": "a"}, {}]},
        {"sender": "s", "recipients": ["a"]},
        {"sender": "s", "recipients": [None]},
        {"sender": "\ud800", "recipients": [{"address": "a"}]},
    ],
)
def test_a_broken_slip_has_lost_its_envelope(tmp_path: Path, slip: Json) -> None:
    one = kept(tmp_path, slip)
    with pytest.raises(ReleaseError, match="one has lost its envelope"):
        original_envelope(one)
    assert original_envelope(one, needed=False) == Envelope(b"", ())


@pytest.mark.parametrize(
    "reasons", [None, 7, "virus:A", {"key": "virus:A"}, [None], [7], [{}], [{"key": 7}]]
)
def test_a_broken_slip_forgives_nothing(reasons: object) -> None:
    assert forgiven_keys({"reasons": reasons}) == []


def test_an_address_with_nul_is_not_released(tmp_path: Path, queue: StrictQueue) -> None:
    one = kept(tmp_path, {"sender": "a\0Tb", "recipients": [{"address": "a"}]})
    with pytest.raises(ReleaseError, match="cannot hold NUL"):
        queue_message(one, original_envelope(one), KEY, queue.program, queue.environment)
    assert queue.is_empty()


@pytest.mark.parametrize("code", [11, 31, 53, 81])
def test_a_queue_that_fails_is_named_with_its_code(
    tmp_path: Path, queue: StrictQueue, code: int
) -> None:
    one = kept(tmp_path, slip_of(ENVELOPE))
    environment = {**queue.environment, "STRICT_QUEUE_EXIT": str(code)}
    with pytest.raises(ReleaseError, match=f"exit code {code}"):
        queue_message(one, ENVELOPE, KEY, queue.program, environment)
    assert one.path.exists()


def test_a_queue_that_is_killed_has_not_released(tmp_path: Path, queue: StrictQueue) -> None:
    one = kept(tmp_path, slip_of(ENVELOPE))
    environment = {**queue.environment, "STRICT_QUEUE_DIE_AFTER": "0"}
    with pytest.raises(ReleaseError, match="exit code -9"):
        queue_message(one, ENVELOPE, KEY, queue.program, environment)


def test_a_queue_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailwarden.quarantine.release._QUEUE_SECONDS", 0.2)
    program = tmp_path / "hangs"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    one = kept(tmp_path, slip_of(ENVELOPE))
    with pytest.raises(ReleaseError, match=r"hangs did not end in 0\.2 seconds"):
        queue_message(one, ENVELOPE, KEY, program, {"PATH": os.environ["PATH"]})


def test_a_queue_that_is_absent_is_named(tmp_path: Path) -> None:
    one = kept(tmp_path, slip_of(ENVELOPE))
    with pytest.raises(ReleaseError, match="no-such-queue could not be run: No such file"):
        queue_message(one, ENVELOPE, KEY, tmp_path / "no-such-queue", {})


def test_a_message_that_vanished_is_not_released(tmp_path: Path, queue: StrictQueue) -> None:
    one = kept(tmp_path, slip_of(ENVELOPE))
    one.path.unlink()
    with pytest.raises(ReleaseError, match="one could not be given"):
        queue_message(one, ENVELOPE, KEY, queue.program, queue.environment)
    assert queue.is_empty()


# The key.


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "release.key"
    key = release_key(path)
    assert len(key) == 32
    assert release_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_racing_makers_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "release.key"
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        keys = pool.map(release_key, [path] * 16, chunksize=1)
    assert len(set(keys)) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_maker_that_comes_second_takes_the_first_one_s_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "release.key"
    real_link = os.link

    def late_link(source: str, target: Path) -> None:
        path.write_bytes(KEY)
        real_link(source, target)

    monkeypatch.setattr(os, "link", late_link)
    assert release_key(path) == KEY
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("size_bytes", [0, 31, 33])
def test_a_key_of_another_length_is_refused(tmp_path: Path, size_bytes: int) -> None:
    path = tmp_path / "release.key"
    path.write_bytes(bytes(size_bytes))
    with pytest.raises(KeepingError, match=f"expected 32 bytes, found {size_bytes}"):
        release_key(path)


def test_a_key_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeepingError, match=r"absent/release\.key: No such file"):
        release_key(tmp_path / "absent/release.key")
