"""Messages as bytes: header fields, MIME parts as offsets, decodings, edits. Pure, no I/O.

Nothing here raises on what a message holds, and nothing is re-serialised: readers point into the
raw bytes, and every change is an `Edit` applied to them.
Start reading with `raw`, `headers`, then `parts`, which reads one way, `readings`, which reads
every way that some client does, and `leaves`, what comes out; `edits` is the writing side.
"""
