"""`mailwarden outbox`: sends notices and forwarded copies; and what waits to be sent."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailwarden.cli.loading import fail, settings_or_exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailwarden.settings.model import Settings
    from mailwarden.store.errands import Waiting

_INDENT_COLUMNS = 4


@click.group(invoke_without_command=True)
@click.pass_context
def outbox(ctx: click.Context) -> None:
    """Send notices, forwarded spam and late copies, in the foreground, until SIGTERM.

    `mailwarden serve` does this, too, unless it was started with --without-outbox.
    Only one at a time works for a database: a second one waits. The log goes to standard error.
    """
    if ctx.invoked_subcommand is None:
        from mailwarden.daemon.outbox_process import run_outbox

        run_outbox(settings_or_exit(ctx.obj))


@outbox.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_(config_path: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """List what waits to be sent, the oldest first."""
    settings = settings_or_exit(config_path)
    waiting = _waiting(settings)
    if as_json:
        for one in waiting:
            click.echo(json.dumps(asdict(one)))
    elif waiting:
        _print(waiting)
    else:
        click.echo(f"nothing waits in {settings.store.database}")


def _waiting(settings: "Settings") -> "Sequence[Waiting]":
    """What waits; makes no database where there is none, as it would belong to who lists."""
    from mailwarden.store.errands import list_errands
    from mailwarden.store.schema import StoreError, open_database

    if not settings.store.database.exists():
        return ()
    try:
        engine = open_database(settings.store.database)
        try:
            return list_errands(engine)
        finally:
            engine.dispose()
    except StoreError as error:
        raise fail(str(error)) from error


def _print(waiting: "Sequence[Waiting]") -> None:
    """Id, kind, tries, when it is due; to whom and about what on a line of its own for eyes."""
    from rich.padding import Padding
    from rich.text import Text

    from mailwarden.cli.printing import console, shown

    screen = console()
    for one in waiting:
        about = " ".join(word for word in (one.audience, one.topic) if word)
        head = Text.assemble(
            shown(one.id, "bold"),
            "  ",
            shown(f"{one.kind:<9}", "red" if one.kind == "broken" else ""),
            f"  {_tried(one.tries):<11}  due {_moment(one.due)}",
        )
        whom = shown(f"to {one.recipient or '(as kept)'}: {about}")
        if screen.is_terminal:
            screen.print(head, soft_wrap=True)
            screen.print(Padding(whom, (0, 0, 0, _INDENT_COLUMNS)))
        else:
            screen.print(Text.assemble(head, "  ", whom), soft_wrap=True)


def _tried(tries: int) -> str:
    return {0: "not tried", 1: "tried once"}.get(tries, f"tried {tries} x")


def _moment(at: float) -> str:
    """A moment in UTC; a broken row may say anything."""
    import datetime as dt

    try:
        return f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError, TypeError):
        return "unknown"
