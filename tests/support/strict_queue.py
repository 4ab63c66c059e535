"""The strict stand-in for qmail-queue: installs the program, reads what it queued."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_PARENT = Path("/tmp")
_HERE = Path(__file__).parent
_COMPILE_SECONDS = 60

Language = Literal["python", "c"]


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    r"""One message of the queue, its envelope raw (`F...\0T...\0\0`).

    `descriptors` says what was open as the program began.
    """

    message: bytes
    envelope: bytes
    environment: dict[str, str]
    descriptors: dict[int, str]
    pid: int


@dataclass(frozen=True, slots=True)
class StrictQueue:
    """A queue folder and the program that fills it."""

    program: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the program needs."""
        return {"STRICT_QUEUE_DIR": str(self.folder)}

    def messages(self) -> list[QueuedMessage]:
        """Everything queued, in the order of arrival."""
        entries = (self.folder / "new").iterdir()
        return [_read(entry) for entry in sorted(entries, key=lambda entry: entry.name)]

    def only_message(self) -> QueuedMessage:
        """The one message that is there, with nothing half-done beside it."""
        assert not self.leftovers()
        (message,) = self.messages()
        return message

    def is_empty(self) -> bool:
        """Nothing queued and nothing half-done."""
        return not self.leftovers() and not self.messages()

    def leftovers(self) -> list[str]:
        """Entries that were begun and not finished."""
        return [entry.name for entry in (self.folder / "tmp").iterdir()]


@contextlib.contextmanager
def strict_queue(language: Language = "python", parent: Path = _PARENT) -> Iterator[StrictQueue]:
    """A fresh queue that every user of the machine may write to, removed at the end.

    It lives in a short folder of its own, because SMTP servers run as users who cannot enter
    pytest's folders. `parent` is where that folder is made.
    """
    folder = Path(tempfile.mkdtemp(prefix="mwq", dir=parent))
    try:
        folder.chmod(0o755)
        for name in ("tmp", "new"):
            (folder / name).mkdir()
            (folder / name).chmod(0o777)
        yield StrictQueue(install_strict_queue(folder / "qmail-queue", language), folder)
    finally:
        shutil.rmtree(folder)


def install_strict_queue(target: Path, language: Language) -> Path:
    """Put the program at `target`, ready to run."""
    if language == "c":
        return compile_strict_queue(target)
    source = (_HERE / "strict_queue_program.py").read_text()
    _, _, body = source.partition("\n")
    target.write_text(f"#!{_interpreter()} -IS\n{body}")
    target.chmod(0o755)
    return target


def compile_strict_queue(target: Path) -> Path:
    """Compile the C version to `target`."""
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(
        ["cc", *flags, "-o", target, _HERE / "strict-queue.c"],
        check=True,
        timeout=_COMPILE_SECONDS,
    )
    return target


def _interpreter() -> str:
    # Not the virtual environment's link: another user may not be able to follow it.
    return os.path.realpath(sys.executable)


def _read(entry: Path) -> QueuedMessage:
    variables = (entry / "environment").read_bytes().split(b"\0")[:-1]
    pairs = (os.fsdecode(variable).partition("=") for variable in variables)
    lines = (line.partition(" ") for line in (entry / "descriptors").read_text().splitlines())
    return QueuedMessage(
        message=(entry / "message").read_bytes(),
        envelope=(entry / "envelope").read_bytes(),
        environment={name: value for name, _, value in pairs},
        descriptors={int(number): target for number, _, target in lines},
        pid=int(entry.name.partition(".")[2]),
    )
