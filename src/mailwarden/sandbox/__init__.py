"""Helper processes in which unpacking runs, and the daemon's side of them (DESIGN section 2).

A worker starts one *nursery* (`nursery`), which imports every opener once and forks a *child* for
each payload (`child`), some ahead of need: the child locks itself in (`confinement`: `rlimits`,
`landlock`, `seccomp`), waits for its one task, unpacks, writes what it found into a memory file,
and ends. Nothing of one message reaches the next.
Nothing that a child says is believed before it is dead and its file sealed (`output`).

What a format is and how it is opened lives in `unpack`; here nothing is parsed but our own words
(`messages`). Start reading with `unpacker`, the daemon's side.
"""
