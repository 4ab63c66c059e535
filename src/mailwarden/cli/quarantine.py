"""`mailwarden quarantine`: what is kept, and giving it back."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailwarden.cli.loading import TEMPORARY_EXIT, complain, fail, settings_or_exit
from mailwarden.ports.keeping import KeepingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailwarden.quarantine.folder import KeptMessage, QuarantineFolder
    from mailwarden.quarantine.index import Entry
    from mailwarden.settings.model import Settings

NOT_FOUND_EXIT = 1
# Longer reasons are rare, and push only their own line to the right.
_REASON_COLUMNS = 40
_INDENT_COLUMNS = 4
# A list is for finding messages; `show` and --json name everybody.
_NAMED_RECIPIENTS = 3


@click.group()
def quarantine() -> None:
    """List, show, release and delete messages in quarantine."""


@quarantine.command("list")
@click.option(
    "--maildir", metavar="NAME", help="Only these: viruses, policy, spam, undelivered ..."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_(config_path: Path | None, maildir: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List what is kept, the newest first. An id begins with date and time (UTC)."""
    settings = settings_or_exit(config_path)
    entries = [entry for entry in _entries(settings) if maildir in (None, entry.maildir)]
    if as_json:
        for entry in entries:
            click.echo(json.dumps(asdict(entry)))
    elif entries:
        _print_entries(entries)
    else:
        where = settings.quarantine.directory / (maildir or "")
        click.echo(f"nothing is kept in {where}")


@quarantine.command()
@click.argument("message_id", metavar="ID")
@click.option("--raw", is_flag=True, help="The message itself, exact to the byte.")
@click.pass_obj
def show(config_path: Path | None, message_id: str, raw: bool) -> None:  # noqa: FBT001
    """Show the facts about one message as JSON, or the message."""
    from mailwarden.quarantine.folder import NoSuchMessageError

    try:
        kept = _folder(settings_or_exit(config_path)).find(message_id)
        octets = kept.path.read_bytes() if raw else b""
    except NoSuchMessageError as error:
        raise fail(str(error), NOT_FOUND_EXIT) from error
    except OSError as error:
        raise fail(_told(error)) from error
    if raw:
        sys.stdout.buffer.write(octets)
    else:
        click.echo(json.dumps({**kept.slip, "file": str(kept.path)}, indent=2))


@quarantine.command()
@click.argument("message_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--to", "recipients", multiple=True, metavar="ADDRESS", help="Instead of its own.")
@click.pass_obj
def release(
    config_path: Path | None, message_ids: tuple[str, ...], recipients: tuple[str, ...]
) -> None:
    """Queue messages for their recipients, or for others, and take them out of quarantine.

    They are marked, so that a gate with the same release key does not stop them again for the
    same reason. A message that the queue refuses stays where it is.
    """
    for address in recipients:
        # qmail would take it for a local user, and the message would be out of quarantine.
        if "@" not in address.strip("@"):
            raise click.BadParameter("a whole address, as user@example.org", param_hint="--to")
    settings = settings_or_exit(config_path)
    from mailwarden.quarantine.release import (
        envelope_to,
        original_envelope,
        queue_message,
        release_key,
    )

    def give_back(kept: "KeptMessage") -> str:
        original = original_envelope(kept, needed=not recipients)
        envelope = envelope_to(original, recipients) if recipients else original
        key = release_key(settings.quarantine.release_key)
        queue_message(kept, envelope, key, settings.queue.program, dict(os.environ))
        count = len(envelope.recipients)
        return f"released to {count} recipient{'' if count == 1 else 's'}"

    _take_out_all(settings, message_ids, give_back)


@quarantine.command()
@click.argument("message_ids", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def delete(config_path: Path | None, message_ids: tuple[str, ...]) -> None:
    """Delete messages for good."""
    _take_out_all(settings_or_exit(config_path), message_ids, lambda _kept: "deleted")


def _take_out_all(
    settings: "Settings", message_ids: tuple[str, ...], act: Callable[["KeptMessage"], str]
) -> None:
    """Take out each that can be, whatever becomes of the others; the worst status counts."""
    sys.exit(max([_take_out(settings, message_id, act) for message_id in message_ids]))


def _take_out(settings: "Settings", message_id: str, act: Callable[["KeptMessage"], str]) -> int:
    """Do something with a message, then take it out; a failure leaves it where it is."""
    from mailwarden.quarantine.folder import NoSuchMessageError
    from mailwarden.quarantine.release import ReleaseError

    folder = _folder(settings)
    try:
        kept = folder.find(message_id)
        done = act(kept)
    except NoSuchMessageError as error:
        complain(str(error))
        return NOT_FOUND_EXIT
    except (ReleaseError, KeepingError) as error:
        complain(str(error))
        return TEMPORARY_EXIT
    except OSError as error:
        complain(_told(error))
        return TEMPORARY_EXIT
    try:
        folder.remove(kept)
    except OSError as error:
        complain(f"{message_id} {done}, but it is still in quarantine: {_told(error)}")
        return TEMPORARY_EXIT
    click.echo(f"{message_id} {done}")
    _forget(settings, message_id)
    return 0


def _forget(settings: "Settings", message_id: str) -> None:
    """Take a message out of the index, too; where that fails, the next list sees to it."""
    from mailwarden.quarantine.index import forget
    from mailwarden.store.schema import StoreError, open_database

    try:
        engine = open_database(settings.store.database)
        try:
            forget(engine, message_id)
        finally:
            engine.dispose()
    except StoreError as error:
        complain(f"the index still names {message_id}: {error}")


def _folder(settings: "Settings") -> "QuarantineFolder":
    from mailwarden.quarantine.folder import QuarantineFolder

    return QuarantineFolder(settings.quarantine.directory)


def _entries(settings: "Settings") -> "Sequence[Entry]":
    """What is kept; looks at the database only where there is something to list."""
    from mailwarden.quarantine.index import list_entries
    from mailwarden.store.schema import StoreError, open_database

    folder = _folder(settings)
    try:
        if not any(folder.all_ids()):
            return ()
        engine = open_database(settings.store.database)
        try:
            return list_entries(engine, folder)
        finally:
            engine.dispose()
    except StoreError as error:
        raise fail(str(error)) from error
    except OSError as error:
        raise fail(_told(error)) from error


def _told(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}"


def _print_entries(entries: "Sequence[Entry]") -> None:
    """For eyes a line that people copy from and an indented text; else one long line each."""
    from rich.padding import Padding
    from rich.text import Text

    from mailwarden.cli.printing import console, shown

    screen = console()
    reasons = min(_REASON_COLUMNS, max(len(_reason(entry)) for entry in entries))
    for entry in entries:
        head = Text.assemble(
            shown(entry.id, "bold"),
            "  ",
            shown(f"{_reason(entry):<{reasons}}", "red"),
            f"  {_size(entry.size_bytes):>8}",
        )
        recipients = _listed(entry.recipients.split())
        about = shown(f"from {entry.sender or '<>'} to {recipients}: {entry.subject}")
        if screen.is_terminal:
            screen.print(head, soft_wrap=True)
            screen.print(Padding(about, (0, 0, 0, _INDENT_COLUMNS)))
        else:
            screen.print(Text.assemble(head, "  ", about), soft_wrap=True)


def _reason(entry: "Entry") -> str:
    return entry.reason or entry.maildir


def _listed(recipients: list[str]) -> str:
    named, more = recipients[:_NAMED_RECIPIENTS], len(recipients) - _NAMED_RECIPIENTS
    return " ".join(named) + (f" and {more} more" if more > 0 else "")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1000:.1f} kB" if size_bytes < 1_000_000 else f"{size_bytes / 1e6:.1f} MB"
