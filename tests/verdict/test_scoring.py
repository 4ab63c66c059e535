"""When a spam score is asked for at all."""

import pytest

from mailwarden.verdict.arrival import Origin
from mailwarden.verdict.scoring import is_bounce, is_scored
from support.arrivals import STRANGER, arrival_of

ON = {"QS_SPAMASSASSIN": b"on"}
LOCAL = {"TCPREMOTEIP": b"127.0.0.1"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (STRANGER, True),
        ({**STRANGER, "RELAYCLIENT": b""}, False),
        ({**STRANGER, "RELAYCLIENT": b"yes"}, False),
        (LOCAL, False),
        ({}, False),
        ({**STRANGER, "RELAYCLIENT": b"", **ON}, True),
        ({**LOCAL, **ON}, True),
        # The page, on fetchmail: 127.:allow,RELAYCLIENT="",...,QS_SPAMASSASSIN="on"
        ({**LOCAL, "RELAYCLIENT": b"", **ON}, True),
        (ON, True),
        ({**LOCAL, "QS_SPAMASSASSIN": b"off"}, False),
        ({**STRANGER, "SA_ONLYDELETE_HOST": b"on"}, True),
    ],
)
def test_strangers_are_scored_and_our_own_only_when_asked(
    variables: dict[str, bytes], expected: bool
) -> None:
    assert is_scored(Origin(variables)) is expected


@pytest.mark.parametrize(
    ("sender", "from_field", "expected"),
    [
        (b"", b"MAILER-DAEMON@mx.sender.example", True),
        (b"", b"Mail Delivery System <mailer-daemon@sender.example>", True),
        (b"", b"ann@sender.example", False),
        (b"", b"", False),
        (b"ann@sender.example", b"MAILER-DAEMON@mx.sender.example", False),
        (b"#@[]", b"MAILER-DAEMON@mx.sender.example", False),
    ],
)
def test_a_bounce_has_no_sender_and_says_that_it_is_one(
    sender: bytes, from_field: bytes, expected: bool
) -> None:
    assert is_bounce(arrival_of(b"", sender=sender), from_field) is expected
