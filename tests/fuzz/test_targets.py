"""What is fuzzed holds for its own samples, and an invariant that is broken is seen.

Fuzzing itself needs a process of its own: `test_run`.
"""

import time
from collections.abc import Callable, Iterator

import pytest

import targets
from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Member, Opened, UnreadableError
from mailwarden.unpack.openers import FORMATS
from seeds import OF_FORMATS
from support.opening import opened
from targets import TARGETS, Target, TooSlowError
from unpack_invariants import opens


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_sample_keeps_the_invariant_which_is_one_sentence(target: Target) -> None:
    samples = target.seeds()
    assert samples
    for octets in (b"", *samples):
        target.hold(octets)
    assert target.invariant.count(".") == 1


def test_every_format_has_a_sample_that_opens() -> None:
    assert set(OF_FORMATS) == set(FORMATS)
    for name, format_ in FORMATS.items():
        outcome = opened(format_.opener, OF_FORMATS[name]()[0])
        assert outcome.members or outcome.traits


def _gives(*found: Opened | Exception) -> Callable[[bytes], None]:
    def open_badly(_octets: bytes, _meter: Meter) -> Iterator[Opened]:
        for one in found:
            if isinstance(one, Exception):
                raise one
            yield one

    return opens(open_badly)


@pytest.mark.parametrize(
    "check",
    [
        _gives(Member((), bytes(2_000_001))),
        _gives(*[Member((), b"")] * 51),
        _gives(Member((), None, -1)),
        _gives(Member((), None, unopened="quotes \n content")),
        _gives(UnreadableError("b\xe4d")),
        _gives(KeyError("x")),
    ],
)
def test_an_opener_that_breaks_its_contract_is_seen(check: Callable[[bytes], None]) -> None:
    with pytest.raises((AssertionError, KeyError)):
        check(b"x")


def test_what_takes_longer_than_its_length_allows_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "_FREE_SECONDS", 0.01)

    def dawdle(_octets: bytes) -> None:
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass

    with pytest.raises(TooSlowError):
        Target("slow", dawdle, lambda: ()).hold(b"x")
