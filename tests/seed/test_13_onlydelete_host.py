"""SA_ONLYDELETE_HOST: spam that comes through one's own secondary server is not thrown back."""

from pathlib import PurePosixPath

import pytest

from mailwarden.migrate.tcp_rules import converted
from support.seed import Site, infected, scored
from support.tcp_rules import ruled_server

OVER = scored("10.8")
# Loopback addresses that stand for two hosts elsewhere: tcpserver has no others here to tell apart.
SECONDARY, ANYBODY = "127.0.0.25", "127.0.0.26"
SEEN_AS = "192.0.2.25"
# The page's line, and the one that all others have.
RULE = (
    f'{SECONDARY}:allow,QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl",'
    'SA_ONLYDELETE_HOST="on"\n'
)
OTHERS = ':allow,QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl"\n'


def rules(running: Site, *lines: str) -> bytes:
    """Lines for Qmail-Scanner as `config import` writes them for us."""
    program = PurePosixPath(running.gate.client)
    return converted("".join(lines).encode(), "tcp.smtp", program).octets


@pytest.mark.parametrize("value", ["on", "", "off"])
def test_13_1_if_the_variable_is_defined_spam_is_deleted_instead_of_rejected(
    value: str, rejecting: Site
) -> None:
    """Defined it is with any value."""
    assert rejecting.run(OVER, SA_ONLYDELETE_HOST=value) == 0
    assert rejecting.is_gone()
    assert rejecting.records()[-1]["disposition"] == "delete"
    assert rejecting.run(OVER) == 31, "and rejected from any other host"


def test_13_2_a_rule_in_the_tcp_smtp_file_defines_it_for_the_secondary_server(
    rejecting: Site,
) -> None:
    lines = rules(rejecting, RULE, OTHERS)
    with ruled_server(lines, rejecting.environment, seen_as=SEEN_AS) as server:
        assert server.send(OVER, SECONDARY).code == 250
        assert rejecting.is_gone()
        assert server.send(OVER, ANYBODY).code == 554
    assert [one["disposition"] for one in rejecting.records()[-2:]] == ["delete", "reject"]


def test_13_3_only_after_the_database_was_rebuilt(rejecting: Site) -> None:
    """'Don't forget to rebuild the tcp.smtp.cdb database.'"""
    with ruled_server(rules(rejecting, OTHERS), rejecting.environment, seen_as=SEEN_AS) as server:
        (server.folder / "tcp.smtp").write_bytes(rules(rejecting, RULE, OTHERS))
        assert server.send(OVER, SECONDARY).code == 554
        server.build(rules(rejecting, RULE, OTHERS))
        assert server.send(OVER, SECONDARY).code == 250


def test_13_4_all_else_is_as_for_other_hosts(rejecting: Site) -> None:
    variables = {"SA_ONLYDELETE_HOST": "on"}
    for message in (scored("8.6"), scored("8.7"), infected()):
        assert rejecting.run(message, **variables) == 0
    assert len(rejecting.queued()) == 1
    assert rejecting.kept("spam") == [scored("8.7")]
    assert rejecting.kept("viruses") == [infected()]
