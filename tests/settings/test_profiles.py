"""Which settings hold for a recipient, and that equal ones are one object."""

import pickle
from decimal import Decimal
from pathlib import Path

import pytest

from mailwarden.settings.load import parse_settings
from mailwarden.settings.model import Settings
from mailwarden.settings.profiles import effective, profiles_of, said, saying_for


def settings_from(text: str) -> Settings:
    return parse_settings(text, "sample")


NESTED = """\
spam.subject = "site"
[[profile]]
match = ["Boss@Example.org"]
spam.subject = "user"
[[profile]]
match = ["example.org"]
spam.subject = "domain"
[[profile]]
match = [".example.org"]
spam.subject = "below"
[[profile]]
match = [".org"]
spam.subject = "far below"
"""


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        (b"boss@example.org", "user"),
        (b"BOSS@EXAMPLE.ORG", "user"),
        (b"boss@example.org.", "user"),
        (b"other@Example.Org", "domain"),
        (b"boss@a.example.org", "below"),
        (b"boss@b.a.example.org", "below"),
        (b"boss@example.net", "site"),
        (b"boss@anexample.org", "far below"),
        (b"boss@org", "site"),
        (b"a@b@example.org", "domain"),
        (b"boss", "site"),
        (b"", "site"),
        (b"@", "site"),
        (b"b\xff@example.org", "domain"),
        (b"boss@example.org.example.net", "site"),
    ],
)
def test_the_full_address_is_before_its_domain_before_those_above(
    address: bytes, subject: str
) -> None:
    assert profiles_of(settings_from(NESTED)).settings_for(address).spam.subject == subject


def test_a_profile_changes_what_it_says_and_nothing_else() -> None:
    settings = settings_from("""\
spam = {quarantine_above = 2, delete_above = 4}
limits = {scanning = 5}
[[profile]]
match = ["a"]
scanners = []
spam.quarantine_above = 3
limits.message_bytes = 5_000_000
""")
    theirs = profiles_of(settings).settings_for(b"x@a")
    assert theirs.scanners == ()
    assert theirs.spam.quarantine_above == 3
    assert theirs.spam.delete_above == 4
    assert (theirs.limits.message_bytes, theirs.limits.scanning) == (5_000_000, 5)
    assert theirs.clamd is settings.clamd
    assert theirs == effective(settings, settings.profile[0])
    assert theirs.profile == ()


def test_a_value_that_is_the_default_is_said_too() -> None:
    settings = settings_from("""\
spam.quarantine_above = 2
[[profile]]
match = ["a"]
spam.quarantine_above = 0
""")
    assert profiles_of(settings).settings_for(b"x@a").spam.quarantine_above == 0


def test_recipients_with_equal_settings_have_the_identical_object(tmp_path: Path) -> None:
    path = tmp_path / "settings_per_domain.txt"
    path.write_text("d:'S'3\ne : 'S'3.0\nf:'T'\n")
    settings = settings_from(f"""\
spam = {{subject = "T"}}
per_domain.settings_file = "{path}"
[[profile]]
match = ["a", "b"]
spam = {{subject = "S", quarantine_above = 3}}
[[profile]]
match = ["c"]
spam.quarantine_above = 3.00
spam.subject = "S"
[[profile]]
match = ["g"]
spam.subject = "T"
[[profile]]
match = ["h"]
spam.subject = "H"
limits.message_bytes = 100_000_000
[[profile]]
match = ["i"]
scanners = ["clamd"]
spam.subject = "H"
""")
    profiles = profiles_of(settings)
    same = {id(profiles.settings_for(b"x@" + domain)) for domain in (b"a", b"b", b"c", b"d", b"e")}
    assert len(same) == 1
    assert profiles.settings_for(b"x@f") is settings
    assert profiles.settings_for(b"x@g") is profiles.site is settings
    assert len(profiles.distinct()) == 4
    assert profiles.distinct()[0] is settings
    # What is made of a table is made once.
    assert profiles.settings_for(b"x@h").spam is profiles.settings_for(b"x@i").spam


def test_a_table_is_before_the_settings_file_before_the_scanners_file(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("a:sa'settings\nb:sa'settings\nuser@a:sa'user")
    (tmp_path / "scanners").write_text("a:none\nb:none\nc:none\n")
    settings = settings_from(f"""\
per_domain.settings_file = "{tmp_path}/settings"
per_domain.scanners_file = "{tmp_path}/scanners"
[[profile]]
match = ["a"]
spam.subject = "table"
""")
    profiles = profiles_of(settings)
    assert profiles.settings_for(b"x@a").spam.subject == "table"
    assert profiles.settings_for(b"x@a").scanners == ("clamd", "spamd")
    assert profiles.settings_for(b"x@b").scanners == ("spamd",)
    assert profiles.settings_for(b"x@c").scanners == ()
    assert profiles.settings_for(b"user@a").spam.subject == "user"
    assert [saying_for(settings, one) is not None for one in (b"x@a", b"x@d")] == [True, False]


def test_the_rule_files_of_a_profile_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rules.txt"
    path.write_text(".pif\t0\tx\n")
    settings = settings_from(f"""\
[[profile]]
match = ["a"]
attachments = {{rules_files = ["{path}"], rules = [{{extension = ["exe"], type = ["pe"]}}]}}
""")
    attachments = profiles_of(settings).settings_for(b"x@a").attachments
    assert [rule.name for rule in attachments.arranged().rules][:2] == ["rule-1", "extension-pif"]
    assert settings.attachments.rules_files == ()


def test_what_a_profile_says_is_named_as_for_everybody() -> None:
    [profile] = settings_from("[[profile]]\nmatch = ['a']\nscanners = []\nspam.delta = 0").profile
    assert said(profile) == {"scanners": (), "spam.delta": Decimal(0)}


def test_without_profiles_everybody_has_the_sites() -> None:
    profiles = profiles_of(Settings())
    assert profiles.settings_for(b"a@b") is profiles.site
    assert profiles.distinct() == (profiles.site,)


def test_an_address_of_any_length_is_looked_up_in_no_time() -> None:
    profiles = profiles_of(settings_from("[[profile]]\nmatch = ['.org']\nspam.subject = 'x'"))
    assert profiles.settings_for(b"a@" + b"b." * 5_000_000 + b"org") is profiles.site
    assert profiles.settings_for(b"a@" + b"b." * 120 + b"org").spam.subject == "x"


def test_settings_with_all_their_profiles_can_go_to_another_process(tmp_path: Path) -> None:
    path = tmp_path / "scanners_per_domain.txt"
    path.write_text("b:none\n")
    text = f"per_domain.scanners_file = '{path}'\n[[profile]]\nmatch = ['a']\nspam.subject = 'x'"
    settings = settings_from(text)
    path.unlink()
    there = profiles_of(pickle.loads(pickle.dumps(settings)))  # noqa: S301 - our own bytes
    assert there.settings_for(b"x@a").spam.subject == "x"
    assert there.settings_for(b"x@b").scanners == ()


def test_a_recipient_without_a_domain_is_one_of_the_default_domain() -> None:
    profile = [{"match": ["example.org"], "spam": {"subject": "x"}}]
    for section in (
        {"queue": {"default_domain": "Example.ORG"}},
        {"headers": {"hostname": "example.org"}},
    ):
        profiles = profiles_of(Settings.model_validate({"profile": profile, **section}))
        assert profiles.settings_for(b"victim").spam.subject == "x"
        assert profiles.settings_for(b"victim@example.net").spam.subject == ""
