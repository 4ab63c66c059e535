"""The two errors that a codec can raise."""


class PeerError(Exception):
    """What the other side sent is not the protocol; the text says where, and quotes no content."""


class UsageError(Exception):
    """Our own code asked a codec for something that the protocol cannot say."""
