"""smaildir: the Maildir for spam, the one of viruses or another one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clamd import Clamd
from support.commands import command, run
from support.seed import Site, infected, scored, site
from support.spamd import Spamd

QUIET = {"notices": {"notify": ["none"]}}
MAILDIRS = """
[[profile]]
match = ["other.example"]
spam.maildir = "spamdir"

[[profile]]
match = ["same.example"]
spam.maildir = "viruses"
"""


@pytest.fixture(scope="module")
def server(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    spam = {"quarantine_above": 2.1}
    with site(clamd, spamd, spam=spam, sections=QUIET, more=MAILDIRS) as running:
        yield running


@pytest.mark.parametrize(
    ("domain", "maildir"),
    [
        pytest.param("other.example", "spamdir", id="the page's example"),
        pytest.param("same.example", "viruses", id="the page's default: that of viruses"),
        pytest.param("example.net", "spam", id="our default: one of its own, as from 2.0 on"),
    ],
)
def test_08_1_spam_is_quarantined_in_the_maildir_of_the_setting(
    domain: str, maildir: str, server: Site
) -> None:
    server.clear()
    assert server.run(scored("8.7"), f"bob@{domain}") == 0
    assert server.kept(maildir) == [scored("8.7")]
    names = {path.name for path in (server.folder / "quarantine" / maildir).iterdir()}
    assert names == {"cur", "new", "tmp"}

    assert server.run(infected(), f"bob@{domain}") == 0
    kept = {message for name in ("viruses", maildir) for message in server.kept(name)}
    assert kept == {scored("8.7"), infected()}
    assert infected() in server.kept("viruses")


@pytest.mark.parametrize("name", ["../spam", "a/b", "", "envelopes"])
def test_08_2_whatever_you_want_but_no_folder_elsewhere(name: str, tmp_path: Path) -> None:
    settings = tmp_path / "mailwarden.toml"
    settings.write_text(f'[spam]\nmaildir = "{name}"\n')
    checked = run(command("config", "check", settings))
    assert checked.code == 2
    assert f"{settings}:2: spam.maildir:" in checked.err
