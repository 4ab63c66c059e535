"""`mailwarden report`: statistics from records or logs, shown, written to a file, or mailed."""

import json
import os
import re
import socket
import sys
import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailwarden.cli.loading import complain, fail, settings_or_exit
from mailwarden.cli.printing import printable

if TYPE_CHECKING:
    from mailwarden.reports.document import ReportDocument
    from mailwarden.reports.span import Span
    from mailwarden.settings.model import Settings

INCOMPLETE_EXIT = 1
_TO_ADMIN = "notices.admin"
# Enough to tell an address from a file's name; who delivers it knows better.
_ADDRESS = re.compile(r"[^\s@<>\0]{1,255}@[A-Za-z0-9._-]{1,253}")


@click.command()
@click.argument("logs", nargs=-1, metavar="[LOG]...")
@click.option("--since", metavar="DATE", help="From then on: 2026-11-22, 2026-11-22T21:30+01:00.")
@click.option("--until", metavar="DATE", help="Before then; a day means its end.")
@click.option("--last", metavar="TIME", help="Of so long: 24h, 7d, 4w.")
@click.option("--text", "form", flag_value="text", default=True, help="The table and a summary.")
@click.option("--json", "form", flag_value="json", help="One JSON object.")
@click.option(
    "--html",
    "page",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one page with charts.",
)
@click.option(
    "--mail",
    "recipient",
    is_flag=False,
    flag_value=_TO_ADMIN,
    metavar="[ADDRESS]",
    help="Send it to ADDRESS, or to notices.admin; write --mail=ADDRESS, or logs first.",
)
@click.pass_obj
def report(
    config_path: Path | None,
    logs: tuple[str, ...],
    since: str | None,
    until: str | None,
    last: str | None,
    form: str,
    page: Path | None,
    recipient: str | None,
) -> None:
    """Count what became of the mail: by virus, by day, by scanner, by sender.

    Without LOG the records of the gate are read. LOG is a file, plain or gzip, or - for standard
    input: Qmail-Scanner's qmail-queue.log, quarantine.log, mailstats.csv and syslog, in its form
    or ours, the daemon's log, or header fields. Give logs of one kind: each counts its messages.

    Exit status: 0; 1 a log could not be read to its end; 2 wrong usage or settings; 75 the
    database cannot be read, or the mail cannot be sent.
    """
    now = time.time()
    span = _span(since, until, last, now)
    settings = None if logs and recipient is None else settings_or_exit(config_path)
    if settings and recipient is not None:
        recipient = _checked(settings, recipient)
    document = _document(settings, logs, span, now)
    if recipient is not None and settings:
        _mail(settings, recipient, document, now)
    elif page:
        _write_page(page, document)
    elif form == "json":
        from mailwarden.reports.json_form import report_json

        click.echo(json.dumps(report_json(document)))
        _complain_of(document)
    else:
        _print(document)
    if any(source.complaint for source in document.sources):
        sys.exit(INCOMPLETE_EXIT)


def _span(since: str | None, until: str | None, last: str | None, now: float) -> "Span":
    """The span that the options ask for; raises click's usage error."""
    from mailwarden.reports.span import Span, parse_length, parse_moment

    if last and (since or until):
        raise click.UsageError("--last says both ends: give it alone, or --since and --until")
    try:
        if last:
            return Span(now - parse_length(last), now)
        span = Span(
            parse_moment(since, None) if since else None,
            parse_moment(until, None, end_of_day=True) if until else None,
        )
    except ValueError as error:
        raise click.UsageError(printable(str(error))) from error
    if span.since is not None and span.until is not None and span.since >= span.until:
        raise click.UsageError("--since is not before --until: nothing lies between")
    return span


def _checked(settings: "Settings", recipient: str) -> str:
    """The address to mail to; raises click's usage error."""
    address = settings.notices.admin if recipient == _TO_ADMIN else recipient
    if not address:
        raise click.UsageError("--mail: notices.admin is not set, so give an address")
    if not _ADDRESS.fullmatch(address):
        raise click.UsageError(
            f"--mail={printable(address)}: expected an address; logs stand before --mail"
        )
    return address


def _document(
    settings: "Settings | None", logs: tuple[str, ...], span: "Span", now: float
) -> "ReportDocument":
    from mailwarden.reports.counting import count
    from mailwarden.reports.document import ReportDocument
    from mailwarden.reports.sources import LogSource
    from mailwarden.reports.stored_events import RecordSource
    from mailwarden.store.schema import StoreError

    sources: list[LogSource | RecordSource] = [LogSource(log, now, None) for log in logs]
    if settings and not logs:
        sources = [RecordSource(settings.store.database, span)]
    try:
        events = chain.from_iterable(source.events() for source in sources)
        statistics = count(events, span, None)
    except StoreError as error:
        raise fail(printable(str(error))) from error
    hostname = settings.headers.hostname if settings else socket.gethostname()
    return ReportDocument(
        statistics, tuple(source.summary for source in sources), span, printable(hostname)
    )


def _mail(settings: "Settings", recipient: str, document: "ReportDocument", now: float) -> None:
    from mailwarden.notify.sending import SendError, send_mail
    from mailwarden.reports.letter import Heading, report_letter

    sender = settings.notices.admin or recipient
    heading = Heading(recipient, sender, settings.notices.admin_name, now)
    try:
        # An empty envelope sender: nobody is told when it cannot be delivered, so nothing loops.
        send_mail(settings, "", recipient, report_letter(document, heading))
    except SendError as error:
        raise fail(f"the report was not sent: {printable(str(error))}") from error
    click.echo(f"report sent to {recipient}")
    _complain_of(document)


def _write_page(page: Path, document: "ReportDocument") -> None:
    """Write the page whole, or leave the file that is there as it is."""
    from mailwarden.reports.page import report_page

    beside = page.with_name(f".{page.name}.{os.getpid()}")
    try:
        beside.write_text(report_page(document), encoding="utf-8")
        beside.replace(page)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise fail(f"{printable(str(page))}: {error.strerror}") from error
    click.echo(f"report written to {printable(str(page))}")
    _complain_of(document)


def _print(document: "ReportDocument") -> None:
    """A line for each name: cut on a terminal, whole where other programs read it."""
    from mailwarden.cli.printing import console, shown
    from mailwarden.reports.text import text_lines

    screen = console()
    for line in text_lines(document):
        is_whole = not screen.is_terminal
        screen.print(shown(line), no_wrap=True, overflow="ellipsis", soft_wrap=is_whole)


def _complain_of(document: "ReportDocument") -> None:
    for sentence in document.complaints:
        complain(printable(sentence))
