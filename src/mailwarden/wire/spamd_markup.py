r"""What the bodies of spamd's answers say: test names, the report, spamd's own header fields.

SYMBOLS   `BAYES_99,GTUBE`, or nothing.
REPORT    text for people, ending with a table whose lines start `points TEST_NAME description`.
HEADERS   the message's header as spamd would write it: spamd's fields among the message's.

The message can put lines of its own into the last two.
Where spamd's part begins and ends follows from how spamd writes it (`_OWN_FIELDS` below;
Mail::SpamAssassin::PerMsgStatus, `rewrite_report_safe` and `rewrite_no_report_safe`).
"""

import re
from dataclasses import dataclass

from mailwarden.wire.errors import PeerError

# SpamAssassin ships about 1,500 rules; a message hits some dozens of them.
TESTS = 2_000
# A report is a dozen lines of preview and one or two for each test.
REPORT_LINES = 5_000
# spamd writes four fields by default, of a few lines each.
OWN_LINES = 1_000

# Mail::SpamAssassin::Constants, RULENAME_RE.
_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
_TEST = re.compile(_NAME)
_TABLE_RULE = re.compile(r"^ *-{3,} -{3,} -{3,}$", re.MULTILINE)
_TABLE_LINE = re.compile(rf"^ *-?\d{{1,9}}(?:\.\d{{1,4}})? ({_NAME})(?: |$)", re.MULTILINE)

# Possessive, so that a long run of lines costs no memory for ways back.
_CONTINUATION = rb"(?:[ \t][^\n]*+\n)*+"
_FIELD = rb"[^\n]*+\n" + _CONTINUATION
_BLANK_LINE = re.compile(rb"^\r?$", re.MULTILINE)
# After an mbox or mbx separator, which SpamAssassin takes away before it reads the header.
_LEADING_CONTINUATION = re.compile(
    rb"(?:(?:From\s|[\s|\d]\d-[A-Za-z]{3}-\d{4}\s)[^\n]*\n)?(" + _CONTINUATION + rb")"
)
# spamd puts its fields on top, after an mbox line and Return-Path at most; in the envelope of
# report_safe after these. Anything else ends the search: below it stands what the message says,
# and after four lines that are no fields SpamAssassin no longer removes X-Spam from there.
# X-Spam-Prev-* is the message's own or a copy of it, and is left in place by SpamAssassin.
_OWN_FIELDS = re.compile(
    rb"(?:From\s[^\n]*\n)?"
    rb"(?:(?:Return-Path|Received|From|To|Cc|Subject|Date|Message-Id):" + _FIELD + rb")*+"
    rb"((?:X-Spam-(?!Prev-)[\w-]+:" + _FIELD + rb")*+)",
    re.IGNORECASE,
)
_OWN_FIELD = re.compile(rb"X-Spam-" + _FIELD, re.IGNORECASE)
_SUBJECT = re.compile(rb"^Subject[ \t]*:" + _FIELD, re.IGNORECASE | re.MULTILINE)
_STATUS_TESTS = re.compile(
    rb"^X-Spam-Status:[^\0]*?\stests=\s*((?:\w+,\s*)*\w+)(?!\S)", re.IGNORECASE
)
_VERSION = re.compile(
    rb"^X-Spam-(?:Checker-Version:\s*SpamAssassin\s+|Status:[^\0]*?\sversion=)(\d[\w.-]{0,31})",
    re.IGNORECASE,
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Markup:
    """What spamd would write on a message: whole fields with LF line ends, in order.

    A Subject is among them only when spamd changed it. `version` is SpamAssassin's, or empty.
    """

    fields: tuple[bytes, ...]
    tests: tuple[str, ...]
    version: str


def parse_symbols(body: bytes) -> tuple[str, ...]:
    """Read the body of SYMBOLS: the names of the tests that hit; raises `PeerError`."""
    names = body.decode("ascii", "replace").strip()
    return _checked_tests(names.split(",")) if names else ()


def parse_report(body: bytes) -> tuple[str, tuple[str, ...]]:
    """Read the body of REPORT: its text and the names of the tests in it; raises `PeerError`.

    The text quotes the message ("content preview"); the tests are those of the last table.
    """
    text = body.decode("utf-8", "replace").replace("\r\n", "\n").strip("\n")
    if text.count("\n") >= REPORT_LINES:
        raise PeerError(f"the report has more than {REPORT_LINES} lines")
    rules = list(_TABLE_RULE.finditer(text))
    table = text[rules[-1].end() :] if rules else ""
    return text, _checked_tests(_TABLE_LINE.findall(table))


def parse_markup(body: bytes, original: bytes) -> Markup:
    """Read the body of HEADERS, given the message that was asked about; raises `PeerError`."""
    header, original_header = _header(body), _header(original)
    fields = _own_fields(header, original_header)
    written = b"".join(fields)
    if written.count(b"\n") > OWN_LINES:
        raise PeerError(f"spamd's header fields have more than {OWN_LINES} lines")
    return Markup(
        fields=(*fields, *_changed_subject(header, original_header)),
        tests=_status_tests(fields),
        version=_first(_VERSION, fields),
    )


def _header(message: bytes) -> bytes:
    """The header alone, with LF line ends and a last one."""
    blank = _BLANK_LINE.search(message)
    header = message[: blank.start()] if blank else message
    return header.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"


def _own_fields(header: bytes, original: bytes) -> tuple[bytes, ...]:
    match = _OWN_FIELDS.match(header)
    own = match[1] if match else b""
    # A message that begins with a continuation line would continue spamd's last field.
    leading = _LEADING_CONTINUATION.match(original)
    own = own.removesuffix(leading[1] if leading else b"")
    return tuple(_CONTROL.sub(b"?", field) for field in _OWN_FIELD.findall(own))


def _changed_subject(header: bytes, original: bytes) -> tuple[bytes, ...]:
    """The first Subject that the message did not have; spamd adds an empty one at times."""
    known = {_value(subject) for subject in _SUBJECT.findall(original)} | {b""}
    changed = [subject for subject in _SUBJECT.findall(header) if _value(subject) not in known]
    return tuple(changed[:1])


def _value(field: bytes) -> bytes:
    return field.partition(b":")[2].strip()


def _status_tests(fields: tuple[bytes, ...]) -> tuple[str, ...]:
    names = "".join(_first(_STATUS_TESTS, fields).split())
    return () if names in {"", "none"} else _checked_tests(names.split(","))


def _first(pattern: re.Pattern[bytes], fields: tuple[bytes, ...]) -> str:
    """What the pattern's group holds in the first field that it matches, or nothing."""
    matches = (pattern.match(field) for field in fields)
    return next((match[1].decode("ascii") for match in matches if match), "")


def _checked_tests(names: list[str]) -> tuple[str, ...]:
    if len(names) > TESTS:
        raise PeerError(f"more than {TESTS} tests are said to have hit")
    if not all(_TEST.fullmatch(name) for name in names):
        raise PeerError("a test's name is not one that SpamAssassin allows")
    return tuple(names)
