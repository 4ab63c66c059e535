"""Which texts carry files."""

import pytest

from mailwarden.unpack.carriers import carriers_of

_URL = b"data:application/zip;base64,UEsDBAo="


@pytest.mark.parametrize(
    ("octets", "word", "names", "media_type", "formats"),
    [
        (b"Hello " + _URL, "text", (), "text/plain", ()),
        (b"Hello " + _URL, "text", (), "text/html", ("markup",)),
        (b"Hello " + _URL, "text", ("a.HTM. ",), "", ("markup",)),
        (b"<svg>" + _URL, "svg", (), "", ("markup",)),
        (("<a>" + _URL.decode()).encode("utf-16-be"), "", ("a.html",), "", ("markup",)),
        (b"<?mso-application progid='Word.Document'?>", "xml", ("a.doc",), "", ("flat-office",)),
        ("<binData>".encode("utf-16-be"), "", ("a.doc",), "", ("flat-office",)),
        (b"I.D. of a table", "text", (), "", ()),
        (b"Hello\nMime-Version: 1.0\n", "text", ("a.doc",), "", ("page-archive",)),
        (b"Hello\nMime-Version: 1.0\n", "text", ("a.txt",), "", ()),
        (b"Mime-Version: 1.0\n", "mail", ("a.doc",), "", ()),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_text_that_carries_files_is_opened(
    octets: bytes, word: str, names: tuple[str, ...], media_type: str, formats: tuple[str, ...]
) -> None:
    assert tuple(carriers_of(octets, word, names, media_type)) == formats
