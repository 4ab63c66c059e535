"""minidebug: only important information in qmail-queue.log, and debug takes its place."""

import tomllib
from collections.abc import Iterator

import pytest

from support.clamd import Clamd
from support.commands import command, run
from support.seed import Site, infected, scored, site
from support.spamd import Spamd
from support.waiting import wait_until


@pytest.fixture(scope="module")
def shared(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(clamd, spamd, sections={"log": {"queue_log": "minidebug"}}) as running:
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    """The site with an empty log."""
    shared.gate.clear()
    (shared.folder / "logs/qmail-queue.log").unlink(missing_ok=True)
    return shared


def said_of(running: Site, message: bytes, last: str) -> list[str]:
    """What the log says of a message, up to a last line that has this."""
    assert running.run(message) == 0
    wait_until(lambda: last in running.log_file("qmail-queue.log"), 20, "the log is written")
    return [line.split(": ", 1)[1] for line in running.log_file("qmail-queue.log").splitlines()]


def level_of(options: str) -> str:
    """The level as which a configure line is imported."""
    done = run(command("config", "import", "--configure", f"./configure {options}"))
    level: str = tomllib.loads(done.out)["log"]["queue_log"]
    return level


def test_28_1_of_clean_mail_it_says_that_it_came_and_how_it_went(running: Site) -> None:
    first, last = said_of(running, scored("1.0"), "cleanup: ")
    assert first.startswith("+++ starting debugging for process ")
    assert last.startswith("cleanup: Clear:RC:0(192.0.2.7):SA:0(1.0/6.5):. id ")


@pytest.mark.parametrize(
    ("message", "important"),
    [
        (scored("7.7"), 'tagging: name="spam" '),
        (infected(), 'quarantining: name="Test.Eicar.UNOFFICIAL" '),
    ],
    ids=["spam", "virus"],
)
def test_28_2_of_other_mail_it_logs_the_important_information_as_well(
    running: Site, message: bytes, important: str
) -> None:
    _, line, _ = said_of(running, message, "cleanup: ")
    assert line.startswith(important)


def test_28_3_debug_is_another_level_so_minidebug_is_disabled_by_it(running: Site) -> None:
    running.edit('queue_log = "minidebug"', 'queue_log = "debug"')
    running.reload()
    lines = said_of(running, scored("7.7"), "cleanup: ")
    steps = {line.partition(":")[0] for line in lines}
    assert {"w_c", "g_e_h", "ini_sc", "SA", "tagging", "cleanup"} <= steps
    running.edit('queue_log = "debug"', 'queue_log = "minidebug"')
    running.reload()


def test_28_4_a_configure_line_with_both_becomes_debug() -> None:
    assert level_of("--minidebug yes --debug yes") == "debug"
    assert level_of("--minidebug yes --debug no") == "minidebug"
    assert level_of("--minidebug yes") == "minidebug"
