"""The door for `mailwarden-queue`, qmail's QMAILQUEUE program (protocol: `wire.gate`).

`door` takes connections, receives, passes on and answers; `visit` is one connection.
"""
