"""Bytes to and from peers: connections with deadlines, descriptor passing.

No protocol is known here.
Start reading with `connection`, then `peers`; `settings.addresses` says how an address is written.
"""
