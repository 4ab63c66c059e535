"""The options whose meaning depends on what they say, and on each other."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from mailwarden.migrate.decisions import Decision, Loss, Note, Outcome
from mailwarden.migrate.given import Given, Origin
from mailwarden.migrate.option_tables import option_named, outcomes_of


def outcomes(options: Mapping[str, str], origin: Origin = Origin.CONFIGURE_LINE) -> list[Outcome]:
    return list(
        outcomes_of(
            Given(option_named(name, name[0]), text, name, origin) for name, text in options.items()
        )
    )


def value(key: str, options: Mapping[str, str], origin: Origin = Origin.CONFIGURE_LINE) -> object:
    """The setting; None where there is no decision about it."""
    found = [
        one.value
        for one in outcomes(options, origin)
        if isinstance(one, Decision) and one.key == key
    ]
    assert len(found) <= 1
    return found[0] if found else None


def losses(options: Mapping[str, str]) -> list[str]:
    return [one.why for one in outcomes(options) if isinstance(one, Loss)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", ("clamd", "spamd")),
        ("none", ()),
        ("clamdscan,fast_spamassassin", ("clamd", "spamd")),
        ("clamuko", ("clamd",)),
        ("clamscan_scanner, sa", ("clamd", "spamd")),
        ("sophie,perlscan_scanner", ("clamd",)),
        ("verbose_spamassassin", ("spamd",)),
        ("perlscanner", ()),
    ],
)
def test_products_become_scanners_of_ours(text: str, expected: tuple[str, ...]) -> None:
    assert value("scanners", {"scanners": text}) == expected


def test_products_that_are_not_asked_are_lost_by_name() -> None:
    lost = losses({"domain": "d.example", "scanners": "clamdscan,sophie,uvscan,novelty"})
    assert lost == [
        "sophie is not asked here; clamd is in its place",
        "uvscan is not asked here; clamd is in its place",
        "the scanner novelty is not known",
    ]


def test_the_subject_behind_fast_spamassassin_is_the_subject_unless_another_is_said() -> None:
    scanners = {"scanners": "clamdscan,fast_spamassassin=SPAM:"}
    assert value("spam.subject", scanners) == "SPAM:"
    assert value("spam.subject", {**scanners, "sa-subject": "***"}) == "***"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"scanners": "verbose_spamassassin"}, "verbose"),
        ({"scanners": "verbose_spamassassin", "sa-alt": "yes"}, None),
        ({"$sa_fast": "0"}, "verbose"),
        ({"$sa_fast": "0", "sa-alt": "1"}, "fast"),
        ({"$sa_fast": "1"}, "fast"),
    ],
)
def test_verbose_is_what_sa_alt_never_is(options: Mapping[str, str], expected: str | None) -> None:
    assert value("spamd.mode", options) == expected


def test_sa_alt_needs_no_setting_and_tells_spamd_no_user() -> None:
    told = outcomes({"sa-alt": "yes"})
    why = "always fast here, and no user name is told: nothing to set"
    assert Note("sa-alt", why) in told
    assert value("spam.user_is_recipient", {"sa-alt": "yes"}) is None
    assert value("spam.user_is_recipient", {"sa-alt": "no"}) is True


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"admin": "antivirus", "domain": "my.example"}, "antivirus@my.example"),
        ({"user": "antivirus", "domain": "my.example"}, "antivirus@my.example"),
        ({"admin": "boss@other.example", "domain": "my.example"}, "boss@other.example"),
        ({"admin": "antivirus"}, None),
    ],
)
def test_the_administrator_is_a_name_and_a_domain(
    options: Mapping[str, str], expected: str | None
) -> None:
    assert value("notices.admin", options) == expected
    assert bool(losses(options)) == (expected is None)


def test_only_local_domains_are_told() -> None:
    both = {"domain": "my.example", "local-domains": "a.example, b.example"}
    assert value("notices.local_domains", both) == ("a.example", "b.example")
    assert value("notices.local_domains", {"domain": "my.example"}) == ("my.example",)


def test_who_is_told_is_carried_and_unknown_names_are_lost() -> None:
    options = {"domain": "d.example", "notify": "psender,precips,nmlvadm,everyone"}
    assert value("notices.notify", options) == ("psender", "precips", "nmlvadm")
    assert losses(options) == ["nobody is called everyone here"]


def test_where_senders_were_told_the_safer_default_is_explained() -> None:
    def is_explained(notify: str) -> bool:
        told = outcomes({"notify": notify})
        return any(isinstance(one, Note) and "outside_senders" in one.why for one in told)

    assert is_explained("sender,admin")
    assert not is_explained("admin")


def test_silent_viruses_of_a_line_get_the_patchs_spam_and_edited_ones_stay_as_they_are() -> None:
    assert value("viruses.silent", {"silent-viruses": "klez,yaha"}) == ("klez", "yaha", "spam")
    edited = {"@silent_viruses_array": "klez,yaha"}
    assert value("viruses.silent", edited, Origin.PROGRAM) == ("klez", "yaha")
    assert value("viruses.silent", {"silent-viruses": "auto"}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("de_DE", "de_DE"), ("de_DE.UTF-8", "de_DE"), ("ja_JP.EUC", "ja_JP.EUC"), ("tlh", None)],
)
def test_languages_have_the_same_names(text: str, expected: str | None) -> None:
    assert value("notices.language", {"lang": text}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("yes", ".*"), ("no", ""), (r"jhaar|harry\z", r"jhaar|harry\Z"), ("(open", None)],
)
def test_the_archive_is_for_all_none_or_a_pattern(text: str, expected: str | None) -> None:
    assert value("archive.matching", {"archive": text}) == expected


def test_a_perl_pattern_that_cannot_be_said_here_is_lost_with_advice() -> None:
    (lost,) = losses({"domain": "d.example", "archive": r"a(?{code})"})
    assert lost.startswith("not read here: ")


@pytest.mark.parametrize(
    ("text", "expected"), [("yes", ("mailstats",)), ("syslog", ("syslog",)), ("0", ())]
)
def test_log_details_name_a_file_or_syslog(text: str, expected: tuple[str, ...]) -> None:
    assert value("log.details", {"log-details": text}) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "debug"),
        ({"debug": "yes"}, "debug"),
        ({"debug": "200"}, "debug"),
        ({"debug": "no"}, "no"),
        ({"minidebug": "yes"}, "minidebug"),
        ({"minidebug": "yes", "debug": "no"}, "minidebug"),
        ({"minidebug": "yes", "debug": "yes"}, "debug"),
        ({"minidebug": "no", "debug": "no"}, "no"),
    ],
)
def test_debug_switches_minidebug_off(options: Mapping[str, str], expected: str) -> None:
    assert value("log.queue_log", options) == expected


@pytest.mark.parametrize(("text", "expected"), [("yes", True), ("2", True), ("0", False)])
def test_structure_checks_are_on_or_off(text: str, *, expected: bool) -> None:
    assert value("structure.enabled", {"fix-mime": text}) is expected


@pytest.mark.parametrize(("text", "expected"), [("yes", "yes"), ("0", "no"), ("all", "all")])
def test_descriptive_headers_have_three_values(text: str, expected: str) -> None:
    assert value("headers.descriptive", {"add-dscr-hdrs": text}) == expected


def test_a_small_limit_of_size_takes_the_limit_of_memory_with_it() -> None:
    assert value("limits.message_bytes", {"max-scan-size": "500000"}) == 500_000
    assert value("limits.memory_bytes", {"max-scan-size": "500000"}) == 500_000
    assert value("limits.memory_bytes", {"max-scan-size": "50000000"}) is None


@pytest.mark.parametrize(("text", "expected"), [("yes", "quarantine"), ("no", "accept")])
def test_archives_with_passwords_are_blocked_or_pass(text: str, expected: str) -> None:
    assert value("dispositions.encrypted", {"block-password-protected": text}) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"$smaildir": "spamdir"}, "spamdir"),
        ({"spamdir": "/var/spool/qscan/quarantine/junk"}, "junk"),
        ({"$smaildir": "viruses"}, None),
        ({"$smaildir": "virmaildir", "$vmaildir": "virmaildir"}, None),
    ],
)
def test_spam_has_a_maildir_of_its_own(options: Mapping[str, str], expected: str | None) -> None:
    assert value("spam.maildir", options) == expected


def test_other_maildirs_have_their_names_here() -> None:
    assert "called viruses here" in " ".join(losses({"domain": "d", "virusdir": "elsewhere"}))
    assert losses({"domain": "d", "virusdir": "quarantine/viruses"}) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"sa-socket": "/var/run/spamd"}, ("unix:/var/run/spamd",)),
        ({"sa-remote": "spam.example"}, ("tcp:spam.example:783",)),
        ({"sa-remote": "spam.example,1783"}, ("tcp:spam.example:1783",)),
        ({"sa-remote": "2001:db8::1"}, ("tcp:[2001:db8::1]:783",)),
        ({"sa-socket": "/s", "sa-remote": "h,1"}, ("unix:/s", "tcp:h:1")),
        ({"sa-socket": ""}, None),
        ({"sa-remote": ""}, None),
    ],
)
def test_spamd_is_where_it_was(
    options: Mapping[str, str], expected: tuple[str, ...] | None
) -> None:
    assert value("spamd.addresses", options) == expected


def test_a_time_that_does_not_fit_a_message_is_cut_and_told() -> None:
    assert value("spamd.timeout_seconds", {"sa-timeout": "30"}) == Decimal(30)
    long = {"domain": "d.example", "sa-timeout": "600"}
    assert value("spamd.timeout_seconds", long) == Decimal(149)
    assert "149" in losses(long)[0]


@pytest.mark.parametrize(("text", "expected"), [("yes", "defer"), ("no", "tag")])
def test_without_fault_tolerance_mail_passes_unscored(text: str, expected: str) -> None:
    assert value("spamd.on_fault", {"sa-faulttolerant": text}) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"virus-to-delete": "no"}, ()),
        ({"virus-to-delete": "yes"}, ("mydoom",)),
        ({"@virus_to_delete": "mydoom,netsky"}, ("mydoom", "netsky")),
        ({"@virus_to_delete": "netsky", "virus-to-delete": "yes"}, ("netsky",)),
        ({"@virus_to_delete": ""}, ()),
    ],
)
def test_viruses_are_deleted_by_the_list(
    options: Mapping[str, str], expected: tuple[str, ...]
) -> None:
    assert value("viruses.delete", options) == expected


def test_a_list_beside_a_switch_that_says_no_deletes_nothing() -> None:
    options = {"@virus_to_delete": "netsky", "$virus_to_delete": "0"}
    assert value("viruses.delete", options, Origin.PROGRAM) is None


def test_the_queue_program_is_below_qmails_folder() -> None:
    assert value("queue.program", {"qmaildir": "/opt/qmail"}) == "/opt/qmail/bin/qmail-queue"
    assert "expected an absolute path" in losses({"qmaildir": "qmail"})
