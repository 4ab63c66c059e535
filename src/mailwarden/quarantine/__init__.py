"""The quarantine: messages kept exact to the byte, with their envelopes beside them.

    <directory>/{viruses,policy,spam}/{tmp,new,cur}/<id>     the message, nothing added
    <directory>/envelopes/<id>.json                          the slip: envelope, facts, reasons

What is on the disk, and what a crash at each point leaves:

    1  tmp/<id> half written            not ours yet; swept away a day later
    2  tmp/<id> whole, no slip          the same
    3  envelopes/<id>.json, no message  the same
    4  new/<id> and the slip, synced    kept; only now may success be answered

Releasing and deleting take the message away first, then the slip (back through 3).
Start reading with `folder` (files), then `keeper` (for the pipeline), `release` (for people).
The index in the database can be made anew from the slips: `index`.
"""
