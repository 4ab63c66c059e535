"""admin-fromname and dscr-hdrs-text: the names in the notices' From and in our header fields."""

import tomllib
from collections.abc import Iterator
from email.utils import parseaddr

import pytest

from support.clamd import Clamd
from support.commands import Done, command, run
from support.gate import Value
from support.seed import ADMIN, ANN, BOB, Site, fields_of, infected, scored, site
from support.spamd import Spamd

NAME, PREFIX = "Antivirus MYDOMAIN", "X-Antivirus-MYDOMAIN"
SECTIONS: dict[str, dict[str, Value]] = {
    "notices": {"admin_name": NAME, "notify": ["all"], "outside_senders": True},
    "headers": {"prefix": PREFIX, "descriptive": "yes"},
}


@pytest.fixture(scope="module")
def shared(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(clamd, spamd, sections=SECTIONS) as running:
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    shared.clear()
    return shared


def imported(options: str) -> Done:
    return run(command("config", "import", "--configure", f"./configure {options}"))


def field_names(message: bytes) -> set[str]:
    header = message.partition(b"\n\n")[0].decode()
    return {line.partition(":")[0] for line in header.splitlines() if not line[:1].isspace()}


def test_32_1_it_sets_the_from_name_of_the_mails_that_are_sent(running: Site) -> None:
    assert running.run(infected()) == 0
    mail = running.mail()
    told = {one.envelope.split(b"\0")[1].removeprefix(b"T").decode() for one in mail}
    assert told == {ADMIN, ANN, BOB}
    for one in mail:
        (author,) = fields_of(one.message, "From")
        assert parseaddr(author) == (NAME, ADMIN)


@pytest.mark.parametrize(
    ("option", "text", "table", "key"),
    [
        ("--admin-fromname", NAME, "notices", "admin_name"),
        ("--dscr-hdrs-text", PREFIX, "headers", "prefix"),
    ],
)
def test_32_2_the_input_is_quoted_and_a_blank_in_it_is_kept(
    option: str, text: str, table: str, key: str
) -> None:
    done = imported(f'{option} "{text}" --domain mydomain.com')
    assert done.code == 0
    assert tomllib.loads(done.out)[table][key] == text


def test_32_2_without_quotes_the_rest_of_the_name_is_told_and_not_lost() -> None:
    done = imported(f"--admin-fromname {NAME} --domain mydomain.com")
    assert done.code == 1
    assert "MYDOMAIN" in done.err


def test_32_3_the_descriptive_headers_begin_with_the_text(running: Site) -> None:
    assert running.run(scored("1.0")) == 0
    message = running.gate.queue.only_message().message
    assert {PREFIX, f"{PREFIX}-Mail-From"} <= field_names(message)
    assert fields_of(message, f"{PREFIX}-Mail-From") == [f"{ANN} via gate.example.net"]
    (told,) = fields_of(message, PREFIX)
    assert "(Clear:RC:0(192.0.2.7):SA:0(1.0/6.5):. Processed in " in told


def test_32_3_and_no_field_of_ours_has_another_name(running: Site) -> None:
    forged = scored("7.0").replace(b"\nSubject:", b"\nX-Spam-Flag: NO\nSubject:")
    assert running.run(forged) == 0
    assert running.run(infected()) == 0
    for message in (*running.queued(), *running.mail()):
        assert not [name for name in field_names(message.message) if "Mailwarden" in name]
    assert f"{PREFIX}-MOVED-X-Spam-Flag" in field_names(running.queued()[0].message)
