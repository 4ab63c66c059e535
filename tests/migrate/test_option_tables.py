"""Every option of the original has its row."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from mailwarden.migrate.decisions import Decision, Loss, Note, Outcome
from mailwarden.migrate.given import Given, Origin
from mailwarden.migrate.option_tables import known_options, option_named, outcomes_of
from mailwarden.settings.catalogue import entry_of

# Facts 2.1 and 2.2, in their order.
BASE = """
--qs-user --qmaildir --spooldir --bindir --etcdir --logdir --qmail-queue-binary
--qmail-inject-binary --admin --domain --user --admin-description --scanners --skip-text-msgs
--notify --local-domains --silent-viruses --lang --archive --redundant --log-details --log-crypto
--fix-mime --ignore-eol-check --add-dscr-hdrs --normalize --debug --unzip --max-zip-size
--max-scan-size --max-unpacked-files --block-password-protected --virusdir --policydir --spamdir
--sa-quarantine --sa-timeout --sa-faulttolerant --sa-maxsize --dlp-monitor --mime-unpacker
--install --batch --skip-setuid-test --no-QQ-check
"""
PATCH = """
--sa-quarantine --sa-forward --sa-fwd-verbose smaildir --sa-delete --sa-reject --sa-delta
--sa-subject --sa-alt --sa-debug --sa-report SA_SKIP_MD --sa-socket --sa-remote --qs-group
--minidebug --virus-to-delete --scanners-per-domain --settings-per-domain --quarantine-reject
--admin-fromname --dscr-hdrs-text --setuidgid-path
"""
VARIABLES = """
$smaildir $sa_quarantine $sa_delete_site $sa_alt $spamc_subject $BAD_MIME_CHECKS SA_SKIP_MD
@silent_viruses_array @virus_to_delete @scanners_default @scanner_array $vmaildir $sa_fast
$sa_hdr_report
"""


def outcomes(**options: str) -> list[Outcome]:
    givens = (Given(option_named(name), text, f"{name}!") for name, text in options.items())
    return list(outcomes_of(givens))


def settings_of(**options: str) -> Mapping[str, object]:
    return {one.key: one.value for one in outcomes(**options) if isinstance(one, Decision)}


@pytest.mark.parametrize("name", (BASE + PATCH + VARIABLES).split())
def test_every_option_of_the_original_is_known(name: str) -> None:
    assert option_named(name, name[0] if name[0] in "$@" else "") in known_options()


@pytest.mark.parametrize("name", (BASE + PATCH).split())
def test_whatever_an_option_says_becomes_a_setting_a_note_or_a_loss(name: str) -> None:
    for text in ("yes", "no", "1", "0", "7", "/x/y", "a,b", "", "\x1b'\u202e"):
        told = list(outcomes_of([Given(option_named(name), text, "here")]))
        assert all(entry_of(one.key) for one in told if isinstance(one, Decision))
        assert any(one.source == "here" for one in told), text


def test_a_name_that_is_none_has_no_row() -> None:
    assert option_named("--sa-frobnicate") == ""


def test_a_list_of_viruses_is_told_from_the_switch_of_the_same_name() -> None:
    assert option_named("virus_to_delete", "@") == "viruses-to-delete"
    assert option_named("virus_to_delete", "$") == "virus-to-delete"


@pytest.mark.parametrize(
    ("option", "text", "key", "value"),
    [
        ("sa-quarantine", "2.1", "spam.quarantine_above", Decimal("2.1")),
        ("sa-delete", "4.2", "spam.delete_above", Decimal("4.2")),
        ("sa-delete", "0", "spam.delete_above", Decimal(0)),
        ("sa-delta", "0.5", "spam.delta", Decimal("0.5")),
        ("sa-reject", "yes", "spam.reject", True),
        ("sa-reject", "no", "spam.reject", False),
        ("sa-debug", "1", "spam.debug", True),
        ("sa-report", "yes", "spam.report", True),
        ("sa-subject", "SPAM *** ", "spam.subject", "SPAM *** "),
        ("sa-forward", "spam@example.org", "spam.forward", "spam@example.org"),
        ("sa-fwd-verbose", "yes", "spam.forward_verbose", True),
        ("SA_SKIP_MD", "1", "spam.skip_bounces", True),
        ("sa-maxsize", "256000", "spamd.max_bytes", 256_000),
        ("skip-text-msgs", "no", "viruses.skip_text_only", False),
        ("redundant", "yes", "unpacking.redundant", True),
        ("log-crypto", "yes", "log.crypto", True),
        ("ignore-eol-check", "yes", "structure.ignore_eol", True),
        ("dscr-hdrs-text", "X-Own", "headers.prefix", "X-Own"),
        ("max-zip-size", "50000000", "unpacking.unpacked_bytes", 50_000_000),
        ("max-unpacked-files", "99", "unpacking.files", 99),
        ("admin-description", "The Team", "notices.admin_name", "The Team"),
        ("logdir", "/var/log/qs", "log.directory", "/var/log/qs"),
        ("qmail-queue-binary", "/q/qmail-queue", "queue.program", "/q/qmail-queue"),
    ],
)
def test_simple_options_are_settings(option: str, text: str, key: str, value: object) -> None:
    assert settings_of(**{option: text})[key] == value


def test_the_originals_defaults_hold_where_nothing_is_said() -> None:
    settings = settings_of(domain="example.org")
    assert settings == {
        "scanners": ("clamd", "spamd"),
        "viruses.skip_text_only": True,
        "notices.notify": ("sender", "admin"),
        "notices.admin": "root@example.org",
        "notices.local_domains": ("example.org",),
        "log.details": ("syslog",),
        "log.queue_log": "debug",
        "log.quarantine_log": True,
        "unpacking.unpacked_bytes": 10**9,
        "dispositions.encrypted": "accept",
        "dispositions.ambiguous": "tag",
        "dispositions.unopened": "tag",
        "dispositions.over_limit": "quarantine",
        "dispositions.oversize": "tag",
        "headers.prefix": "X-Qmail-Scanner",
        "spam.user_is_recipient": True,
        "spamd.on_fault": "tag",
    }


def test_what_is_no_value_of_an_option_is_a_loss_that_says_so() -> None:
    assert Loss("sa-delete!", "expected a number") in outcomes(**{"sa-delete": "much"})
    assert Loss("sa-reject!", "expected yes or no") in outcomes(**{"sa-reject": "maybe"})
    yes_or_syslog = "expected yes (mailstats.csv), syslog or no"
    assert Loss("log-details!", yes_or_syslog) in outcomes(**{"log-details": "mailstats"})
    assert Loss("logdir!", "expected an absolute path") in outcomes(logdir="logs")


def test_what_is_not_done_here_is_lost_only_where_it_was_on() -> None:
    lost = [one for one in outcomes(**{"quarantine-reject": "yes"}) if isinstance(one, Loss)]
    assert "quarantine-reject!" in [one.source for one in lost]
    assert Note("quarantine-reject!", "off: nothing to set") in outcomes(
        **{"quarantine-reject": "no"}
    )


@pytest.mark.parametrize(
    ("given", "pattern"), [("secret.*", "secret.*"), ("none", ""), ("no", ""), ("", "")]
)
def test_what_is_only_monitored_is_a_pattern_or_nothing(given: str, pattern: str) -> None:
    said = [
        one.value
        for one in outcomes(**{"dlp-monitor": given})
        if isinstance(one, Decision) and one.key == "attachments.monitored"
    ]
    assert said == [pattern]


def test_what_nobody_said_of_a_default_is_named_as_one() -> None:
    (decision,) = (
        one for one in outcomes_of([]) if isinstance(one, Decision) and one.key == "log.details"
    )
    assert decision.source == "Qmail-Scanner's default for log-details, syslog"


def test_the_programs_empty_values_are_off() -> None:
    told = outcomes_of([Given("sa-delete", "", "$sa_delete", Origin.PROGRAM)])
    keys = {one.key: one.value for one in told if isinstance(one, Decision)}
    assert keys["spam.delete_above"] == 0
