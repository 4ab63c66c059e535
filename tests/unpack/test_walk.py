"""Taking a payload apart to the last member, with openers of the tests' own.

The toy format is a gzip signature followed by pieces: what `file_types` takes for gzip, opened by
`open_toy` here.
"""

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import Limit, Meter, UnpackLimits
from mailwarden.unpack.contents import Contents, Item, Reason, Span
from mailwarden.unpack.members import (
    Entry,
    Member,
    Opened,
    Opener,
    Trait,
    UnreadableError,
    UnsupportedError,
)
from mailwarden.unpack.openers import Format
from mailwarden.unpack.walk import Job, unpack_payload

LIMITS = UnpackLimits(bytes_produced=1_000_000, files=100, depth=5, ratio=100, seconds=10.0)
GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"

# What a toy archive holds is looked up by its octets: tests say what opening them yields.
Script = Mapping[bytes, tuple[Opened | Exception, ...]]


class Shelf:
    """Keeps octets one behind the other, as the helper process does."""

    def __init__(self) -> None:
        self.octets = b""

    def __call__(self, octets: bytes) -> Span:
        start = len(self.octets)
        self.octets += octets
        return Span(start, start + len(octets))


def toy(word: bytes) -> bytes:
    return GZIP + word


def opened(script: Script, octets: bytes, **job: object) -> tuple[Contents, Shelf]:
    shelf = Shelf()
    given = {"names": ("a.gz",), "media_type": "", "limits": LIMITS, **job}
    contents = unpack_payload(
        octets,
        Job(path="2", **given),  # type: ignore[arg-type]  # a test gives what the fields take
        {"gzip": Format(opener(script))},
        lambda: 0.0,
        shelf,
    )
    return contents, shelf


def opener(script: Script) -> Opener:
    def open_toy(octets: bytes, meter: Meter) -> Iterator[Opened]:
        for found in script.get(octets, ()):
            if isinstance(found, Exception):
                raise found
            if isinstance(found, Member):
                meter.count_member()
                meter.count_bytes(len(found.octets or b""))
            yield found

    return open_toy


def paths(contents: Contents) -> list[str]:
    return [item.path for item in contents.items]


def kept(contents: Contents, shelf: Shelf) -> dict[str, bytes]:
    return {
        item.path: shelf.octets[item.extracted.start : item.extracted.end]
        for item in contents.items
        if item.extracted is not None
    }


def test_what_is_no_container_is_one_item() -> None:
    contents, shelf = opened({}, b"hello\n", names=("hello.txt",), media_type="text/plain")
    assert contents.items == (
        Item("2", ("hello.txt",), ("message",), 6, file_type="text", media_type="text/plain"),
    )
    assert (contents.unopened, shelf.octets) == ((), b"")


def test_members_follow_their_container_and_are_kept() -> None:
    script = {toy(b"A"): (Member(("x/one.txt",), b"one"), Member(("two.txt",), b"two"))}
    contents, shelf = opened(script, toy(b"A"))
    assert paths(contents) == ["2", "2/a.gz/x/one.txt", "2/a.gz/two.txt"]
    assert kept(contents, shelf) == {"2/a.gz/x/one.txt": b"one", "2/a.gz/two.txt": b"two"}
    assert [item.containers for item in contents.items][1:] == [("message", "gzip")] * 2
    assert contents.items[0].is_archive


def test_archives_inside_are_opened_and_not_kept_themselves() -> None:
    script = {
        toy(b"A"): (Member(("b.gz",), toy(b"B")),),
        toy(b"B"): (Member(("c.txt",), b"deep"),),
    }
    contents, shelf = opened(script, toy(b"A"))
    assert paths(contents) == ["2", "2/a.gz/b.gz", "2/a.gz/b.gz/c.txt"]
    assert list(kept(contents, shelf)) == ["2/a.gz/b.gz/c.txt"]
    assert contents.items[-1].depth == 3


def test_archives_inside_are_kept_when_asked_for() -> None:
    script = {
        toy(b"A"): (Member(("b.gz",), toy(b"B")),),
        toy(b"B"): (Member(("c.txt",), b"deep"),),
    }
    contents, shelf = opened(script, toy(b"A"), keeps_archives=True)
    assert list(kept(contents, shelf)) == ["2/a.gz/b.gz", "2/a.gz/b.gz/c.txt"]


def test_octets_found_twice_are_kept_once() -> None:
    script = {toy(b"A"): (Member(("one",), b"same"), Member(("two",), b"same"))}
    contents, shelf = opened(script, toy(b"A"))
    assert shelf.octets == b"same"
    assert contents.items[1].extracted == contents.items[2].extracted


def test_a_member_without_a_name_has_its_containers_without_the_ending() -> None:
    contents, _ = opened({toy(b"A"): (Member((), b"text"),)}, toy(b"A"), names=("report.pdf.gz",))
    assert contents.items[1].names == ("report.pdf",)
    assert contents.items[1].path == "2/report.pdf.gz/report.pdf"


def test_traits_of_the_container_are_told_once_each() -> None:
    script = {toy(b"A"): (Trait.HIDDEN_DATA, Member(("x",), b"x"), Trait.HIDDEN_DATA)}
    contents, _ = opened(script, toy(b"A"))
    assert contents.items[0].traits == (Trait.HIDDEN_DATA,)


@pytest.mark.parametrize("trait", [Trait.ENCRYPTED, Trait.VOLUME, Trait.HIDDEN_DATA])
def test_an_archive_with_a_trait_that_says_that_more_is_there_is_kept(trait: Trait) -> None:
    script = {toy(b"A"): (Member(("b.gz",), toy(b"B")),), toy(b"B"): (trait, Member(("x",), b"x"))}
    contents, shelf = opened(script, toy(b"A"))
    assert not contents.items[1].is_archive
    assert set(kept(contents, shelf)) == {"2/a.gz/b.gz", "2/a.gz/b.gz/x"}


def test_a_member_that_stayed_shut_is_told_and_its_archive_kept() -> None:
    shut = Member(("secret.doc",), None, 77, traits=(Trait.ENCRYPTED,), unopened="no password")
    script = {toy(b"A"): (Member(("b.gz",), toy(b"B")),), toy(b"B"): (shut,)}
    contents, shelf = opened(script, toy(b"A"))
    assert contents.items[2].traits == (Trait.ENCRYPTED,)
    assert contents.items[2].size_bytes == 77
    assert [(one.reason, one.detail) for one in contents.unopened] == [
        (Reason.UNSUPPORTED, "no password")
    ]
    assert list(kept(contents, shelf)) == ["2/a.gz/b.gz"]


def test_folders_and_links_leave_nothing_shut() -> None:
    members = (
        Member(("d/",), None, entry=Entry.FOLDER),
        Member(("l", "/x"), None, None, Entry.LINK),
    )
    contents, _ = opened({toy(b"A"): members}, toy(b"A"))
    assert contents.items[0].is_archive
    assert contents.unopened == ()


def test_a_folder_is_told_from_a_file_by_its_name() -> None:
    member = Member(("example.com",), None, entry=Entry.FOLDER)
    contents, _ = opened({toy(b"A"): (member,)}, toy(b"A"))
    assert contents.items[1].names == ("example.com/",)


def test_an_archive_behind_a_program_or_with_hidden_data_is_kept() -> None:
    script: Script = {
        toy(b"A"): (Member(("b.gz",), toy(b"B")), Member(("c.gz",), b"MZ" + b"\0" * 600)),
        toy(b"B"): (Trait.HIDDEN_DATA, Member(("x",), b"x")),
    }
    contents, shelf = opened(script, toy(b"A"))
    assert "2/a.gz/b.gz" in kept(contents, shelf)
    assert "2/a.gz/c.gz" in kept(contents, shelf)


def test_what_came_before_a_break_counts_and_the_break_is_told() -> None:
    script = {toy(b"A"): (Member(("one",), b"one"), UnreadableError("cut short"))}
    contents, shelf = opened(script, toy(b"A"))
    assert kept(contents, shelf) == {"2/a.gz/one": b"one"}
    assert [(one.reason, one.format, one.detail) for one in contents.unopened] == [
        (Reason.UNREADABLE, "gzip", "cut short")
    ]
    assert not contents.items[0].is_archive


def test_a_format_that_is_missing_here_is_told() -> None:
    script = {toy(b"A"): (UnsupportedError("a library is missing"),)}
    contents, _ = opened(script, toy(b"A"))
    assert contents.unopened[0].reason is Reason.UNSUPPORTED
    contents = unpack_payload(toy(b"A"), Job("2", (), "", LIMITS), {}, lambda: 0.0, Shelf())
    assert contents.unopened[0].reason is Reason.UNSUPPORTED


def test_an_archive_that_holds_itself_is_over_the_limit_at_once() -> None:
    contents, _ = opened({toy(b"A"): (Member(("a.gz",), toy(b"A")),)}, toy(b"A"))
    assert paths(contents) == ["2", "2/a.gz/a.gz"]
    assert [(one.reason, one.detail) for one in contents.unopened] == [
        (Reason.OVER_LIMIT, Limit.DEPTH)
    ]


def test_too_deep_is_over_the_limit_and_what_lies_above_is_there() -> None:
    script = {
        toy(b"%d" % level): (Member((f"{level}.gz",), toy(b"%d" % (level + 1))),)
        for level in range(20)
    }
    contents, _ = opened(script, toy(b"0"))
    assert len(contents.items) == 1 + LIMITS.depth
    assert [one.detail for one in contents.unopened] == [Limit.DEPTH]


def test_a_budget_that_is_used_up_stays_used_up_for_what_follows() -> None:
    many = tuple(Member((f"{number}",), b"%d" % number) for number in range(200))
    script = {
        toy(b"A"): (Member(("b.gz",), toy(b"B")), Member(("c.gz",), toy(b"C"))),
        toy(b"B"): many,
        toy(b"C"): many,
    }
    contents, _ = opened(script, toy(b"A"))
    assert {one.detail for one in contents.unopened} == {Limit.FILES}
    assert contents.spent.files > LIMITS.files
    assert len(contents.items) <= LIMITS.files + 1


def test_names_are_cut_in_paths_but_not_in_items() -> None:
    name = "x" * 5_000
    contents, _ = opened({toy(b"A"): (Member((name,), b"1"),)}, toy(b"A"))
    assert contents.items[1].names == (name,)
    assert len(contents.items[1].path) < 300


# A tree: the octets of a file, or the members of a toy archive.
Tree = bytes | list["Tree"]


def planted(tree: Tree, script: dict[bytes, tuple[Opened | Exception, ...]]) -> bytes:
    if isinstance(tree, bytes):
        return tree
    members = tuple(Member((), planted(one, script)) for one in tree)
    octets = toy(b"%d" % len(script))
    script[octets] = (*members, UnreadableError("x")) if len(members) % 2 else members
    return octets


@given(st.recursive(st.binary(max_size=5), lambda inner: st.lists(inner, max_size=6)))
def test_whatever_is_in_whatever_is_taken_apart_within_the_budget(tree: Tree) -> None:
    limits = UnpackLimits(bytes_produced=100, files=10, depth=3, ratio=100, seconds=10.0)
    script: dict[bytes, tuple[Opened | Exception, ...]] = {}
    octets = planted(tree, script)
    contents, shelf = opened(script, octets, limits=limits)
    assert len(contents.items) <= limits.files + 1
    assert len(shelf.octets) <= limits.bytes_produced
    assert max(item.depth for item in contents.items) <= limits.depth + 1
    for item in contents.items:
        span = item.extracted or Span(0, 0)
        assert 0 <= span.start <= span.end <= len(shelf.octets)
