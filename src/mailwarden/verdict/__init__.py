"""Deciding, as pure functions over values: what was found, what follows, what is answered.

Nothing here reads a clock, a file or a socket; the same report and profile give the same decision.
Start reading with `report` (what was found), then `decide`, then `reply`.
"""
