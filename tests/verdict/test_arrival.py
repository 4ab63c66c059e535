"""What an origin's environment says, and what an absent variable says."""

import pytest

from mailwarden.verdict.arrival import Origin


def ip(address: str) -> Origin:
    return Origin({"TCPREMOTEIP": address.encode()})


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::1%lo"],
)
def test_loopback_in_any_spelling_is_this_machine(address: str) -> None:
    assert ip(address).is_localhost
    assert ip(address).is_never_rejected


def test_a_local_process_is_this_machine() -> None:
    assert Origin({}).is_localhost
    assert Origin({}).address == Origin({}).host == "127.0.0.1"


@pytest.mark.parametrize(
    "address",
    [
        "192.0.2.7",
        "128.0.0.1",
        "10.0.0.1",
        "0.0.0.0",
        "::",
        "::2",
        "::ffff:192.0.2.7",
        "2001:db8::1",
        "localhost",
        "127.0.0.1.evil.example",
        "127.1",
        "0127.0.0.1",
        "\u0661\u0662\u0667.0.0.1",
        "127.0.0.1\n",
    ],
)
def test_nothing_else_is_this_machine(address: str) -> None:
    assert not ip(address).is_localhost
    assert not ip(address).is_never_rejected


@pytest.mark.parametrize("value", [b"", b"on", b"0"])
def test_relayclient_counts_when_defined_even_empty(value: bytes) -> None:
    assert Origin({"RELAYCLIENT": value}).is_relay_client


def test_without_relayclient_nobody_relays() -> None:
    assert not ip("192.0.2.7").is_relay_client


@pytest.mark.parametrize("value", [b"", b"on", b"off"])
def test_a_secondary_mx_is_never_rejected_once_the_variable_is_defined(value: bytes) -> None:
    assert Origin({"TCPREMOTEIP": b"192.0.2.7", "SA_ONLYDELETE_HOST": value}).is_never_rejected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"on", True), (b"ON", True), (b"", False), (b"off", False), (b"1", False), (b"on ", False)],
)
def test_switches_are_on_only_when_they_say_so(value: bytes, expected: bool) -> None:
    assert Origin({"QS_SPAMASSASSIN": value}).asks_spam_scoring is expected
    assert Origin({"BMC_WHITELIST": value}).is_exempt_from_structure_checks is expected


def test_switches_that_are_absent_are_off() -> None:
    assert not Origin({}).asks_spam_scoring
    assert not Origin({}).is_exempt_from_structure_checks


def test_the_host_is_the_name_where_one_is_known_else_the_address() -> None:
    named = Origin({"TCPREMOTEIP": b"192.0.2.7", "TCPREMOTEHOST": b"mail.sender.example"})
    assert named.host == "mail.sender.example"
    assert ip("192.0.2.7").host == "192.0.2.7"


def test_bytes_that_are_no_text_do_not_raise() -> None:
    origin = Origin(dict.fromkeys(("TCPREMOTEIP", "TCPREMOTEHOST"), b"\xff\0\n"))
    assert not origin.is_localhost
    assert origin.host == origin.address
