"""The page's first paragraphs: what Qmail-Scanner is, and what the patch was written for."""

import re
from collections.abc import Iterator

import pytest

from support.clamd import Clamd
from support.seed import BOB, Site, infected, scored, site
from support.smtp import mailfront, send
from support.spamd import Spamd

ANYBODY = "eve@example.org"


@pytest.fixture(scope="module")
def server(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    quiet = {"notices": {"notify": ["none"]}}
    with site(clamd, spamd, spam={"quarantine_above": 2.1}, sections=quiet) as running:
        yield running


@pytest.fixture
def running(server: Site) -> Site:
    server.clear()
    return server


def test_01_1_all_mail_through_the_gateway_is_searched_for_viruses_and_spam(running: Site) -> None:
    with mailfront(running.gate.client, running.environment) as smtp:
        replies = [send(smtp, one).code for one in (infected(), scored("8"), scored("1"))]
    assert replies == [250, 250, 250]
    (virus,) = running.kept("viruses")
    assert virus.endswith(infected())
    spam, ham = (one.message for one in running.queued())
    assert b"\nX-Spam-Status: Yes, score=8.0 required=6.5" in spam
    assert b"\nX-Spam-Status: No, score=1.0 required=6.5" in ham


@pytest.mark.parametrize("sender", [ANYBODY, BOB, ""])
def test_01_2_whoever_sends_it_viruses_do_not_arrive_at_the_users(
    sender: str, running: Site
) -> None:
    assert running.run(infected(), sender=sender) == 0
    assert running.hand_over(infected(), sender=sender) == 0, "of this machine itself"
    assert running.run(infected(), sender=sender, RELAYCLIENT="") == 0
    assert running.queued() == []
    assert running.kept("viruses") == [infected()] * 3


def test_01_3_spam_is_blocked_by_its_score_for_users_who_do_not_filter(running: Site) -> None:
    """'Most of my users don't know how to filter messages tagged as spam.'"""
    assert running.run(scored("20")) == 0
    assert running.queued() == []
    assert running.kept("spam") == [scored("20")]


def test_01_4_what_is_neither_arrives_with_nothing_changed_but_fields_on_top(
    running: Site,
) -> None:
    assert running.run(scored("0.1"), BOB, ANYBODY) == 0
    (one,) = running.queued()
    assert one.message.endswith(b"\n" + scored("0.1"))
    assert one.envelope == f"Fann@sender.example\0T{BOB}\0T{ANYBODY}\0\0".encode()
    assert running.gate.is_quarantine_empty()


def test_01_5_all_the_configuration_options_can_be_read_in_one_place(running: Site) -> None:
    """Each with its name on the page, so that who knows that one finds ours."""
    described = running.command("config", "describe").out
    named = {name for told in re.findall(r"\(([^()]+)\)", described) for name in told.split()}
    assert named >= {
        *("sa-quarantine", "sa-delete", "sa-reject", "sa-forward", "sa-fwd-verbose", "sa-delta"),
        *("sa-subject", "sa-debug", "sa-report", "SA_SKIP_MD", "sa-socket", "spamdir"),
        *("silent-viruses", "virus-to-delete", "scanners-per-domain", "redundant"),
        *("admin", "admin-fromname", "add-dscr-hdrs", "dscr-hdrs-text", "ignore-eol-check"),
        *("max-zip-size", "debug"),
    }
