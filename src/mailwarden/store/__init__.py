"""Records and the quarantine's index, in SQLite.

The message path never waits for this, but where a message is deleted: the record comes first.
Start reading with `schema`, then `writer`; `records` is what the pipeline sees.
"""
