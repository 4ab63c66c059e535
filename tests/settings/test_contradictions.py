"""What two settings may not say together; each rule is tried just inside and just outside."""

import re
from pathlib import Path

import pytest

from mailwarden.settings.catalogue import entry_of
from mailwarden.settings.contradictions import CLIENT_TIMEOUT_SECONDS, contradictions
from mailwarden.settings.load import SettingsError, parse_settings
from mailwarden.settings.model import Settings

# Settings that hold together, nearly the same that do not, and the settings to blame.
PAIRS: list[tuple[str, str, str]] = [
    (
        "spam = {quarantine_above = 2.1, delete_above = 2.2}",
        "spam = {quarantine_above = 2.1, delete_above = 2.1}",
        "spam.delete_above spam.quarantine_above",
    ),
    (
        "spam = {quarantine_above = 0, delete_above = 1}",
        "spam = {quarantine_above = 2, delete_above = 1}",
        "spam.delete_above spam.quarantine_above",
    ),
    (
        "spam = {quarantine_above = 2.1, delta = 1.04, subject = 'SPAM'}",
        "spam = {quarantine_above = 2.1, delta = 1.05, subject = 'SPAM'}",
        "spam.delta spam.quarantine_above",
    ),
    (
        "spam = {delta = 1, subject = 'SPAM'}",
        "spam = {delta = 1}",
        "spam.delta spam.subject",
    ),
    (
        "spam = {reject = true, delete_above = 1}",
        "spam = {reject = true, quarantine_above = 1}",
        "spam.reject spam.delete_above",
    ),
    (
        "spam.subject = 'SPAM'\nspamd.mode = 'fast'",
        "spam.subject = 'SPAM'\nspamd.mode = 'verbose'",
        "spam.subject spamd.mode",
    ),
    (
        "clamd = {method = 'auto', addresses = ['tcp:127.0.0.1:3310']}",
        "clamd = {method = 'fildes', addresses = ['tcp:127.0.0.1:3310']}",
        "clamd.method clamd.addresses",
    ),
    (
        "scanners = ['clamd']\nclamd.timeout_seconds = 209",
        "scanners = ['clamd']\nclamd.timeout_seconds = 210",
        "clamd.timeout_seconds limits.message_seconds limits.wait_seconds scanners",
    ),
    (
        "scanners = ['spamd', 'test-patterns']\nspamd.timeout_seconds = 209",
        "scanners = ['spamd', 'test-patterns']\nspamd.timeout_seconds = 210",
        "spamd.timeout_seconds limits.message_seconds limits.wait_seconds scanners",
    ),
    (
        "clamd.timeout_seconds = 100\nspamd.timeout_seconds = 109",
        "clamd.timeout_seconds = 100\nspamd.timeout_seconds = 110",
        (
            "clamd.timeout_seconds spamd.timeout_seconds limits.message_seconds "
            "limits.wait_seconds scanners"
        ),
    ),
    (
        "limits = {message_seconds = 299.5}",
        "limits = {message_seconds = 300}",
        "limits.message_seconds",
    ),
    (
        "limits = {message_bytes = 1_000_000}",
        "limits = {message_bytes = 999_999}",
        "limits.memory_bytes limits.message_bytes",
    ),
    (
        "scanners = ['clamd', 'test-patterns']",
        "scanners = ['clamd', 'clamd']",
        "scanners",
    ),
    (
        "quarantine.directory = '/s1/q'\nspool.directory = '/s'",
        "quarantine.directory = '/s/q'\nspool.directory = '/s'",
        "quarantine.directory spool.directory",
    ),
    (
        "quarantine.directory = '/s/../q'\nspool.directory = '/s'",
        "quarantine.directory = '/x/../s'\nspool.directory = '/s'",
        "quarantine.directory spool.directory",
    ),
    (
        "quarantine.directory = '/q'\nspool.directory = '/q/../s'",
        "quarantine.directory = '/q'\nspool.directory = '/q/s'",
        "spool.directory quarantine.directory",
    ),
    (
        "store.database = '/a/db'\nspool.directory = '/s'",
        "store.database = '/s/db'\nspool.directory = '/s'",
        "store.database spool.directory",
    ),
    (
        "quarantine.release_key = '/a/key'\nspool.directory = '/s'",
        "quarantine.release_key = '/s/key'\nspool.directory = '/s'",
        "quarantine.release_key spool.directory",
    ),
    (
        "quarantine.release_key = '/a/key'\nstore.database = '/a/db'",
        "quarantine.release_key = '/a/db'\nstore.database = '/a/db'",
        "quarantine.release_key store.database",
    ),
    (
        "spam = {forward = 'a@example.org', quarantine_above = 1}",
        "spam = {forward = 'a@example.org'}",
        "spam.forward spam.quarantine_above",
    ),
    (
        "spam = {forward = 'a@example.org', quarantine_above = 1, forward_verbose = true}",
        "spam = {quarantine_above = 1, forward_verbose = true}",
        "spam.forward_verbose spam.forward",
    ),
    (
        "spam.maildir = 'viruses'",
        "spam.maildir = 'envelopes'",
        "spam.maildir",
    ),
    (
        "notices.notify = ['none']",
        "notices.notify = ['admin', 'none']",
        "notices.notify",
    ),
    (
        "notices = {notify = ['precips'], local_domains = ['example.org']}",
        "notices = {notify = ['precips']}",
        "notices.notify notices.local_domains notices.admin",
    ),
    (
        "notices = {notify = ['sender'], outside_senders = true}",
        "notices = {notify = ['sender']}",
        "notices.notify notices.local_domains notices.admin",
    ),
    (
        "notices = {notify = ['recips', 'admin'], admin = 'a@example.org'}",
        "notices = {notify = ['recips'], outside_senders = true}",
        "notices.notify notices.local_domains notices.admin",
    ),
    (
        "outbox.command = ['/usr/sbin/sendmail', '-i']",
        "outbox.command = ['sendmail', '-i']",
        "outbox.command",
    ),
    (
        "outbox.command = ['/usr/sbin/sendmail', '-oi']",
        "outbox.command = ['/usr/sbin/sendmail', '-t']",
        "outbox.command",
    ),
    (
        "outbox.command = []",
        "outbox.command = ['/usr/sbin/sendmail', '-froot']",
        "outbox.command",
    ),
    (
        "outbox = {gather_seconds = 3599, keep_hours = 1}",
        "outbox = {gather_seconds = 3600, keep_hours = 1}",
        "outbox.gather_seconds outbox.keep_hours",
    ),
    (
        "log = {crypto = true, details = ['syslog']}",
        "log = {crypto = true}",
        "log.crypto log.details",
    ),
    (
        "log.directory = '/l'\nspool.directory = '/s'",
        "log.directory = '/s/l'\nspool.directory = '/s'",
        "log.directory spool.directory",
    ),
    (
        "log.directory = '/q1'\nquarantine.directory = '/q'",
        "log.directory = '/q/l'\nquarantine.directory = '/q'",
        "log.directory quarantine.directory",
    ),
    (
        "archive.directory = '/a'\nspool.directory = '/s'",
        "archive.directory = '/s'\nspool.directory = '/s'",
        "archive.directory spool.directory",
    ),
    (
        "archive.directory = '/a'\nquarantine.directory = '/q'",
        "archive.directory = '/q/a'\nquarantine.directory = '/q'",
        "archive.directory quarantine.directory",
    ),
    (
        "per_domain.scanners_file = '/dev/null'",
        "per_domain = {scanners_file = '/dev/null', settings_file = '/dev/../dev/null'}",
        "per_domain.scanners_file per_domain.settings_file",
    ),
]


@pytest.mark.parametrize(("good", "bad", "keys"), PAIRS, ids=[pair[1] for pair in PAIRS])
def test_a_contradiction_is_said_once_and_not_a_step_too_early(
    good: str, bad: str, keys: str
) -> None:
    assert contradictions(parse_settings(good, "sample")) == ()
    with pytest.raises(SettingsError) as refused:
        parse_settings(bad, "sample")
    [problem] = refused.value.problems
    assert problem.where in keys.split()
    assert problem.line
    assert problem.suggestion


def test_every_setting_that_is_blamed_exists_and_every_rule_is_tried() -> None:
    from mailwarden.settings import contradictions as module

    assert {" ".join(rule.keys) for rule in module._RULES} == {keys for _, _, keys in PAIRS}
    assert all(entry_of(key) for rule in module._RULES for key in rule.keys)


def test_the_defaults_do_not_contradict_each_other() -> None:
    assert contradictions(Settings()) == ()


def test_the_numbers_that_contradict_are_told() -> None:
    settings = Settings().model_copy(update={"scanners": ("clamd", "clamd")})
    assert [found.message for found in contradictions(settings)] == ["a scanner is listed twice"]
    with pytest.raises(SettingsError, match=r"\(301\).*300 seconds"):
        parse_settings("limits.message_seconds = 301", "sample")


@pytest.mark.parametrize("client", ["mailwarden-queue.c", "mailwarden_queue.py"])
def test_the_clients_own_timeout_is_the_one_that_is_compared_with(client: str) -> None:
    source = (Path(__file__).parents[2] / "client" / client).read_text(encoding="utf-8")
    [seconds] = re.findall(r"^(?:#define )?TIMEOUT_SECONDS(?: =)? (\d+)$", source, re.MULTILINE)
    assert int(seconds) == CLIENT_TIMEOUT_SECONDS


def test_a_scanner_that_is_not_asked_cannot_be_too_slow() -> None:
    text = "scanners = ['test-patterns']\nclamd.timeout_seconds = 900\nspamd.timeout_seconds = 900"
    assert parse_settings(text, "sample").clamd.timeout_seconds == 900


def test_the_sample_of_the_page_is_free_of_contradictions() -> None:
    """`--sa-quarantine 2.1 --sa-delete 4.2 --sa-reject yes --sa-subject ... --sa-delta 0.5`."""
    text = """\
[spam]
quarantine_above = 2.1
delete_above = 4.2
reject = true
subject = "SPAM *** "
delta = 0.5
"""
    assert parse_settings(text, "sample").spam.reject
