"""This machine once more, to change at will: every file is the real one until it is written to.

    with private_machine() as machine:
        machine.run("mailwarden", "setup")

A mount namespace with an overlay of / whose upper layer is memory; /tmp, /run and /dev/shm are
empty, /proc shows only its own processes, and nothing started in it outlives it. Needs root.
"""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# It is there, to be read, even where the checkout itself is in /tmp.
_CHECKOUT = Path(__file__).parents[2]
_START_SECONDS = 30
_RUN_SECONDS = 120
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
# What holds the namespace: it ends with its standard input, and with it everything inside.
# The overlay's folders lie in a tmpfs, because an overlay cannot be another one's upper layer.
_HOLDER = r"""
set -e
mount -t tmpfs -o mode=755 private "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" private root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs -o mode=1777 private root/tmp
mount -t tmpfs -o mode=755 private root/run
case "$2" in
/tmp/*) mkdir -p "root$2"; mount --bind "$2" "root$2"; mount -o remount,bind,ro "root$2" ;;
esac
exec chroot root sh -c 'echo ready; cat >/dev/null'
"""


@dataclass(frozen=True, slots=True)
class PrivateMachine:
    """A running private machine; `pid` is of the process that holds it, as seen from outside."""

    pid: int

    @property
    def root(self) -> Path:
        """Its root directory, as seen from outside; never follow its absolute links."""
        return Path(f"/proc/{self.pid}/root")

    def words(self, *words: str | Path) -> list[str]:
        """The command line that runs a program in it."""
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--root", "--wd"]
        return [*enter, "--", *map(str, words)]

    def run(self, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program in it to its end."""
        return subprocess.run(
            self.words(*words),
            env={"PATH": _PATH, "LC_ALL": "C.UTF-8", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )

    def must(self, *words: str | Path, **variables: str) -> str:
        """Run a program that has to succeed; what it printed."""
        done = self.run(*words, **variables)
        assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{_said(done)}"
        return done.stdout


@contextlib.contextmanager
def private_machine() -> Iterator[PrivateMachine]:
    """A private machine until the end of the test."""
    assert os.geteuid() == 0, "mounting needs root"
    with tempfile.TemporaryDirectory(prefix="mwm", dir="/tmp") as folder:
        holder = subprocess.Popen(
            [*_UNSHARE, "sh", "-c", _HOLDER, "sh", folder, str(_CHECKOUT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert holder.stdin
        assert holder.stdout
        try:
            assert holder.stdout.readline() == b"ready\n"
            yield PrivateMachine(_only_child(holder.pid))
        finally:
            holder.stdin.close()
            holder.stdout.close()
            holder.wait(_START_SECONDS)


def _only_child(pid: int) -> int:
    """unshare forks, and its child is the first process of the new namespace."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr
