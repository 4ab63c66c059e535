"""simscan's compile options."""

from decimal import Decimal

import pytest

from mailwarden.migrate.configure_line import read_words
from mailwarden.migrate.decisions import Decision, Loss, Note, Outcome
from mailwarden.migrate.simscan_options import Compiled, compiled_outcomes, known_options

# The README's list, in its order.
README = """
user clamav clamdscan custom-smtp-reject per-domain attach spam spam-passthru spamc-user spam-hits
spamc spamc-args dropmsg quarantinedir qmaildir workdir qmail-queue trophie-path trophie-socket
ripmime received spamassassin-path clamavdb-path sigtool-path
"""


def compiled(line: str) -> Compiled:
    return Compiled.of(read_words(line, frozenset()))


def outcomes(line: str) -> list[Outcome]:
    return list(compiled_outcomes(compiled(line)))


def settings_of(line: str) -> dict[str, object]:
    return {one.key: one.value for one in outcomes(line) if isinstance(one, Decision)}


def test_every_option_of_the_readme_is_known() -> None:
    assert known_options() == set(README.split())


def test_options_are_on_alone_or_with_a_value_and_the_last_counts() -> None:
    said = compiled(
        "./configure --enable-spam --enable-attach=y --disable-attach --enable-clamav=n"
    )
    assert (said.is_on("spam"), said.is_on("attach"), said.is_on("clamav")) == (True, False, False)
    assert compiled("--enable-attach").is_on("clamav")


def test_without_a_line_simcontrol_alone_says_what_is_asked() -> None:
    assert Compiled.of(()).is_on("spam")
    assert not compiled("--enable-attach").is_on("spam")


@pytest.mark.parametrize(
    ("option", "hits"),
    [
        ("--enable-spam-hits=12.5", Decimal("12.5")),
        ("--enable-spam-hits", Decimal(10)),
        ("--enable-spam-hits=many", None),
        ("--enable-spam-hits=NaN", None),
        ("--enable-spam-hits=-3", None),
        ("--enable-spam", None),
    ],
)
def test_hits_are_a_number(option: str, hits: Decimal | None) -> None:
    assert compiled(option).hits == hits


@pytest.mark.parametrize(
    ("line", "disposition"),
    [
        ("--enable-clamav", "reject"),
        ("--enable-dropmsg=y", "delete"),
        ("--enable-dropmsg=y --enable-quarantinedir=/var/q", "quarantine"),
        ("--enable-quarantinedir=/var/q", "reject"),
    ],
)
def test_viruses_are_rejected_dropped_or_kept(line: str, disposition: str) -> None:
    assert settings_of(line)["dispositions.virus"] == disposition


def test_a_copy_of_what_is_rejected_is_lost() -> None:
    (lost,) = (one for one in outcomes("--enable-quarantinedir=/q") if isinstance(one, Loss))
    assert "not kept" in lost.why
    assert not [one for one in outcomes("--enable-quarantinedir=n") if isinstance(one, Loss)]


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("--enable-custom-smtp-reject=y", "queue.flavour", "custom-error"),
        ("--enable-spamc-user=y", "spam.user_is_recipient", True),
        ("--enable-received=n", "headers.received", False),
        ("--enable-qmaildir=/opt/qmail/", "queue.program", "/opt/qmail/bin/qmail-queue"),
        ("--enable-qmail-queue=/q", "queue.program", "/q"),
        ("--enable-spamc-args='-U /tmp/spamd.sock'", "spamd.addresses", ("unix:/tmp/spamd.sock",)),
        ("--enable-spamc-args='-d a,b -p 1'", "spamd.addresses", ("tcp:a:1", "tcp:b:1")),
        ("--enable-spamc-args='-p 1'", "spamd.addresses", ("tcp:127.0.0.1:1",)),
        ("--enable-spamc-args='-s 250000'", "spamd.max_bytes", 250_000),
        ("--enable-spamc-args='-t 30'", "spamd.timeout_seconds", 30),
    ],
)
def test_options_become_settings(line: str, key: str, value: object) -> None:
    assert settings_of(line)[key] == value


def test_dropped_mail_needs_no_text_for_rejections() -> None:
    assert "queue.flavour" not in settings_of("--enable-custom-smtp-reject --enable-dropmsg")


def test_paths_of_programs_need_no_setting() -> None:
    told = outcomes("--enable-ripmime=/usr/bin/ripmime")
    source = "--enable-ripmime=/usr/bin/ripmime"
    assert Note(source, "nothing is started for a message here") in told


@pytest.mark.parametrize(
    "option",
    [
        "--enable-dspam=y",
        "--prefix=/usr",
        "oops",
        "--enable-trophie-socket=/t",
        "--enable-spam-hits=many",
        "--enable-spamc-args='-x'",
        "--enable-spamc-args='-u me'",
        "--enable-spamc-args='\"'",
    ],
)
def test_what_is_not_known_or_not_asked_is_lost(option: str) -> None:
    assert len([one for one in outcomes(option) if isinstance(one, Loss)]) == 1
