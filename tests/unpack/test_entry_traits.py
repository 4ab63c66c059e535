import pytest

from mailwarden.unpack.entry_traits import entry_traits
from mailwarden.unpack.members import Entry, Trait


@pytest.mark.parametrize("name", ["/etc/x", "..", "a/../../b", "..\\x", "C:x"])
def test_a_name_that_leads_out_is_a_traversal(name: str) -> None:
    assert entry_traits(Entry.FILE, ("harmless", name)) == (Trait.PATH_TRAVERSAL,)


def test_links_devices_and_encryption_are_traits() -> None:
    assert entry_traits(Entry.LINK, ("a",), ("b",)) == (Trait.LINK,)
    assert entry_traits(Entry.DEVICE, ("a",)) == (Trait.DEVICE,)
    assert entry_traits(Entry.FILE, ("a",), is_encrypted=True) == (Trait.ENCRYPTED,)
    assert entry_traits(Entry.FOLDER, ("a/",)) == ()


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("a", "/etc/passwd"),
        ("a", "../x"),
        ("a/b", "../../x"),
        ("a", "b/../../x"),
        ("a", "\\\\host\\x"),
        ("a", "C:\\x"),
        ("a\\b", "..\\..\\x"),
    ],
)
def test_a_link_that_leads_out_is_a_traversal(name: str, target: str) -> None:
    assert Trait.PATH_TRAVERSAL in entry_traits(Entry.LINK, (name,), (target,))


@pytest.mark.parametrize(
    ("name", "target"), [("a", "b"), ("a/b", "../x"), ("a/b/c", "../../x"), ("a", "b/../c")]
)
def test_a_link_that_stays_inside_is_none(name: str, target: str) -> None:
    assert entry_traits(Entry.LINK, (name,), (target,)) == (Trait.LINK,)
