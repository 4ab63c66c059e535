"""sa-debug: tests and scores in qmail-queue.log and in notices; grep by the process number."""

import re
from collections.abc import Iterator

import pytest

from support.clamd import Clamd
from support.commands import run
from support.gate import Value
from support.seed import ADMIN, Site, fields_of, scored, site
from support.spamd import Spamd
from support.waiting import wait_until

SECTIONS: dict[str, dict[str, Value]] = {
    "headers": {"descriptive": "yes"},
    "log": {"queue_log": "debug"},
}


@pytest.fixture(scope="module")
def shared(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    spam: dict[str, Value] = {"quarantine_above": 2.1, "debug": True}
    with site(clamd, spamd, spam=spam, sections=SECTIONS) as running:
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    shared.clear()
    return shared


def process_of(message: bytes) -> str:
    """The process number that the descriptive header gives."""
    (value,) = fields_of(message, "X-Mailwarden")
    found = re.search(r" Process (\d+)\)$", value)
    assert found
    return found[1]


def grep(running: Site, pattern: str) -> list[str]:
    """What grep finds in qmail-queue.log."""
    return run(["grep", pattern, running.folder / "logs/qmail-queue.log"]).out.splitlines()


def delivered(running: Site, message: bytes) -> bytes:
    """The message as it was delivered, when the log has all about it."""
    assert running.run(message) == 0
    queued = running.gate.queue.only_message()
    end = f":{queued.pid}: cleanup: "
    wait_until(lambda: end in running.log_file("qmail-queue.log"), 20, "the log is written")
    return queued.message


def test_23_1_the_log_has_the_tests_and_scores_of_spamassassin(running: Site) -> None:
    process = process_of(delivered(running, scored("7.3")))
    found = grep(running, f":{process}: SA: ")
    assert [line.partition(": SA: ")[2] for line in found] == [
        "7.3/6.5, spam",
        "tests TEST_POINTS=7.3",
    ]


def test_23_2_they_are_also_added_to_the_notices_sent_to_the_admin(running: Site) -> None:
    assert running.run(scored("8.8")) == 0
    (notice,) = running.notices(ADMIN)
    assert "TEST_POINTS" in notice
    assert "8.8" in notice


def test_23_3_with_the_process_number_of_the_header_grep_finds_what_happened_with_a_message(
    running: Site,
) -> None:
    first = process_of(delivered(running, scored("7.3", "the first one")))
    running.gate.clear()
    delivered(running, scored("1.0", "the second one"))
    found = grep(running, f":{first}: ")
    assert found[0].endswith(f": +++ starting debugging for process {first} by uid=0")
    assert f":{first}: cleanup: Clear:RC:0(192.0.2.7):SA:1(7.3/6.5):. id " in found[-1]
    text = "\n".join(found)
    for told in ("w_c: via SMTP from", "the first one", "g_e_h: return-path is", 'tagging: name="'):
        assert told in text
    assert "the second one" not in text


def test_23_4_by_default_neither_log_nor_notice_has_the_tests(clamd: Clamd, spamd: Spamd) -> None:
    with site(clamd, spamd, spam={"quarantine_above": 2.1}, sections=SECTIONS) as plain:
        assert plain.run(scored("8.8")) == 0
        (notice,) = plain.notices(ADMIN)
        assert "TEST_POINTS" not in notice
        end = ": cleanup: "
        wait_until(lambda: end in plain.log_file("qmail-queue.log"), 20, "the log is written")
        assert "TEST_POINTS" not in plain.log_file("qmail-queue.log")
        assert ": SA: 8.8/6.5, spam" in plain.log_file("qmail-queue.log")
