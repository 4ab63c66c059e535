"""On which line a key stands: cases by hand, then every text that tomllib accepts."""

import tomllib
from collections.abc import Iterable, Iterator
from time import process_time
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailwarden.settings.locations import KeyPath, locate

CASES: list[tuple[str, str, dict[KeyPath, int]]] = [
    ("a key at the top", "a = 1\n\nb = 2", {("a",): 1, ("b",): 3}),
    ("a table", "# c\n[t]\n  a = 1 # c", {("t",): 2, ("t", "a"): 3}),
    ("a table with blanks", "[ t . 'u' ]\na=1", {("t",): 1, ("t", "u"): 1, ("t", "u", "a"): 2}),
    ("a dotted key", 't."u.v" . w = 1', {("t",): 1, ("t", "u.v"): 1, ("t", "u.v", "w"): 1}),
    ("an escaped key", r'"\u0061\"]" = 1', {('a"]',): 1}),
    ("an empty key", "'' = 1", {("",): 1}),
    ("a list on many lines", "a = [ # ]\n 1,\n\n 2,\n]", {("a",): 1, ("a", 0): 2, ("a", 1): 4}),
    ("lists in a list", "a=[[1],[\n2]]", {("a", 0, 0): 1, ("a", 1): 1, ("a", 1, 0): 2}),
    ("an inline table", "a = {b = 1, c.d = 2}", {("a", "b"): 1, ("a", "c", "d"): 1}),
    ("tables in a list", "a = [\n{b=1},\n{b=2}]", {("a", 0, "b"): 2, ("a", 1, "b"): 3}),
    ("a key in a text", 'a = """\nb = 1\n"""\nc = 1', {("a",): 1, ("c",): 4}),
    ("a table in a text", "a = '''\n[t]'''\nb = 1", {("a",): 1, ("b",): 3}),
    ("quotes before the end", 'a = """x"""""\nb = 1', {("a",): 1, ("b",): 2}),
    ("quotes inside", 'a = """x""y"z"""\nb = 1', {("a",): 1, ("b",): 2}),
    ("escaped quotes", 'a = """x\\"""y"""\nb = "\\""\nc = 1', {("a",): 1, ("b",): 2, ("c",): 3}),
    ("marks in a text", "a = '[]{}#=,'\nb = 1", {("a",): 1, ("b",): 2}),
    ("a date with a blank", "a = 1979-05-27 07:32:00Z\nb = 1", {("a",): 1, ("b",): 2}),
    ("line ends of Windows", "a = 1\r\n[t]\r\nb = 1\r\n", {("a",): 1, ("t",): 2, ("t", "b"): 3}),
    (
        "an array of tables",
        "[[p]]\na=1\n[p.q]\nb=1\n[[p]]\na=2\n[p.q]\nb=2\n[[p.r]]\nc=1",
        {
            ("p",): 1,
            ("p", 0, "a"): 2,
            ("p", 0, "q", "b"): 4,
            ("p", 1): 5,
            ("p", 1, "a"): 6,
            ("p", 1, "q", "b"): 8,
            ("p", 1, "r", 0, "c"): 10,
        },
    ),
]


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_a_key_is_found_on_its_line(text: str, expected: dict[KeyPath, int]) -> None:
    tomllib.loads(text)
    lines = locate(text)
    assert {path: lines.get(path) for path in expected} == expected


@pytest.mark.parametrize("text", ["a", "a =", "a = [1", "[t", "a = 'x", "= 1", "a = {b", "]"])
def test_what_is_not_toml_is_refused_and_not_looped_over(text: str) -> None:
    with pytest.raises(ValueError, match="not TOML"):
        locate(text)


def _paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:  # noqa: ANN401 - as tomllib gives it
    """Every place in what tomllib read, but for the whole."""
    if path:
        yield path
    children: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for key, child in children:
        yield from _paths(child, (*path, key))


_NAMES = st.sampled_from(["a", "b-1", '"q.r"', "'s#t'", '"\\u00e9\\""', "a.b", "c . 'd'"])
_SCALARS = st.sampled_from(
    [
        "1",
        "-1_0.5e3",
        "true",
        '"x#]\\""',
        "'}\\'",
        '"""\nx = 1 ""\n"""',
        '""""q"""""',
        "'''\n[t]\n''x'''",
        "1979-05-27 07:32:00",
        "inf",
    ]
)


def _compound(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    gap = st.sampled_from(["", " ", "\n", " # ]},=\n\t"])
    items = st.lists(st.builds("{}{}{}".format, gap, values, gap), max_size=3)
    pairs = st.lists(st.builds("{} = {}".format, _NAMES, values), max_size=3)
    return items.map(lambda inside: f"[{','.join(inside)}\n]") | pairs.map(
        lambda inside: f"{{ {', '.join(inside)} }}"
    )


_VALUES = st.recursive(_SCALARS, _compound, max_leaves=6)
_STATEMENTS = (
    st.builds("{} = {}".format, _NAMES, _VALUES)
    | st.builds("[{}]".format, _NAMES)
    | st.builds("[[{}]]".format, _NAMES)
    | st.sampled_from(["", "# a = 1", "\t"])
)
_DOCUMENTS = st.lists(_STATEMENTS, max_size=8).map("\n".join)
_RUBBISH = st.text(st.sampled_from("ab.=[]{}\"'#,\n \\1"), max_size=24)


@given(text=_DOCUMENTS | _RUBBISH)
def test_every_place_that_tomllib_reads_is_found_and_no_other(text: str) -> None:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)  # noqa: FBT003 - hypothesis has no other word for "not this one"
        raise
    lines = locate(text)
    assert set(lines) == set(_paths(table))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@given(values=st.lists(_VALUES, min_size=1, max_size=6))
def test_the_line_is_where_the_statement_begins(values: list[str]) -> None:
    statements = [f"k{number} = {value}" for number, value in enumerate(values)]
    text = "\n".join(statements)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)  # noqa: FBT003 - hypothesis has no other word for "not this one"
    lines = locate(text)
    for number, statement in enumerate(statements):
        assert text.split("\n")[lines[f"k{number}",] - 1] == statement.split("\n")[0]


def test_four_times_the_file_takes_about_four_times_as_long() -> None:
    """Quadratic would be sixteen times; the best of three, for other programs run beside."""
    small, large = (min(_seconds_for(tables) for _ in range(3)) for tables in (5_000, 20_000))
    assert large < 9 * small


def _seconds_for(tables: int) -> float:
    text = "".join(f"[t{number}]\na = ['''x''', 'y']\n" for number in range(tables))
    start = process_time()
    lines = locate(text)
    seconds = process_time() - start
    assert lines[f"t{tables - 1}", "a", 1] == 2 * tables
    return seconds
