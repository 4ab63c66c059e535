"""Mailwarden, the content gate for mail servers.

Start reading in `ARCHITECTURE.md`, then in the package docstrings, from the inside out:
`message` and `wire` (bytes), `unpack`, `verdict` (deciding), `settings` and `ports`,
`net` and `store`, `pipeline` (the one path), the adapters, `daemon`, `cli`.
"""

__version__ = "0.1.0"
