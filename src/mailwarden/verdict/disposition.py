"""What becomes of a message: the six dispositions, and their order."""

from enum import IntEnum


class Disposition(IntEnum):
    """What becomes of a message for a recipient; the greater, the more severe.

    Each finding and each fault asks for one, and the most severe wins (DESIGN section 3).
    """

    ACCEPT = 0
    TAG = 1
    DEFER = 2
    QUARANTINE = 3
    REJECT = 4
    DELETE = 5

    @property
    def word(self) -> str:
        """The disposition as settings, records and people write it."""
        return self.name.lower()


def parse_disposition(word: str) -> Disposition:
    """Read a disposition's word; raises `ValueError` that names the allowed ones."""
    try:
        return Disposition[word.upper()]
    except KeyError:
        allowed = ", ".join(disposition.word for disposition in Disposition)
        raise ValueError(f"expected one of {allowed}") from None
