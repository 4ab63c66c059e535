"""What the C program, its twin and `wire/gate.py` each write down for themselves is the same."""

import ast
import re
import runpy
from pathlib import Path

import pytest

from mailwarden.settings.contradictions import CLIENT_TIMEOUT_SECONDS
from mailwarden.verdict.reply import _FLAVOURS as FLAVOURS
from mailwarden.wire import gate

CLIENT = Path(__file__).parents[2] / "client"
C_SOURCE = (CLIENT / "mailwarden-queue.c").read_text(encoding="ascii")

TWIN = {
    name: value
    for name, value in runpy.run_path(str(CLIENT / "mailwarden_queue.py"), run_name="twin").items()
    if name.isupper()
}
DEFINED = {
    name: ast.literal_eval(value)
    for name, value in re.findall(r'^#define ([A-Z_]+) ("[^"]*"|\d+)$', C_SOURCE, re.MULTILINE)
}


def _octets(value: object) -> object:
    return value.encode("ascii") if isinstance(value, str) else value


@pytest.mark.parametrize(
    "name",
    [
        "MAGIC",
        "PACKET_BYTES",
        "VALUE_BYTES",
        "TEXT_BYTES",
        "SILENCE_SECONDS",
        "NOT_STARTED",
        "CRASHED",
        "ORPHANED",
    ],
)
def test_both_programs_have_the_protocols_limits(name: str) -> None:
    assert _octets(DEFINED[name]) == TWIN[name] == getattr(gate, name)


def test_the_settings_are_checked_against_the_clients_own_deadline() -> None:
    assert TWIN["TIMEOUT_SECONDS"] == CLIENT_TIMEOUT_SECONDS


def test_both_programs_have_the_protocols_variables() -> None:
    (listed,) = re.findall(r"VARIABLES\[\] = \{(.*?)\};", C_SOURCE, re.DOTALL)
    in_c = re.findall(r'"(\w+)"', listed)
    assert in_c == [name.decode("ascii") for name in TWIN["VARIABLES"]] == sorted(gate.VARIABLES)


@pytest.mark.parametrize("name", sorted(set(DEFINED) - {"ARRIVAL_DESCRIPTORS"}))
def test_both_programs_have_the_same_constants(name: str) -> None:
    assert TWIN[name] == _octets(DEFINED[name])


def test_both_programs_hide_the_error_descriptors_of_every_flavour_but_the_log() -> None:
    (listed,) = re.findall(r"ERROR_DESCRIPTORS\[\] = \{(.*?)\};", C_SOURCE)
    in_c = {int(number) for number in listed.split(",")}
    of_flavours = {telling.descriptor for telling in FLAVOURS.values() if telling}
    assert in_c == set(TWIN["ERROR_DESCRIPTORS"]) == of_flavours - {2}


def test_the_longest_request_fits_into_a_packet() -> None:
    longest = dict.fromkeys(gate.VARIABLES, b"v" * gate.VALUE_BYTES)
    assert len(gate.encode_request(longest)) <= gate.PACKET_BYTES


def test_the_client_outlives_several_missed_keep_alives() -> None:
    assert gate.SILENCE_SECONDS >= 3 * gate.KEEPALIVE_SECONDS
