from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.odd_content import MOST_CANDIDATES, MOST_FIELDS, Candidates, gather


def test_candidates_that_need_fewer_habits_come_first() -> None:
    candidates: Candidates[str] = Candidates()
    candidates.add("b", ("one", "two"))
    candidates.add("a", ())
    candidates.add("c", ("one",))
    candidates.add("b", ("one",))
    candidates.add("a", ("one",))
    assert candidates.in_order() == ("a", "b", "c")


def test_candidates_are_bounded_and_say_so() -> None:
    candidates: Candidates[int] = Candidates()
    fullness = []
    for value in range(MOST_CANDIDATES + 1):
        candidates.add(value, ())
        fullness.append(candidates.is_full)
    assert fullness == [False] * MOST_CANDIDATES + [True]
    assert len(candidates.in_order()) == MOST_CANDIDATES


def test_habits_count_only_where_they_lead_to_another_effect() -> None:
    candidates: Candidates[str] = Candidates()
    candidates.add("a.exe", ())
    candidates.add("b.exe", ("harmless",))
    candidates.add("b", ("no effect",))
    candidates.add("a.txt", ("telling",))
    assert list(candidates.differing(lambda name: name.partition(".")[2])) == ["telling"]


def test_the_brief_way_reads_as_the_rfc_says_and_no_other() -> None:
    values = (b' multipart/mixed; boundary=a; x="y;boundary=b"',)
    assert gather(values, (), (), is_brief=False).boundaries.in_order() == (b"a", b'b"', b"b")
    brief = gather(values, (), (), is_brief=True)
    assert brief.boundaries.in_order() == (b"a",)
    assert brief.is_incomplete


def test_more_fields_than_are_read_are_said() -> None:
    fields = tuple(b" text/%d" % number for number in range(MOST_FIELDS + 1))
    assert not gather(fields[:-1], (), (), is_brief=False).is_incomplete
    assert gather(fields, (), (), is_brief=False).is_incomplete


@given(st.lists(st.binary(), max_size=3).map(tuple), st.booleans())
def test_any_fields_are_gathered(values: tuple[bytes, ...], is_brief: bool) -> None:
    gather(values, values, values, is_brief=is_brief)
