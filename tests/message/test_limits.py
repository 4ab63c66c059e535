import pytest

from mailwarden.message.limits import ReadingLimits


def test_limits_do_not_change_while_a_message_is_read() -> None:
    limits = ReadingLimits(header_bytes=1, header_fields=2, parts=3, depth=4)
    with pytest.raises(AttributeError):
        limits.parts = 5  # type: ignore[misc]
