"""Qmail-Scanner's files of settings for users and domains, as they are."""

from decimal import Decimal
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.settings import per_domain_files
from mailwarden.settings.load import SettingsError, parse_settings
from mailwarden.settings.model import PerDomainSettings, Settings
from mailwarden.settings.per_domain_files import FileKind, PerDomainFile, read_per_domain_file
from mailwarden.settings.profiles import profiles_of, said


def read(folder: Path, text: str | bytes, kind: FileKind = FileKind.SETTINGS) -> PerDomainFile:
    path = folder / "per_domain.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_per_domain_file(path, kind)


def settings_of(folder: Path, text: str, site: str = "") -> Settings:
    """What holds for somebody@example.org."""
    path = folder / "per_domain.txt"
    path.write_text(text, encoding="utf-8")
    settings = parse_settings(f"{site}\nper_domain.settings_file = '{path}'", "site")
    return profiles_of(settings).settings_for(b"somebody@example.org")


def test_the_examples_of_the_original_file_are_read(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "# user or domain : scanners\n\n"
        "example.org:sophie,clamdscan,sa,ps'[SPAM]'1.9'0.4'3'0'spamcheck@domain.com'1'1'spamdir_d\n"
        "sempronio@domain.com:none\n"
        "jdoe@otherdomain.com:sa,ps\n",
    )
    assert file.mistakes == ()
    assert file.lines == {"example.org": 3, "sempronio@domain.com": 4, "jdoe@otherdomain.com": 5}
    full, nothing, some = file.profiles
    assert said(full) == {
        "scanners": ("clamd", "spamd"),
        "spam.subject": "[SPAM]",
        "spam.quarantine_above": Decimal("1.9"),
        "spam.delta": Decimal("0.4"),
        "spam.delete_above": Decimal(3),
        "spam.reject": False,
        "spam.forward": "spamcheck@domain.com",
        "spam.forward_verbose": True,
        "spam.report": True,
        "spam.maildir": "spamdir_d",
    }
    assert nothing.scanners == ()
    assert said(some) == {"scanners": ("spamd",)}


def test_what_is_left_out_or_empty_is_as_for_everybody(tmp_path: Path) -> None:
    site = "spam = {subject = 'S', quarantine_above = 2, delete_above = 9, delta = 0.5}"
    theirs = settings_of(tmp_path, "example.org : sa,ps''2.5''3.9'0\n", site)
    assert theirs.spam.subject == "S"
    assert (theirs.spam.quarantine_above, theirs.spam.delta) == (Decimal("2.5"), Decimal("0.5"))
    assert theirs.spam.delete_above == Decimal("3.9")
    assert settings_of(tmp_path, "example.org:'X'").scanners == ("clamd", "spamd")


def test_the_subject_none_is_no_subject_and_blanks_at_its_end_stay(tmp_path: Path) -> None:
    site = "spam.subject = 'S'"
    assert settings_of(tmp_path, "example.org:sa'none'\r\n", site).spam.subject == ""
    assert settings_of(tmp_path, "example.org:sa'SPAM *** \r\n", site).spam.subject == "SPAM *** "


@pytest.mark.parametrize(
    ("scanners", "asked", "is_checked"),
    [
        ("sophie", ("clamd",), False),
        ("uvscan_scanner, Clamdscan_scanner ,ps", ("clamd",), True),
        ("sa", ("spamd",), False),
        ("spamassassin,perlscan_scanner", ("spamd",), True),
        ("fast_spamassassin,perlscanner,fprot", ("clamd", "spamd"), True),
        ("ps", (), True),
        ("none", (), False),
        ("test-patterns,ps", ("test-patterns",), True),
    ],
)
def test_scanners_of_the_original_stand_for_ours(
    tmp_path: Path, scanners: str, asked: tuple[str, ...], *, is_checked: bool
) -> None:
    theirs = settings_of(tmp_path, f"example.org:{scanners}\n")
    assert theirs.scanners == asked
    assert theirs.structure.enabled is is_checked
    assert bool(theirs.attachments.arranged().rules) is is_checked
    assert (theirs.dispositions.encrypted == "quarantine") is is_checked
    assert (theirs.dispositions.over_limit == "accept") is (scanners == "none")


def test_without_ps_the_rules_of_everybody_are_off_too(tmp_path: Path) -> None:
    site = "attachments = {rules_files = ['/dev/null'], rules = [{extension = ['exe']}]}"
    attachments = settings_of(tmp_path, "example.org:sa\n", site).attachments
    assert (attachments.rules_files, attachments.rules) == ((), ())


def test_every_virus_scanner_of_the_original_is_known(tmp_path: Path) -> None:
    names = "clamscan clamdscan clamuko sweep sophie vscan trophie uvscan csav antivir vexira"
    more = (
        "kavscanner AvpLinux kavdaemon AvpDaemonClient fsav fprot inocucmd ravlin bdc bitdefender"
    )
    for name in f"{names} {more} nod32 avgd mhr".split():
        [profile] = read(tmp_path, f"a:{name},ps\n", FileKind.SCANNERS).profiles
        assert profile.scanners == ("clamd",)


def test_keys_are_compared_without_case(tmp_path: Path) -> None:
    file = read(tmp_path, " User@Example.ORG :none\n")
    assert file.lines == {"user@example.org": 1}
    assert file.profiles[0].match == ("user@example.org",)


def test_rows_that_say_the_same_are_one_profile(tmp_path: Path) -> None:
    file = read(tmp_path, "".join(f"d{number}:sa,ps'X\n" for number in range(1_000)))
    assert [len(profile.match) for profile in file.profiles] == [1_000]


@pytest.mark.parametrize(
    ("row", "message", "suggestion"),
    [
        ("example.org sa", "expected user@domain or domain, a colon", "write example.org:"),
        (".example.org:sa", 'expected user@domain or domain before the colon; found ".exa', "dom"),
        ("a b:sa", 'expected user@domain or domain before the colon; found "a b"', "domains"),
        ("\x1b[1m:sa", 'expected user@domain or domain before the colon; found "\\u001b', "dom"),
        ("a:sophi", 'no scanner is called "sophi"', "did you mean sophie?"),
        ("a:sa,zzz", 'no scanner is called "zzz"', "clamdscan stands for"),
        ("a:sa,", 'no scanner is called ""', "clamdscan stands for"),
        ("a:sa,none", "none stands beside other scanners", "write none alone"),
        ("a:verbose_spamassassin", "fast or verbose is the same for everybody", "write sa"),
        ("a:", "this row says nothing", "write none"),
        ("a: ' '", "this row says nothing", "write none"),
        ("a:sa'x'two", 'sa_quarantine: expected a number of points, at least 0, at', "correct"),
        ("a:sa''-1", 'sa_quarantine: expected a number of points, at least 0, at', "correct"),
        ("a:sa''nan", 'sa_quarantine: expected a number of points, at least 0, at', "correct"),
        ("a:sa'''1e99999999999999999999", "sa_delta: expected a number of points", "correct"),
        ("a:sa''''10_001", "sa_delete: expected a number of points", "correct"),
        ("a:sa'''''maybe", 'sa_reject: expected 0 or 1; found "maybe"', "correct it, or leave"),
        ("a:sa''''''nobody", 'sa_forward: expected a mail address; found "nobody"', "correct"),
        ("a:sa'''''''2", 'sa_fwd_verbose: expected 0 or 1; found "2"', "correct"),
        ("a:sa''''''''x", 'sa_hdr_report: expected 0 or 1; found "x"', "correct"),
        ("a:sa'''''''''../x", "smaildir: expected a folder's name", "correct"),
        ("a:sa''''''''''x", "expected at most 9 fields behind the scanners; found 10", "fields"),
        (f"a:sa'{'x' * 101}", "sa_subject: expected at most 100 characters", "correct"),
        (f"a:{'sa,' * 1000}", "longer than 2_000 characters", "is this the right file?"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_carried_is_told(
    tmp_path: Path, row: str, message: str, suggestion: str
) -> None:
    file = read(tmp_path, f"# first\n{row}\nb:sa\n")
    [mistake] = file.mistakes
    assert mistake.line == 2
    assert mistake.message.startswith(message)
    assert mistake.suggestion.startswith(suggestion)
    assert list(file.lines) == ["b"]


def test_everything_wrong_in_a_row_is_told(tmp_path: Path) -> None:
    file = read(tmp_path, "a b:sophi,x'y'z''''q\n")
    assert len(file.mistakes) == 5


def test_a_key_that_stands_there_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    file = read(tmp_path, "a:sa\n\nA:none\n")
    [mistake] = file.mistakes
    assert (mistake.line, mistake.message) == (3, '"A" already has a row, in line 1')


def test_the_file_of_scanners_has_no_other_fields(tmp_path: Path) -> None:
    file = read(tmp_path, "a:sa,ps\nb:sa'SPAM\n", FileKind.SCANNERS)
    [mistake] = file.mistakes
    assert mistake.line == 2
    assert "per_domain.settings_file" in mistake.suggestion


def test_a_text_that_is_not_utf_8_is_latin_1(tmp_path: Path) -> None:
    file = read(tmp_path, b"\xef\xbb\xbfa:sa'Pr\xfcfen\nb:sa'Pr\xc3\xbcfen\n")
    [profile] = file.profiles
    assert (profile.match, profile.spam.subject) == (("a", "b"), "Prüfen")


def test_a_file_over_its_limits_is_not_read_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(per_domain_files, "PER_DOMAIN_FILE_BYTES", 200)
    monkeypatch.setattr(per_domain_files, "MOST_ROWS", 5)
    monkeypatch.setattr(per_domain_files, "MOST_DIFFERENT_ROWS", 3)
    monkeypatch.setattr(per_domain_files, "MOST_MISTAKES", 2)
    [mistake] = read(tmp_path, b"#" * 201).mistakes
    assert mistake.message == "larger than 200 bytes"
    assert read(tmp_path, b"#" * 200).mistakes == ()
    assert read(tmp_path, "".join(f"d{number}:sa\n" for number in range(5))).mistakes == ()
    [mistake] = read(tmp_path, "".join(f"d{number}:sa\n" for number in range(7))).mistakes
    assert (mistake.line, mistake.message[-16:]) == (6, "5 rows before it")
    [mistake] = read(tmp_path, "".join(f"d{number}:sa''{number}\n" for number in range(5))).mistakes
    assert mistake.line == 4
    assert "say something different" in mistake.message
    assert [one.line for one in read(tmp_path, "x\nx\nx\nx\n").mistakes] == [1, 2, 3]


def test_mistakes_are_told_with_their_file_and_all_others(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("a:sa''3''2\nb:sa''3''2\nc:sa''x\n")
    (tmp_path / "scanners").write_text("d:x\n")
    with pytest.raises(SettingsError) as refused:
        parse_settings(
            f"""\
per_domain.settings_file = "{tmp_path}/settings"
per_domain.scanners_file = "{tmp_path}/scanners"
spam.delta = ""
""",
            "f",
        )
    told = str(refused.value).splitlines()[::2]
    assert [line.split(": ")[0] for line in told] == [
        "f:3", f"{tmp_path}/scanners:1", f"{tmp_path}/settings:1", f"{tmp_path}/settings:3"
    ]  # fmt: skip
    assert told[2].endswith(
        "sa_delete (2) is not above sa_quarantine (3), so nothing would ever be quarantined as "
        "spam (1 more row says the same)"
    )


def test_a_file_that_cannot_be_read_is_told_with_the_line_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(f"\nper_domain.scanners_file = '{tmp_path}/none'", "f")
    told = str(refused.value)
    assert told.startswith("f:2: per_domain.scanners_file: ")
    assert "cannot be read: No such file or directory" in told


def test_twenty_thousand_rows_are_read_in_seconds_and_share_their_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    ending = "sophie,sa,ps'[SPAM]'{}.5''9'0'a@example.org'1'1'spamdir"
    path.write_text("".join(f"d{n}.org:{ending.format(n % 7)}\n" for n in range(20_000)))
    started = perf_counter()
    settings = parse_settings(f"per_domain.settings_file = '{path}'", "site")
    profiles = profiles_of(settings)
    assert perf_counter() - started < 3
    assert len(profiles.by_pattern) == 20_000
    assert len(profiles.distinct()) == 8


@given(octets=st.binary() | st.text(alphabet="ab@.:',-1\n #sapnoe", max_size=200).map(str.encode))
def test_any_bytes_give_rows_or_mistakes_with_their_lines(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    for kind in FileKind:
        file = read(folder, octets, kind)
        told = {mistake.line for mistake in file.mistakes} | set(file.lines.values())
        lines = octets.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        assert told <= set(range(1, len(lines) + 1))
        said_something = [n for n, one in enumerate(lines, 1) if one.isalnum()]
        assert told.issuperset(said_something)
        assert sorted(file.lines) == sorted(key for one in file.profiles for key in one.match)


def test_what_was_read_is_a_value_of_the_setting(tmp_path: Path) -> None:
    file = read(tmp_path, "example.org:none\n")
    assert PerDomainSettings.model_validate({"settings_file": file}).settings_file is file
