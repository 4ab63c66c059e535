"""Page archives behind something else."""

from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.file_types import formats_of
from mailwarden.unpack.formats.mail.page_archive import open_page_archive
from mailwarden.unpack.members import UnreadableError
from support.opening import opened

MAIL = b"MIME-Version: 1.0\nContent-Type: text/html\n\n<html>"
PDF = b"%PDF-1.7\n1 0 obj\n"


def test_a_mail_behind_a_pdf_is_opened_where_word_would_open_it() -> None:
    octets = PDF + b"  " + MAIL
    assert "page-archive" in formats_of(octets, ("a.doc",), "application/pdf")
    assert "page-archive" not in formats_of(octets, ("a.pdf",), "application/pdf")
    assert opened(open_page_archive, octets).octets == {"page.mht": MAIL}


@given(st.binary() | st.binary().map(lambda octets: octets + MAIL))
def test_any_bytes_give_members_or_the_named_errors(octets: bytes) -> None:
    error = opened(open_page_archive, octets).error
    assert error is None or isinstance(error, UnreadableError | OverLimitError)
