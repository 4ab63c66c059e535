"""What programs could take a name for, and what is odd about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.verdict.file_names import (
    READ_CHARACTERS,
    NameForm,
    bounded,
    extension_of,
    extensions_of,
    has_form,
    readings_of,
)

STARTED = frozenset({"exe", "vbs"})
CLASS_ID = "{00020906-0000-0000-C000-000000000046}"


@pytest.mark.parametrize(
    ("name", "extensions"),
    [
        ("a.exe", {"exe"}),
        ("A.EXE", {"exe"}),
        ("a.exe. . ", {"exe"}),
        ("a.exe\t", {"exe"}),
        ("a. exe", {"exe"}),
        ("a.exe\u200b", {"exe"}),
        ("a\u202etxt.exe", {"exe"}),
        ("a.exe\0.txt", {"exe", "txt"}),
        (".exe", {"exe"}),
        ("invoice.pdf.exe", {"exe"}),
        ("a.exe::$DATA", {"exe"}),
        ("a.exe:x:$data", {"exe"}),
        ("a.exe. ::$DATA", {"exe"}),
        ("Re: a.exe", {"exe"}),
        ("x/y.txt/a.exe", {"exe"}),
        ("x\\a.exe", {"exe"}),
        ("www.example.com/", {"com/"}),
        ("a.appref-ms", {"appref-ms"}),
        (f"{'a' * 5_000}.exe", {"exe"}),
        ("a", set()),
        ("...", set()),
        ("", set()),
        ("\0", set()),
    ],
)
def test_extensions_are_what_a_program_could_see(name: str, extensions: set[str]) -> None:
    assert extensions_of(name) == extensions


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        ("a.txt", ("a.txt",)),
        ("x/../a.txt", ("a.txt",)),
        ("C:\\x\\a.txt ", ("a.txt",)),
        ("a\u202eb.txt", ("ab.txt",)),
        ("a.exe\0b.txt", ("a.exe", "a.exeb.txt")),
        ("x/", ("x/",)),
        ("", ()),
        (" . ", ()),
    ],
)
def test_readings_are_names_without_folders_and_tricks(
    name: str, readings: tuple[str, ...]
) -> None:
    assert readings_of(name) == readings


@pytest.mark.parametrize(
    "name",
    [
        "invoice.pdf.exe",
        "invoice.PDF.VBS",
        "invoice.pdf .exe",
        "invoice.txt                 .bin",
        "invoice.txt___.dat",
        "x/invoice.jpg.exe\u200b",
    ],
)
def test_an_ending_behind_another_one_is_a_double_extension(name: str) -> None:
    assert has_form(name, NameForm.DOUBLE_EXTENSION, STARTED)


@pytest.mark.parametrize(
    "name",
    [
        "setup.exe",
        "backup.tar.gz",
        "report.v2.pdf",
        "Report 1.10   .pdf",
        "letter.doc   .pdf",
        "letter.doc .bin",
        "archive.zip.001",
        "picture.jpg.jpg",
        "signature.pdf.p7m",
        "jquery.min.exe",
    ],
)
def test_ordinary_names_with_several_dots_are_none(name: str) -> None:
    assert not has_form(name, NameForm.DOUBLE_EXTENSION, STARTED)


def test_a_class_id_at_the_end_is_seen() -> None:
    assert has_form(f"photo.jpg.{CLASS_ID}", NameForm.CLASS_ID, STARTED)
    assert has_form(f"photo.{CLASS_ID.lower()}. ", NameForm.CLASS_ID, STARTED)


@pytest.mark.parametrize("name", [f"{CLASS_ID}.png", CLASS_ID, "a.{1}", f"a.{CLASS_ID}.png"])
def test_an_id_elsewhere_in_the_name_is_none(name: str) -> None:
    assert not has_form(name, NameForm.CLASS_ID, STARTED)


def test_a_name_is_too_long_from_257_characters_on_without_its_folders() -> None:
    assert not has_form(f"{'folder/' * 99}{'é' * 256}", NameForm.TOO_LONG, STARTED)
    assert has_form("é" * 257, NameForm.TOO_LONG, STARTED)


def test_a_text_is_bounded_to_its_two_ends() -> None:
    assert bounded("a" * READ_CHARACTERS) == ("a" * READ_CHARACTERS,)
    assert bounded(f"{'a' * READ_CHARACTERS}{'b' * READ_CHARACTERS}") == (
        "a" * READ_CHARACTERS,
        "b" * READ_CHARACTERS,
    )


@given(name=st.text())
def test_any_name_has_readings_without_folders_and_nothing_invisible(name: str) -> None:
    readings = readings_of(name)
    assert len(readings) <= 2
    assert all(reading.isprintable() and len(reading) <= READ_CHARACTERS for reading in readings)
    assert extensions_of(name) == {one for one in map(extension_of, readings) if one}
    for form in NameForm:
        assert has_form(name, form, STARTED) in {True, False}


@pytest.mark.parametrize("piece", [".", " ", "_", "a.", ".txt ", ":", "{", "/", "\\", "::$DATA"])
def test_a_name_of_a_megabyte_takes_no_time(piece: str) -> None:
    """The test's own limit of time is the assertion."""
    name = piece * 1_000_000
    for form in NameForm:
        has_form(name, form, STARTED)
    extensions_of(name)
