"""sa-subject: a text before the subject of spam, written by us and not by SpamAssassin."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clamd import Clamd
from support.commands import Done, command, run
from support.seed import Site, fields_of, scored, site
from support.spamd import Spamd, running_spamd


@pytest.fixture(scope="module")
def rewriting() -> Iterator[Spamd]:
    """A spamd whose own rules want to rewrite the subject, too."""
    with running_spamd("rewrite_header Subject *****SPAM(_SCORE_)*****\n") as spamd:
        yield spamd


@pytest.fixture(scope="module")
def shared(clamd: Clamd, rewriting: Spamd) -> Iterator[Site]:
    with site(clamd, rewriting, spam={"subject": "SPAM *** "}) as running:
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    shared.gate.clear()
    return shared


def subject_at(running: Site, score: str) -> list[str]:
    """The subject with which a message of so many points is delivered."""
    assert running.run(scored(score, "offer")) == 0
    return fields_of(running.gate.queue.only_message().message, "Subject")


def imported(line: str) -> Done:
    return run(command("config", "import", "--configure", line))


def test_21_1_spam_has_the_text_and_its_blank_before_its_subject(running: Site) -> None:
    assert subject_at(running, "6.4") == ["offer"]
    running.gate.clear()
    assert subject_at(running, "6.5") == ["SPAM *** offer"]
    assert b"\nSubject: SPAM *** offer\n" in running.gate.queue.only_message().message


def test_21_2_the_gate_tags_better_than_spamassassin_which_is_not_let_to_do_it_as_well(
    running: Site,
) -> None:
    assert subject_at(running, "7.0") == ["SPAM *** offer"]


def test_21_3_it_works_in_fast_mode_only_and_the_check_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mailwarden.toml"
    path.write_text('[spam]\nsubject = "SPAM *** "\n[spamd]\nmode = "verbose"\n')
    done = run(command("config", "check", path))
    assert done.code == 2
    assert "spam.subject is written in fast mode only" in done.err


def test_21_4_in_verbose_mode_the_subject_is_what_spamassassin_made_of_it(
    clamd: Clamd, rewriting: Spamd
) -> None:
    with site(clamd, rewriting, sections={"spamd": {"mode": "verbose"}}) as verbose:
        assert subject_at(verbose, "6.5") == ["*****SPAM(6.5)***** offer"]


def test_21_5_the_input_must_be_quoted() -> None:
    quoted = imported('./configure --domain mydomain.com --sa-subject "SPAM *** "')
    assert quoted.code == 0
    assert tomllib.loads(quoted.out)["spam"]["subject"] == "SPAM *** "
    bare = imported("./configure --domain mydomain.com --sa-subject SPAM *** ")
    assert bare.code == 1
    assert "'***' in the configure line: no option" in bare.err
