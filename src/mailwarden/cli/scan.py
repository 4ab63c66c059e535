"""`mailwarden scan`: the command's words; the work is in `scanning`, imported when it is done."""

import sys
from pathlib import Path

import click

from mailwarden.cli.loading import settings_or_exit

_MOST_JOBS = 64


@click.command()
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    type=click.Path(exists=True, readable=False, allow_dash=True),
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each message.")
@click.option("--all", "show_all", is_flag=True, help="Show accepted messages, too.")
@click.option(
    "--jobs",
    default=4,
    show_default=True,
    type=click.IntRange(1, _MOST_JOBS),
    help="How many messages are looked at at once.",
)
@click.pass_obj
def scan(
    config_path: Path | None,
    paths: tuple[str, ...],
    as_json: bool,  # noqa: FBT001 - click passes flags so
    show_all: bool,  # noqa: FBT001
    jobs: int,
) -> None:
    """Look at messages as the gate would, and change nothing.

    PATH is a file, an mbox, a Maildir, a folder of any of these, or - for one message on standard
    input. What a message would become is printed, unless it would be accepted.

    Exit status: 0 all accepted or tagged; 1 at least one would be quarantined, rejected or
    deleted; 75 at least one would be deferred, or could not be read; 2 wrong usage or settings.
    """
    settings = settings_or_exit(config_path)
    from mailwarden.cli.scanning import scan_messages

    sys.exit(scan_messages(settings, paths, jobs, as_json=as_json, show_all=show_all))
