"""A fake Mailwarden daemon that speaks the gate protocol, scripted by each test.

A script is a function of one `Visit`: it says what the daemon says and does, in order.

    def script(visit: Visit) -> None:
        visit.say(Accepted())
        visit.read_arrival()
        visit.say(Received(), Exit(31))

    with GateDaemon(script) as daemon:
        ... run a client with MAILWARDEN_SOCKET=daemon.path ...
"""

import contextlib
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from mailwarden.wire.gate import PACKET_BYTES, Answer, encode_answer, parse_request

# Longer than any wait of a test; what takes longer is a failure.
PATIENCE_SECONDS = 30.0


class Visit:
    """One client's connection, seen by the daemon."""

    def __init__(self, stream: socket.socket) -> None:
        stream.settimeout(PATIENCE_SECONDS)
        self._stream = stream
        packet, self.descriptors, _, _ = socket.recv_fds(
            stream, PACKET_BYTES, 16, socket.MSG_CMSG_CLOEXEC
        )
        self.variables = parse_request(packet)

    def say(self, *answers: Answer) -> None:
        """Send each answer in a packet of its own."""
        for answer in answers:
            self.say_octets(encode_answer(answer))

    def say_octets(self, packet: bytes, *descriptors: int) -> None:
        """Send one packet, which need not be of the protocol, with descriptors attached."""
        socket.send_fds(self._stream, [packet], descriptors)

    def read_arrival(self) -> tuple[bytes, bytes]:
        """The message and then the envelope, each read to its end."""
        message, envelope = self.descriptors
        return _read_to_end(message), _read_to_end(envelope)

    def say_queue(self, message: bytes, envelope: bytes) -> None:
        """Have the client queue these."""
        with _file_holding(message) as message_file, _file_holding(envelope) as envelope_file:
            self.say_octets(b"Q", message_file, envelope_file)

    def is_gone(self, within_seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether the client closes its side in time."""
        self._stream.settimeout(within_seconds)
        try:
            return self._stream.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True

    def close(self) -> None:
        """End the connection, as a daemon does that is killed."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []
        self._stream.close()


class GateDaemon:
    """Listens while the context lasts, and runs the script for one client after the other.

    `visits` counts the clients; what a script raises is raised again when the context ends.
    """

    def __init__(self, script: Callable[[Visit], None]) -> None:
        self.visits = 0
        self._script = script
        self._folder = Path(tempfile.mkdtemp(prefix="gate-", dir="/tmp"))
        self.path = str(self._folder / "sock")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._failures: list[Exception] = []

    def __enter__(self) -> Self:
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_SECONDS)
        self._listener.close()
        shutil.rmtree(self._folder)
        if error is None and self._failures:
            raise self._failures[0]

    def _serve(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return  # the context ended
            self.visits += 1
            self._receive(stream)

    def _receive(self, stream: socket.socket) -> None:
        with stream:
            try:
                visit = Visit(stream)
                with contextlib.closing(visit):
                    self._script(visit)
            except Exception as failure:  # noqa: BLE001 - the test's own thread raises it again
                self._failures.append(failure)


def _read_to_end(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as stream:
        return stream.read()


@contextlib.contextmanager
def _file_holding(octets: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("arrival")
    os.write(descriptor, octets)
    os.lseek(descriptor, 0, os.SEEK_SET)
    yield descriptor
    os.close(descriptor)
