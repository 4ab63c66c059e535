"""What a file is."""

import time

import pytest

from mailwarden.migrate.recognition import Kind, kind_of
from support.old_installations import (
    NEW_LINE,
    RULES,
    SIMCONTROL,
    TCP_RULES,
    UPGRADE_LINE,
    folded,
    program,
)

SETTINGS = b"# file\ndomain.example:sophie,sa,ps'[SPAM]'1.9'0.4'3'0\n"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("qmail-scanner-queue.pl", Kind.PROGRAM),
        ("qs_config.sh", Kind.CONFIGURE_LINE),
        ("quarantine-attachments.txt", Kind.RULES),
        ("quarantine-events.txt", Kind.RULES),
        ("scanners_per_domain.txt", Kind.SCANNERS_PER_DOMAIN),
        ("settings_per_domain.txt", Kind.SETTINGS_PER_DOMAIN),
        ("tcp.smtp", Kind.TCP_RULES),
        ("tcp.submission", Kind.TCP_RULES),
        ("qmailscannerdomains", Kind.SCANNED_DOMAINS),
        ("spamassassindomains", Kind.SCORED_DOMAINS),
        ("simcontrol", Kind.SIMCONTROL),
        ("ssattach", Kind.ATTACHMENTS),
        ("tcp.smtp.cdb", Kind.COMPILED),
        ("quarantine-attachments.db", Kind.COMPILED),
        ("README", None),
    ],
)
def test_names_tell(name: str, kind: Kind | None) -> None:
    assert kind_of(name, b"") is kind


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (program(["$a=1;"]), Kind.PROGRAM),
        (NEW_LINE.encode(), Kind.CONFIGURE_LINE),
        (folded(UPGRADE_LINE).encode(), Kind.CONFIGURE_LINE),
        (b"--sa-alt=yes", Kind.CONFIGURE_LINE),
        (b"./configure --enable-spam=y --disable-clamav\n", Kind.SIMSCAN_LINE),
        (TCP_RULES, Kind.TCP_RULES),
        (b":allow", Kind.TCP_RULES),
        (SIMCONTROL, Kind.SIMCONTROL),
        (RULES, Kind.RULES),
        (b"x.*\tVirus-Subject:\tx\n", Kind.RULES),
        (SETTINGS, Kind.SETTINGS_PER_DOMAIN),
        (b"#!/usr/bin/perl\nprint 1;\n", None),
        (b"Dear all,\nthis is a letter - really.\n", None),
        (b"", None),
    ],
)
def test_content_tells_under_any_name(octets: bytes, kind: Kind | None) -> None:
    assert kind_of("copy-of-mine", octets) is kind


def test_a_program_in_machine_code_is_not_taken_for_the_script_of_the_same_name() -> None:
    assert kind_of("qmail-scanner-queue.pl", b"\x7fELF\0\0") is Kind.COMPILED


@pytest.mark.parametrize(
    "piece", [b"--a", b"--a-", b":a", b"a\t1", b"\n", b"a:", b"--enable-", b"'"]
)
def test_time_is_linear(piece: bytes) -> None:
    started = time.monotonic()
    kind_of("x", piece * 1_000_000)
    assert time.monotonic() - started < 3
