"""sa-socket: spamd's unix socket is found, or its path is given."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clamd import Clamd
from support.commands import command, run
from support.gate import installed
from support.private_machine import PrivateMachine, private_machine
from support.seed import fields_of, scored, site
from support.spamd import Spamd

RULES = """\
required_score 6.5
header OFFER Subject =~ /offer/
score OFFER 7.7
"""
SPAMD = (
    "spamd", "--local", "--nouser-config", "--username=nobody", "--daemonize",
    "--configpath=/etc/seed/rules", "--siteconfigpath=/etc/seed/site",
)  # fmt: skip
SOCKET = "/run/spamd.sock"


@pytest.fixture(scope="module")
def machine() -> Iterator[PrivateMachine]:
    """A machine whose spamd listens on a unix socket, and settings that do not say where."""
    with private_machine() as machine:
        seed = machine.root / "etc/seed"
        for folder in ("rules", "site"):
            (seed / folder).mkdir(parents=True)
        (seed / "rules/10_test.cf").write_text(RULES)
        (seed / "site/init.pre").write_text("loadplugin Mail::SpamAssassin::Plugin::Check\n")
        (seed / "mailwarden.toml").write_text('scanners = ["spamd"]\n')
        (seed / "offer.eml").write_bytes(scored("0", "offer"))
        machine.must(*SPAMD, f"--socketpath={SOCKET}")
        yield machine


def test_26_1_the_installation_discovers_a_spamd_that_runs_in_unix_socket_mode(
    machine: PrivateMachine,
) -> None:
    done = machine.run(installed("mailwarden"), "setup", "--dry-run")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("  spamd "))
    assert line.split() == ["spamd", f"unix:{SOCKET}"]


def test_26_1_and_what_is_discovered_is_asked(machine: PrivateMachine) -> None:
    words = ("--config", "/etc/seed/mailwarden.toml", "scan", "--json", "/etc/seed/offer.eml")
    done = machine.run(installed("mailwarden"), *words)
    told = json.loads(done.stdout)
    assert (told["spam"]["score"], told["spam"]["required"]) == (7.7, 6.5)
    assert told["faults"] == []


def test_26_2_the_path_can_be_given_with_this_option() -> None:
    line = "./configure --domain mydomain.com --sa-socket /var/run/spamd"
    done = run(command("config", "import", "--configure", line))
    assert tomllib.loads(done.out)["spamd"]["addresses"] == ["unix:/var/run/spamd"]


def test_26_2_and_a_path_that_is_given_is_asked_and_no_other(
    clamd: Clamd, spamd: Spamd, tmp_path: Path
) -> None:
    elsewhere = spamd.directory / "elsewhere"
    elsewhere.symlink_to(spamd.directory / "socket")
    sections = {"spamd": {"addresses": [f"unix:{elsewhere}"], "on_fault": "tag"}}
    with site(clamd, spamd, sections=sections) as running:
        assert running.run(scored("7.7")) == 0
        (status,) = fields_of(running.gate.queue.only_message().message, "X-Spam-Status")
        assert status.startswith("Yes, score=7.7 required=6.5")
        running.gate.clear()
        elsewhere.unlink()
        assert running.run(scored("7.7")) == 0
        (why,) = fields_of(running.gate.queue.only_message().message, "X-Mailwarden-Unscanned")
        assert str(elsewhere) in why


def test_26_3_unix_socket_or_not_the_score_is_the_same(clamd: Clamd, spamd: Spamd) -> None:
    """'7,8% faster' was the page's measure: ours is in bench."""
    with site(clamd, spamd, sections={"spamd": {"addresses": [spamd.tcp]}}) as running:
        assert running.run(scored("7.7")) == 0
        (status,) = fields_of(running.gate.queue.only_message().message, "X-Spam-Status")
        assert status.startswith("Yes, score=7.7 required=6.5")
