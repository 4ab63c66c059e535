"""`mailwarden config import`: another scanner's installation as settings of ours.

Reads only; what it writes are new files, and never one of those that it read.
"""

import os
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from mailwarden.cli.loading import USAGE_EXIT, complain, fail

if TYPE_CHECKING:
    from mailwarden.migrate.gathering import Gathered
    from mailwarden.migrate.importing import Import

# Something could not be carried over; what could be is written.
EXIT_NOT_WHOLE = 1
_PROGRAM = PurePosixPath("/usr/local/bin/mailwarden-queue")
_FILE = click.Path(path_type=Path)


@click.command("import")
@click.option(
    "--from",
    "folders",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="Look for files with known names in a folder: /var/qmail, /var/spool/qmailscan ...",
)
@click.option("--configure", "lines", multiple=True, help="A configure line, in quotes.")
@click.option("--output", type=_FILE, help="Write the settings here, else to standard output.")
@click.option("--report", type=_FILE, help="Write the report here, else to standard error.")
@click.option("--force", is_flag=True, help="Write over --output and --report if they exist.")
@click.option(
    "--program",
    type=click.Path(path_type=PurePosixPath),
    default=_PROGRAM,
    show_default=True,
    help="What QMAILQUEUE is to name in the copy of tcp.smtp.",
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=_FILE)
def import_settings(
    folders: tuple[Path, ...],
    lines: tuple[str, ...],
    output: Path | None,
    report: Path | None,
    program: PurePosixPath,
    files: tuple[Path, ...],
    *,
    force: bool,
) -> None:
    """Write settings from a Qmail-Scanner or simscan installation.

    FILEs and folders may hold: a configure line, qmail-scanner-queue.pl, quarantine-attachments.txt
    or quarantine-events.txt, scanners_per_domain.txt, settings_per_domain.txt, tcp.smtp,
    qmailscannerdomains, spamassassindomains; simscan's simcontrol and ssattach. Nothing of them is
    changed; a converted copy of tcp.smtp is written beside --output.

    Ends with status 0 when all was carried over, 1 when something is missing, which the report
    says, 2 when nothing was written.
    """
    from mailwarden.migrate.importing import imported

    read = _gathered(files, folders)
    if not read.files and not any(line.strip() for line in lines):
        raise click.UsageError("nothing to import: give a FILE, --from or --configure")
    result = imported(read.files, lines, program, read.losses)
    _write_all(_texts(result, output, report), [one.path for one in read.files], force=force)
    _print(result, output, report)
    is_whole = result.is_whole and (output is not None or not result.copies)
    sys.exit(0 if is_whole else EXIT_NOT_WHOLE)


def _gathered(files: tuple[Path, ...], folders: tuple[Path, ...]) -> "Gathered":
    """A FILE that is a folder is looked through as with --from; one that is not there is a slip."""
    from mailwarden.migrate.gathering import gathered

    for file in files:
        if not file.exists():
            raise fail(f"{_shown(file)}: there is no such file", USAGE_EXIT)
    inside = [file for file in files if file.is_dir()]
    return gathered([file for file in files if file not in inside], [*folders, *inside])


def _texts(result: "Import", output: Path | None, report: Path | None) -> dict[Path, bytes]:
    """What is to be written where."""
    texts: dict[Path, bytes] = {}
    if report:
        texts[report] = result.report.encode()
    if output:
        for copy in result.copies:
            texts[_free_name(output.with_suffix(f".{copy.name}"), texts)] = copy.octets
        texts[output] = result.settings.encode()
    return texts


def _free_name(path: Path, taken: dict[Path, bytes]) -> Path:
    names = (path, *(path.with_name(f"{path.name}.{number}") for number in range(2, 100)))
    return next(name for name in names if name not in taken)


def _write_all(texts: dict[Path, bytes], read: list[Path], *, force: bool) -> None:
    """Write all files, or none where one of them may not be written."""
    for path in texts:
        if path.exists() and any(path.samefile(one) for one in read):
            raise fail(f"{_shown(path)}: was read, and what was read is not changed", USAGE_EXIT)
        if os.path.lexists(path) and not force:
            raise fail(f"{_shown(path)}: is there already; --force writes over it", USAGE_EXIT)
    for path, octets in texts.items():
        _write(path, octets, force=force)


def _write(path: Path, octets: bytes, *, force: bool) -> None:
    try:
        with path.open("wb" if force else "xb") as file:
            file.write(octets)
    except OSError as error:
        raise fail(f"{_shown(path)}: {error.strerror or error}", USAGE_EXIT) from error


def _print(result: "Import", output: Path | None, report: Path | None) -> None:
    if output is None:
        click.echo(result.settings, nl=False)
    if output is None and result.copies:
        click.echo("mailwarden: give --output to have the converted tcp.smtp beside it", err=True)
    if report is None:
        click.echo(result.report, nl=False, err=True)
    elif not result.is_whole:
        complain(f"some of it could not be carried over: {_shown(report)} says what and why")


def _shown(path: Path) -> str:
    from mailwarden.migrate.writing import printable

    return printable(str(path))
