"""A queue that fails when the test says so: the strict queue behind a program that counts calls.

with planned_queue() as queue:
    queue.plan(2, "53")     the second call from now on exits with 53 and queues nothing

What a call can be told to do: a number, exit so and queue nothing; `killed`, die by SIGKILL before
it reads; `held`, wait for `release`, then queue.
The client and the outbox run the same program, and every call counts.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.strict_queue import QueuedMessage, StrictQueue, strict_queue
from support.waiting import wait_until

PATIENCE_SECONDS = 30.0

# In dash, a file that is there already fails `>` under `set -C` (O_EXCL), so that no two calls have
# one number. Nothing here may touch descriptors 0 and 1 of the program.
_PROGRAM = """\
#!/bin/sh
set -C
export STRICT_QUEUE_DIR={queue}
n=1
until {{ true > {folder}/calls/$n; }} 2>/dev/null; do n=$((n+1)); done
plan=
[ ! -e {folder}/every ] || read -r plan < {folder}/every
[ ! -e {folder}/plan-$n ] || read -r plan < {folder}/plan-$n
case "$plan" in
  killed) kill -KILL $$ ;;
  held) read -r plan < {folder}/held-$n ;;
  ?*) export STRICT_QUEUE_EXIT=$plan ;;
esac
exec {program}
"""


@dataclass(frozen=True, slots=True)
class PlannedQueue:
    """The program, and the strict queue that it fills."""

    folder: Path
    queue: StrictQueue

    @property
    def program(self) -> Path:
        """What stands in the place of qmail-queue; it needs no variable."""
        return self.folder / "qmail-queue"

    @property
    def calls(self) -> int:
        """How often the program was called since `clear`."""
        return len(list((self.folder / "calls").iterdir()))

    def plan(self, call: int, word: str) -> None:
        """Have the call of that number, 1 is the first since `clear`, do this."""
        if word == "held":
            os.mkfifo(self.folder / f"held-{call}")
        (self.folder / f"plan-{call}").write_text(f"{word}\n")

    def plan_all(self, word: str) -> None:
        """Have every call do this, but for those that were planned; empty: queue again."""
        if word:
            (self.folder / "every").write_text(f"{word}\n")
        else:
            (self.folder / "every").unlink(missing_ok=True)

    def wait_until_held(self, call: int) -> int:
        """Wait until the call of that number is at work; what `release` wants to have."""
        held: list[int] = []

        def is_held() -> bool:
            with contextlib.suppress(OSError):  # nobody reads yet
                fifo = self.folder / f"held-{call}"
                held.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
            return bool(held)

        wait_until(is_held, PATIENCE_SECONDS, f"call {call} of the queue is at work")
        return held[0]

    def messages(self) -> list[QueuedMessage]:
        """Everything queued, in the order of arrival."""
        return self.queue.messages()

    def clear(self) -> None:
        """Empty the queue, forget the plans, and count from 1 again."""
        for entry in (self.queue.folder / "new").iterdir():
            shutil.rmtree(entry)
        for path in [*self.folder.glob("plan-*"), *self.folder.glob("held-*")]:
            path.unlink()
        self.plan_all("")
        for path in (self.folder / "calls").iterdir():
            path.unlink()


def release(held: int) -> None:
    """Let a held call go on."""
    os.write(held, b"\n")
    os.close(held)


@contextlib.contextmanager
def planned_queue() -> Iterator[PlannedQueue]:
    """A queue that every user may write to, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mwp", dir="/tmp"))
    try:
        with strict_queue("c") as queue:
            made = PlannedQueue(folder, queue)
            folder.chmod(0o755)
            (folder / "calls").mkdir()
            (folder / "calls").chmod(0o777)
            text = _PROGRAM.format(folder=folder, queue=queue.folder, program=queue.program)
            made.program.write_text(text)
            made.program.chmod(0o755)
            yield made
    finally:
        shutil.rmtree(folder)
