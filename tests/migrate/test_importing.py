"""Whole imports: from old files to settings that `config check` takes."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest

from mailwarden.migrate.gathering import gathered
from mailwarden.migrate.importing import Import, RulesCopy, imported
from mailwarden.settings.load import parse_settings, read_text
from mailwarden.settings.model import Settings
from support.old_installations import (
    NEW_LINE,
    RULES,
    SIMCONTROL,
    TCP_RULES,
    UPGRADE_LINE,
    folded,
    program,
    written,
)

OURS = PurePosixPath("/usr/local/bin/mailwarden-queue")


def bring(folder: Path, *lines: str, **files: bytes | str) -> Import:
    """Import files (`tcp_smtp` is tcp.smtp) and lines."""
    named = {name.replace("__", "-").replace("_DOT_", "."): text for name, text in files.items()}
    written(folder, named)
    read = gathered([folder / name for name in named], [])
    return imported(read.files, lines, OURS, read.losses)


def settings_of(done: Import) -> Settings:
    return parse_settings(done.settings, "imported")


@pytest.mark.parametrize("line", [NEW_LINE, UPGRADE_LINE, folded(NEW_LINE), folded(UPGRADE_LINE)])
def test_the_lines_of_the_page_are_carried_whole(line: str, tmp_path: Path) -> None:
    done = bring(tmp_path, line)
    assert done.is_whole
    s = settings_of(done)
    assert (s.spam.quarantine_above, s.spam.delete_above) == (Decimal("2.1"), Decimal("4.2"))
    assert (s.spam.reject, s.spam.subject, s.spam.delta) == (True, "SPAM *** ", Decimal("0.5"))
    assert (s.spam.debug, s.spam.report, s.spam.user_is_recipient) == (True, True, False)
    assert s.spamd.addresses == ("unix:/var/run/spamd",)
    assert (s.notices.admin, s.notices.admin_name) == (
        "antivirus@mydomain.com",
        "Antivirus MYDOMAIN",
    )
    assert s.notices.local_domains == ("mydomain.com",)
    assert (s.headers.prefix, s.headers.descriptive) == ("X-Antivirus-MYDOMAIN", "yes")
    assert (s.structure.enabled, s.structure.ignore_eol) == (True, True)
    assert (s.unpacking.redundant, s.unpacking.unpacked_bytes) == (True, 50_000_000)
    assert (s.viruses.delete, s.dispositions.encrypted) == (("mydoom",), "quarantine")
    assert "# - --sa-alt yes in the configure line: always fast here" in done.settings


def test_each_setting_has_a_comment_that_says_who_asked_for_it(tmp_path: Path) -> None:
    lines = bring(tmp_path, NEW_LINE).settings.splitlines()
    for before, line in pairwise(lines):
        if " = " in line and not line.startswith("#"):
            assert before.startswith("# ")
    at = lines.index("delete_above = 4.2")
    assert lines[at - 1].startswith("# --sa-delete 4.2 in the configure line: ")


def test_edited_variables_win_over_the_recorded_line_and_over_one_that_is_given(
    tmp_path: Path,
) -> None:
    text = program(
        ["my $sa_quarantine='3.1';", 'my $smaildir="spamdir";', "@virus_to_delete=('netsky');"],
        recorded="./configure --domain a.example --sa-quarantine 2.1 --sa-delete 4.2 --sa-delta 1",
    )
    files = {"qmail-scanner-queue_DOT_pl": text, "quarantine-attachments_DOT_txt": RULES}
    done = bring(tmp_path, "./configure --sa-quarantine 9 --sa-delta 0.7 --sa-subject X", **files)
    s = settings_of(done)
    assert (s.spam.quarantine_above, s.spam.delete_above) == (Decimal("3.1"), Decimal("4.2"))
    assert (s.spam.delta, s.spam.maildir, s.viruses.delete) == (
        Decimal("0.7"),
        "spamdir",
        ("netsky",),
    )
    assert done.is_whole


def test_a_recorded_line_without_quotes_is_put_together_and_told(tmp_path: Path) -> None:
    text = program(recorded="./configure --domain a.example --sa-subject SPAM *** --sa-delta 1")
    done = bring(tmp_path, **{"qmail-scanner-queue_DOT_pl": text})
    assert settings_of(done).spam.subject == "SPAM ***"
    assert "a shell took its quotes away" in done.report


def test_rule_files_are_named_where_they_are_and_alone_forbid_files(tmp_path: Path) -> None:
    done = bring(tmp_path, **{"quarantine-attachments_DOT_txt": RULES})
    s = settings_of(done)
    path = tmp_path / "quarantine-attachments.txt"
    assert [(file.path, len(file.rules)) for file in s.attachments.rules_files] == [(path, 2)]
    assert (s.attachments.forbidden_extensions, s.attachments.default_rules) == ((), False)
    assert done.is_whole
    assert path.read_bytes() == RULES


def test_without_a_rule_file_our_own_rules_stay(tmp_path: Path) -> None:
    done = bring(tmp_path, NEW_LINE)
    assert settings_of(done).attachments == Settings().attachments
    assert "our own rules hold" in done.report


def test_mistakes_of_a_rule_file_are_told_with_their_lines(tmp_path: Path) -> None:
    done = bring(tmp_path, **{"quarantine-events_DOT_txt": RULES + b"no columns\n"})
    assert not done.is_whole
    assert f"{tmp_path}/quarantine-events.txt:4: expected three columns" in done.report


def test_files_for_domains_are_named_where_they_are(tmp_path: Path) -> None:
    done = bring(
        tmp_path,
        f"{NEW_LINE} --scanners-per-domain yes",
        scanners_per_domain_DOT_txt="a.example:clamdscan,sa\n",
    )
    path = tmp_path / "scanners_per_domain.txt"
    assert f'scanners_file = "{path}"' in done.settings


def test_a_file_for_domains_that_was_switched_off_is_not_used(tmp_path: Path) -> None:
    line = f"{NEW_LINE} --settings-per-domain no"
    done = bring(tmp_path, line, settings_per_domain_DOT_txt="a.example:sa'x\n")
    assert "settings_file =" not in done.settings
    assert "not in use: --settings-per-domain no" in done.report


def test_a_file_for_domains_that_is_missing_is_lost(tmp_path: Path) -> None:
    done = bring(tmp_path, f"{NEW_LINE} --settings-per-domain yes")
    assert not done.is_whole
    assert "settings_per_domain.txt: switched on, and the file was not given" in done.report


def test_rules_of_tcpserver_become_a_copy(tmp_path: Path) -> None:
    done = bring(tmp_path, tcp_DOT_smtp=TCP_RULES)
    new = TCP_RULES.replace(b"/var/qmail/bin/qmail-scanner-queue.pl", bytes(OURS))
    assert done.copies == (RulesCopy("tcp.smtp", new),)
    assert done.is_whole


def test_simscan_with_its_files_becomes_settings_and_profiles(tmp_path: Path) -> None:
    done = bring(
        tmp_path,
        "./configure --enable-spam=y --enable-per-domain=y --enable-attach=y",
        simcontrol=SIMCONTROL,
        ssattach=".exe\n",
    )
    s = settings_of(done)
    assert s.spam.delete_above == Decimal("15.1")
    assert (s.dispositions.virus, s.notices.notify) == ("reject", ("none",))
    assert [one.match for one in s.profile] == [("postmaster@example.com",), ("example.com",)]
    assert s.profile[0].scanners == ("clamd",)


def test_a_simscan_line_in_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    done = bring(tmp_path, buildme="./configure --enable-spam --enable-spam-hits=8\n")
    assert settings_of(done).spam.delete_above == 3
    assert done.is_whole


def test_lists_of_domains_stand_in_for_the_scanners_of_everybody(tmp_path: Path) -> None:
    done = bring(
        tmp_path,
        f"{NEW_LINE} --scanners clamdscan,spamassassin",
        spamassassindomains="paying.example\n",
    )
    s = settings_of(done)
    assert s.scanners == ("clamd",)
    assert [(one.match, one.scanners) for one in s.profile] == [
        (("paying.example",), ("clamd", "spamd"))
    ]


def test_two_installations_at_once_are_told_where_they_differ(tmp_path: Path) -> None:
    done = bring(tmp_path, NEW_LINE, simcontrol=SIMCONTROL)
    assert settings_of(done).dispositions.encrypted == "quarantine"
    assert "dispositions.encrypted is said otherwise" in done.report


def test_what_is_not_recognised_or_could_not_be_read_is_lost(tmp_path: Path) -> None:
    done = bring(tmp_path, letter="Dear all\n")
    assert not done.is_whole
    assert f"{tmp_path}/letter: not recognised: nothing was read from it" in done.report
    assert f"# - {tmp_path}/letter:" in done.settings
    missing = gathered([tmp_path / "none"], [])
    assert "there is no such file" in imported(missing.files, [], OURS, missing.losses).report


def test_a_compiled_file_is_no_loss(tmp_path: Path) -> None:
    done = bring(tmp_path, **{"qmail-scanner-queue": b"\x7fELF\0", "tcp_DOT_smtp_DOT_cdb": b"\0"})
    assert done.is_whole
    assert done.report.count("compiled;") == 2


def test_only_one_of_a_kind_can_be_in_use(tmp_path: Path) -> None:
    written(tmp_path, {"a/simcontrol": SIMCONTROL, "b/simcontrol": SIMCONTROL})
    read = gathered([tmp_path / "a/simcontrol", tmp_path / "b/simcontrol"], [])
    report = imported(read.files, [], OURS).report
    assert f"{tmp_path}/b/simcontrol: only one such file can be in use" in report
    written(tmp_path, {"a/scanners_per_domain.txt": "", "b/scanners_per_domain.txt": ""})
    read = gathered([tmp_path / f"{name}/scanners_per_domain.txt" for name in "ab"], [])
    assert "b/scanners_per_domain.txt: only one such" in imported(read.files, [], OURS).report


def test_a_path_that_toml_cannot_hold_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "caf\udce9"
    folder.mkdir()
    (folder / "quarantine-attachments.txt").write_bytes(RULES)
    read = gathered([], [folder])
    done = imported(read.files, [], OURS)
    assert "its path is not UTF-8" in done.report
    read_text(done.settings, "imported")
    (done.settings + done.report).encode()


def test_a_typed_line_in_latin_1_is_read(tmp_path: Path) -> None:
    done = bring(tmp_path, './configure --domain a.example --admin-fromname "Jos\udce9"')
    assert settings_of(done).notices.admin_name == "José"
    done.settings.encode()


def test_a_line_that_no_shell_reads_is_lost(tmp_path: Path) -> None:
    done = bring(tmp_path, './configure --sa-subject "open')
    assert "No closing quotation" in done.report


@pytest.mark.parametrize(
    "octets",
    [b"", b"\xff\xfe$a=1;", b"\r\r\n\x1b[2J=\t'\"", b"$sa_delete='9'; $sa_quarantine='99';" * 9],
)
@pytest.mark.parametrize(
    "name",
    [
        "qmail-scanner-queue.pl",
        "qs_config.sh",
        "tcp.smtp",
        "simcontrol",
        "ssattach",
        "qmailscannerdomains",
        "spamassassindomains",
    ],
)
def test_whatever_a_file_holds_what_is_written_is_a_settings_file(
    name: str, octets: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(octets)
    read = gathered([tmp_path / name], [])
    settings_of(imported(read.files, [], OURS))
