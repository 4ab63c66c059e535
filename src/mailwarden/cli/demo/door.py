"""The demo's SMTP server: runs the queue program for each message, as qmail-smtpd does.

aiosmtpd speaks SMTP; what is here is qmail's side: two pipes, the environment, exit codes.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from mailwarden.wire.envelope import Envelope as QueueEnvelope
from mailwarden.wire.envelope import encode_envelope

# An address that documentation may use (RFC 5737): what comes from this machine itself would be
# neither scored nor rejected, and the demo is about mail from outside.
OUTSIDE_ADDRESS = "192.0.2.25"
_QUEUE_SECONDS = 120.0
_PERMANENT = range(11, 41)


class QueueHandler:
    """Hands each message to `program`, started with `environment`."""

    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        self._program = program
        self._environment = {**environment, "TCPREMOTEIP": OUTSIDE_ADDRESS}

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name for it
        self,
        server: SMTP,  # noqa: ARG002 - aiosmtpd's signature
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        """Answer as qmail-smtpd would for the program's exit code."""
        content = envelope.content
        octets = content if isinstance(content, bytes) else (content or "").encode()
        sender = (envelope.mail_from or "").encode()
        recipients = tuple(address.encode() for address in envelope.rcpt_tos)
        # qmail-smtpd stores lines as LF.
        code = await self._run(
            octets.replace(b"\r\n", b"\n"), encode_envelope(QueueEnvelope(sender, recipients))
        )
        return _reply(code)

    async def _run(self, message: bytes, envelope: bytes) -> int:
        message_read, message_write = os.pipe()
        envelope_read, envelope_write = os.pipe()
        process = await asyncio.create_subprocess_exec(
            str(self._program),
            stdin=message_read,
            stdout=envelope_read,
            env=self._environment,
        )
        os.close(message_read)
        os.close(envelope_read)
        await asyncio.to_thread(_feed, message_write, message)
        await asyncio.to_thread(_feed, envelope_write, envelope)
        async with asyncio.timeout(_QUEUE_SECONDS):
            return await process.wait()


def _feed(descriptor: int, octets: bytes) -> None:
    with open(descriptor, "wb") as pipe, suppress(BrokenPipeError):
        pipe.write(octets)


def _reply(code: int) -> str:
    """The text of stock qmail for an exit code of its queue program (facts 1.2)."""
    if code == 0:
        return "250 ok"
    if code in _PERMANENT:
        return "554 mail server permanently rejected message (#5.3.0)"
    return "451 mail server temporarily rejected message (#4.3.0)"
