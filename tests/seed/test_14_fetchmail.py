"""The note for users of fetchmail, whose mail is injected to 127.0.0.1."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from mailwarden.migrate.tcp_rules import converted
from support.seed import Site, fields_of, infected, scored
from support.tcp_rules import RuledServer, ruled_server

# The page's line, and the same without what it is about.
FETCHMAIL = (
    b'127.:allow,RELAYCLIENT="",QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl",'
    b'QS_SPAMASSASSIN="on"\n'
)
UNSCORED = b'127.:allow,RELAYCLIENT="",QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl"\n'


@pytest.fixture(scope="module")
def server(rejecting_site: Site) -> Iterator[RuledServer]:
    """tcpserver with the page's line; the gate sees the address that it gives, 127.0.0.1."""
    with ruled_server(rules(rejecting_site, FETCHMAIL), rejecting_site.environment) as server:
        yield server


def rules(running: Site, line: bytes) -> bytes:
    return converted(line, "tcp.smtp", PurePosixPath(running.gate.client)).octets


def test_14_1_with_the_line_what_is_injected_to_localhost_is_checked_against_spamassassin(
    rejecting: Site, server: RuledServer
) -> None:
    assert server.send(scored("8")).code == 250
    (queued,) = rejecting.queued()
    (status,) = fields_of(queued.message, "X-Spam-Status")
    assert status.startswith("Yes, score=8.0 required=6.5 ")
    assert server.send(scored("8.7")).code == 250
    assert len(rejecting.kept("spam")) == 1


def test_14_2_without_it_mail_of_relay_clients_is_checked_for_viruses_only(rejecting: Site) -> None:
    with ruled_server(rules(rejecting, UNSCORED), rejecting.environment) as server:
        assert server.send(scored("50")).code == 250
        assert server.send(infected()).code == 250
    (queued,) = rejecting.queued()
    assert fields_of(queued.message, "X-Spam-Status") == []
    assert len(rejecting.kept("viruses")) == 1


def test_14_3_it_is_never_rejected_without_any_need_of_sa_onlydelete_host(
    rejecting: Site, server: RuledServer
) -> None:
    assert server.send(scored("50")).code == 250
    assert rejecting.is_gone()
    assert rejecting.records()[-1]["disposition"] == "delete"
