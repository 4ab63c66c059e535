"""What bombs do to the whole path: a finding in time and little memory, nothing worse.

Bounds are processor seconds and octets of the whole command with every process that it starts, so
that a busy machine does not matter; starting takes 0.8 seconds and 90 MB of them.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import samples
from support.bombs import BOMBS, HARMLESS
from support.gate import gate
from support.measured_scan import measured_scan

_CPU_SECONDS = 4.0
_BYTES = 300_000_000
_ENVELOPE = b"Fsender@example.org\0Tone@example.net\0\0"
# One that is stopped by each of: a count, the clock of a helper process, the clock of the message.
_AT_ONCE = ("zip of 100,000", "rtf groups", "1,900 zips", "parts of sections")
# Three busy workers on two processors; alone, it takes a hundredth of this.
_QUICK_SECONDS = 5.0


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_little_and_is_told(name: str, tmp_path: Path) -> None:
    measured = measured_scan(BOMBS[name](), tmp_path)
    assert measured.stderr == ""
    assert measured.faults == ()
    assert measured.kinds or name in HARMLESS
    assert measured.cpu_seconds < _CPU_SECONDS
    assert measured.peak_bytes < _BYTES


def test_bombs_do_not_hold_up_other_mail() -> None:
    bombs = [BOMBS[name]() for name in _AT_ONCE]
    with gate(["test-patterns"]) as running, ThreadPoolExecutor(len(bombs)) as senders:
        running.run(samples.zipped({"a.txt": b"x"}), _ENVELOPE)  # so that helpers have started
        running.clear()
        answers = [senders.submit(running.run, bomb, _ENVELOPE) for bomb in bombs]
        started = time.monotonic()
        assert running.run(samples.clean(), _ENVELOPE) == 0
        assert time.monotonic() - started < _QUICK_SECONDS
        assert running.queue.only_message().message.endswith(samples.clean())
        assert not any(answer.result() == 0 for answer in answers)
