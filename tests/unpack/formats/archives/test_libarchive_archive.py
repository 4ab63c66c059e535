"""Archives that libarchive opens, made by itself or from their headers."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.archives.first_whole import BROKEN
from mailwarden.unpack.formats.archives.libarchive_archive import (
    open_ar,
    open_cpio,
    open_with_libarchive,
    open_xar,
)
from mailwarden.unpack.libarchive_border import Way
from mailwarden.unpack.members import (
    Entry,
    Member,
    Opener,
    Trait,
    UnreadableError,
    UnsupportedError,
)
from support.native_archives import ZSTD, cpio, seven_zip, written
from support.office import look, meter

FILE = 0o100644
MEMBERS = {"a.txt": b"hello", "b.bin": bytes(100_000)}


@pytest.mark.parametrize(
    ("opener", "name"),
    [
        (open_cpio, "cpio_newc"),
        (open_cpio, "cpio"),
        (open_ar, "ar_svr4"),
        (open_ar, "ar_bsd"),
        (open_xar, "xar"),
    ],
)
def test_what_was_put_in_comes_out_again(opener: Opener, name: str) -> None:
    members = look(opener, written(name, MEMBERS)).members
    assert {member.names[0]: member.octets for member in members} == MEMBERS
    assert [member.unopened for member in members] == ["", ""]


def test_folders_links_and_devices_are_known_for_what_they_are() -> None:
    archive = cpio((b"d", 0o40755, b""), (b"l", 0o120777, b"d"), (b"tty", 0o020644, b""))
    folder, link, device = look(open_cpio, archive).members
    assert (folder.entry, folder.octets) == (Entry.FOLDER, None)
    assert (link.entry, link.names, link.traits) == (Entry.LINK, ("l", "d"), (Trait.LINK,))
    assert (device.entry, device.traits) == (Entry.DEVICE, (Trait.DEVICE,))


@pytest.mark.parametrize("name", [b"/etc/cron.d/x", b"../x", b"a/../../x"])
def test_a_name_that_leads_out_is_a_traversal(name: bytes) -> None:
    (member,) = look(open_cpio, cpio((name, FILE, b"x"))).members
    assert member.names == (name.decode(),)
    assert member.traits == (Trait.PATH_TRAVERSAL,)


def test_a_name_that_is_not_utf_8_has_every_likely_reading() -> None:
    (member,) = look(open_cpio, cpio((b"\xe4.exe", FILE, b"x"))).members
    assert member.names == ("Σ.exe", "ä.exe")


@pytest.mark.parametrize("lost_bytes", [1, 120, 130, 200])
def test_an_archive_that_is_cut_is_never_all_there(lost_bytes: int) -> None:
    whole = cpio((b"a", FILE, b"x" * 100), (b"b", FILE, b"y" * 100))
    found: list[object] = []
    with pytest.raises(UnreadableError):
        found.extend(open_cpio(whole[:-lost_bytes], meter()))


def test_what_came_out_of_a_member_before_the_cut_counts() -> None:
    whole = cpio((b"a", FILE, b"MZ" + bytes(100_000)))
    found = open_cpio(whole[:50_000], meter())
    member = next(found)
    assert isinstance(member, Member)
    assert member.unopened == BROKEN
    assert member.octets is None or member.octets.startswith(b"MZ")
    with pytest.raises(UnreadableError, match=BROKEN):
        next(found)


def test_names_behind_a_member_that_cannot_be_unpacked_are_told() -> None:
    found = open_with_libarchive(
        seven_zip({"a.txt": b"1", "b.exe": b"2"}, ZSTD, ZSTD), meter(), Way(("7zip",))
    )
    first, second = next(found), next(found)
    assert isinstance(first, Member)
    assert isinstance(second, Member)
    assert (first.names, first.octets, first.unopened) == (
        ("a.txt",),
        None,
        "its method is not known here",
    )
    assert (second.names, second.unopened) == (("b.exe",), "what comes before it is broken")
    with pytest.raises(UnsupportedError):
        next(found)


def test_an_archive_without_members_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="no member was found"):
        look(open_cpio, cpio())


@given(st.sampled_from((b"", b"070701", b"!<arch>\n", b"xar!\0\x1c\0\1")), st.binary(max_size=300))
def test_any_bytes_give_members_or_a_named_error(signature: bytes, octets: bytes) -> None:
    for opener in (open_cpio, open_ar, open_xar):
        with contextlib.suppress(UnreadableError, UnsupportedError):
            look(opener, signature + octets)
