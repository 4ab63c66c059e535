"""The variable that disables BAD_MIME_CHECKS for some servers: BMC_WHITELIST="on" in tcp.smtp."""

from collections.abc import Iterator

import pytest

from support import samples
from support.clamd import EICAR, Clamd
from support.seed import Site, site
from support.spamd import Spamd


def with_odd_line_end(part: bytes) -> bytes:
    """As a generator of mail on another system writes it: one line of the header ends with CR."""
    return samples.multipart(part).replace(b"\nMIME-Version:", b"\rX-Odd: 1\nMIME-Version:")


ODD = with_odd_line_end(samples.text_part())


@pytest.fixture(scope="module")
def shared(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(clamd, spamd) as running:
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    shared.gate.clear()
    return shared


def test_29_1_bad_mime_is_kept_back_from_all_servers(running: Site) -> None:
    assert running.run(ODD) == 0
    assert running.kept("policy") == [ODD]


def test_29_2_the_variable_disables_the_checks_for_some_servers(running: Site) -> None:
    assert running.run(ODD, BMC_WHITELIST="on") == 0
    assert running.gate.queue.only_message().message.endswith(ODD)
    assert running.gate.is_quarantine_empty()


def test_29_3_and_no_other_checks(running: Site) -> None:
    infected = with_odd_line_end(samples.attached(b"bill.dat", EICAR))
    assert running.run(infected, BMC_WHITELIST="on") == 0
    assert running.kept("viruses") == [infected]
