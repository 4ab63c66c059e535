"""Whether links lead away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.office.remote import is_remote


@pytest.mark.parametrize(
    "target",
    [
        "http://example.com/a.dotm",
        " HTTPS://example.com",
        "ftp://example.com/a",
        "mhtml:http://example.com/a!x",
        r"\\server\share\a.dotm",
        "//server/share",
        "file://server/share/a.dotm",
        r"file:///\\server\share\a.dotm",
        r"file:\\server\share",
        "file:////server/share",
    ],
)
def test_urls_and_network_paths_lead_away(target: str) -> None:
    assert is_remote(target)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "Normal.dotm",
        r"C:\Users\a\Templates\a.dotm",
        "file:///C:\\Users\\a\\a.dotm",
        "file://C:/a.dotm",
        "file://localhost/C:/a.dotm",
        "file:a.dotm",
        "../media/a.png",
        r"\\.\pipe",
    ],
)
def test_paths_of_the_same_machine_do_not(target: str) -> None:
    assert not is_remote(target)


@given(st.text())
def test_any_text_has_an_answer(target: str) -> None:
    assert is_remote(target) in (True, False)
