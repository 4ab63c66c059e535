"""`mailwarden setup`: users, directories, settings and service files, made or said to be right.

What is to exist is in `installation/layout`; this asks, acts and tells. It starts nothing and
overwrites nothing, so it is safe to run twice.
"""

import os
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import click

from mailwarden.cli.loading import USAGE_EXIT, fail
from mailwarden.cli.printing import console, printable, shown
from mailwarden.installation.first_settings import first_settings, found_lines, missing_lines
from mailwarden.installation.inspection import State, inspect
from mailwarden.installation.layout import (
    SETTINGS,
    USER,
    Service,
    Wishes,
    first_settings_sample,
    layout,
)
from mailwarden.installation.machine import Machine
from mailwarden.installation.making import MakingError, make
from mailwarden.installation.packaged import packaged_files
from mailwarden.installation.pieces import Membership, Piece
from mailwarden.installation.strangers import strangers
from mailwarden.installation.surroundings import Surroundings, look_around, service_of, units_folder
from mailwarden.installation.tcp_rules import RULES_BYTES, Programs, differences, idioms
from mailwarden.settings.model import QueueSettings

_FAILED_EXIT = 1
_START = {
    Service.SYSTEMD: "systemctl daemon-reload && systemctl enable --now mailwarden",
    Service.DAEMONTOOLS: "ln -s /etc/mailwarden/service/* /service/",
    Service.NONE: "mailwarden serve, started as the user mailwarden by your service manager",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A piece and what became of it, or would."""

    piece: Piece
    words: str
    is_change: bool = False
    is_failure: bool = False
    is_kept: bool = False


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@click.option(
    "--service",
    type=click.Choice([service.value for service in Service]),
    help="Whose service files to install (else what this machine runs).",
)
@click.option(
    "--tcp-smtp",
    "rules",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file of tcpserver's rules: shows what to change in it, and changes nothing.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    default=Path("/"),
    help="The directory that holds the machine's files.",
)
def setup(*, dry_run: bool, service: str | None, rules: Path | None, root: Path) -> None:
    """Make users, directories, settings and service files; safe to run twice.

    What is right already is left alone, a wrong owner or mode is corrected, and a file that you
    changed stays yours. Nothing is started. Exit status: 0 all is right, 1 something could not be
    made, 2 usage.
    """
    if os.geteuid() != 0 and not dry_run:
        raise fail("setup makes users and directories: run it as root, or look with --dry-run", 2)
    os.umask(0o022)
    machine = Machine(root)
    chosen = Service(service) if service else service_of(machine)
    found = look_around(machine)
    rows = [_row(piece, machine, dry_run=dry_run) for piece in _pieces(machine, chosen, found)]
    _print_rows(rows)
    _print_summary(rows, dry_run=dry_run)
    _print_strangers(machine)
    _print_found(found, machine, is_new=any(_is_new_settings(row) for row in rows))
    _print_next(chosen, found, has_joined=any(_is_joined(row) for row in rows))
    if rules:
        _print_differences(rules, _programs(found))
    sys.exit(_FAILED_EXIT if any(row.is_failure for row in rows) else 0)


def _pieces(machine: Machine, service: Service, found: Surroundings) -> tuple[Piece, ...]:
    packaged = packaged_files()
    settings = first_settings(first_settings_sample(packaged), found)
    groups = (found.clamd_group,) if found.clamd_group else ()
    program, units = _visible("mailwarden"), units_folder(machine)
    return layout(packaged, Wishes(service, program, settings, units, groups))


def _visible(name: str) -> Path:
    """An installed program, by its name on the PATH: that stays when the environment moves."""
    beside = Path(sysconfig.get_path("scripts")) / name
    on_path = which(name)
    if on_path and beside.exists() and Path(on_path).samefile(beside):
        return Path(on_path)
    return beside


def _row(piece: Piece, machine: Machine, *, dry_run: bool) -> Row:
    """Look at one piece, and make it what it should be."""
    try:
        state = inspect(piece, machine)
        if state.needs_making and not dry_run:
            make(piece, state, machine)
    except OSError as error:
        return Row(piece, f"cannot be looked at: {error.strerror}", is_failure=True)
    except MakingError as error:
        return Row(piece, f"FAILED: {error}", is_failure=True)
    return Row(piece, _words(state, dry_run=dry_run), state.needs_making, is_kept=bool(state.kept))


def _words(state: State, *, dry_run: bool) -> str:
    if state.is_missing:
        return "would be made" if dry_run else "made"
    verb = "would correct" if dry_run else "corrected"
    corrected = (f"{verb}: {', '.join(state.wrong)}",) if state.wrong else ()
    kept = tuple(f"left alone: {reason}" for reason in state.kept)
    return "; ".join((*corrected, *kept)) or "is right"


def _is_new_settings(row: Row) -> bool:
    return str(row.piece) == str(SETTINGS) and row.words in ("made", "would be made")


def _is_joined(row: Row) -> bool:
    return isinstance(row.piece, Membership) and row.is_change


def _print_rows(rows: Iterable[Row]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(shown(str(row.piece)), shown(row.words, _style(row)))
    console().print(table)


def _style(row: Row) -> str:
    if row.is_failure:
        return "bold red"
    return "yellow" if row.is_change or row.is_kept else "green"


def _print_summary(rows: list[Row], *, dry_run: bool) -> None:
    changes = sum(row.is_change for row in rows)
    verb = "would be changed" if dry_run else "changed"
    click.echo(f"\n{changes} of {len(rows)} {verb}" if changes else "\nNothing to change")


def _print_strangers(machine: Machine) -> None:
    """Say what the daemon will not be able to use; giving it away is for a person to decide."""
    for folder, found in strangers(machine):
        click.echo(f"\nNot owned by {USER}: {printable(str(found))}, perhaps more; correct it with")
        click.echo(f"  chown -hR {USER}:{USER} {folder}")


def _print_found(found: Surroundings, machine: Machine, *, is_new: bool) -> None:
    click.echo("\nFound here")
    places = (
        ("qmail-queue", found.queue_program, "name it in queue.program"),
        ("clamd", found.clamd, "name it in clamd.addresses, or leave it out of scanners"),
        ("spamd", found.spamd, "port 783 is tried; or leave it out of scanners"),
    )
    for name, place, advice in places:
        click.echo(f"  {name:<12} {printable(str(place)) if place else f'nothing ({advice})'}")
    lines = found_lines(found) if is_new else missing_lines(found, _settings_text(machine))
    differing = [f"{section}.{key} = {value}" for section, key, value in lines]
    if differing:
        click.echo(f"  {'Written into the new' if is_new else 'Check in your'} settings:")
        for line in differing:
            click.echo(f"    {printable(line)}")


def _settings_text(machine: Machine) -> str:
    try:
        return machine.at(SETTINGS).read_text(errors="replace")
    except OSError:
        return ""


def _print_next(service: Service, found: Surroundings, *, has_joined: bool) -> None:
    click.echo("\nNext")
    if has_joined:
        click.echo("  restart the daemon if it runs: only then it has the new group")
    for step in ("mailwarden config check", _START[service], "mailwarden selftest"):
        click.echo(f"  {step}")
    click.echo("  and one client first in tcp.smtp, then all (tcprules rebuilds the cdb file):")
    queue_program = found.queue_program or QueueSettings().program
    for purpose, line in idioms(_programs(found), queue_program):
        click.echo(f"\n  # {purpose}\n  {line}")


def _programs(found: Surroundings) -> Programs:
    usual = QueueSettings().program
    elsewhere = found.queue_program if found.queue_program != usual else None
    return Programs(_visible("mailwarden-queue"), elsewhere)


def _print_differences(rules: Path, programs: Programs) -> None:
    with rules.open("rb") as file:
        content = file.read(RULES_BYTES + 1)
    if len(content) > RULES_BYTES:
        raise fail(f"{rules}: larger than {RULES_BYTES} bytes, so no file of rules", USAGE_EXIT)
    diff = differences(content.decode(errors="surrogateescape"), str(rules), programs)
    click.echo(
        f"\n{printable(str(rules))}: " + ("would change so" if diff else "nothing to change")
    )
    for line in diff.splitlines():
        click.echo(printable(line))
