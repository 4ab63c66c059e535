import pytest

from mailwarden.message.parts import ReadingLimits, read_message
from mailwarden.unpack.opening import (
    Container,
    Contents,
    Item,
    OpeningLimits,
    Reason,
    Unopened,
    open_parts,
)
from support import samples

READING = ReadingLimits(header_bytes=100_000, header_fields=1_000, parts=100, depth=10)
LIMITS = OpeningLimits(archive_members=10, archive_bytes=1_000)


def contents(raw: bytes, limits: OpeningLimits = LIMITS) -> Contents:
    return open_parts(raw, read_message(raw, READING), limits)


def members(found: Contents) -> list[str]:
    return [item.path for item in found.items if item.container is Container.ZIP]


def test_every_part_is_an_item_with_its_names() -> None:
    found = contents(samples.with_attachment(b"a.txt", b"hello"))
    assert [(item.path, item.names) for item in found.items] == [
        ("", ()),
        ("1", ()),
        ("2", ("a.txt",)),
    ]
    assert {item.container for item in found.items} == {Container.MESSAGE}
    assert (found.exceeded, found.unreadable) == ((), ())


def test_members_of_a_zip_archive_are_items_with_a_path_and_a_size() -> None:
    found = contents(samples.zipped({"folder/a.exe": b"hello"}))
    assert found.items[-1] == Item(
        path="2/files.zip/folder/a.exe",
        names=("folder/a.exe",),
        size_bytes=5,
        is_encrypted=False,
        container=Container.ZIP,
    )


def test_a_message_that_is_nothing_but_an_archive_is_opened() -> None:
    part = samples.attached(b"a.zip", samples.zip_archive({"b.exe": b""}))
    assert members(contents(b"Subject: x\nMIME-Version: 1.0\n" + part)) == ["a.zip/b.exe"]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        (b"picture.png", b"image/png"),
        (b"archive.ZIP. ", b"application/octet-stream"),
        (b"", b"application/zip"),
        (b"", b"text/plain"),
    ],
)
def test_an_archive_is_known_by_its_first_octets_whatever_it_says_to_be(
    name: bytes, media_type: bytes
) -> None:
    archive = samples.zip_archive({"a.exe": b""})
    found = contents(samples.with_attachment(name, archive, media_type))
    assert len(members(found)) == 1
    assert members(found)[0].endswith("/a.exe")


def test_an_archive_is_opened_in_any_transfer_encoding() -> None:
    archive = samples.zip_archive({"a.exe": b""})
    quoted = b"".join(b"=%02X" % octet for octet in archive)
    encoded = samples.multipart(b"Content-Transfer-Encoding: quoted-printable\n\n" + quoted)
    plain = samples.multipart(b"Content-Transfer-Encoding: binary\n\n" + archive)
    assert members(contents(encoded)) == members(contents(plain)) == ["1/zip/a.exe"]


def test_encrypted_members_are_marked() -> None:
    found = contents(samples.encrypted_zip())
    assert [item.path for item in found.items if item.is_encrypted] == ["2/letter.zip/letter.txt"]


def test_a_broken_archive_is_unreadable() -> None:
    found = contents(samples.broken_zip())
    unopened = Unopened(Reason.UNREADABLE, Container.ZIP, "2", "letter.zip")
    assert found.unreadable == (unopened,)
    assert members(found) == []


def test_what_is_named_like_an_archive_but_is_none_is_unreadable() -> None:
    found = contents(samples.with_attachment(b"a.zip", b"Rar!\x1a\x07\x00"))
    assert [unopened.reason for unopened in found.unreadable] == [Reason.UNREADABLE]


def test_too_many_members_are_over_the_limit_and_not_listed() -> None:
    found = contents(samples.zipped({f"{number}.txt": b"" for number in range(11)}))
    assert [unopened.reason for unopened in found.exceeded] == [Reason.MEMBERS]
    assert members(found) == []


def test_the_limits_hold_for_all_archives_of_a_message_together() -> None:
    archive = samples.zip_archive({f"{number}.txt": b"" for number in range(6)})
    part = samples.attached(b"a.zip", archive)
    assert contents(samples.multipart(part)).exceeded == ()
    found = contents(samples.multipart(part, part))
    assert [(one.reason, one.path) for one in found.exceeded] == [(Reason.MEMBERS, "2")]


def test_more_announced_bytes_than_allowed_are_over_the_limit() -> None:
    found = contents(samples.zipped({"a.txt": b"\0" * 1_001}))
    assert [unopened.reason for unopened in found.exceeded] == [Reason.BYTES]
    assert members(found) == ["2/files.zip/a.txt"]


def test_member_names_are_texts_and_may_look_like_paths() -> None:
    found = contents(samples.zipped({"../../etc/passwd": b""}))
    assert found.items[-1].names == ("../../etc/passwd",)
