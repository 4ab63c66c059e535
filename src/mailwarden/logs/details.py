"""The record of each recipient: a line of mailstats.csv, or a line for syslog; facts 4.5.

mailstats.csv has TABs between its fields, despite its name:

    time  status  seconds  size  sender  recipient  subject  Message-ID  name:size  name:size ...

The line for syslog has blanks, and says the time and the process in front:

    qmail-scanner[<pid>]: <status> <seconds> <size> <sender> <recipient> <subject> <id> <files>

The status is the result string, `Clear:RC:0(1.2.3.4):SA:0(-2.6/5.0):`; with `crypto`, what is said
of signatures and encryption stands at its end, where no parser of its fields looks for another:
`Clear:RC:0(1.2.3.4):CRYPTO(smime):`.
"""

from collections.abc import Iterable, Iterator

from mailwarden.logs.facts import date_text, shares_of
from mailwarden.logs.line_values import EMPTY, field, word
from mailwarden.pipeline.writing import result_string
from mailwarden.verdict.record import Record

TAG = "qmail-scanner"
# Of facts 4.5, in bytes: the original knew no others.
_LINE_BYTES = 800
_ADDRESS_BYTES = 100
_SUBJECT_BYTES = 80
_SECONDS_CHARACTERS = 8
# The rest of a line with its longest addresses, subject and id is shorter than what remains.
_STATUS_BYTES = 380
_NAME_BYTES = 200
# All files of a line of mailstats.csv; a message may have a line for each of 100,000 recipients.
_FILES_BYTES = 2_000


def mailstats_lines(record: Record, *, crypto: bool) -> Iterator[str]:
    """A line, without its end, for each recipient."""
    for share in shares_of(record):
        arrival = share.arrival
        before = (
            date_text(arrival.at),
            field(_status(share, crypto=crypto)),
            f"{share.seconds:.6f}",
            str(arrival.size_bytes),
            field(arrival.envelope.sender) or EMPTY,
        )
        files = (f"{field(name, _NAME_BYTES)}:{size}" for name, size in _files(share))
        after = (field(share.subject), field(share.message_id), *_few(files, _FILES_BYTES))
        for recipient in arrival.envelope.recipients:
            yield "\t".join((*before, field(recipient), *after))


def syslog_lines(record: Record, *, crypto: bool) -> Iterator[str]:
    """A line for each recipient, at most 800 bytes long, with its tag and without a time."""
    for share in shares_of(record):
        arrival = share.arrival
        status = word(_status(share, crypto=crypto), _STATUS_BYTES)
        seconds = f"{share.seconds:.6f}"[:_SECONDS_CHARACTERS]
        sender = word(arrival.envelope.sender, _ADDRESS_BYTES)
        before = f"{TAG}[{arrival.origin.pid}]: {status} {seconds} {arrival.size_bytes} {sender}"
        after = f"{word(share.subject, _SUBJECT_BYTES)} {word(share.message_id, _SUBJECT_BYTES)}"
        files = tuple(f"{word(name, _NAME_BYTES)}:{size}" for name, size in _files(share))
        for recipient in arrival.envelope.recipients:
            line = f"{before} {word(recipient, _ADDRESS_BYTES)} {after}"
            yield " ".join((line, *_few(files, _LINE_BYTES - len(line.encode()))))


def _status(share: Record, *, crypto: bool) -> str:
    status = result_string(share).removesuffix(".")
    return f"{status}CRYPTO({share.crypto}):" if crypto and share.crypto else status


def _files(share: Record) -> tuple[tuple[str, int], ...]:
    """What was unpacked; of a message with nothing in it, the message itself (facts 3.4)."""
    return share.files or ((f"{share.arrival.id}-unpacked", share.arrival.size_bytes),)


def _few(files: Iterable[str], room: int) -> Iterator[str]:
    """As many, whole and in order, as there is room for, each with what separates it."""
    for file in files:
        room -= len(file.encode()) + 1
        if room < 0:
            return
        yield file
