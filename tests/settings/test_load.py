"""A settings file is read, or everything that is wrong with it is said at once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.settings.load import (
    DEFAULT_PATH,
    FILE_BYTES,
    SettingsError,
    load_settings,
    parse_settings,
    read_settings,
    read_text,
    settings_path,
)
from mailwarden.settings.model import Settings
from mailwarden.settings.problems import Problem


def problems_of(text: str) -> list[Problem]:
    with pytest.raises(SettingsError) as refused:
        parse_settings(text, "sample")
    return list(refused.value.problems)


def test_an_empty_file_gives_the_defaults() -> None:
    assert parse_settings("", "sample") == Settings()


def test_settings_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mailwarden.toml"
    path.write_text('[spam]\nquarantine_above = 2.1\nsubject = "é"\n', encoding="utf-8")
    settings = load_settings(path)
    assert settings.spam.quarantine_above == Decimal("2.1")
    assert str(settings.spam.quarantine_above) == "2.1"
    assert settings.spam.subject == "é"


def test_the_line_of_each_given_setting_is_remembered() -> None:
    loaded = read_text("scanners = []\n\n[spam]\nsubject = ''\n[limits]\n", "sample")
    assert loaded.lines == {"scanners": 1, "spam.subject": 4}
    assert loaded.exists


def test_every_way_to_write_a_table_is_the_same_setting() -> None:
    for text in ("spam.report = true", "[spam]\nreport=true", "spam = {report = true}"):
        assert parse_settings(text, "sample").spam.report


def test_all_problems_are_said_at_once_in_the_order_of_the_file() -> None:
    text = """\
[spam]
quarantine_abov = 3
delete_above = "4"
reject = 1
delta = 1

[limits]
memory_bytes = 200_000_000
parts = 0

[clamd]
on_fault = "drop"
addresses = [
  "unix:/run/clamd",
  "clamd",
]
"""
    with pytest.raises(SettingsError) as refused:
        parse_settings(text, "sample")
    assert (
        str(refused.value)
        == """\
sample:2: spam.quarantine_abov: there is no such setting
    did you mean spam.quarantine_above?
sample:3: spam.delete_above: expected a number of points, at least 0, at most 10_000; found a text
    write it without quotes; the default is 0
sample:4: spam.reject: expected true or false; found 1
    the default is false
sample:5: spam.delta: LOW, MEDIUM and HIGH stand after the subject's text, and spam.subject is empty
    set spam.subject (for example "SPAM *** "), or leave spam.delta out
sample:8: limits.memory_bytes: limits.memory_bytes (200000000) is more than \
limits.message_bytes (100000000), so nothing would ever go to the spool
    lower limits.memory_bytes to at most limits.message_bytes
sample:9: limits.parts: expected a whole number, at least 1, at most 1_000_000; found 0
    the default is 2000
sample:12: clamd.on_fault: expected one of "defer", "quarantine", "tag" or "accept"
    the default is "defer"
sample:15: clamd.addresses: item 2: expected unix:/path, tcp:host:port or tcp:[ipv6]:port
    correct this item, or take it out\
"""
    )


def test_a_contradiction_with_a_setting_that_is_wrong_anyway_is_not_said() -> None:
    [problem] = problems_of('[spam]\nreject = true\ndelete_above = "4.2"')
    assert problem.where == "spam.delete_above"


def test_a_contradiction_with_a_setting_that_is_only_misspelt_is_not_said() -> None:
    [problem] = problems_of("[spam]\nreject = true\ndelete_abov = 4.2")
    assert problem.where == "spam.delete_abov"
    [problem] = problems_of("spam.reject = true\n[spma]\ndelete_above = 4.2")
    assert problem.where == "spma"


def test_a_contradiction_stands_where_one_of_its_settings_was_given() -> None:
    [problem] = problems_of("\n[limits]\nmessage_bytes = 1000")
    assert (problem.where, problem.line) == ("limits.message_bytes", 3)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("[spam]\nsubjekt = 'x'", "did you mean spam.subject?"),
        ("[spamd]\nquarantine_above = 1", "did you mean spam.quarantine_above?"),
        ("[clamd]\nwait_second = 1", "did you mean limits.wait_seconds?"),
        ("delete_above = 1", "did you mean spam.delete_above?"),
        ("sa-quarantine = 1", "did you mean spam.quarantine_above?"),
        ("[spam]\nsa_skip_md = 1", "did you mean spam.skip_bounces?"),
        ("[clamav]", "did you mean [clamd]?"),
        ("xyzzy = 1", "see them all: mailwarden config describe"),
        ("[clamd]\non_fault = 'Deferr'", 'did you mean "defer"?'),
        ("scanners = ['clamdd']", 'did you mean "clamd"?'),
        ("clamd.addresses = 'tcp:a:1'", "write a list, in square brackets; the default is "),
        ("attachments.forbidden_extensions = 1", "see the default: mailwarden config describe "),
    ],
)
def test_a_suggestion_names_what_was_probably_meant(text: str, suggestion: str) -> None:
    assert problems_of(text)[0].suggestion.startswith(suggestion)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spam = 3", "expected a table; found 3"),
        ("[[spam]]", "expected a table; found a list"),
        ("[scanners]", 'expected a list, each item one of "clamd", "spamd" or "test-patterns"; '),
        ("[spam.subject]", "expected one line of text, at most 100 characters; found a table"),
        (
            "spam.subject = 1979-05-27",
            "expected one line of text, at most 100 characters; found a d",
        ),
        ("clamd.addresses = []", "expected a list, not empty, each item an address: unix:/path, "),
        (
            f"limits.parts = 0x{'F' * 5000}",
            "expected a whole number, at least 1, at most 1_000_000;",
        ),
    ],
)
def test_what_was_expected_is_said_in_peoples_words(text: str, message: str) -> None:
    [problem] = problems_of(text)
    assert problem.message.startswith(message)


def test_mistakes_in_rule_files_are_told_with_all_others(tmp_path: Path) -> None:
    rules = tmp_path / "events.txt"
    rules.write_text("# ok\n.pif 0 blanks\n(a\tVirus-Subject:\tx\n")
    text = f"""\
[spam]
delta = "1"
[attachments]
rules_files = [
  "{rules}",
  "{tmp_path}/none",
]
[[attachments.rules]]
extension = ["exe"]
acton = "allow"
"""
    with pytest.raises(SettingsError) as refused:
        parse_settings(text, "sample")
    told = str(refused.value).splitlines()[::2]
    assert [line.partition(" ")[0] for line in told] == [
        "sample:2:", "sample:6:", "sample:10:", f"{rules}:2:", f"{rules}:3:"
    ]  # fmt: skip
    assert told[1] == (
        f"sample:6: attachments.rules_files: {tmp_path}/none cannot be read: "
        "No such file or directory"
    )
    assert "    did you mean attachments.rules.action?" in str(refused.value).splitlines()


def test_the_rules_of_files_are_in_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "events.txt"
    path.write_text(".pif\t0\tx\n")
    [file] = parse_settings(
        f'attachments.rules_files = ["{path}"]', "sample"
    ).attachments.rules_files
    assert [rule.name for rule in file.rules] == ["extension-pif"]


@pytest.mark.parametrize(
    ("text", "line", "suggestion"),
    [
        ("[attachments.rules]\naction = 'deny'", 1, "write [[attachments.rules]] above each"),
        ("attachments.rules = [\n3]", 2, "write [[attachments.rules]] above each"),
        ("\n[[attachments.rules]]", 2, "see what there is: mailwarden config describe "),
        ("[[attachments.rules]]\nxyzzy = 1", 2, "see them all: mailwarden config describe"),
        ("[[attachments.rules]]\nname = ['a',\n'']", 3, "correct this item, or take it out"),
    ],
)
def test_a_mistake_in_a_list_of_tables_is_told_with_its_line(
    text: str, line: int, suggestion: str
) -> None:
    [problem] = problems_of(text)
    assert problem.line == line
    assert problem.where.startswith("attachments.rules")
    assert problem.suggestion.startswith(suggestion)


def test_texts_of_the_file_are_never_told() -> None:
    for text in (
        "spam.delta = 's3cret'",
        "clamd.on_fault = 's3cret'",
        "clamd.addresses=['s3cret']",
    ):
        assert "s3cret" not in str(problems_of(text))


def test_a_strange_key_is_safe_to_print() -> None:
    [problem] = problems_of('spam."\\u001b[31m\\n" = 1')
    assert problem.where == 'spam."\\u001b[31m\\n"'
    [problem] = problems_of(f"{'a' * 5000} = 1")
    assert problem.where == "a" * 40


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = ", None),
        ("a = 1\nb = True\n", 2),
        ("a = 1\na = 2\n", 2),
        ("\n\n[spam\n", 3),
        ("a = 1\rb = 2\n", 1),
        ("a = '\x00'\n", 1),
        (f"a = {'[' * 5000}{']' * 5000}", None),
        (f"limits.parts = {'9' * 5000}", None),
    ],
)
def test_what_is_not_toml_is_said_with_its_line(text: str, line: int | None) -> None:
    [problem] = problems_of(text)
    assert problem.where == ""
    assert problem.line == line
    assert problem.suggestion


def test_a_number_beyond_all_numbers_is_out_of_range() -> None:
    [problem] = problems_of("spam.delta = 1e9999999999999999999999")
    assert problem.where == "spam.delta"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file") as refused:
        load_settings(tmp_path / "none.toml")
    assert refused.value.problems[0].line is None


def test_a_missing_default_file_gives_the_defaults(tmp_path: Path) -> None:
    loaded = read_settings(tmp_path / "none.toml", must_exist=False)
    assert loaded.settings == Settings()
    assert not loaded.exists


def test_a_folder_is_not_a_settings_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        read_settings(tmp_path, must_exist=False)


def test_a_file_in_a_file_is_not_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be read: Not a directory"):
        read_settings(tmp_path / "file" / "mailwarden.toml", must_exist=False)


def test_a_file_that_the_user_may_not_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "mailwarden.toml"
    path.touch(mode=0o000)
    with _without_root(), pytest.raises(SettingsError, match="cannot be read: Permission denied"):
        load_settings(path)


def test_a_file_that_is_not_utf_8_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mailwarden.toml"
    path.write_bytes(b"# ok\n# caf\xe9\n")
    with pytest.raises(SettingsError, match="not UTF-8") as refused:
        load_settings(path)
    assert refused.value.problems[0].line == 2


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mailwarden.toml"
    path.write_bytes(b"#" * FILE_BYTES)
    assert load_settings(path) == Settings()
    path.write_bytes(b"#" * (FILE_BYTES + 1))
    with pytest.raises(SettingsError, match="larger than 2_000_000 bytes"):
        load_settings(path)


def test_the_settings_path_is_the_given_then_the_environments_then_the_default() -> None:
    environment = {"MAILWARDEN_CONFIG": "/env.toml"}
    assert settings_path(Path("/given.toml"), environment) == Path("/given.toml")
    assert settings_path(None, environment) == Path("/env.toml")
    assert settings_path(None, {"MAILWARDEN_CONFIG": ""}) == DEFAULT_PATH
    assert settings_path(None, {}) == DEFAULT_PATH


_WORDS = ["spam", "clamd", "delta", "scanners", "x", "=", ".", "[", "]", "[[", "]]", "\n", ","]
_TOKENS = [*_WORDS, "1", "2.5", "true", "'x'", '"', "{", "}", "-", "nan", "1979-05-27", "#"]


@given(text=st.lists(st.sampled_from(_TOKENS)).map(" ".join) | st.text())
def test_any_text_gives_settings_or_a_settings_error(text: str) -> None:
    try:
        outcome: Settings | str = parse_settings(text, "sample")
    except SettingsError as error:
        outcome = str(error)
    assert isinstance(outcome, Settings) or outcome.startswith("sample:")


@contextmanager
def _without_root() -> Iterator[None]:
    """Root may read everything, so be somebody else for a moment."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(user)


PROFILES = """\
spam.quarantine_above = 2.1
spam.delta = "a"

[[profile]]
match = ["example.org", "boss@Example.org"]
delete_above = 4
[profile.spam]
quarantne_above = 3
reject = 1
[profile.clamd]
method = "auto"
[profile.limits]
scanning = 1
messagebytes = 3
[profile.spma]

[[profile]]
match = ["b", "a b"]
scanners = ["clamdd"]
attachments = {rules_files = ["/none"]}

[[profile]]
spam = 3
notices.admn = 2
[[profile.attachments.rules]]
extensio = "a"

[[profile]]
match = ["boss@example.org"]
attachments.rules_files = ["/dev/null", "/none"]
spam.forward_verbose = true
spam.delete_above = 2

[[profiles]]
"""


def test_everything_wrong_in_profiles_is_told_at_once_with_its_line() -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(PROFILES, "f")
    assert (
        str(refused.value)
        == """\
f:2: spam.delta: expected a number of points, at least 0, at most 10_000; found a text
    write it without quotes; the default is 0
f:6: profile.delete_above: there is no such setting
    did you mean profile.spam.delete_above?
f:8: profile.spam.quarantne_above: there is no such setting
    did you mean profile.spam.quarantine_above?
f:9: profile.spam.reject: expected true or false; found 1
    the default is what everybody has
f:10: profile.clamd: this is the same for everybody
    write [clamd] outside of profiles
f:13: profile.limits.scanning: this is the same for everybody
    write limits.scanning outside of profiles
f:14: profile.limits.messagebytes: there is no such setting
    did you mean profile.limits.message_bytes?
f:15: profile.spma: there is no such setting
    did you mean [profile.spam]?
f:18: profile.match: item 2: expected user@example.org, example.org or .example.org
    correct this item, or take it out
f:19: profile.scanners: item 1: expected one of "clamd", "spamd" or "test-patterns"
    did you mean "clamd"?
f:20: profile.attachments.rules_files: /none cannot be read: No such file or directory
    the user that runs mailwarden must be able to read it, at every reload
f:22: profile.match: not said; expected a list, not empty, each item user@example.org, \
example.org or .example.org
    write match = ["example.org"]
f:23: profile.spam: expected a table; found 3
    write [profile.spam]
f:24: profile.notices.admn: there is no such setting
    did you mean profile.notices.admin?
f:26: profile.attachments.rules.extensio: there is no such setting
    did you mean profile.attachments.rules.extension?
f:29: profile.match: "boss@example.org" stands in line 5 already
    one of the two has to go
f:30: profile.attachments.rules_files: /none cannot be read: No such file or directory
    the user that runs mailwarden must be able to read it, at every reload
f:31: profile.spam.forward_verbose: profile.spam.forward_verbose is about what is forwarded, \
and spam.forward is empty
    set spam.forward, or leave profile.spam.forward_verbose out
f:32: profile.spam.delete_above: profile.spam.delete_above (2) is not above \
spam.quarantine_above (2.1), so nothing would ever be quarantined as spam
    raise profile.spam.delete_above, or set spam.quarantine_above = 0 to quarantine no spam
f:34: profiles: there is no such setting
    did you mean [[profile]]?\
"""
    )


@pytest.mark.parametrize(
    ("text", "message", "suggestion"),
    [
        ("[profile]\nmatch = ['a']", "expected a list, each item a table; f", "write [[profile]] "),
        ("profile = [3]", "expected a table; found 3", "write [[profile]] above each"),
        ("profile = 3", "expected a list, each item a table; found 3", "write [[profile]] above"),
        ("[[profile]]\nmatch = []", "expected a list, not empty, each item user@", "the default "),
        ("[[profile]]\nmatch = 'a'", "expected a list, not empty, each item user@", "write a list"),
        ("[[profile]]\nmatch = ['a@b\u001b']", "not TOML", "settings are written "),
        ('[[profile]]\nmatch = ["a\\u001b@b"]', "item 1: expected user@ex", "correct this item"),
        ('[[profile]]\nmatch = ["@b"]', "item 1: expected user@ex", "correct this item"),
    ],
)
def test_what_is_no_profile_is_told(text: str, message: str, suggestion: str) -> None:
    [problem] = problems_of(text)
    assert problem.message.startswith(message)
    assert problem.suggestion.startswith(suggestion)


def test_a_contradiction_with_a_wrong_setting_of_the_profile_or_of_everybody_is_not_said() -> None:
    for text in (
        "[[profile]]\nmatch = ['a']\nspam = {reject = true, delete_above = '4'}",
        "[[profile]]\nmatch = ['a']\nspam = {reject = true, delete_abov = 4}",
        "spam.delete_above = '4'\n[[profile]]\nmatch = ['a']\nspam.reject = true",
    ):
        assert len(problems_of(text)) == 1
    # Another profile's mistake is no excuse.
    text = "[[profile]]\nmatch = ['b']\nspam.delete_above = '4'\n"
    assert len(problems_of(f"{text}[[profile]]\nmatch = ['a']\nspam.reject = true")) == 2


def test_the_place_of_everything_that_a_profile_says_is_remembered() -> None:
    loaded = read_text("[[profile]]\nmatch = ['a']\n[profile.spam]\ndelta = 0\n", "sample")
    assert loaded.places["profile", 0, "spam", "delta"] == 4
    assert loaded.lines == {"profile": 1}
