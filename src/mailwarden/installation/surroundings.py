"""What a machine has already: its qmail, its clamd, its spamd, and who starts its services.

Looks at files and sockets only; asks no program and connects to nothing.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from mailwarden.installation.layout import Service
from mailwarden.installation.machine import Machine
from mailwarden.settings.addresses import detect_spamd

# Where qmail's makers and packagers put it, the usual place first.
_QUEUE_PROGRAMS = (
    "/var/qmail/bin/qmail-queue",
    "/usr/sbin/qmail-queue",
    "/usr/lib/qmail/bin/qmail-queue",
    "/usr/local/qmail/bin/qmail-queue",
    "/opt/qmail/bin/qmail-queue",
)
# What the custom text of a rejection is read by; found in qmail-smtpd as it names the variable.
_TEXT_VARIABLE = b"ERROR_FD"
_INDIMAIL = b"indimail"
# qmail-smtpd with everything linked in has 2 MB at most.
_PROGRAM_BYTES = 8_000_000

_CLAMD_SETTINGS = (
    "/etc/clamav/clamd.conf",
    "/etc/clamd.conf",
    "/etc/clamd.d/scan.conf",
    "/usr/local/etc/clamd.conf",
)
_CLAMD_SOCKETS = (
    "/run/clamav/clamd.ctl",
    "/run/clamav/clamd.sock",
    "/run/clamd.scan/clamd.sock",
    "/run/clamav/clamd.socket",
    "/run/clamd.sock",
    "/tmp/clamd.socket",  # noqa: S108 - where clamd's sample settings have it
    "/tmp/clamd",  # noqa: S108
)
_CLAMD_SETTINGS_BYTES = 1_000_000
# A distribution's package brings units of its own here; they are not doubled.
_PACKAGED_UNITS = (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))
_OWN_UNITS = Path("/etc/systemd/system")
_SVSCAN_FOLDERS = ("/service", "/etc/service", "/var/service")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found; `None` is what was not.

    `clamd_group` is the group that the daemon's user needs, when clamd's socket is not open to all.
    """

    queue_program: Path | None = None
    flavour: str = "plain"
    clamd: str | None = None
    clamd_group: str | None = None
    spamd: str | None = None


def look_around(machine: Machine) -> Surroundings:
    """Find what mail passes on this machine."""
    queue_program = _first(machine, _QUEUE_PROGRAMS, os.X_OK)
    clamd_socket = _clamd_socket(machine)
    return Surroundings(
        queue_program,
        _flavour(machine, queue_program),
        f"unix:{clamd_socket}" if clamd_socket else _clamd_port(machine),
        _needed_group(machine, clamd_socket),
        _spamd(machine),
    )


def service_of(machine: Machine) -> Service:
    """Who starts the services of this machine, as far as can be seen."""
    if machine.at(Path("/run/systemd/system")).is_dir():
        return Service.SYSTEMD
    if any(machine.at(Path(folder)).is_dir() for folder in _SVSCAN_FOLDERS):
        return Service.DAEMONTOOLS
    return Service.NONE


def units_folder(machine: Machine) -> Path:
    """Where systemd's units of ours are, or are to be."""
    places = (folder for folder in _PACKAGED_UNITS if _has_unit(machine, folder))
    return next(places, _OWN_UNITS)


def _has_unit(machine: Machine, folder: Path) -> bool:
    return machine.at(folder / "mailwarden.service").is_file()


def _first(machine: Machine, places: tuple[str, ...], access: int) -> Path | None:
    paths = (Path(place) for place in places)
    return next(
        (
            path
            for path in paths
            if machine.at(path).is_file() and os.access(machine.at(path), access)
        ),
        None,
    )


def _flavour(machine: Machine, queue_program: Path | None) -> str:
    """What can be told from outside; `plain` is never wrong, it only says less."""
    if queue_program is None:
        return "plain"
    try:
        with machine.at(queue_program.with_name("qmail-smtpd")).open("rb") as file:
            content = file.read(_PROGRAM_BYTES)
    except OSError:
        return "plain"
    if _TEXT_VARIABLE not in content:
        return "plain"
    return "indimail" if _INDIMAIL in content else "sagredo"


def _clamd_socket(machine: Machine) -> Path | None:
    """Where clamd's settings say, else where a socket is."""
    told = _clamd_setting(machine, "LocalSocket")
    if told and told.startswith("/"):
        return Path(told)
    paths = (Path(place) for place in _CLAMD_SOCKETS)
    return next((path for path in paths if machine.at(path).is_socket()), None)


def _clamd_port(machine: Machine) -> str | None:
    port = _clamd_setting(machine, "TCPSocket")
    return f"tcp:127.0.0.1:{port}" if port and port.isdecimal() else None


def _clamd_setting(machine: Machine, name: str) -> str | None:
    """A setting of clamd.conf(5): a name, space, the value."""
    path = _first(machine, _CLAMD_SETTINGS, os.R_OK)
    if path is None:
        return None
    with machine.at(path).open("rb") as file:
        lines = file.read(_CLAMD_SETTINGS_BYTES).decode(errors="surrogateescape").splitlines()
    pairs = (line.split(None, 1) for line in lines)
    return next((pair[1].strip() for pair in pairs if len(pair) > 1 and pair[0] == name), None)


def _needed_group(machine: Machine, socket: Path | None) -> str | None:
    if socket is None or not machine.at(socket).is_socket():
        return None
    status = machine.at(socket).stat()
    if status.st_mode & stat.S_IWOTH or not status.st_mode & stat.S_IWGRP:
        return None
    return machine.group_name(status.st_gid)


def _spamd(machine: Machine) -> str | None:
    """The socket that spamd.addresses' `auto` will find; a port cannot be seen from here."""
    kind, _, place = detect_spamd(machine.root).partition(":")
    return f"unix:/{Path(place).relative_to(machine.root)}" if kind == "unix" else None
