"""sa-alt: always fast, no temporary file, no user name told; and fast against verbose.

What goes to spamd and comes back passes a wire that the tests listen to; spamd is the real one.
"""

import contextlib
import socket
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.clamd import Clamd
from support.commands import command, run
from support.seed import Site, scored, site
from support.spamd import Spamd

# Her own required score is 3.0 points, everybody else's is 6.5 (`support.spamd`).
ALICE = "alice@example.com"
PER_USER = '\n[[profile]]\nmatch = ["{address}"]\nspam.user_is_recipient = true\n'


@dataclass(slots=True)
class Wire:
    """Passes conversations on to spamd; knows what was said, and which files there were then."""

    path: Path
    spamd: Path
    site: Site | None = None
    requests: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        """Until the listener is shut down."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                self.requests.append(read_to_end(client))
                self.files += spool_files(self.site) if self.site else []
                self.answers.append(self.ask(self.requests[-1]))
                client.sendall(self.answers[-1])

    def ask(self, request: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as spamd:
            spamd.connect(str(self.spamd))
            spamd.sendall(request)
            spamd.shutdown(socket.SHUT_WR)
            return read_to_end(spamd)

    def forget(self) -> None:
        for heard in (self.requests, self.answers, self.files):
            heard.clear()


def spool_files(running: Site) -> Iterator[str]:
    """What is in the spool by name, and what the gate has open there without one."""
    spool = running.folder / "spool"
    yield from (str(path) for path in spool.rglob("*") if path.is_file())
    for pid in running.gate.worker_pids():
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                target = descriptor.readlink()
                if target.is_relative_to(spool) and not target.is_dir():
                    yield str(target)


def read_to_end(stream: socket.socket) -> bytes:
    return b"".join(iter(lambda: stream.recv(65_536), b""))


@pytest.fixture(scope="module")
def shared_wire(spamd: Spamd) -> Iterator[Wire]:
    wire = Wire(spamd.directory / "wire", spamd.directory / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(wire.path))
        listener.listen()
        thread = threading.Thread(target=wire.serve, args=(listener,))
        thread.start()
        yield wire
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def shared(clamd: Clamd, spamd: Spamd, shared_wire: Wire) -> Iterator[Site]:
    sections = {"spamd": {"addresses": [f"unix:{shared_wire.path}"]}}
    more = PER_USER.format(address=ALICE)
    with site(clamd, spamd, sections=sections, more=more) as running:
        shared_wire.site = running
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    shared.gate.clear()
    return shared


@pytest.fixture
def wire(shared_wire: Wire) -> Wire:
    shared_wire.forget()
    return shared_wire


def delivered(running: Site, message: bytes, *recipients: str) -> bytes:
    assert running.run(message, *recipients) == 0
    return running.gate.queue.only_message().message


def head_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[0]


def mode_of(options: str) -> str | None:
    """The mode that a configure line is imported as; nothing where it is the default."""
    done = run(command("config", "import", "--configure", f"./configure {options}"))
    mode: str | None = tomllib.loads(done.out).get("spamd", {}).get("mode")
    return mode


def test_22_1_it_always_works_in_fast_mode(wire: Wire, running: Site) -> None:
    message = delivered(running, scored("7.0", body=b"the content of the message\n"))
    assert b"\nX-Spam-Status: Yes, score=7.0 required=6.5" in message
    (request,), (answer,) = wire.requests, wire.answers
    assert b"the content of the message" in request
    assert b"the content of the message" not in answer


def test_22_2_it_creates_no_temporary_file(wire: Wire, running: Site) -> None:
    delivered(running, scored("7.0", body=b"a line of text\n" * 10_000))
    assert len(wire.requests) == 1
    assert wire.files == []


def test_22_3_it_tells_spamd_no_user_name(wire: Wire, running: Site) -> None:
    delivered(running, scored("7.0"))
    (request,) = wire.requests
    assert b"user" not in head_of(request).lower()


def test_22_4_who_needs_settings_of_each_user_enables_the_user_name(
    wire: Wire, running: Site
) -> None:
    message = delivered(running, scored("4.0"), ALICE)
    assert b"\nX-Spam-Status: Yes, score=4.0 required=3.0" in message
    (request,) = wire.requests
    assert f"\r\nUser: {ALICE}".encode() in head_of(request)
    running.gate.clear()
    assert b"\nX-Spam-Status: No, score=4.0 required=6.5" in delivered(running, scored("4.0"))


def test_22_5_always_means_always_and_for_verbose_you_have_to_disable_it() -> None:
    assert mode_of("--sa-alt yes --scanners clamdscan,verbose_spamassassin") is None
    assert mode_of("--sa-alt no --scanners clamdscan,verbose_spamassassin") == "verbose"


def test_22_6_fast_takes_the_score_and_verbose_the_fields_of_spamassassin(running: Site) -> None:
    """And to switch you don't need to configure again: edit the file."""
    fast = delivered(running, scored("7.0"))
    running.gate.clear()
    running.edit("[spamd]\n", '[spamd]\nmode = "verbose"\n')
    running.reload()
    verbose = delivered(running, scored("7.0"))
    running.gate.clear()
    running.edit('[spamd]\nmode = "verbose"\n', "[spamd]\n")
    running.reload()
    again = delivered(running, scored("7.0"))
    for message, is_verbose in ((fast, False), (verbose, True), (again, False)):
        assert b"\nX-Spam-Level: *******\n" in message
        assert (b"\nX-Spam-Checker-Version: SpamAssassin " in message) == is_verbose
        assert (b"\nX-Spam-Flag: YES\n" in message) == is_verbose
