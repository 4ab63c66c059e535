"""sa-delta: LOW, MEDIUM and HIGH in the subject; required are 6.5 points, the delta is 0.5."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.clamd import Clamd
from support.commands import Done, command, run
from support.gate import Value
from support.seed import Site, fields_of, scored, site
from support.spamd import Spamd

SPAM: Mapping[str, Value] = {"subject": "SPAM *** ", "delta": 0.5, "quarantine_above": 2.1}


@pytest.fixture(scope="module")
def shared(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(clamd, spamd, spam=SPAM) as running:
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    shared.gate.clear()
    return shared


def subject_at(running: Site, score: str) -> list[str]:
    """The subject with which a message of so many points is delivered."""
    assert running.run(scored(score, "offer")) == 0
    return fields_of(running.gate.queue.only_message().message, "Subject")


def checked(folder: Path, text: str) -> Done:
    """What `mailwarden config check` says of these settings."""
    path = folder / "mailwarden.toml"
    path.write_text(text)
    return run(command("config", "check", path))


@pytest.mark.parametrize(("score", "level"), [("6.5", "LOW"), ("7.2", "MEDIUM"), ("8.1", "HIGH")])
def test_20_1_with_a_subject_text_users_see_in_the_subject_how_high_the_score_is(
    running: Site, score: str, level: str
) -> None:
    assert subject_at(running, score) == [f"SPAM *** {level} offer"]


def test_20_2_it_needs_the_subject_text_and_the_check_says_so(tmp_path: Path) -> None:
    done = checked(tmp_path, "[spam]\ndelta = 0.5\n")
    assert done.code == 2
    assert "LOW, MEDIUM and HIGH stand after the subject's text, and spam.subject is" in done.err


def test_20_3_it_works_in_fast_mode_only_and_the_check_says_so(tmp_path: Path) -> None:
    text = '[spam]\ndelta = 0.5\nsubject = "SPAM *** "\n'
    assert checked(tmp_path, text).code == 0
    done = checked(tmp_path, f'{text}[spamd]\nmode = "verbose"\n')
    assert done.code == 2
    assert "spam.subject is written in fast mode only" in done.err


def test_20_4_a_score_below_required_hits_has_no_tag(running: Site) -> None:
    assert subject_at(running, "6.4") == ["offer"]


@pytest.mark.parametrize("score", ["6.5", "6.9"])
def test_20_5_a_score_below_required_hits_plus_delta_is_low(running: Site, score: str) -> None:
    assert subject_at(running, score) == ["SPAM *** LOW offer"]


@pytest.mark.parametrize("score", ["7.0", "7.4"])
def test_20_6_a_score_between_one_delta_and_two_is_medium(running: Site, score: str) -> None:
    assert subject_at(running, score) == ["SPAM *** MEDIUM offer"]


@pytest.mark.parametrize("score", ["7.5", "8.6"])
def test_20_7_a_score_above_two_deltas_is_high_as_long_as_it_is_delivered(
    running: Site, score: str
) -> None:
    assert subject_at(running, score) == ["SPAM *** HIGH offer"]


@pytest.mark.parametrize(("delta", "code"), [("1.0", 0), ("1.05", 2), ("1.1", 2)])
def test_20_8_two_deltas_must_be_lower_than_sa_quarantine_or_nothing_is_ever_high(
    tmp_path: Path, delta: str, code: int
) -> None:
    text = f'[spam]\nsubject = "SPAM *** "\nquarantine_above = 2.1\ndelta = {delta}\n'
    done = checked(tmp_path, text)
    assert done.code == code
    assert ("no delivered message could ever be marked HIGH" in done.err) == bool(code)


def test_20_9_you_can_edit_the_file_and_change_this(running: Site) -> None:
    """Borders and text are settings; the three words are not, for filters look for them."""
    running.edit("delta = 0.5", "delta = 1.0")
    running.edit("SPAM *** ", "junk: ")
    running.reload()
    try:
        assert subject_at(running, "7.4") == ["junk: LOW offer"]
    finally:
        running.edit("junk: ", "SPAM *** ")
        running.edit("delta = 1.0", "delta = 0.5")
        running.reload()
