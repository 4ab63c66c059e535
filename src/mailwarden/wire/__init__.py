"""Protocols as bytes <-> events, one codec a file, no input or output.

A codec raises `PeerError` when the other side broke the protocol and `UsageError` when we did,
and nothing else (h11's habit).
Sockets, timeouts and retries live in `net` and in the adapters, never here.
Start reading with `envelope` (the smallest), then `gate` (what `mailwarden-queue` speaks).
"""
