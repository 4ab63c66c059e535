"""Header fields that Qmail-Scanner 1.00 to 2.11, its patches, and we add to messages.

Reads the shapes of facts 4.1: `Received` and `-Diagnostics` with their scanners and result, the
short result field, and the fields with message id and sender. It decides nothing.
"""

import re
from dataclasses import dataclass, field
from datetime import tzinfo

from mailwarden.reports.dates import seconds_of
from mailwarden.reports.result_strings import Result, parse_result

_PROGRAM = re.compile(r"\bwith qmail-scanner-(\S{1,60})")
_SHORT = re.compile(r"(?P<version>\d\S{0,60}) \((?P<text>.*)\)")
_UID = re.compile(r"\buid (\d{1,10})")
_ENVELOPE_FROM = re.compile(r"\(envelope-from <([^>]{0,300})>")
_SCANNER = re.compile(r"([A-Za-z][\w-]{0,40}): (\S{1,100})")
# The result is one word, but for the oldest; only a word's beginning is tried.
_RESULT = re.compile(
    r"(?<!\S)\(?(?P<result>No viruses found\.|\S+)\s+"
    r"Processed in (?P<seconds>\d{1,9}\.\d{0,9}) secs"
)
_MOST_SCANNERS = 20
_DATE = re.compile(r"; (\d\d? \w{3} \d{4} \d\d:\d\d:\d\d(?: [+-]\d{4})?)")
_PROCESS = re.compile(r"\bProcess (\d{1,10})")
_VIA = re.compile(r"(?P<sender>.*) via (?P<host>\S+)")


@dataclass(frozen=True, slots=True)
class OldHeader:
    """What one field says; what it does not say is nothing or empty.

    `scanners` has names and versions, `seconds` is how long it took, `at` when (since the epoch),
    `process` the number to look for in the debug log, `via` the host in the sender's field.
    """

    version: str = ""
    uid: int | None = None
    envelope_from: str | None = None
    scanners: dict[str, str] = field(default_factory=dict)
    result: Result | None = None
    seconds: float | None = None
    at: float | None = None
    process: int | None = None
    message_id: str = ""
    mail_from: str | None = None
    via: str = ""


def parse_old_header(name: str, value: str, zone: tzinfo | None = None) -> OldHeader | None:
    """Read the value of a field; nothing when no Qmail-Scanner wrote it."""
    folded = " ".join(value.split())
    field_name = name.lower()
    if field_name.endswith("-message-id"):
        return OldHeader(message_id=folded.strip("<>"))
    if field_name.endswith("-mail-from"):
        return _sender(folded)
    if found := _PROGRAM.search(folded):
        return _long(found[1], folded[found.end() :], folded, zone)
    if field_name != "received" and (short := _SHORT.fullmatch(folded)):
        return _short(short["version"], short["text"])
    return None


def _sender(value: str) -> OldHeader | None:
    found = _VIA.fullmatch(value)
    return OldHeader(mail_from=found["sender"], via=found["host"]) if found else None


def _long(version: str, text: str, whole: str, zone: tzinfo | None) -> OldHeader:
    uid, envelope_from = _UID.search(whole), _ENVELOPE_FROM.search(whole)
    date = _DATE.search(text)
    result, seconds, before = _result(text)
    return OldHeader(
        version=version,
        uid=int(uid[1]) if uid else None,
        envelope_from=envelope_from[1] if envelope_from else None,
        # Braces stand around a scanner in a 2.11; a version's last dot ends the item.
        scanners={
            name: value.strip("{}").removesuffix(".")
            for name, value in _SCANNER.findall(before)[:_MOST_SCANNERS]
        },
        result=result,
        seconds=seconds,
        at=seconds_of(date[1], zone) if date else None,
    )


def _short(version: str, text: str) -> OldHeader | None:
    result, seconds, _ = _result(text)
    process = _PROCESS.search(text)
    if not result:
        return None
    return OldHeader(
        version=version,
        result=result,
        seconds=seconds,
        process=int(process[1]) if process else None,
    )


def _result(text: str) -> tuple[Result | None, float | None, str]:
    """The result, the seconds, and the text before them, where the scanners are."""
    found = _RESULT.search(text)
    if not found:
        return None, None, text
    return parse_result(found["result"]), float(found["seconds"]), text[: found.start()]
