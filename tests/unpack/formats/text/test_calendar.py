"""Files in calendars and address cards."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.carriers import carriers_of
from mailwarden.unpack.formats.text.calendar import open_calendar
from support.opening import opened

FILE = bytes(range(200))
BASE64 = base64.b64encode(FILE)


def folded(line: bytes) -> bytes:
    return b"\r\n ".join(line[start : start + 70] for start in range(0, len(line), 70))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"ATTACH;FMTTYPE=x/y;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=a.zip:" + BASE64, "a.zip"),
        (b'ATTACH;VALUE=BINARY;ENCODING=BASE64;FILENAME="a b.zip":' + BASE64, "a b.zip"),
        (b"attach;encoding=base64;value=binary:" + BASE64, ""),
        (b"PHOTO;ENCODING=b;TYPE=JPEG:" + BASE64, ""),
        (b"PHOTO;JPEG;BASE64:" + BASE64, ""),
        (b"ATTACH:data:application/zip;base64," + BASE64, ""),
    ],
)
def test_a_file_in_a_calendar_is_found(line: bytes, name: str) -> None:
    calendar = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + folded(line) + b"\r\nEND:VCALENDAR\r\n"
    assert list(carriers_of(calendar, "text", ("a.ics",), "text/calendar")) == ["calendar"]
    assert opened(open_calendar, calendar).octets == {name: FILE}


def test_a_calendar_without_files_is_not_opened() -> None:
    calendar = b"BEGIN:VCALENDAR\r\nSUMMARY:Lunch\r\nATTACH:https://example.org/\r\nEND:VCALENDAR"
    assert not list(carriers_of(calendar, "text", ("a.ics",), "text/calendar"))
    assert opened(open_calendar, calendar).members == ()


@pytest.mark.parametrize("piece", [b"A;ENCODING=B;", b";b;", b"\n ", b"A;b:", b":data:;base64,A"])
def test_time_is_linear(piece: bytes) -> None:
    calendar = b"BEGIN:VCALENDAR\n" + piece * (300_000 // len(piece))
    started = time.process_time()
    opened(open_calendar, calendar)
    assert time.process_time() - started < 4


@given(
    st.binary()
    | st.lists(st.sampled_from([b"A;ENCODING=B:", b"QUJD", b"\n", b" ", b":data:"])).map(b"".join)
)
def test_any_bytes_give_members_or_the_named_errors(octets: bytes) -> None:
    error = opened(open_calendar, octets).error
    assert error is None or isinstance(error, OverLimitError)
