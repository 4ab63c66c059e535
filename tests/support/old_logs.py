"""Logs of a Qmail-Scanner with the patch, and ours in its forms, made to be counted.

`SAMPLE` is the table that the patch's page shows of log-report.sh; two logs are made to fit it.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import count

# Sun, 22 Nov 2026 21:30:00 UTC.
AT = 1_795_383_000.0

VIRUSES = {
    "W32/Netsky-P": 2841,
    "W32/Mabutu-A": 430,
    "W32/MyDoom-O": 218,
    "W32/Netsky-Q": 142,
    "W32/MyDoom-A": 70,
    "W32/MyDoom-H": 57,
    "W32/Netsky-N": 36,
    "W32/MyDoom-N": 12,
    "W32/Mydoom-T": 11,
    "W32/MyDoom-S": 11,
    "W32/MyDoom-AG": 4,
    "W32/Zafi-B": 3,
    "W32/NetskyP-Dam": 2,
    "W32/Mydoom-F": 2,
    "W32/Lovgate-V": 2,
    "W32/Flcss": 2,
    "W32/Torvil-A": 1,
    "W32/Parite-B": 1,
    "W32/Netsky-C": 1,
    "W32/Bagle-AU": 1,
}
SPAM = {"rejecting": 11173, "tagging": 596}

SAMPLE = [f"{number:7d} {name}" for name, number in (*VIRUSES.items(), *SPAM.items())]


def our_sample_log() -> Iterator[str]:
    """qmail-queue.log as we write it, with the sample's counts."""
    numbers = count()
    for name, times in VIRUSES.items():
        for _ in range(times):
            yield our_event(next(numbers), "quarantining", name)
    for verb, times in SPAM.items():
        for _ in range(times):
            yield our_event(next(numbers), verb, "spam", score="12.5/6.5")


def original_sample_log() -> Iterator[str]:
    """qmail-queue.log with debug lines around them, names as a scanner tells them."""
    numbers = count()
    for name, times in VIRUSES.items():
        for _ in range(times):
            yield from original_virus(next(numbers), name)
    for verb, times in SPAM.items():
        for _ in range(times):
            number = next(numbers)
            yield original_line(number, "w_c: subject is virus: W32/Forged-A")
            yield original_line(number, f"SA: {verb} message, score 12.5 of 6.5")


def our_event(
    number: int,
    verb: str,
    name: str,
    *,
    sender: str = "ann@sender.example",
    to: str = "bob@example.net",
    score: str = "",
) -> str:
    """One line of ours; each `number` is a process and two seconds of its own."""
    return original_line(number, f'{verb}: name="{name}" from="{sender}" to="{to}" score="{score}"')


def original_virus(number: int, name: str) -> Iterator[str]:
    """What a debug log says of one infected message."""
    yield original_line(number, f"+++ starting debugging for process {number} by uid=89")
    yield original_line(number, f"sweep: >>> Virus '{name}' found in file msg-1.pif")
    yield original_line(number, f"sweep: >>> Virus '{name}' found in file msg-2.pif")
    yield original_line(number, "quarantining message")
    yield original_line(number, "cleanup: total time 0.4 secs")


def original_line(number: int, text: str) -> str:
    """`<date>:<pid>: <text>`."""
    return f"{rfc_date(AT + 2 * number)}:{1000 + number % 30_000}: {text}"


def quarantine_line(
    name: str,
    *,
    date: str = "Fri, 12 Feb 2004 10:34:16 -0500",
    sender: str = "yykk62@hotmail.com",
    recipients: str = "mike@example.net",
    subject: str = "Re: Your product",
) -> str:
    """A line of quarantine.log."""
    return "\t".join((date, sender, recipients, subject, name, "clamuko: 0.67. "))


def mailstats_line(status: str, recipient: str = "bob@example.net", *, at: float = AT) -> str:
    """A line of mailstats.csv."""
    fields = (rfc_date(at), status, "1.25", "4321", "ann@sender.example", recipient)
    return "\t".join((*fields, "Re: hello", "<1@sender.example>", "x.doc:12345"))


def syslog_line(
    status: str, recipient: str = "bob@example.net", *, pid: int = 77, date: str = "Nov 22 21:30:00"
) -> str:
    """A line of a syslog file."""
    record = f"{status} 1.25 4321 ann@sender.example {recipient} Re:_hello <1@sender.example> x:1"
    return f"{date} mx qmail-scanner[{pid}]: {record}"


@cache
def rfc_date(at: float) -> str:
    """A date as RFC 2822 has it, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")


def as_octets(lines: Iterable[str]) -> bytes:
    """A file of these lines."""
    return "".join(f"{line}\n" for line in lines).encode()
