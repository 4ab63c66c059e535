import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.encodings import encoding_names, is_known, is_private


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("", ("",)),
        ("base64", ("base64",)),
        ("7bit", ("7bit",)),
        ("base64;", ("base64", "binary")),
        (";base64", ("base64", "binary")),
        ("base64 xx", ("base64", "binary")),
        ("xx base64", ("base64", "binary")),
        ("base64xx", ("base64", "binary")),
        ("x-base64", ("base64", "binary")),
        ("base 64", ("base64", "binary")),
        ("(xx) base64", ("base64", "binary")),
        ("quoted printable", ("quoted-printable", "binary")),
        ("quoted-printabl", ("quoted-printable", "binary")),
        ("quotedprint", ("quoted-printable", "binary")),
        ("x-qp", ("quoted-printable", "binary")),
        ("base64,quoted-printable", ("base64", "quoted-printable", "binary")),
        ("qp base64", ("quoted-printable", "base64", "binary")),
        ("uuencode", ("uuencode",)),
        ("x-uue", ("uuencode",)),
        ("x-uuencode", ("uuencode",)),
        ("x-uuencode;", ("uuencode", "binary")),
        ("x-yenc", ("yenc",)),
        ("x-gzip64", ("base64",)),
        ("7bit 8bit", ("7bit", "8bit", "binary")),
        ("xxx", ("xxx",)),
        ("x" * 500, ("x" * 100,)),
    ],
)
def test_every_encoding_that_a_text_may_name_is_given(word: str, names: tuple[str, ...]) -> None:
    assert encoding_names(word) == names


def test_standard_and_private_names_are_told_apart() -> None:
    assert is_known("base64")
    assert not is_known("x-uuencode")
    assert is_private("x-uuencode")
    assert not is_private("base64")


@given(st.text())
def test_any_text_gives_a_few_names(word: str) -> None:
    assert len(encoding_names(word)) <= 11
