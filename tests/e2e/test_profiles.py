"""Recipients with settings of their own, through the installed client and a queue that may fail."""

from collections.abc import Iterator

import pytest

from support.clamd import EICAR
from support.gate import Gate, gate
from support.spamd import Spamd, running_spamd

STRANGER = {"TCPREMOTEIP": "192.0.2.7"}
HARD, SOFT, THIRD = "bob@hard.example", "eve@soft.example", "sue@third.example"
# Required are 6.5 points, see support.spamd.
SPAM = b"From: a@example.org\nSubject: offer\nX-Test-Score: 9.0\n\nbuy now\n"
INFECTED = b"From: a@example.org\nSubject: bill\n\n" + EICAR + b"\n"
PROFILES = """
[[profile]]
match = ["hard.example"]
spam.quarantine_above = 2.1

[[profile]]
match = ["soft.example"]
spam.subject = "SPAM *** "
scanners = ["spamd"]

[[profile]]
match = ["third.example"]
spam.subject = "third: "
"""


@pytest.fixture(scope="module")
def spamd() -> Iterator[Spamd]:
    with running_spamd() as spamd:
        yield spamd


@pytest.fixture(scope="module")
def shared_gate(spamd: Spamd) -> Iterator[Gate]:
    sections = {"spamd": {"addresses": [spamd.unix]}}
    with gate(["spamd", "test-patterns"], sections, more=PROFILES) as running:
        yield running


@pytest.fixture
def split_gate(shared_gate: Gate) -> Gate:
    shared_gate.clear()
    return shared_gate


def envelope(*recipients: str) -> bytes:
    addresses = "".join(f"T{recipient}\0" for recipient in recipients)
    return f"Fa@example.org\0{addresses}\0".encode()


def run(running: Gate, message: bytes, *recipients: str, **variables: str) -> int:
    return running.run(message, envelope(*recipients), **STRANGER, **variables)


def test_one_domain_quarantines_and_one_only_tags(split_gate: Gate) -> None:
    assert run(split_gate, SPAM, HARD, SOFT) == 0
    assert split_gate.quarantined("spam") == [SPAM]
    queued = split_gate.queue.only_message()
    assert queued.envelope == envelope(SOFT)
    assert b"\nSubject: SPAM *** offer\n" in queued.message


def test_when_the_queue_fails_the_client_hears_it_and_a_retry_leaves_one_copy(
    split_gate: Gate,
) -> None:
    assert run(split_gate, SPAM, HARD, SOFT, STRICT_QUEUE_EXIT="53") == 53
    assert split_gate.is_quarantine_empty()
    assert split_gate.queue.is_empty()
    assert run(split_gate, SPAM, HARD, SOFT) == 0
    assert split_gate.quarantined("spam") == [SPAM]
    assert split_gate.queue.only_message().envelope == envelope(SOFT)


def test_groups_that_differ_only_in_edits_get_a_copy_each(split_gate: Gate) -> None:
    assert run(split_gate, SPAM, SOFT, THIRD, "joe@soft.example") == 0
    copies = {one.envelope: one.message for one in split_gate.queue.messages()}
    assert copies.keys() == {envelope(SOFT, "joe@soft.example"), envelope(THIRD)}
    assert b"\nSubject: third: offer\n" in copies[envelope(THIRD)]
    assert split_gate.is_quarantine_empty()


def test_a_virus_passes_only_where_nobody_looks_for_it(split_gate: Gate) -> None:
    assert run(split_gate, INFECTED, SOFT, THIRD) == 0
    assert split_gate.quarantined("viruses") == [INFECTED]
    assert split_gate.queue.only_message().envelope == envelope(SOFT)


def test_the_submitted_copies_see_no_trace_of_the_gate(split_gate: Gate) -> None:
    assert run(split_gate, SPAM, SOFT, THIRD) == 0
    for copy in split_gate.queue.messages():
        assert set(copy.descriptors) == {0, 1, 2}
        assert "QMAILQUEUE" not in copy.environment
