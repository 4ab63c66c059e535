r"""What the bodies of spamd's answers say: tests and points, the report, spamd's header fields.

SYMBOLS   `BAYES_99,GTUBE`, or nothing.
REPORT    text for people, ending with a table whose lines start `points TEST_NAME description`.
HEADERS   the message's header as spamd would write it: spamd's fields among the message's.
          X-Spam-Report (_REPORT_) holds `* points TEST_NAME description`, and X-Spam-Status the
          names (_TESTS_) or names with points (_TESTSSCORES_).

The message can put lines of its own into the last two.
Where spamd's part begins and ends follows from how spamd writes it (`_OWN_FIELDS` below;
Mail::SpamAssassin::PerMsgStatus, `rewrite_report_safe` and `rewrite_no_report_safe`).
What a test says about the message stands in the table too, on lines that are further in (28 blanks,
or 6 behind the star) or begin with a bracket; points never are.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

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
_POINTS = r"-?\d{1,9}(?:\.\d{1,4})?"
_TABLE_LINE = re.compile(rf"^ {{0,3}}({_POINTS}) ({_NAME})(?: |$)", re.MULTILINE)

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
_STATUS_TEST = rf"\w+(?:={_POINTS})?".encode("ascii")
_STATUS_TESTS = re.compile(
    rb"^X-Spam-Status:[^\0]*?\stests=\s*((?:%b,\s*)*%b)(?!\S)" % (_STATUS_TEST, _STATUS_TEST),
    re.IGNORECASE,
)
_REPORT_FIELD = re.compile(rb"X-Spam-Report:", re.IGNORECASE)
_REPORT_LINE = re.compile(
    rf"^[ \t]*\* {{1,4}}({_POINTS}) ({_NAME})(?:\s|$)".encode("ascii"), re.MULTILINE
)
_VERSION = re.compile(
    rb"^X-Spam-(?:Checker-Version:\s*SpamAssassin\s+|Status:[^\0]*?\sversion=)(\d[\w.-]{0,31})",
    re.IGNORECASE,
)
# Mail::SpamAssassin::Constants, MBX_SEPARATOR.
_MBX_SEPARATOR = re.compile(
    rb"[\s\d]\d-[A-Za-z]{3}-\d{4}\s\d{2}:\d{2}:\d{2}[^\n]*,\d+;[0-9a-f]{12}-\w{8}\r?(?:\n|\Z)"
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


# A test's name with the points that it gave.
Points = tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Markup:
    """What spamd would write on a message: whole fields with LF line ends, in order.

    A Subject is among them only when spamd changed it. `version` is SpamAssassin's, or empty.
    `points` are of those tests only that spamd wrote points of.
    """

    fields: tuple[bytes, ...]
    tests: tuple[str, ...]
    version: str
    points: Points = ()


def parse_symbols(body: bytes) -> tuple[str, ...]:
    """Read the body of SYMBOLS: the names of the tests that hit; raises `PeerError`."""
    names = body.decode("ascii", "replace").strip()
    return _checked_tests(names.split(",")) if names else ()


def parse_report(body: bytes) -> tuple[str, Points]:
    """Read the body of REPORT: its text and the tests in it with their points; raises `PeerError`.

    The text quotes the message ("content preview"); the tests are those of the last table.
    """
    text = body.decode("utf-8", "replace").replace("\r\n", "\n").strip("\n")
    if text.count("\n") >= REPORT_LINES:
        raise PeerError(f"the report has more than {REPORT_LINES} lines")
    rules = list(_TABLE_RULE.finditer(text))
    table = text[rules[-1].end() :] if rules else ""
    return text, _points((name, points) for points, name in _TABLE_LINE.findall(table))


def parse_markup(body: bytes, original: bytes) -> Markup:
    """Read the body of HEADERS, given the message that was asked about; raises `PeerError`."""
    header, original_header = _header(body), _header(original)
    fields = _own_fields(header, original_header)
    written = b"".join(fields)
    if written.count(b"\n") > OWN_LINES:
        raise PeerError(f"spamd's header fields have more than {OWN_LINES} lines")
    tests, points = _tests(fields)
    return Markup(
        fields=(*fields, *_changed_subject(header, original_header)),
        tests=tests,
        version=_first(_VERSION, fields),
        points=points,
    )


def mbx_separators_bytes(message: bytes) -> int:
    """How long the mbx separators are that a message begins with; 0 without any.

    SpamAssassin 4.0.1 means to take such a line away, and dies of it before it answers.
    """
    end = 0
    while match := _MBX_SEPARATOR.match(message, end):
        end = match.end()
    return end


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


def _tests(fields: tuple[bytes, ...]) -> tuple[tuple[str, ...], Points]:
    """The tests that the Status names, and the points in there or in the Report."""
    written = "".join(_first(_STATUS_TESTS, fields).split())
    pairs = [entry.partition("=")[::2] for entry in written.split(",") if entry not in {"", "none"}]
    named = _checked_tests([name for name, _ in pairs])
    reported = _reported_points(fields, frozenset(named))
    tests = named or tuple(name for name, _ in reported)
    return tests, _points(pair for pair in pairs if pair[1]) or reported


def _reported_points(fields: tuple[bytes, ...], named: frozenset[str]) -> Points:
    """The points in the Report, of the tests that the Status names where it names any."""
    report = b"".join(field for field in fields if _REPORT_FIELD.match(field))
    lines = _REPORT_LINE.findall(report)
    points = _points((name.decode("ascii"), points.decode("ascii")) for points, name in lines)
    return tuple(pair for pair in points if not named or pair[0] in named)


def _points(pairs: Iterable[tuple[str, str]]) -> Points:
    written = list(pairs)
    names = _checked_tests([name for name, _ in written])
    return tuple((name, Decimal(points)) for name, (_, points) in zip(names, written, strict=True))


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
