"""What unar opens, with archives from their headers; the programs themselves are asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import Budget, OverLimitError, UnpackLimits
from mailwarden.unpack.formats.archives import unar
from mailwarden.unpack.formats.archives.unar import Wanted, open_unar, unpack
from mailwarden.unpack.members import Entry, Trait, UnreadableError, UnsupportedError
from support.native_archives import GARBLED, Rarred, arj, rar3
from support.office import look, meter

MEMBERS = {b"a.txt": b"hello", b"empty": b"", b"folder/b.exe": b"MZ" * 500}


def test_what_was_put_in_comes_out_again() -> None:
    found = look(open_unar, arj(MEMBERS))
    assert found.names == ("a.txt", "empty", "folder/b.exe")
    assert [member.octets for member in found.members] == list(MEMBERS.values())
    assert [member.unopened for member in found.members] == ["", "", ""]


def test_members_behind_a_password_are_encrypted() -> None:
    members = look(open_unar, arj(MEMBERS, GARBLED)).members
    assert {(member.traits, member.octets, member.unopened) for member in members} == {
        ((Trait.ENCRYPTED,), None, "")
    }


def test_a_name_that_leads_out_is_a_traversal_and_is_written_nowhere() -> None:
    (member,) = look(open_unar, arj({b"../../x": b"x"})).members
    assert Trait.PATH_TRAVERSAL in member.traits
    assert member.octets == b"x"


def test_a_name_that_looks_like_an_option_or_a_pattern_is_only_a_name() -> None:
    names = (b"-o", b"*", b"$(id)", b"a b\n;")
    found = look(open_unar, arj({name: name for name in names}))
    assert found.names == ("-o", "*", "$(id)", "a b\n;")
    assert [member.octets for member in found.members] == list(names)


def test_a_link_tells_where_it_leads() -> None:
    (member,) = look(open_unar, rar3(Rarred(b"l", b"/etc/passwd", mode=0o120777))).members
    assert (member.entry, member.octets) == (Entry.LINK, None)
    assert Trait.LINK in member.traits


def test_a_member_whose_checksum_is_wrong_is_not_all_there() -> None:
    (member,) = look(open_unar, rar3(Rarred(b"a", b"hello", checksum=1))).members
    assert member.unopened == "unar cannot unpack it"


def test_members_are_asked_for_one_by_one_where_the_sizes_do_not_fit() -> None:
    archive = arj({b"a": b"123", b"b": b"4567"})
    assert unpack(archive, meter(), [Wanted(0, 3), Wanted(1, 99)]) == [b"123", None]
    assert unpack(archive, meter(), [Wanted(0, 3), Wanted(1, 4)]) == [b"123", b"4567"]
    assert unpack(archive, meter(), []) == []


def test_only_so_many_are_asked_for_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unar, "_MOST_SINGLE_RUNS", 1)
    archive = arj({b"a": b"123", b"b": b"4567"})
    assert unpack(archive, meter(), [Wanted(0, 3), Wanted(1, 4), Wanted(1, 9)]) == [
        b"123",
        None,
        None,
    ]


def test_an_archive_that_is_cut_is_never_all_there() -> None:
    try:
        members = look(open_unar, arj(MEMBERS)[:-300]).members
    except UnreadableError:
        return
    assert any(member.unopened for member in members)


def test_something_else_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        look(open_unar, b"plain text")


def test_a_list_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unar, "_MOST_LIST_BYTES", 100)
    with pytest.raises(UnreadableError):
        look(open_unar, arj(MEMBERS))


def test_members_and_bytes_count() -> None:
    for limits in (
        UnpackLimits(bytes_produced=10**6, files=2, depth=5, ratio=100, seconds=60.0),
        UnpackLimits(bytes_produced=999, files=5, depth=5, ratio=100, seconds=60.0),
    ):
        with pytest.raises(OverLimitError):
            list(open_unar(arj(MEMBERS), Budget(limits, lambda: 0.0).meter(1000)))


def test_a_machine_without_unar_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unar, "_TEST", ("no-lsar-here",))
    with pytest.raises(UnsupportedError, match="no-lsar-here is not installed"):
        look(open_unar, arj(MEMBERS))


@pytest.mark.parametrize(
    "listing",
    [
        *(b"", b"[1]", b"{", b"[" * 100_000, b'{"lsarContents": [1, {}], "lsarError": 2}'),
        *(b'{"lsarContents": 1}', b'{"lsarContents": null}'),
    ],
)
def test_a_list_that_is_not_what_lsar_writes_is_unreadable(
    listing: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unar, "_TEST", ("cat", "/dev/stdin"))
    monkeypatch.setattr(unar, "_LIST", ("cat", "/dev/stdin"))
    with pytest.raises(UnreadableError):
        look(open_unar, listing)


def test_a_size_or_an_index_that_cannot_be_is_none() -> None:
    for number in (-1, 2**63, 1.5, "2", None):
        (line,) = unar._lines({"lsarContents": [{"XADFileSize": number, "XADIndex": number}]})
        assert (line.size_bytes, line.index) == (0, 0)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["lsarContents", "lsarTestResult", "XADFileName", "XADFileSize", "XADIsLink"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(_JSON)
def test_any_json_is_a_list_of_members(value: object) -> None:
    assert all(line.size_bytes >= 0 for line in unar._lines({"lsarContents": value}))
