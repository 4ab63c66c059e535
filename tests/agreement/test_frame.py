from pathlib import Path

from agreement.frame import (
    LIMITS,
    Case,
    Known,
    Result,
    judge,
    nearest,
    octets_text,
    vanished,
    with_lf,
)
from agreement.page import page
from mailwarden.message.readings import read_every_way
from mailwarden.message.tree import Reading

_SAME = Case("a.msg", "structure", "leaf", "leaf")
_OTHER = Case("b.msg", "structure", "leaf", "multipart(leaf)")
_LENIENT = Known("they", "structure", "They are lenient.", ("b.*",))


def test_a_disagreement_that_nobody_has_looked_at_is_unknown() -> None:
    judged = judge("they", Result([_SAME, _OTHER]), ())

    assert (judged.files, judged.agreeing, judged.differing) == (2, 1, 1)
    assert judged.unknown == [_OTHER]


def test_a_disagreement_in_the_table_is_known() -> None:
    judged = judge("they", Result([_SAME, _OTHER]), [_LENIENT])

    assert judged.unknown == []
    assert judged.known == {_LENIENT: [_OTHER]}


def test_an_entry_for_another_source_file_aspect_or_place_excuses_nothing() -> None:
    entries = (
        Known("others", "structure", "", ("b.msg",)),
        Known("they", "structure", "", ("a.msg",)),
        Known("they", "octets", "", ("b.msg",)),
        Known("they", "structure", "", ("b.msg",), ("part 2",)),
    )

    assert judge("they", Result([_OTHER]), entries).unknown == [_OTHER]


def test_an_entry_that_nothing_needs_any_more_is_told() -> None:
    entries = (_LENIENT, Known("others", "structure", "", ("*",)))

    assert vanished(judge("they", Result([_SAME]), entries), entries) == [_LENIENT]
    assert vanished(judge("they", Result([_OTHER]), entries), entries) == []


def test_of_all_readings_that_counts_which_agrees_in_most() -> None:
    raw = (
        b'Content-Type: multipart/mixed; boundary="a"\n'
        b'Content-Type: multipart/mixed; boundary="b"\n\n'
        b"--a\n\none\n--a--\n--b\n\nthe other one\n--b--\n"
    )
    wanted = octets_text(b"the other one")

    def compare(reading: Reading) -> list[Case]:
        leaf = list(reading.walk())[-1]
        ours = octets_text(raw[leaf.body_start : leaf.body_end])
        return [Case("a.msg", "octets", ours, wanted)]

    assert [case.agrees for case in nearest(read_every_way(raw, LIMITS), compare)] == [True]


def test_octets_are_told_apart_by_their_digest() -> None:
    assert octets_text(b"one") == octets_text(b"one")
    assert octets_text(b"one") != octets_text(b"two")
    assert with_lf(b"a\r\nb\n") == b"a\nb\n"


def test_the_page_names_numbers_reasons_and_files_and_shows_no_content() -> None:
    result = Result([_SAME, _OTHER], ("10 messages a second",))

    text = page([judge("they", result, [_LENIENT])])

    assert "| they | 2 | 2 | 1 | 1 |" in text
    assert "They are lenient.\n\n- `b.msg`\n" in text
    assert "    10 messages a second" in text
    assert "multipart(leaf)" not in text


def test_no_entry_of_the_table_is_there_twice() -> None:
    from agreement.known import KNOWN

    assert len(set(KNOWN)) == len(KNOWN)


def test_every_entry_of_the_table_belongs_to_a_source() -> None:
    from agreement.__main__ import SOURCES
    from agreement.known import KNOWN

    assert {one.source for one in KNOWN} <= {*SOURCES, "helper processes"}


def test_without_the_corpus_the_command_says_how_to_name_it(tmp_path: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "agreement", str(tmp_path)]
    root = Path(__file__).parents[2]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "CORPUS=" in ended.stderr
