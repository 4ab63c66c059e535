"""The sample messages are what their names say, and harm nobody."""

import email.parser
import zipfile
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest

from mailwarden.cli import samples
from mailwarden.scanners.test_patterns import TestPatternScanner, TestPatternSpamScanner
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.report import Kind
from support import clamd, spamd
from support.arrivals import examine

SENDER, RECIPIENT = "a@example.net", "b@example.org"
ALL = (
    *samples.SAMPLES,
    samples.Sample("forged", samples.forged_spam_status),
    samples.Sample("malformed", samples.blank_before_colon),
    samples.Sample("ambiguous", samples.lost_boundary),
    samples.Sample("ambiguous text", samples.lost_boundary_of_text),
    samples.Sample("unopened", samples.unopened_zip),
    samples.Sample("too deep", partial(samples.too_deep, levels=51)),
    samples.Sample("large", partial(samples.oversized, size_bytes=100_000)),
)
EXPECTED = {
    "clean": Disposition.ACCEPT,
    "EICAR in an attachment": Disposition.QUARANTINE,
    "GTUBE": Disposition.TAG,
    "forbidden attachment": Disposition.QUARANTINE,
    "encrypted zip": Disposition.QUARANTINE,
    "broken MIME": Disposition.QUARANTINE,
    "forged": Disposition.ACCEPT,
    "malformed": Disposition.QUARANTINE,
    "ambiguous": Disposition.QUARANTINE,
    "ambiguous text": Disposition.TAG,
    "unopened": Disposition.QUARANTINE,
    "too deep": Disposition.DEFER,
    "large": Disposition.ACCEPT,
}
KINDS = {
    "EICAR in an attachment": {Kind.VIRUS},
    "forbidden attachment": {Kind.POLICY},
    "encrypted zip": {Kind.ENCRYPTED},
    "broken MIME": {Kind.MALFORMED},
    "malformed": {Kind.MALFORMED},
    "ambiguous": {Kind.AMBIGUOUS},
    "ambiguous text": {Kind.AMBIGUOUS_TEXT},
    "unopened": {Kind.UNOPENED},
    "too deep": {Kind.OVER_LIMIT},
}


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
async def test_each_is_found_for_what_it_is_and_for_nothing_else(sample: samples.Sample) -> None:
    scanners = (TestPatternScanner(), TestPatternSpamScanner())
    found = await examine(sample.write(SENDER, RECIPIENT), scanners=scanners)
    assert found.record.decision.disposition is EXPECTED[sample.name]
    kinds = {finding.kind for finding in found.record.report.findings}
    assert kinds == KINDS.get(sample.name, set())


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
def test_each_names_sender_and_recipient_and_has_lf_line_ends(sample: samples.Sample) -> None:
    message = sample.write(SENDER, RECIPIENT)
    fields = email.parser.BytesParser().parsebytes(message)
    assert SENDER in fields["From"]
    assert RECIPIENT in fields["To"]
    assert b"\r" not in message
    assert message.endswith(b"\n")


def test_the_test_strings_are_the_ones_that_scanners_know() -> None:
    assert samples.EICAR == clamd.EICAR
    assert samples.GTUBE == spamd.GTUBE


def test_the_attached_eicar_is_the_whole_file_of_68_bytes() -> None:
    message = email.parser.BytesParser().parsebytes(samples.eicar_attached(SENDER, RECIPIENT))
    (file,) = (part for part in message.walk() if part.get_filename() == "sneaky.txt")
    assert file.get_payload(decode=True) == samples.EICAR


def test_the_encrypted_zip_is_one_to_other_programs_too() -> None:
    message = email.parser.BytesParser().parsebytes(samples.encrypted_zip(SENDER, RECIPIENT))
    (file,) = (part for part in message.walk() if part.get_filename() == "invoice.zip")
    octets = file.get_payload(decode=True)
    assert isinstance(octets, bytes)
    (member,) = zipfile.ZipFile(BytesIO(octets)).infolist()
    assert member.flag_bits & 1


def test_no_scanner_trips_over_the_source() -> None:
    source = Path(samples.__file__).read_bytes()
    assert samples.EICAR not in source
    assert samples.GTUBE not in source


async def test_what_is_as_deep_as_may_be_is_not_too_deep() -> None:
    found = await examine(samples.too_deep(SENDER, RECIPIENT, 49))
    assert found.record.decision.disposition is Disposition.ACCEPT


@pytest.mark.parametrize("size_bytes", [1, 64, 1_000_001])
def test_an_oversized_message_is_just_so_large(size_bytes: int) -> None:
    size = len(samples.oversized(SENDER, RECIPIENT, size_bytes))
    assert size_bytes < size < size_bytes + 500
