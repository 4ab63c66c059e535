import contextlib
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.pdf.pdf_decryption import NotDecryptedError, decrypted
from support.pdf import HEADER, encrypted


def test_without_a_password_it_is_taken_off() -> None:
    plain = decrypted(encrypted(""))
    assert plain.startswith(HEADER[:5])
    assert b"/Encrypt" not in plain
    assert b"a.exe" in plain


def test_with_a_password_it_stays() -> None:
    with pytest.raises(NotDecryptedError):
        decrypted(encrypted("secret"))


def test_a_document_without_encryption_stays_as_it_is() -> None:
    plain = encrypted(None)
    assert decrypted(plain) == plain


def test_without_the_library_it_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    document = encrypted("")
    monkeypatch.setitem(sys.modules, "pikepdf", None)
    with pytest.raises(NotDecryptedError):
        decrypted(document)


@given(st.binary())
def test_any_bytes_are_decrypted_or_not(octets: bytes) -> None:
    with contextlib.suppress(NotDecryptedError):
        decrypted(HEADER + octets)
