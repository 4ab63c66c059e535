"""sa-report: X-Spam-Report on spam, while SpamAssassin still runs in fast mode."""

from collections.abc import Iterator

import pytest

from support.clamd import Clamd
from support.seed import BOB, Site, fields_of, scored, site
from support.spamd import Spamd

SUE = "sue@plain.example"
AS_BY_DEFAULT = '\n[[profile]]\nmatch = ["plain.example"]\nspam.report = false\n'


@pytest.fixture(scope="module")
def shared(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    spam = {"report": True, "debug": True}
    with site(clamd, spamd, spam=spam, more=AS_BY_DEFAULT) as running:
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    shared.gate.clear()
    return shared


def delivered(running: Site, message: bytes, recipient: str = BOB) -> bytes:
    assert running.run(message, recipient) == 0
    return running.gate.queue.only_message().message


def test_24_1_the_report_is_added_to_spam(running: Site) -> None:
    (report,) = fields_of(delivered(running, scored("7.3")), "X-Spam-Report")
    assert "Content analysis details: (7.3 points, 6.5 required)" in report
    assert "7.3 TEST_POINTS The points that the message asks for" in report


def test_24_1_and_not_to_what_is_no_spam(running: Site) -> None:
    assert fields_of(delivered(running, scored("6.4")), "X-Spam-Report") == []


def test_24_2_by_default_there_is_none(running: Site) -> None:
    assert fields_of(delivered(running, scored("7.3"), SUE), "X-Spam-Report") == []
    described = running.command("config", "describe", "--format", "toml", "spam.report").out
    assert "\n#report = false" in described


def test_24_3_you_are_still_running_in_fast_mode(running: Site) -> None:
    message = delivered(running, scored("7.3"))
    (status,) = fields_of(message, "X-Spam-Status")
    assert status == "Yes, score=7.3 required=6.5 tests=TEST_POINTS"
    assert fields_of(message, "X-Spam-Checker-Version") == []
