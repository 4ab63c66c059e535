"""Bytes in and out: connections with deadlines, descriptors, messages in memory and in the spool.

No protocol is known here, only `wire.errors`.
Start reading with `connection`, then `peers`; `settings.addresses` says how an address is written.
`descriptors` passes them between processes, `intake` receives a message, `payload` holds it.
"""
