"""Errands as the pipeline makes them, and settings of an outbox."""

from pathlib import Path

from mailwarden.settings.model import OutboxSettings, QueueSettings, Settings, StoreSettings
from mailwarden.verdict.errand import Errand, ErrandKind
from mailwarden.verdict.record import record_json
from support.records import record_of

ADMIN = "postmaster@example.net"
AT = 1_795_362_300.0


def notice(
    name: str = "one",
    *,
    at: float = AT,
    recipient: str = ADMIN,
    audience: str = "admin",
    topic: str = "virus:Test-Virus",
) -> Errand:
    """A notice about a virus."""
    content = {
        "audience": audience,
        "language": "en_GB",
        "admin": ADMIN,
        "admin_name": "System Anti-Virus Administrator",
        "templates": "",
        "prefix": "X-Mailwarden",
        "debug": False,
        "hostname": "first.example.net",
        "record": record_json(record_of(name, at=at)),
        "header": "Subject: a subject\n",
    }
    return Errand(name, at, ErrandKind.NOTICE, recipient, topic, content)


def forward(name: str, kept_as: str, fields: str = "", *, at: float = AT) -> Errand:
    """A quarantined spam for the address that learns."""
    content: dict[str, object] = {"kept_as": kept_as, "fields": fields, "from": ADMIN}
    return Errand(name, at, ErrandKind.FORWARD, "learn@example.net", "", content)


def late_copy(name: str, kept_as: str, *, at: float = AT) -> Errand:
    """A copy that the queue did not take."""
    return Errand(name, at, ErrandKind.REDELIVER, "", "", {"kept_as": kept_as})


def outbox_settings(
    database: Path, program: Path, command: tuple[str, ...] = (), **outbox: int
) -> Settings:
    """Settings of an outbox that sends through `program`, or `command` where there is one."""
    return Settings(
        queue=QueueSettings(program=program),
        store=StoreSettings(database=database),
        outbox=OutboxSettings.model_validate({"command": command, **outbox}),
    )
