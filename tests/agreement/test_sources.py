"""Each source on a tiny corpus of our own making, in the form of the real one."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from agreement import (
    archives,
    bypass,
    everything,
    ham,
    mime4j,
    mime_tools,
    mimekit,
    qmail,
    stalwart,
)
from agreement.frame import Compare, Tools
from agreement.path import MessagePath
from mailwarden.scanners.test_patterns import EICAR
from support.archives import zip_archive

_MAIL = b"""\
From: ann@sender.example
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain; name="note.txt"

hello
--b--
"""

OLD_PROGRAM = "/var/qmail/bin/qmail-scanner-queue.pl"


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Tools]:
    with MessagePath() as path:
        yield Tools(tmp_path, path)


def write(tools: Tools, name: str, content: bytes | str) -> None:
    path = tools.corpus / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def differing(compare: Compare, tools: Tools) -> list[tuple[str, str, str]]:
    """What disagrees; there must be something that is compared at all."""
    cases = compare(tools).cases
    assert cases
    return [(case.aspect, case.ours, case.theirs) for case in cases if not case.agrees]


def test_mime4j_compares_nesting_fields_and_octets(tools: Tools) -> None:
    events = """\
        <message>
        <header><field>
        From: ann@sender.example</field><field>
        Content-Type: multipart/mixed; boundary="b"</field></header>
        <multipart><body-part><header><field>
        Content-Type: text/plain; name="note.txt"</field></header>
        <text-body name="a_decoded_1_1.txt"/></body-part></multipart>
        </message>
        """
    write(tools, "mime/mime4j/a.msg", _MAIL)
    write(tools, "mime/mime4j/a_decoded.xml", events)
    write(tools, "mime/mime4j/a_decoded_1_1.txt", "hello")

    assert differing(mime4j.compare, tools) == []

    write(tools, "mime/mime4j/a_decoded_1_1.txt", "goodbye")

    assert [aspect for aspect, _, _ in differing(mime4j.compare, tools)] == ["octets"]


def test_stalwart_compares_outline_names_offsets_and_bodies(tools: Tools) -> None:
    header = _MAIL.index(b"Content-Type: text")
    body = _MAIL.index(b"hello")
    end = body + len(b"hello")
    tree = {
        "parts": [
            {
                "headers": [_content_type("multipart", "mixed", "boundary", "b")],
                "body": {"Multipart": [1]},
                "offset_header": 0,
                "offset_body": _MAIL.index(b"--b\n"),
                "offset_end": len(_MAIL),
            },
            {
                "headers": [_content_type("text", "plain", "name", "note.txt")],
                "body": {"Text": "hello"},
                "offset_header": header,
                "offset_body": body,
                "offset_end": end,
            },
        ]
    }
    write(tools, "mime/stalwart/rfc/1.eml", _MAIL)
    write(tools, "mime/stalwart/rfc/1.json", json.dumps(tree))

    assert differing(stalwart.compare, tools) == []


def _content_type(kind: str, subtype: str, name: str, value: str) -> dict[str, object]:
    attributes = [{"name": name, "value": value}]
    content = {"c_type": kind, "c_subtype": subtype, "attributes": attributes}
    return {"name": "content_type", "value": {"ContentType": content}}


def test_mime_tools_compares_what_a_list_says_of_parts(tools: Tools) -> None:
    listing = """\
        {
          "Parser" => {
            "Message" => "testmsgs/a.msg"
          },
          "Msg" => {
            "Type" => "multipart/mixed"
          },
          "Part_1" => {
            "Filename" => "note.txt",
            "Size" => 6,
            "Type" => "text/plain"
          }
        }
        """
    write(tools, "mime/mime-tools/a.msg", _MAIL)
    write(tools, "mime/mime-tools/a.ref", textwrap.dedent(listing))

    assert differing(mime_tools.compare, tools) == [("size", "5", "6")]


def test_mimekit_compares_offsets_in_both_forms(tools: Tools) -> None:
    begin, separator = len(b"From x\n"), b"From x\n"
    part = {
        "mimeType": "text/plain",
        "beginOffset": begin + _MAIL.index(b"Content-Type: text"),
        "headersEndOffset": begin + _MAIL.index(b"hello"),
        "endOffset": begin + _MAIL.index(b"hello") + 5,
    }
    message = {
        "mimeType": "multipart/mixed",
        "beginOffset": begin,
        "headersEndOffset": begin + _MAIL.index(b"--b\n"),
        "endOffset": begin + len(_MAIL),
        "children": [part],
    }
    expected = json.dumps([{**message, "body": message}])
    write(tools, "mime/mimekit-messages/mbox/a.mbox.txt", separator + _MAIL)
    write(tools, "mime/mimekit-messages/mbox/a.unix-offsets.json", expected)
    write(tools, "mime/mimekit-messages/yenc/joystick.jpg", b"")

    assert differing(mimekit.compare, tools) == []


def test_a_zip_that_must_be_wrong_and_one_that_must_open(tools: Tools) -> None:
    write(tools, "archives/yauzl/success/a.zip", zip_archive({"a.txt": b"hello"}))
    write(tools, "archives/yauzl/failure/unexpected.zip", zip_archive({"a.txt": b"hello"})[:40])

    assert differing(archives.compare_yauzl, tools) == []


def test_rules_and_verdicts_of_qmail_scanner(tools: Tools) -> None:
    rules = {
        "rules": [
            {"variable": ".pif", "type": "attachment", "size": -1, "description": "No"},
            {
                "variable": "LOVE",
                "type": "header",
                "class": "Virus",
                "header": "Subject",
                "description": "Love",
            },
        ],
        "errors": [],
    }
    text = ".pif\tSIZE=-1\tNo\nLOVE\tVirus-Subject:\tLove\n"
    write(tools, "qmail/quarantine-events.sample.txt", text)
    write(tools, "qmail/quarantine-events.sample.json", json.dumps(rules))
    write(tools, "qmail/install-test/1.eml", b"Subject: hello\n\nhello\n")
    write(tools, "qmail/install-test/2.eml", b"Subject: virus\n\n" + EICAR + b"\n")
    write(tools, "qmail/install-test/expected.json", '{"1.eml": "clean", "2.eml": "virus"}')
    write_qmail_records(tools, seconds=0.58, rejecting=12)

    assert differing(qmail.compare, tools) == []


def test_records_of_qmail_scanner_that_say_something_else_differ(tools: Tools) -> None:
    write(tools, "qmail/quarantine-events.sample.txt", "")
    write(tools, "qmail/quarantine-events.sample.json", '{"rules": [], "errors": []}')
    write(tools, "qmail/install-test/expected.json", "{}")
    write_qmail_records(tools, seconds=0.59, rejecting=11)
    write(tools, "qmail/tcp.smtp.sample", f'127.:allow\n:allow,QMAILQUEUE="{OLD_PROGRAM}\n')

    assert [aspect for aspect, _, _ in differing(qmail.compare, tools)] == [
        "header",
        "row",
        "rule",
        "complaints",
    ]


def write_qmail_records(tools: Tools, *, seconds: float, rejecting: int) -> None:
    """A field, a report and rules; the field says 0.58 seconds, the table 12 times rejecting."""
    raw = (
        "from ann@sender.example by mx (envelope-from <ann@sender.example>, uid 89) with "
        "qmail-scanner-1.25st \n (clamdscan: 0.90/3065.  \n Clear:RC:1(192.0.2.7):SA:0(-4.4/5.0):. "
        "\n Processed in 0.58 secs); 12 Apr 2007 00:53:54 -0000"
    )
    expected = {
        "version": "1.25st",
        "uid": 89,
        "envelope_from": "ann@sender.example",
        "scanners": {"clamdscan": "0.90/3065"},
        "verdict": "Clear",
        "rc": 1,
        "client": "192.0.2.7",
        "sa": {"spam": False, "score": -4.4, "required": 5.0},
        "seconds": seconds,
    }
    header = {"header": "received", "raw": raw, "expected": expected}
    rows = [{"count": 3, "name": "W32/A"}, {"count": rejecting, "name": "rejecting"}]
    write(tools, "qmail/scanner-headers.jsonl", json.dumps(header))
    write(
        tools, "qmail/log-report-sample.txt", "./log-report.sh\n      3 W32/A\n     12 rejecting\n"
    )
    write(tools, "qmail/log-report-sample.json", json.dumps(rows))
    write(tools, "qmail/tcp.smtp.sample", f'# all\n:allow,QMAILQUEUE="{OLD_PROGRAM}"\n')


def test_what_is_hidden_is_found_or_missed(tools: Tools) -> None:
    named = _MAIL.replace(b"note.txt", b"file.zip")
    write(tools, "bypass/mime-is-broken/hide-filename.d/cur/found", named)
    write(tools, "bypass/mime-is-broken/hide-filename.d/cur/missed", _MAIL)
    write(tools, "bypass/mime-is-broken/hide-content.d/new/found", b"\n" + EICAR)

    result = bypass.compare(tools)

    assert [case.file for case in result.cases if not case.agrees] == ["hide-filename.d/cur/missed"]
    assert result.notes == ("found 2, blocked 0, missed 1 (of 3)",)


def test_ham_that_is_blocked_is_listed_and_counted(tools: Tools) -> None:
    program = _MAIL.replace(b"note.txt", b"a.exe")
    write(tools, "spamham/sa-public-corpus/data/easy-ham-1/1.txt", _MAIL)
    write(tools, "spamham/sa-public-corpus/data/easy-ham-2/2.txt", program)
    write(tools, "spamham/sa-public-corpus/data/spam-1/3.txt", program)

    assert [aspect for aspect, _, _ in differing(ham.compare, tools)] == ["ham", "share"]
    assert ham.compare(tools).notes[1] == "1 of 1 spam are blocked"


def test_every_file_is_looked_at_and_what_people_attach_twice(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The process here is that of all tests, and has been as large as the largest of them.
    monkeypatch.setattr(everything, "MOST_BYTES", 2**40)
    write(tools, "mime/a.eml", _MAIL)
    write(tools, "archives/a.zip", zip_archive({"a.txt": b"hello"}))

    result = everything.compare(tools)

    assert [case.file for case in result.cases] == [
        "archives/a.zip",
        "archives/a.zip (attached)",
        "mime/a.eml",
    ]
    assert all(case.agrees for case in result.cases)


def test_the_cost_of_a_message_is_measured(tools: Tools) -> None:
    look = tools.path.look(_MAIL)

    assert look.cpu_seconds > 0
    assert look.peak_bytes > 1_000_000
    assert look is tools.path.look(_MAIL)
