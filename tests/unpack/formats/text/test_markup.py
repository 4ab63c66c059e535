"""Files inside web pages, as browsers save them."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.carriers import carriers_of
from mailwarden.unpack.formats.text.markup import open_markup
from support.opening import opened

FILE = bytes(range(7, 107)) + b"MZ"
BASE64 = base64.b64encode(FILE)
URL = b"data:application/zip;base64," + BASE64


def numbers(text: str) -> bytes:
    return ",".join(text % octet for octet in FILE).encode()


@pytest.mark.parametrize(
    "page",
    [
        b'<a download="a.zip" href="%b">' % URL,
        b"<a href=%b>" % URL,
        b"<svg><image href='%b'/></svg>" % URL,
        b"<style>a { background: url(%b) }" % URL,
        b"<a href='data:application/zip;base64,%b'>" % base64.encodebytes(FILE),
        b"<a href='data:x/y,%b'>" % b"".join(b"%%%02x" % octet for octet in FILE),
        b"<a href='&#100;ata:application/zip;base64&comma;%b'>" % BASE64,
        b"<a href='da\tta:application/zip;BASE64,%b'>" % BASE64,
        b"<a href='da\x1b(Bta:application/zip;base64,%b'>" % BASE64,
        b"<a href='%b'>".decode().encode("utf-16-le").replace(b"%\0b\0", URL),
        b"<script>l.href = 'd\\x61ta:x/y;base64,%b'" % BASE64,
        b'<script>atob("%b")' % BASE64,
        b"<script>atob('%b' +\n '%b')" % (BASE64[:60], BASE64[60:]),
        b"<script>['%b', '%b'].join('')" % (BASE64[:60], BASE64[60:]),
        b"<script>d = '%b'; d += '%b';" % (BASE64[:60], BASE64[60:]),
        b"<script>x = '%b'" % FILE.hex().encode(),
        b"<script>new Uint8Array([%b])" % numbers("%d"),
        b"<script>new Uint8Array([%b])" % numbers("0x%02X"),
        b"<script>document.write(unescape('%b'))"
        % b"".join(b"%%%02X" % octet for octet in b"<a href='%b'>" % URL),
        b"<textarea id=a>%b</textarea>" % BASE64,
    ],
    ids=lambda page: page[:40],
)
def test_a_file_that_a_page_holds_is_found(page: bytes) -> None:
    assert list(carriers_of(page, "html", (), "text/html")) == ["markup"]
    assert FILE in [member.octets for member in opened(open_markup, page).members]


def test_a_file_has_the_name_under_which_the_page_saves_it() -> None:
    page = b"<script>a.setAttribute('download', 'a.js'); a.href = '%b'" % URL
    (member,) = opened(open_markup, page).members
    assert (member.names, member.media_type) == (("a.js",), "application/zip")


def test_ordinary_pages_are_not_opened() -> None:
    page = b"<html><p class='big'>Prices: 10, 20, 30 &amp; more</p><a href='http://x/?data=1'>x</a>"
    assert not list(carriers_of(page, "html", (), "text/html"))


def test_pictures_are_not_shown_to_scanners() -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(9))
    (member,) = opened(open_markup, b'<img src="data:image/png;base64,%b">' % picture).members
    assert not member.is_scanned


@pytest.mark.parametrize(
    "piece",
    [b"data:,", b"'data:", b'"' + b"A" * 90, b"1,", b"' + '", b"&#", b"\\x61", b"%61", b">A"],
)
def test_time_is_linear(piece: bytes) -> None:
    page = b"<html>" + piece * (400_000 // len(piece))
    started = time.process_time()
    list(carriers_of(page, "html", (), "text/html"))
    opened(open_markup, page)
    assert time.process_time() - started < 4


@given(
    st.binary()
    | st.lists(st.sampled_from([b"data:", b";base64,", b"'", b"AAAA" * 20])).map(b"".join)
)
def test_any_bytes_give_members_or_the_named_errors(octets: bytes) -> None:
    error = opened(open_markup, octets).error
    assert error is None or isinstance(error, OverLimitError)
