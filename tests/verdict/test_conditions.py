"""What each condition holds for: any reading denies, every reading is needed to allow."""

import ipaddress
import re

import pytest

from mailwarden.unpack.contents import Item
from mailwarden.unpack.members import Trait
from mailwarden.verdict.conditions import (
    ClientIn,
    ClientMatches,
    CryptoMatches,
    Depth,
    Encrypted,
    Extension,
    FileCondition,
    FromRelayClient,
    HasTrait,
    HeaderField,
    InContainer,
    MessageCondition,
    Named,
    NameMatches,
    OddName,
    RealType,
    Recipient,
    Sender,
    Size,
    WithoutCrypto,
    encrypted_format,
    every,
    file_of,
)
from mailwarden.verdict.file_names import NameForm
from mailwarden.verdict.message_facts import MessageFacts

EXE = Item(
    "1/a.zip/a.exe",
    ("x/a.exe", "b.txt"),
    ("message", "zip"),
    size_bytes=100,
    file_type="pe",
    traits=(Trait.PATH_TRAVERSAL,),
)
LOCKED = Item("1/a.zip/b.pdf", ("b.pdf",), ("message", "zip"), traits=(Trait.ENCRYPTED,))
LOCKED_PDF = Item("2", ("c.pdf",), ("message",), 5, file_type="pdf", traits=(Trait.ENCRYPTED,))
NAMELESS = Item("1", (), ("message",))


def pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


@pytest.mark.parametrize(
    ("condition", "item", "denies", "allows"),
    [
        (Named(frozenset({"a.exe"})), EXE, True, False),
        (Named(frozenset({"a.exe", "b.txt"})), EXE, True, True),
        (Named(frozenset({"x/a.exe"})), EXE, False, False),
        (Named(frozenset({""})), NAMELESS, False, False),
        (NameMatches(pattern("A[.].*")), EXE, True, False),
        (NameMatches(pattern("[ab][.].*")), EXE, True, True),
        (NameMatches(pattern("exe")), EXE, False, False),
        (NameMatches(pattern(".*")), NAMELESS, False, False),
        (Extension(frozenset({"exe"})), EXE, True, False),
        (Extension(frozenset({"exe", "txt"})), EXE, True, True),
        (Extension(frozenset({"pdf"})), EXE, False, False),
        (RealType(frozenset({"pe"})), EXE, True, True),
        (RealType(frozenset({"elf"})), EXE, False, False),
        (Size(100, 100), EXE, True, True),
        (Size(0, 99), EXE, False, False),
        (Size(101, 999), EXE, False, False),
        (Size(0, 999), LOCKED, False, False),
        (Depth(2, 2), EXE, True, True),
        (Depth(1, 1), EXE, False, False),
        (Depth(3, 9), EXE, False, False),
        (HasTrait(frozenset({Trait.LINK, Trait.PATH_TRAVERSAL})), EXE, True, True),
        (HasTrait(frozenset({Trait.LINK})), EXE, False, False),
        (Encrypted(is_encrypted=True), LOCKED, True, True),
        (Encrypted(is_encrypted=False), LOCKED, False, False),
        (Encrypted(is_encrypted=False), EXE, True, True),
        (Encrypted(is_encrypted=True, format="zip"), LOCKED, True, True),
        (Encrypted(is_encrypted=True, format="zip"), LOCKED_PDF, False, False),
        (InContainer(frozenset({"zip"})), EXE, True, True),
        (InContainer(frozenset({"message"})), EXE, False, False),
    ],
)
def test_a_condition_on_files(
    condition: FileCondition, item: Item, denies: bool, allows: bool
) -> None:
    assert condition.holds(file_of(item), any) is denies
    assert condition.holds(file_of(item), every) is allows


FACTS = MessageFacts(
    fields={"subject": ("Hello", "=?x?q?Hello?=")},
    sender="ann@sender.example",
    recipients=("bob@a.example", "cid@b.example"),
    client="192.0.2.7",
    is_relay_client=True,
    crypto=("smime",),
)


@pytest.mark.parametrize(
    ("condition", "denies", "allows"),
    [
        (HeaderField("subject", pattern("hello")), True, False),
        (HeaderField("subject", pattern(".*hello.*")), True, True),
        (HeaderField("subject", pattern("hell")), False, False),
        (HeaderField("from", pattern(".*")), False, False),
        (Sender(pattern(".*@sender[.]example")), True, True),
        (Sender(pattern("sender")), False, False),
        (Recipient(pattern(".*@a[.]example")), True, False),
        (Recipient(pattern(".*[.]example")), True, True),
        (ClientIn((ipaddress.ip_network("192.0.2.0/24"),)), True, True),
        (ClientIn((ipaddress.ip_network("2001:db8::/32"),)), False, False),
        (ClientMatches(pattern(r"192[.]0[.]2[.]\d+")), True, True),
        (FromRelayClient(may_relay=True), True, True),
        (FromRelayClient(may_relay=False), False, False),
        (CryptoMatches(pattern(".*")), True, True),
        (CryptoMatches(pattern("pgp")), False, False),
        (WithoutCrypto(), False, False),
    ],
)
def test_a_condition_on_the_message(
    condition: MessageCondition, denies: bool, allows: bool
) -> None:
    assert condition.holds(FACTS, any) is denies
    assert condition.holds(FACTS, every) is allows


def test_a_client_is_found_behind_a_mapped_address_and_not_in_a_strange_one() -> None:
    condition = ClientIn((ipaddress.ip_network("192.0.2.0/24"),))
    assert condition.holds(MessageFacts(client="::ffff:192.0.2.7"), any)
    assert not condition.holds(MessageFacts(client="not an address"), any)
    assert not condition.holds(MessageFacts(client="2001:db8::1"), any)


def test_a_long_address_is_matched_by_its_ends() -> None:
    assert Sender(pattern(".*@sender[.]example")).holds(
        MessageFacts(sender=f"{'a' * 5_000}@sender.example"), any
    )


def test_an_odd_name_is_any_reading_but_too_long_only_where_none_is_shorter() -> None:
    started = frozenset({"exe"})
    double = OddName(frozenset({NameForm.DOUBLE_EXTENSION, NameForm.CLASS_ID}), started)
    long = OddName(frozenset({NameForm.TOO_LONG}), started)
    item = Item("1", ("a.txt", f"{'a' * 300}.pdf.exe"), ("message",))
    assert double.holds(file_of(item), any)
    assert not long.holds(file_of(item), any)
    assert long.holds(file_of(Item("1", ("a" * 300,), ("message",))), any)
    assert not long.holds(file_of(NAMELESS), any)


def test_the_encrypted_format_is_the_things_own_where_it_is_known() -> None:
    assert [encrypted_format(item) for item in (LOCKED, LOCKED_PDF, EXE)] == ["zip", "pdf", ""]


def test_a_file_has_its_names_extensions_type_and_traits_as_keys() -> None:
    assert file_of(EXE).keys == {"a.exe", "b.txt", ".exe", ".txt", "pe", "path-traversal"}


@pytest.mark.parametrize(
    ("names", "media_type", "extensions"),
    [
        ((), "application/hta", {"hta"}),
        (("report",), "application/x-msdownload", {"exe"}),
        (("report.pdf",), "application/x-msdownload", {"pdf"}),
        ((), "image/png", set()),
    ],
)
def test_a_name_without_an_ending_gets_that_of_the_media_type(
    names: tuple[str, ...], media_type: str, extensions: set[str]
) -> None:
    assert file_of(Item("1", names, ("message",), media_type=media_type)).extensions == extensions
