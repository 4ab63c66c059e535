"""Messages as bytes: header fields, MIME parts as offsets, decodings, edits. Pure, no I/O.

Nothing here raises on what a message holds, and nothing is re-serialised: readers point into the
raw bytes, and every change is an `Edit` applied to them.
Start reading with `raw`, `headers`, then `parts`; `edits` is the writing side.
"""
