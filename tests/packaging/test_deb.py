"""The Debian package, built from the repository and installed on a machine of the test's own."""

import fcntl
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.private_machine import PrivateMachine, private_machine
from support.security_table import Promise, promises
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
BUILD_SECONDS = 280
START_SECONDS = 60
SETTINGS = "/etc/mailwarden/mailwarden.toml"
KEPT = "/var/lib/mailwarden/quarantine/viruses/new/kept"

# Building takes ten seconds, on a busy machine many more.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built package; all of pytest's workers share one."""
    folder = tmp_path_factory.getbasetemp().parent / "debian-package"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(folder.glob("*.deb")):
            words = [ROOT / "packaging/build-deb", folder]
            quick = {**os.environ, "DEB_COMPRESSION": "zstd"}
            subprocess.run(
                words, check=True, timeout=BUILD_SECONDS, stdout=subprocess.DEVNULL, env=quick
            )
    (built,) = folder.glob("*.deb")
    return built


@pytest.fixture
def machine(package: Path) -> Iterator[PrivateMachine]:
    """A machine on which the package was installed."""
    with private_machine() as machine:
        (machine.root / "tmp/mailwarden.deb").write_bytes(package.read_bytes())
        # What it depends on may be here by other means than Debian's packages.
        machine.must("dpkg", "--force-depends", "--install", "/tmp/mailwarden.deb")
        yield machine


def found(machine: PrivateMachine, promise: Promise) -> str:
    """What is true of the path that something was promised of."""
    return machine.must("stat", "-c", "%n %U %G 0%a", promise.path).strip()


def test_installing_makes_what_security_md_promises_and_starts_nothing(
    machine: PrivateMachine,
) -> None:
    for promise in promises("setup"):
        assert found(machine, promise) == str(promise)
    assert machine.run("pgrep", "-f", "mailwarden").returncode == 1
    machine.must("mailwarden", "config", "check")
    units = machine.must("find", "/usr/lib/systemd/system", "-name", "mailwarden*").split()
    assert len(units) == len(list((ROOT / "packaging/systemd").iterdir()))
    machine.must("systemd-analyze", "verify", *units)
    # A later setup finds the package's own units and doubles nothing.
    again = machine.must("mailwarden", "setup", "--service", "systemd")
    assert re.search(
        r"^/usr/lib/systemd/system/mailwarden\.service +is right$", again, re.MULTILINE
    )
    assert "Nothing to change" in again


def test_nothing_in_the_package_names_the_machine_that_built_it(machine: PrivateMachine) -> None:
    places = ["/usr/lib/mailwarden/bin", "/usr/lib/mailwarden/pyvenv.cfg"]
    for folder in (str(ROOT), "/tmp/tmp."):
        told = machine.run("grep", "-rl", "--binary-files=text", folder, *places)
        assert (told.returncode, told.stdout) == (1, "")
    shown = machine.must("mailwarden", "--version")
    assert shown.startswith("mailwarden ")
    where = "import sys, mailwarden; print(sys.prefix, mailwarden.__file__)"
    prefix, place = machine.must("/usr/lib/mailwarden/bin/python", "-P", "-c", where).split()
    assert prefix == "/usr/lib/mailwarden"
    assert place == f"{prefix}/lib/python3.11/site-packages/mailwarden/__init__.py"


def test_the_whole_system_runs_as_an_unprivileged_user(machine: PrivateMachine) -> None:
    shown = machine.must(
        *("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
        *("mailwarden", "demo"),
        HOME="/nonexistent",
    )
    assert "quarantine" in shown


def test_the_run_script_serves_the_installed_client_and_keeps_the_modes(
    machine: PrivateMachine,
) -> None:
    (machine.root / SETTINGS[1:]).write_text('scanners = ["test-patterns"]\n')
    machine.must("mailwarden", "setup", "--service", "daemontools")
    machine.must("rmdir", "/run/mailwarden")  # as after a boot
    script = "/etc/mailwarden/service/mailwarden/run"
    with subprocess.Popen(
        machine.words(script), stdout=subprocess.PIPE, env={"PATH": "/usr/sbin:/usr/bin:/bin"}
    ) as daemon:
        try:
            _wait_for(machine, "/run/mailwarden/queue.sock")
            told = machine.run("mailwarden", "selftest")
            assert told.returncode == 0, told.stdout + told.stderr
            for promise in promises("setup", "daemon"):
                assert found(machine, promise) == str(promise)
            users = machine.must("ps", "-C", "mailwarden", "-o", "user:32=").split()
            assert set(users) == {"mailwarden"}
        finally:
            daemon.terminate()


def test_installing_again_keeps_settings_and_corrects_nothing(machine: PrivateMachine) -> None:
    settings = machine.root / SETTINGS[1:]
    settings.write_text("# mine\n")
    told = machine.must("dpkg", "--force-depends", "--install", "/tmp/mailwarden.deb")
    assert "Nothing to change" in told
    assert settings.read_text() == "# mine\n"


def test_purging_takes_settings_and_logs_and_leaves_kept_mail(machine: PrivateMachine) -> None:
    kept = machine.root / KEPT[1:]
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"a virus\n")
    machine.must("dpkg", "--remove", "mailwarden")
    assert (machine.root / SETTINGS[1:]).exists()
    told = machine.run("dpkg", "--purge", "mailwarden")
    assert told.returncode == 0
    assert "kept mail stays in /var/lib/mailwarden" in told.stderr
    assert kept.read_bytes() == b"a virus\n"
    gone = ("etc/mailwarden", "var/log/mailwarden", "run/mailwarden", "usr/lib/mailwarden")
    assert [place for place in gone if (machine.root / place).exists()] == []
    assert not (machine.root / "var/lib/mailwarden/spool").exists()


def test_purging_an_unused_installation_leaves_only_the_user(machine: PrivateMachine) -> None:
    machine.must("dpkg", "--purge", "mailwarden")
    places = ["/etc", "/run", "/usr/bin", "/usr/lib", "/usr/share", "/var/lib", "/var/log"]
    left = machine.must("find", *places, "-name", "*mailwarden*")
    assert left == ""
    assert machine.must("getent", "passwd", "mailwarden")


def _wait_for(machine: PrivateMachine, path: str) -> None:
    wait_until((machine.root / path[1:]).is_socket, START_SECONDS, f"{path} is there")
