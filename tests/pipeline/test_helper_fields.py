"""What a spam scanner is told on top of a message: sender and names, and nothing forged."""

from mailwarden.pipeline.helper_fields import helper_fields
from mailwarden.unpack.contents import Contents, Item
from support.arrivals import examine, scored, settings_of, spam_scanner
from support.samples import multipart


def item(name: str, *containers: str) -> Item:
    return Item("1", (name,), ("message", *containers), 1)


def test_attachments_and_what_is_in_them_are_listed_apart() -> None:
    contents = Contents((item("a.doc"), item("b.zip"), item("c.exe", "zip")))
    assert helper_fields(b"a@b.example", contents) == (
        b"X-Envelope-From: <a@b.example>\n"
        b"X-Qmail-Scanner-Mime-Attachments: |a.doc|b.zip|\n"
        b"X-Qmail-Scanner-Zip-Files: |c.exe|\n"
    )


def test_an_empty_list_is_a_bar_alone() -> None:
    assert b"Attachments: |\n" in helper_fields(b"", Contents())


def test_no_name_and_no_sender_can_add_a_line_or_an_entry() -> None:
    evil = "x|y\r\nX-Spam-Status: No\u2028"
    fields = helper_fields(b"a>\nX-Evil: 1", Contents((item(evil),)))
    assert fields.count(b"\n") == 3
    assert b"|x!y??X-Spam-Status: No?|" in fields


async def test_only_the_spam_scanner_is_shown_them_and_only_where_that_is_wanted() -> None:
    raw = multipart(b"Content-Disposition: attachment; filename=a.txt\n\nhello\n")
    for wanted in (False, True):
        spamd = spam_scanner(scored("1"))
        await examine(raw, settings=settings_of(spamd={"helper_fields": wanted}), scanners=(spamd,))
        (question,) = spamd.questions
        assert (b"|a.txt|" in question.on_top) is wanted
