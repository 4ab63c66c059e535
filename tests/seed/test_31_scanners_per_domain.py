"""scanners_per_domain: each user and domain has scanners of its own, all others the default."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clamd import Clamd
from support.commands import command, run
from support.old_installations import written
from support.seed import Site, fields_of, infected, scored, site
from support.spamd import Spamd

FILE = """\
# user or domain : scanners
virus.example:clamdscan,ps
spam.example:sa,ps
boss@virus.example:clamdscan,sa,ps
free.example:none
"""


@pytest.fixture(scope="module")
def shared(
    clamd: Clamd, spamd: Spamd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, Path]]:
    path = tmp_path_factory.mktemp("spool") / "scanners_per_domain.txt"
    path.write_text(FILE)
    sections = {"per_domain": {"scanners_file": str(path)}}
    with site(clamd, spamd, spam={"quarantine_above": 2.1}, sections=sections) as running:
        yield running, path


@pytest.fixture
def running(shared: tuple[Site, Path]) -> Site:
    site, _ = shared
    site.gate.clear()
    return site


@pytest.fixture
def file(shared: tuple[Site, Path]) -> Path:
    _, path = shared
    return path


def is_looked_at(running: Site, recipient: str) -> tuple[bool, bool]:
    """Whether viruses are looked for in this recipient's mail, and whether it is scored."""
    assert running.run(infected(), recipient) == 0
    is_virus_kept = running.kept("viruses") == [infected()]
    running.gate.clear()
    assert running.run(scored("7.0"), recipient) == 0
    status = fields_of(running.gate.queue.only_message().message, "X-Spam-Status")
    running.gate.clear()
    return is_virus_kept, bool(status)


@pytest.mark.parametrize(
    ("recipient", "viruses", "spam"),
    [
        ("ann@virus.example", True, False),
        ("ann@spam.example", False, True),
        ("ann@free.example", False, False),
    ],
)
def test_31_1_each_domain_has_a_customized_list_of_scanners(
    running: Site, recipient: str, viruses: bool, spam: bool
) -> None:
    assert is_looked_at(running, recipient) == (viruses, spam)


def test_31_1_and_each_user_who_has_one_before_the_domain(running: Site) -> None:
    assert is_looked_at(running, "boss@virus.example") == (True, True)


def test_31_2_a_user_or_domain_without_one_falls_back_to_the_default(running: Site) -> None:
    assert is_looked_at(running, "ann@example.net") == (True, True)


def test_31_3_in_one_message_each_recipient_has_his_own(running: Site) -> None:
    assert running.run(infected(), "ann@virus.example", "eve@spam.example") == 0
    assert running.kept("viruses") == [infected()]
    (queued,) = running.queued()
    assert queued.envelope == b"Fann@sender.example\0Teve@spam.example\0\0"


def test_31_4_you_edit_the_file_and_configure_your_domains_there(running: Site, file: Path) -> None:
    with file.open("a") as lines:
        lines.write("new.example:sa\n")
    assert is_looked_at(running, "ann@new.example") == (True, True)
    running.reload()
    assert is_looked_at(running, "ann@new.example") == (False, True)


def test_31_5_a_mistake_in_the_file_is_told_with_its_line(running: Site, file: Path) -> None:
    before = file.read_text()
    file.write_text(before + "bad.example:unheard\n")
    done = running.command("config", "check")
    file.write_text(before)
    assert done.code == 2
    assert f"{file}:{before.count(chr(10)) + 1}" in done.err
    assert 'no scanner is called "unheard"' in done.err


def test_31_6_the_mode_is_enabled_by_naming_the_file_as_an_import_does(tmp_path: Path) -> None:
    old = written(tmp_path, {"scanners_per_domain.txt": FILE})
    done = run(command("config", "import", "--from", old))
    named = tomllib.loads(done.out)["per_domain"]["scanners_file"]
    assert named == str(old / "scanners_per_domain.txt")
