"""What passes and what does not where an administrator said nothing."""

from pathlib import Path

import pytest

from mailwarden.unpack.contents import Contents, Item
from mailwarden.unpack.members import Trait
from mailwarden.verdict.attachments import check_attachments
from mailwarden.verdict.default_rules import DEFAULT_RULES, STARTED_EXTENSIONS, extension_rules
from mailwarden.verdict.message_facts import MessageFacts
from mailwarden.verdict.rules import AttachmentRules

RULES = AttachmentRules((*extension_rules(STARTED_EXTENSIONS), *DEFAULT_RULES))
REFERENCE = Path(__file__).parents[2] / "docs/reference/attachment-rules.md"


def names_of(item: Item, *, may_relay: bool = False) -> list[str]:
    facts = MessageFacts(is_relay_client=may_relay)
    return [finding.name for finding in check_attachments(Contents((item,)), RULES, facts)]


def attached(name: str, file_type: str = "", *traits: Trait) -> Item:
    return Item("1", (name,), ("message",), 1, file_type=file_type, traits=traits)


def packed(name: str, *traits: Trait) -> Item:
    return Item(f"1/a.zip/{name}", (name,), ("message", "zip"), 1, traits=traits)


@pytest.mark.parametrize(
    ("item", "names"),
    [
        (attached("a.exe", "pe"), ["extension-exe", "program"]),
        (attached("a.jpg", "pe"), ["program"]),
        (attached("a.txt", "lnk"), ["program-file"]),
        (attached("a.iso"), ["extension-iso"]),
        (attached("a.js"), ["script-attachment"]),
        (packed("a.js"), []),
        (packed("invoice.pdf.js"), ["double-extension"]),
        (attached("a.url"), []),
        (packed("a.url"), ["web-shortcut"]),
        (packed("invoice.pdf.exe"), ["extension-exe", "double-extension"]),
        (attached("a.{00020906-0000-0000-C000-000000000046}"), ["class-id"]),
        (attached("a" * 257), ["name-too-long"]),
        (packed("../a.txt", Trait.PATH_TRAVERSAL), ["path-traversal"]),
        (packed("a", Trait.LINK), ["link"]),
        (packed("a", Trait.DEVICE), ["device"]),
        (attached("a.pdf", "pdf", Trait.LAUNCH_ACTION), ["launch-action"]),
    ],
)
def test_what_is_dangerous_is_denied(item: Item, names: list[str]) -> None:
    assert names_of(item) == names


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (attached("a.docm", "ooxml", Trait.MACROS, Trait.AUTO_MACROS), "auto-macros"),
        (attached("a.xls", "ole", Trait.XLM_MACROS), "auto-macros"),
        (attached("a.docx", "ooxml", Trait.REMOTE_TEMPLATE), "remote-template"),
        (attached("a.doc", "ole", Trait.DDE), "dde"),
    ],
)
def test_macros_that_start_alone_are_denied_to_strangers_only(item: Item, name: str) -> None:
    assert names_of(item) == [name]
    assert names_of(item, may_relay=True) == []


@pytest.mark.parametrize(
    "item",
    [
        *(
            attached(name)
            for name in (
                "letter.doc", "table.xlsx", "slides.pptx", "report.pdf", "photo.jpg", "logo.png",
                "notes.txt", "list.csv", "page.html", "invite.ics", "card.vcf", "mail.eml",
                "mail.msg", "winmail.dat", "smime.p7s", "smime.p7m", "signature.asc", "ca.cer",
                "backup.tar.gz", "files.zip", "files.7z", "data.mdb", "plan.vsd", "fix.patch",
                "run.sh", "tool.py", "query.sql", "site.css", "desktop.rdp", "song.mp3",
                "Offer 12.10.2024 - 1.5 Mio.pdf", "ATT00001.bin", "image001.emz", "noname",
            )
        ),
        attached("a.xlsm", "ooxml", Trait.MACROS),
        attached("a.xlsx", "ooxml", Trait.EXTERNAL_LINK, Trait.EMBEDDED_OBJECT),
        attached("invoice.pdf", "pdf", Trait.EMBEDDED_FILE, Trait.ACTIVE_CONTENT),
        packed("www.example.com/"),
        packed("page_files/jquery.min.js"),
        Item("1", ("=?utf-8?b?" + "5Lit5paH" * 60 + "?=", "中文.pdf"), ("message",)),
    ],
    ids=lambda item: item.names[0][:30],
)  # fmt: skip
def test_ordinary_mail_passes(item: Item) -> None:
    assert names_of(item) == []


def test_every_default_rule_has_its_own_name_and_a_sentence_and_is_in_the_reference() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    assert len({rule.name for rule in DEFAULT_RULES}) == len(DEFAULT_RULES)
    for rule in DEFAULT_RULES:
        assert rule.description.endswith(".")
        assert f"| `{rule.name}` |" in text


def test_no_extension_is_listed_twice() -> None:
    assert len(set(STARTED_EXTENSIONS)) == len(STARTED_EXTENSIONS)
