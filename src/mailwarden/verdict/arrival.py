"""One message as it came: envelope, origin, raw bytes."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from mailwarden.message.raw import Raw
from mailwarden.wire.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent a message to us, told by the environment that the SMTP server was started with.

    An absent variable is not an empty one: `RELAYCLIENT=""` makes a relay client (facts 1.5).
    `uid` and `pid` are the client process's, as the kernel says.
    """

    variables: Mapping[str, bytes] = field(default_factory=dict)
    uid: int = 0
    pid: int = 0

    @property
    def address(self) -> str:
        """The client's IP address as text; a local process counts as 127.0.0.1 (facts 1.5)."""
        return self._text("TCPREMOTEIP") or "127.0.0.1"

    @property
    def host(self) -> str:
        """The client's host name where the server looked it up, else its address."""
        return self._text("TCPREMOTEHOST") or self.address

    @property
    def is_relay_client(self) -> bool:
        """RELAYCLIENT is defined, even empty."""
        return "RELAYCLIENT" in self.variables

    @property
    def is_localhost(self) -> bool:
        """The message came from this machine: loopback, or no network at all."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)

    @property
    def asks_spam_scoring(self) -> bool:
        """QS_SPAMASSASSIN="on": score although the client may relay or is this machine."""
        return self.variables.get("QS_SPAMASSASSIN", b"").lower() == b"on"

    @property
    def is_never_rejected(self) -> bool:
        """This machine, or a secondary MX marked by SA_ONLYDELETE_HOST: delete, do not reject."""
        return self.is_localhost or "SA_ONLYDELETE_HOST" in self.variables

    @property
    def is_exempt_from_structure_checks(self) -> bool:
        """BMC_WHITELIST="on": this client's generator breaks MIME, and we know."""
        return self.variables.get("BMC_WHITELIST", b"").lower() == b"on"

    def _text(self, name: str) -> str:
        return self.variables.get(name, b"").decode("ascii", "replace")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it came; `at` is seconds since the epoch when it was complete.

    `raw` holds the exact bytes; when the message was larger than may be kept, only its beginning,
    and `size_bytes` still says how large it was.
    """

    id: str
    envelope: Envelope
    origin: Origin
    raw: Raw
    size_bytes: int
    at: float
