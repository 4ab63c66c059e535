"""How much of a message the reader takes apart; hitting a limit is recorded, never an error."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """Caps that hold before anything is parsed.

    `header_bytes` and `header_fields` count for one header, `parts` and `depth` for the message.
    `depth` also bounds the length of paths (`1.1.1 ...`).
    """

    header_bytes: int
    header_fields: int
    parts: int
    depth: int
