"""Header fields of versions 1.00 to 2.11: samples of each shape, of our own making."""

import time
from datetime import UTC

import pytest

from mailwarden.reports.old_headers import OldHeader, parse_old_header
from mailwarden.reports.result_strings import Result

LONG_2 = (
    "from 192.0.2.9 by mx1 (envelope-from <eve@example.org>, uid 89) with qmail-scanner-{} \n"
    " (clamdscan: 0.98/20000. spamassassin: 3.4.0. perlscan: {}.  \n"
    " Clear:RC:1(192.0.2.9):SA:0(-103.2/7.5):. \n"
    " Processed in 0.5 secs); 22 Nov 2026 21:30:00 -0000"
)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (
            "Received",
            (
                "from eve@x.org by mx with qmail-scanner-1.00 (uvscan: v4.1.60/v4218. . Clean. "
                "Processed in 0.25 secs); 22 Nov 2026 21:30:00 -0000"
            ),
            OldHeader(
                "1.00", scanners={"uvscan": "v4.1.60/v4218"}, result=Result("Clean"), seconds=0.25
            ),
        ),
        (
            "Received",
            (
                "from eve@x.org by mx by uid 71 with qmail-scanner-1.12 (F-PROT: 3.12. Clear:. "
                "Processed in 0.25 secs); 22 Nov 2026 21:30:00 -0000"
            ),
            OldHeader(
                "1.12", 71, scanners={"F-PROT": "3.12"}, result=Result("Clear"), seconds=0.25
            ),
        ),
        (
            "Received",
            (
                "from eve@x.org by mx by uid 89 with qmail-scanner-1.14 \n (Some Company Sweep"
                "  Clear:SA:1(7.5/5.0):. \n Processed in 1.5 secs); 22 Nov 2026 21:30:00 -0000"
            ),
            OldHeader(
                "1.14",
                89,
                result=Result("Clear", is_spam=True, score=7.5, required=5.0),
                seconds=1.5,
            ),
        ),
        (
            "Received",
            (
                "from eve@x.org by mx by uid 82 with qmail-scanner-1.20rc3 \n (uvscan: v4.3/v48."
                "  Clear:RC:1:. \n Processed in 1.5 secs); 22 Nov 2026 21:30:00 -0000"
            ),
            OldHeader(
                "1.20rc3",
                82,
                scanners={"uvscan": "v4.3/v48"},
                result=Result("Clear", 1),
                seconds=1.5,
            ),
        ),
        (
            "X-Qmail-Scanner-Diagnostics",
            LONG_2.format("2.10st", "2.10st"),
            OldHeader(
                "2.10st",
                89,
                "eve@example.org",
                {"clamdscan": "0.98/20000", "spamassassin": "3.4.0", "perlscan": "2.10st"},
                Result("Clear", 1, "192.0.2.9", score=-103.2, required=7.5),
                0.5,
            ),
        ),
        (
            "X-Qmail-Scanner-Diagnostics",
            (
                "from h (e@h) by m (envelope-from <>, uid 5) with qmail-scanner-2.11\n mhr: 1.0. "
                "{clamdscan: 0.100.0/26337} \n Clear:RC:0(192.0.2.9):. Processed in 3.5 secs; "
                "23 Nov 2026 03:00:00 +0530"
            ),
            OldHeader(
                "2.11",
                5,
                "",
                {"mhr": "1.0", "clamdscan": "0.100.0/26337"},
                Result("Clear", 0, "192.0.2.9"),
                3.5,
            ),
        ),
        (
            "Received",
            (
                "from h by mx (uid 5) with qmail-scanner-0.96 (uvscan: v4. No viruses found. "
                "Processed in 0.5 secs); 22 Nov 2026 21:30:00 -0000"
            ),
            OldHeader(
                "0.96", 5, scanners={"uvscan": "v4"}, result=Result("No viruses found"), seconds=0.5
            ),
        ),
    ],
)
def test_the_long_field_is_read_in_the_shape_of_each_version(
    name: str, value: str, expected: OldHeader
) -> None:
    header = parse_old_header(name, value, UTC)
    assert header
    assert header.at == 1_795_383_000.0
    shown = {field: getattr(header, field) for field in OldHeader.__slots__ if field != "at"}
    assert shown == {
        field: getattr(expected, field) for field in OldHeader.__slots__ if field != "at"
    }


def test_the_short_field_is_read_with_the_patchs_process_number() -> None:
    value = "1.25st (Clear:RC:0(192.0.2.9):SA:1(9.5/6.5):. Processed in 1.5 secs Process 7304)"
    assert parse_old_header("X-Antivirus-MYDOMAIN", value) == OldHeader(
        "1.25st",
        result=Result("Clear", 0, "192.0.2.9", is_spam=True, score=9.5, required=6.5),
        seconds=1.5,
        process=7304,
    )


def test_the_message_id_and_the_sender_are_read() -> None:
    assert parse_old_header("X-Qmail-Scanner-Message-ID", "<12@mx>") == OldHeader(
        message_id="12@mx"
    )
    assert parse_old_header("X-Antivirus-Mail-From", "a b@example.org via mx") == OldHeader(
        mail_from="a b@example.org", via="mx"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Received", "from a by b with SMTP; 22 Nov 2026 21:30:00 -0000"),
        ("Received", "1.25st (Clear:. Processed in 1.5 secs)"),
        ("X-Spam-Status", "No, score=1.0"),
        ("X-Priority", "3 (normal)"),
        ("X-Mail-From", "somebody"),
    ],
)
def test_fields_of_others_are_not_taken(name: str, value: str) -> None:
    assert parse_old_header(name, value) is None


def test_a_field_that_is_cut_tells_what_is_left() -> None:
    assert parse_old_header(
        "Received", "from a by b with qmail-scanner-1.25 (clam: 1."
    ) == OldHeader("1.25", scanners={"clam": "1"})


def test_hostile_fields_take_linear_time() -> None:
    before = time.monotonic()
    start = "from a by b with qmail-scanner-1.25 "
    for text in (
        "a" * 60_000,
        "(envelope-from <" * 4_000,
        "a: b " * 12_000,
        "x Processed in " * 4_000,
    ):
        parse_old_header("Received", start + text)
        parse_old_header("X-A", "1 (" + text + ")")
        parse_old_header("X-A-Mail-From", text + " via " * 10_000)
    assert time.monotonic() - before < 3.0
