"""Tables with macros of Excel 4 as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.carriers import carriers_of
from mailwarden.unpack.formats.office.sylk import open_sylk
from mailwarden.unpack.members import Trait, UnreadableError
from support.opening import opened

MACROS = b'ID;P\nO;E\nNN;NAuto_open;ER101C1\nC;X1;Y101;EEXEC("CALC.EXE")\nE\n'


@pytest.mark.parametrize(
    ("table", "traits"),
    [
        (MACROS, {Trait.XLM_MACROS, Trait.AUTO_MACROS}),
        (MACROS.replace(b"\n", b"\r\n"), {Trait.XLM_MACROS, Trait.AUTO_MACROS}),
        (b"ID;P\nO;L;E;D\n", {Trait.XLM_MACROS}),
        (b"ID;P\nC;X1;Y1;E+cmd|'/c calc'!A0\n", {Trait.DDE}),
        (b"ID;PWXL;N;E\nO;L;D\nC;Y1;X1;K10\nC;Y2;X1;ER1C1*2\nE\n", set()),
    ],
    ids=["macros", "crlf", "options", "dde", "honest"],
)
def test_what_excel_would_run_is_said(table: bytes, traits: set[Trait]) -> None:
    assert list(carriers_of(table, "text", ("a.csv",), "text/csv")) == ["sylk"]
    assert opened(open_sylk, table).traits == traits


@given(st.binary() | st.binary().map(b"ID".__add__))
def test_any_bytes_give_traits_or_the_named_errors(octets: bytes) -> None:
    outcome = opened(open_sylk, octets)
    assert outcome.members == ()
    assert outcome.error is None or isinstance(outcome.error, UnreadableError)
