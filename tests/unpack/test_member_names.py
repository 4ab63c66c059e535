import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.member_names import leads_out, name_readings


@pytest.mark.parametrize(
    ("stored", "readings"),
    [
        (b"a.exe", ("a.exe",)),
        (b"a.exe\0.txt", ("a.exe", "a.exe\0.txt")),
        (b"\xc3\xa4.exe", ("\xe4.exe", "\u251c\xf1.exe")),
        (b"\x84.exe", ("\xe4.exe",)),
        (b"", ("",)),
    ],
)
def test_a_name_is_read_in_every_way(stored: bytes, readings: tuple[str, ...]) -> None:
    assert name_readings(stored, "cp437") == readings


def test_of_an_endless_name_the_ending_is_read() -> None:
    (name,) = name_readings(b"a" * 1_000_000 + b".exe", "cp437")
    assert name.endswith("a.exe")
    assert len(name) < 100_000


@pytest.mark.parametrize(
    "name",
    ["/a", "\\a", "\\\\host\\a", "C:a", "c:\\a", "..", "../a", "a/../../b", "a\\..", ".. /a"],
)
def test_names_that_lead_out_are_known(name: str) -> None:
    assert leads_out(name)


@pytest.mark.parametrize("name", ["a", "a/b", "./a", "..a", "a..", "a/..b/c", "a/b..", "12:30", ""])
def test_names_that_stay_inside_are_known(name: str) -> None:
    assert not leads_out(name)


@pytest.mark.parametrize("piece", [".. ", "a/.. ", "x/", "..", "..x/"])
def test_a_long_name_takes_linear_time(piece: str) -> None:
    before = time.process_time()
    leads_out("x" + piece * 20_000 + "x")
    assert time.process_time() - before < 2


@given(st.binary(max_size=50))
def test_any_bytes_have_a_reading(stored: bytes) -> None:
    assert name_readings(stored, "cp437")
    assert name_readings(stored, "latin-1")
