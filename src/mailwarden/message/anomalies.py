"""Something about a message's form that two readers could take differently, with a stable code."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One oddity of form: `code` is stable (`bare-cr`), `part` is the part's path."""

    code: str
    part: str = ""
