"""sa-reject: what is over sa-delete is rejected before the SMTP session is closed."""

from pathlib import Path

import pytest

from support.commands import command, run
from support.seed import Site, scored
from support.smtp import RECIPIENT, SENDER, mailfront, send
from support.tcp_rules import hand_over, ruled_server

STRANGER_IP = "192.0.2.7"
OVER, AT_THE_BORDER = scored("10.8"), scored("10.7")
# qmail.c's own range of permanent codes (facts 1.2).
PERMANENT = range(11, 41)


def test_11_1_a_higher_score_is_rejected_before_the_session_is_closed(rejecting: Site) -> None:
    rules = f':allow,QMAILQUEUE="{rejecting.gate.client}"\n'.encode()
    with (
        ruled_server(rules, rejecting.environment, seen_as=STRANGER_IP) as server,
        server.connection() as client,
    ):
        assert hand_over(client, OVER).code == 554
        assert rejecting.is_gone()
        assert hand_over(client, AT_THE_BORDER).code == 250, "in the same session"
        assert client.quit()[0] == 221
    (kept,) = rejecting.kept("spam")
    assert kept.endswith(AT_THE_BORDER)


def test_11_2_otherwise_they_are_just_dropped_silently(lower: Site) -> None:
    with mailfront(lower.gate.client, lower.environment) as smtp:
        assert send(smtp, OVER).code == 250
    assert lower.is_gone()
    assert lower.mail() == []
    assert lower.records()[-1]["disposition"] == "delete"


def test_11_3_sa_delete_has_to_be_set_properly(tmp_path: Path) -> None:
    settings = tmp_path / "mailwarden.toml"
    settings.write_text("[spam]\nquarantine_above = 2.1\nreject = true\n")
    checked = run(command("config", "check", settings))
    assert checked.code == 2
    assert "nothing can be rejected as spam, for spam.delete_above is 0" in checked.err


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.8", "::1", "::ffff:127.0.0.1", ""])
def test_11_4_messages_from_localhost_are_never_rejected(address: str, rejecting: Site) -> None:
    """They are deleted where they are scored; a local process has no TCPREMOTEIP at all."""
    variables = {"TCPREMOTEIP": address} if address else {}
    assert rejecting.hand_over(OVER, **variables, QS_SPAMASSASSIN="on") == 0
    assert rejecting.is_gone()
    assert rejecting.records()[-1]["disposition"] == "delete"


def test_11_5_all_others_are(rejecting: Site) -> None:
    assert rejecting.run(OVER) in PERMANENT
    assert rejecting.run(OVER, TCPREMOTEIP="::ffff:192.0.2.7") in PERMANENT
    assert rejecting.run(OVER, RELAYCLIENT="", QS_SPAMASSASSIN="on") in PERMANENT


def test_11_6_no_bandwidth_is_saved_but_the_remote_server_has_to_deal_with_it(
    rejecting: Site,
) -> None:
    """The whole message was received, and no server of ours sends a bounce or keeps a copy."""
    long = scored("10.8", body=b"buy now, buy cheap, buy more\n" * 10_000)
    with mailfront(rejecting.gate.client, rejecting.environment) as smtp:
        assert send(smtp, long).code == 554
    assert rejecting.is_gone()
    record = rejecting.records()[-1]
    assert record["disposition"] == "reject"
    assert int(str(record["size_bytes"])) > len(long)
    assert record["sender"] == SENDER
    assert rejecting.mail() == []


def test_11_7_the_rejection_is_in_the_logs(rejecting: Site) -> None:
    """'You can see some examples of the logs in the mail server.'"""
    assert rejecting.run(scored("10.8", "rejected one"), RECIPIENT, sender=SENDER) in PERMANENT
    rejecting.settle()
    (line,) = (
        line for line in rejecting.log_file("quarantine.log").splitlines() if "rejected one" in line
    )
    assert line.split("\t")[1:5] == [SENDER, RECIPIENT, "rejected one", "spam"]
    said = [line for line in rejecting.log_file("qmail-queue.log").splitlines() if SENDER in line]
    assert "rejecting: " in said[-1]
    assert 'score="10.8/6.5"' in said[-1]
